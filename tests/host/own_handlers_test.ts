import assert from "node:assert/strict";
import { z } from "zod";
import { linkedPair, McpServer } from "../../mod.ts";
import {
  connectV1,
  connectV2,
  type Loose,
  type TestClient,
  textOf,
} from "../support/clients.ts";
import { eventually } from "../support/eventually.ts";
import {
  StreamableHTTPClientTransport,
} from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const quiet = { log: () => {} };

async function connected(
  server: McpServer,
  era: "modern" | "legacy" | "v1",
  setup: Loose = {},
): Promise<TestClient> {
  const [near, far] = linkedPair();
  await server.connect(far);
  return era === "v1"
    ? await connectV1(near, setup)
    : await connectV2(near, era, setup);
}

/** Parameters that MCP's own methods refuse, whoever answers them. */
const WRONG: [method: string, params: Loose, names: RegExp][] = [
  ["tools/call", {}, /name/],
  ["tools/call", { name: 3 }, /name/],
  ["tools/call", { name: "a", arguments: [] }, /arguments/],
  ["tools/list", { cursor: 7 }, /cursor/],
  ["prompts/list", { cursor: {} }, /cursor/],
  ["prompts/get", { name: "a", arguments: { n: 3 } }, /arguments\.n/],
  ["resources/list", { cursor: [] }, /cursor/],
  ["resources/templates/list", { cursor: 1 }, /cursor/],
  ["resources/read", { uri: 5 }, /uri/],
  ["completion/complete", { ref: { type: "ref/prompt" } }, /argument/],
  [
    "completion/complete",
    { ref: {}, argument: { name: "a", value: "" } },
    /ref\.type/,
  ],
];

for (const [method, params, names] of WRONG) {
  const what = `${method} ${JSON.stringify(params)}`;
  Deno.test(`a method's own handler gets no parameters that MCP refuses: ${what}`, async () => {
    await using server = new McpServer(
      { name: "own", version: "1.0.0" },
      quiet,
    );
    let ran = false;
    server.server.setRequestHandler(method, () => {
      ran = true;
      return {};
    });
    await assert.rejects(server.call(method, params), {
      code: -32602,
      message: names,
    });
    assert.equal(ran, false);
  });
}

Deno.test("what a handler of one's own lists, the official clients take, in both eras", async () => {
  const lists: Record<string, Loose> = {
    "tools/list": { tools: [{ name: "t", inputSchema: { type: "object" } }] },
    "prompts/list": { prompts: [{ name: "p" }] },
    "resources/list": { resources: [{ uri: "a://b", name: "r" }] },
    "resources/templates/list": { resourceTemplates: [] },
    "resources/read": { contents: [{ uri: "a://b", text: "x" }] },
  };
  await using server = new McpServer({ name: "own", version: "1.0.0" }, {
    ...quiet,
    capabilities: { tools: {}, prompts: {}, resources: {} },
    cacheHints: { "prompts/list": { ttlMs: 5_000, cacheScope: "public" } },
  });
  for (const [method, result] of Object.entries(lists)) {
    server.server.setRequestHandler(method, () => result);
  }
  for (const era of ["modern", "legacy", "v1"] as const) {
    const client = await connected(server, era);
    const { raw } = client;
    assert.equal((await raw.listTools()).tools.length, 1);
    assert.equal((await raw.listPrompts()).prompts.length, 1);
    assert.equal((await raw.listResources()).resources.length, 1);
    assert.equal((await raw.readResource({ uri: "a://b" })).contents.length, 1);
    for (const [method, result] of Object.entries(lists)) {
      const got = await client.ask(
        method,
        method === "resources/read" ? { uri: "a://b" } : {},
      );
      const hint = method === "prompts/list"
        ? { ttlMs: 5_000, cacheScope: "public" }
        : { ttlMs: 0, cacheScope: "private" };
      const { _meta: _, resultType: __, ...rest } = got;
      assert.deepEqual(
        rest,
        era === "modern" ? { ...hint, ...result } : result,
      );
    }
    await client.close();
  }
});

Deno.test("an initialize of one's own keeps the session that it has opened", async () => {
  await using server = new McpServer({ name: "own", version: "1.0.0" }, quiet);
  server.server.setRequestHandler("initialize", ({ params }) => ({
    protocolVersion: params.protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "mine", version: "9" },
  }));
  server.registerTool("who", {}, (ctx) => ({
    client: ctx.clientInfo?.name,
    can: ctx.clientCapabilities,
  }));
  const client = await connectV1(
    new StreamableHTTPClientTransport(new URL("http://localhost/mcp"), {
      fetch: async (url: URL | string, init?: RequestInit) =>
        await server.fetch(new Request(url, init)),
    }),
    { capabilities: { roots: {} } },
  );
  assert.equal(client.raw.getServerVersion().name, "mine");
  // Where v1's authors look for it outside a handler.
  assert.equal(
    server.server.transport?.sessionId,
    client.transport.sessionId,
  );
  const { structuredContent } = await client.tool("who");
  assert.deepEqual(structuredContent, {
    client: "v1-client",
    can: { roots: {} },
  });
  await assert.rejects(
    server.call("initialize", {}),
    { code: -32601 },
  );
  await client.close();
});

Deno.test("the _meta of a handler of one's own is free of MCP's own keys", async () => {
  await using server = new McpServer({ name: "own", version: "1.0.0" }, quiet);
  server.server.setRequestHandler("shop/buy", ({ params }, ctx) => ({
    params,
    meta: ctx._meta ?? null,
  }));
  const bare = await server.call("shop/buy", { item: 1 });
  assert.deepEqual(bare.params, { item: 1 });
  const meta = { "example.com/till": 3, progressToken: "p" };
  const full = await server.call("shop/buy", { item: 1, _meta: meta });
  assert.deepEqual(full.params, { item: 1, _meta: meta });
  assert.deepEqual(full.meta, meta);
});

Deno.test("a handler of one's own may ask, in both eras", async () => {
  await using server = new McpServer({ name: "own", version: "1.0.0" }, {
    ...quiet,
    capabilities: { tools: {} },
  });
  server.server.setRequestHandler("tools/call", async (_request, ctx) => {
    const answer = await ctx.elicit({
      message: "?",
      requestedSchema: z.object({ sure: z.boolean() }),
    });
    return { content: [{ type: "text", text: answer.action }] };
  });
  for (const era of ["modern", "legacy", "v1"] as const) {
    const client = await connected(server, era, {
      capabilities: { elicitation: {} },
      answers: {
        "elicitation/create": () => ({
          action: "accept",
          content: { sure: true },
        }),
      },
    });
    const { content } = await client.tool("any");
    assert.equal(content[0].text, "accept");
    await client.close();
  }
});

Deno.test("onerror hears of what goes wrong outside requests", async () => {
  await using server = new McpServer({ name: "own", version: "1.0.0" }, quiet);
  const heard: string[] = [];
  server.server.onerror = ({ message }) => heard.push(message);
  server.server.oninitialized = () => Promise.reject(new Error("not ready"));
  server.server.setNotificationHandler(
    "notifications/roots/list_changed",
    () => {
      throw new Error("no roots");
    },
  );
  server.server.setNotificationHandler(
    "shop/closed",
    { params: z.object({ till: z.number() }) },
    () => {},
  );
  const [near, far] = linkedPair();
  await server.connect(far);
  const client = await connectV1(near, {
    capabilities: { roots: { listChanged: true } },
  });
  await client.raw.sendRootsListChanged();
  await near.send({ jsonrpc: "2.0", method: "shop/closed", params: {} });
  await near.send({ jsonrpc: "2.0", id: 4711, result: {} });
  far.onerror?.(new Error("the wire broke"));
  await eventually(() => heard.length === 5);
  for (
    const says of [/not ready/, /no roots/, /till/, /4711/, /the wire broke/]
  ) assert.ok(heard.some((each) => says.test(each)), String(says));
  await client.close();
});

for (const era of ["legacy", "modern"] as const) {
  Deno.test(`what nothing else answers or hears goes to the fallbacks (${era})`, async () => {
    const server = new McpServer({ name: "own", version: "1.0.0" }, {
      log: () => {},
    });
    server.registerTool("known", {}, () => "known");
    const low = server.server;
    const heard: string[] = [];
    low.fallbackNotificationHandler = ({ method }) => void heard.push(method);
    const [near, far] = linkedPair();
    await low.connect(far);
    const client = await connectV2(near, era);
    await assert.rejects(client.ask("own/thing"), /not found/i);
    low.fallbackRequestHandler = ({ method, params }, ctx) => ({
      method,
      given: params.given,
      id: ctx.mcpReq.id,
    });
    const { method, given, id } = await client.ask("own/thing", { given: 1 });
    assert.deepEqual([method, given], ["own/thing", 1]);
    assert.notEqual(id, undefined);
    assert.equal(textOf(await client.tool("known")), "known");
    await client.raw.notification({ method: "notifications/own" });
    await eventually(() => heard.includes("notifications/own"));
    assert(!heard.includes("notifications/initialized"), heard.join());
    low.fallbackRequestHandler = undefined;
    await assert.rejects(client.ask("own/thing"), /not found/i);
    await client.close();
    await low.close();
    assert.equal(low.transport, undefined);
  });
}

Deno.test("a method with a handler of one's own says so before it is replaced", async () => {
  await using server = new McpServer({ name: "own", version: "1.0.0" });
  const low = server.server;
  low.assertCanSetRequestHandler("own/thing");
  low.setRequestHandler("own/thing", () => ({}));
  assert.throws(
    () => low.assertCanSetRequestHandler("own/thing"),
    /own\/thing already exists/,
  );
  low.removeRequestHandler("own/thing");
  low.assertCanSetRequestHandler("own/thing");
});
