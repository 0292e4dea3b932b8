import assert from "node:assert/strict";
import fc from "fast-check";
import { McpServer } from "../../mod.ts";

function serverOf(names: string[], pageSize: number): McpServer {
  const server = new McpServer({ name: "test", version: "1.0.0" }, {
    pageSize,
    log: () => {},
  });
  for (const name of names) server.registerTool(name, {}, () => name);
  return server;
}

async function page(server: McpServer, cursor?: string) {
  const { tools, nextCursor } = await server.call(
    "tools/list",
    cursor === undefined ? {} : { cursor },
  );
  return {
    names: (tools as { name: string }[]).map(({ name }) => name),
    nextCursor: nextCursor as string | undefined,
  };
}

Deno.test("pages put together are the list, in order, whatever the page size", async () => {
  await fc.assert(fc.asyncProperty(
    fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), {
      minLength: 1,
      maxLength: 30,
    }),
    fc.integer({ min: 1, max: 12 }),
    async (names, pageSize) => {
      // Every page comes from another replica with the same registrations.
      const replicas = [serverOf(names, pageSize), serverOf(names, pageSize)];
      const seen: string[] = [];
      let cursor: string | undefined;
      let turn = 0;
      do {
        const next = await page(replicas[turn++ % 2], cursor);
        assert.ok(next.names.length <= pageSize);
        seen.push(...next.names);
        cursor = next.nextCursor;
      } while (cursor !== undefined);
      assert.deepEqual(seen, names);
    },
  ));
});

Deno.test("a cursor survives a change before it, and is refused once its entry is gone", async () => {
  const server = serverOf(["a", "b", "c", "d"], 2);
  const { nextCursor } = await page(server);
  const early = serverOf(["z", "a", "b", "c", "d"], 2);
  assert.deepEqual((await page(early, nextCursor)).names, ["c", "d"]);
  const gone = serverOf(["a", "c", "d"], 2);
  await assert.rejects(
    page(gone, nextCursor),
    /cursor is not one of this list/,
  );
});

Deno.test("a cursor that is none is refused", async () => {
  const server = serverOf(["a", "b"], 1);
  for (const cursor of ["", "!!!", "AAAA", btoa("9 nobody"), 7, null, {}]) {
    await assert.rejects(
      server.call("tools/list", { cursor }),
      /cursor is not one of this list/,
    );
  }
});
