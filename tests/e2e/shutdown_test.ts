import assert from "node:assert/strict";
import { McpServer } from "../../mod.ts";
import { textOf } from "../support/clients.ts";
import { connectHttp, connectMemory, LEGS, listen } from "../support/legs.ts";

const OVER_HTTP = LEGS.filter(({ place }) => place === "http");

interface Stage {
  server: McpServer;
  /** Resolves when the call has begun. */
  begun: Promise<void>;
  /** Lets the call finish. */
  finish(): void;
  /** What has come to pass, in order. */
  events: string[];
}

function stage(): Stage {
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  const events: string[] = [];
  const server = new McpServer({ name: "stage", version: "1.0.0" }, {
    log: () => {},
    lifespan: (stack) => {
      events.push("opened");
      stack.defer(() => void events.push("closed"));
    },
  });
  server.registerTool("act", {}, async (ctx) => {
    begun.resolve();
    await end.promise;
    await ctx.progress(1);
    events.push("acted");
    return "applause";
  });
  return { server, begun: begun.promise, finish: end.resolve, events };
}

for (const leg of OVER_HTTP) {
  Deno.test(`a call in flight ends before the server (${leg.name})`, async () => {
    const { server, begun, finish, events } = stage();
    const running = await listen(server);
    await using client = await connectHttp(leg, running.url);
    client.transport.onerror = () => {};
    const call = client.tool("act", {}, { onprogress: () => {} });
    await begun;
    const ended = running.shutdown();
    finish();
    assert.equal(textOf(await call), "applause");
    await ended;
    assert.deepEqual(events, ["opened", "acted", "closed"]);
    await assert.rejects(client.tool("act"));
    assert.equal(server.stats.inFlight, 0);
    assert.equal(server.stats.sessions, 0);
  });
}

for (const leg of LEGS.filter(({ place }) => place === "memory")) {
  Deno.test(`a connected client sees the end (${leg.name})`, async () => {
    const { server, begun, finish, events } = stage();
    await using client = await connectMemory(leg, server);
    const call = client.tool("act");
    await begun;
    const ended = server.close();
    finish();
    assert.equal(textOf(await call), "applause");
    await ended;
    assert.deepEqual(events, ["opened", "acted", "closed"]);
  });
}

Deno.test("a modern subscription ends gracefully", async () => {
  const { server } = stage();
  const running = await listen(server);
  const [, leg] = OVER_HTTP;
  assert.equal(leg.era, "modern");
  await using client = await connectHttp(leg, running.url);
  const subscription = await client.raw.listen({ toolsListChanged: true });
  assert.equal(server.stats.subscriptions, 1);
  await running.shutdown();
  assert.equal(await subscription.closed, "graceful");
  assert.equal(server.stats.subscriptions, 0);
});

Deno.test("a legacy standing stream ends with the server", async () => {
  const { server, events } = stage();
  const running = await listen(server);
  const [leg] = OVER_HTTP;
  assert.equal(leg.generation, "v1");
  await using client = await connectHttp(leg, running.url);
  client.transport.onerror = () => {};
  server.registerTool("late", {}, () => "late");
  await client.hears("notifications/tools/list_changed");
  await running.shutdown();
  await running.finished;
  assert.deepEqual(events, ["opened", "closed"]);
  assert.equal(server.stats.sessions, 0);
});
