import assert from "node:assert/strict";
import { McpServer } from "../../mod.ts";

const quiet = { log: () => {} };

Deno.test("the lifespan opens once, however many requests come at once, and closes in reverse", async () => {
  const events: string[] = [];
  const server = new McpServer({ name: "test", version: "1.0.0" }, {
    lifespan: async (stack) => {
      events.push("open");
      await Promise.resolve();
      stack.defer(() => void events.push("close first"));
      stack.defer(() => void events.push("close second"));
      return { answer: 42 };
    },
  });
  server.registerTool("answer", {}, (ctx) => ctx.lifespan.answer);
  const results = await Promise.all(
    Array.from(
      { length: 5 },
      () => server.call("tools/call", { name: "answer" }),
    ),
  );
  for (const { content } of results) {
    assert.deepEqual(content, [{ type: "text", text: "42" }]);
  }
  await server.close();
  assert.deepEqual(events, ["open", "close second", "close first"]);
});

Deno.test("a lifespan that fails half-way closes what was opened, and is tried again", async () => {
  const events: string[] = [];
  let tries = 0;
  const server = new McpServer({ name: "test", version: "1.0.0" }, {
    ...quiet,
    lifespan: (stack) => {
      stack.defer(() => void events.push("closed"));
      if (++tries === 1) throw new Error("no database");
      return "ready";
    },
  });
  server.registerTool("state", {}, (ctx) => ctx.lifespan);
  await assert.rejects(
    server.call("tools/call", { name: "state" }),
    /no database/,
  );
  assert.deepEqual(events, ["closed"]);
  const { content } = await server.call("tools/call", { name: "state" });
  assert.deepEqual(content, [{ type: "text", text: "ready" }]);
  await server.close();
  assert.deepEqual(events, ["closed", "closed"]);
});

Deno.test("the lifespan closes only after the requests in flight have finished", async () => {
  const events: string[] = [];
  const gate = Promise.withResolvers<void>();
  const server = new McpServer({ name: "test", version: "1.0.0" }, {
    lifespan: (stack) => stack.defer(() => void events.push("closed")),
  });
  server.registerTool("slow", {}, async () => {
    await gate.promise;
    events.push("answered");
  });
  const call = server.call("tools/call", { name: "slow" });
  const closing = server.close();
  gate.resolve();
  await Promise.all([call, closing]);
  assert.deepEqual(events, ["answered", "closed"]);
});

Deno.test("a mounted server keeps a lifespan of its own", async () => {
  const events: string[] = [];
  const child = new McpServer({ name: "child", version: "1.0.0" }, {
    lifespan: (stack) => {
      stack.defer(() => void events.push("child closed"));
      return "the child's";
    },
  });
  child.registerTool("whose", {}, (ctx) => ctx.lifespan);
  const parent = new McpServer({ name: "parent", version: "1.0.0" }, {
    lifespan: (stack) => {
      stack.defer(() => void events.push("parent closed"));
      return "the parent's";
    },
  });
  parent.registerTool("whose", {}, (ctx) => ctx.lifespan);
  parent.mount("sub", child);
  const text = async (name: string) => {
    const { content } = await parent.call("tools/call", { name });
    return (content as { text: string }[])[0].text;
  };
  assert.equal(await text("whose"), "the parent's");
  assert.equal(await text("sub_whose"), "the child's");
  await parent.close();
  assert.deepEqual(events, ["parent closed", "child closed"]);
});
