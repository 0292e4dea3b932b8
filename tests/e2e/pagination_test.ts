import assert from "node:assert/strict";
import { McpServer, ResourceTemplate } from "../../mod.ts";
import type { Loose, TestClient } from "../support/clients.ts";
import { connectHttp, connectMemory, LEGS, listen } from "../support/legs.ts";

/** One of several replicas: the same registrations, in the same order. */
function replica(): McpServer {
  const server = new McpServer({ name: "paged", version: "1.0.0" }, {
    pageSize: 3,
    log: () => {},
  });
  for (let n = 0; n < 10; n++) {
    server.registerTool(`tool_${n}`, {}, () => n);
    server.registerPrompt(`prompt_${n}`, {}, () => `${n}`);
    server.registerResource(`fixed_${n}`, `fixed://${n}`, {}, () => `${n}`);
    server.registerResource(
      `family_${n}`,
      new ResourceTemplate(`family${n}://{id}`, {
        list: () => ({
          resources: [{ uri: `family${n}://only`, name: `only ${n}` }],
        }),
      }),
      {},
      () => `${n}`,
    );
  }
  return server;
}

const LISTS: [method: string, field: string, entries: number][] = [
  ["tools/list", "tools", 10],
  ["prompts/list", "prompts", 10],
  ["resources/list", "resources", 20],
  ["resources/templates/list", "resourceTemplates", 10],
];

/** Reads a list page by page, each from the next of the clients. */
async function readPages(
  clients: TestClient[],
  method: string,
  field: string,
): Promise<Loose[][]> {
  const pages: Loose[][] = [];
  let cursor: string | undefined;
  do {
    const client = clients[pages.length % clients.length];
    const page = await client.ask(
      method,
      cursor === undefined ? {} : { cursor },
    );
    pages.push(page[field]);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return pages;
}

for (const leg of LEGS.filter(({ place }) => place === "memory")) {
  Deno.test(`cursors hold across replicas (${leg.name})`, async () => {
    await using one = replica();
    await using two = replica();
    await using first = await connectMemory(leg, one);
    await using second = await connectMemory(leg, two);
    for (const [method, field, entries] of LISTS) {
      const pages = await readPages([first, second], method, field);
      assert.ok(pages.every((page) => page.length <= 3));
      assert.equal(pages.length, Math.ceil(entries / 3));
      const names = pages.flat().map(({ name }) => name);
      assert.equal(new Set(names).size, entries, method);
    }
  });
}

for (const leg of LEGS.filter(({ place }) => place === "http")) {
  Deno.test(`lists come in pages over HTTP (${leg.name})`, async () => {
    await using server = replica();
    await using running = await listen(server);
    await using client = await connectHttp(leg, running.url);
    const pages = await readPages([client], "tools/list", "tools");
    assert.deepEqual(pages.map(({ length }) => length), [3, 3, 3, 1]);
    await assert.rejects(
      client.ask("tools/list", { cursor: "no cursor of ours" }),
      { code: -32602 },
    );
    if (leg.generation === "v2") {
      const { tools } = await client.raw.listTools();
      assert.equal(tools.length, 10, "the v2 client puts the pages together");
    }
  });
}

Deno.test("a cursor survives a change of the list", async () => {
  await using server = replica();
  const page = await server.call("tools/list");
  server.registerTool("aardvark", {}, () => "late");
  const next = await server.call("tools/list", { cursor: page.nextCursor });
  assert.deepEqual(
    (next.tools as Loose[]).map(({ name }) => name),
    ["tool_3", "tool_4", "tool_5"],
  );
});
