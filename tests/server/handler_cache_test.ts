import assert from "node:assert/strict";
import { z } from "zod";
import { type HandlerCacheOptions, McpServer, MemoryCache } from "../../mod.ts";

function countingServer(cache: HandlerCacheOptions): {
  server: McpServer;
  runs: () => number;
} {
  let runs = 0;
  const server = new McpServer({ name: "test", version: "1.0.0" }, {
    log: () => {},
  });
  server.registerTool("square", {
    inputSchema: z.object({ n: z.number(), note: z.string().optional() }),
    annotations: { readOnlyHint: true },
    cache,
  }, async ({ n }, ctx) => {
    runs++;
    await ctx.progress(1);
    await Promise.resolve();
    if (n < 0) throw new Error("negative");
    if (n === 0) return { content: [], isError: true };
    return n * n;
  });
  server.registerResource("now", "clock://now", { cache }, () => {
    runs++;
    return String(runs);
  });
  return { server, runs: () => runs };
}

const ada = { token: "a", clientId: "ada", scopes: [] };
const bob = { token: "b", clientId: "bob", scopes: [] };

function square(
  server: McpServer,
  args: Record<string, unknown>,
  authInfo = ada,
) {
  return server.call("tools/call", { name: "square", arguments: args }, {
    authInfo,
  });
}

Deno.test("a cached tool runs once per arguments and caller, whatever their order", async () => {
  const { server, runs } = countingServer({ ttlMs: 1_000 });
  const results = await Promise.all([
    square(server, { n: 3, note: "x" }),
    square(server, { note: "x", n: 3 }),
  ]);
  for (const { content } of results) {
    assert.deepEqual(content, [{ type: "text", text: "9" }]);
  }
  assert.equal(runs(), 1);
  await square(server, { n: 3, note: "x" }, bob);
  assert.equal(runs(), 2);
  await square(server, { n: 4 });
  assert.equal(runs(), 3);
  await server.close();
});

Deno.test("a public one is shared among callers", async () => {
  const { server, runs } = countingServer({ ttlMs: 1_000, public: true });
  await square(server, { n: 3 }, ada);
  await square(server, { n: 3 }, bob);
  assert.equal(runs(), 1);
  await server.close();
});

Deno.test("failures are not remembered", async () => {
  const { server, runs } = countingServer({ ttlMs: 1_000 });
  for (const n of [-1, -1, 0, 0]) {
    assert.equal((await square(server, { n })).isError, true);
  }
  assert.equal(runs(), 4);
  await server.close();
});

Deno.test("a cached resource is read once per URI, and a tag forgets it", async () => {
  await using cache = new MemoryCache();
  const { server, runs } = countingServer({
    ttlMs: 1_000,
    cache,
    tags: ["clock"],
  });
  const read = async () => {
    const { contents } = await server.call("resources/read", {
      uri: "clock://now",
    });
    return (contents as { text: string }[])[0].text;
  };
  assert.equal(await read(), "1");
  assert.equal(await read(), "1");
  await cache.invalidateTag("clock");
  assert.equal(await read(), "2");
  assert.equal(runs(), 2);
  await server.close();
});

Deno.test("a tool that is not read-only can't be cached", () => {
  const server = new McpServer({ name: "test", version: "1.0.0" });
  assert.throws(
    () => server.registerTool("t", { cache: { ttlMs: 1 } }, () => ""),
    /tool t: cache is for read-only tools: set annotations.readOnlyHint/,
  );
});
