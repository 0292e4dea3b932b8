import assert from "node:assert/strict";
import { McpServer, MemoryEventStore } from "../../mod.ts";
import type { JsonObject } from "../../src/protocol/jsonrpc.ts";
import type { JSONRPCMessage } from "../../src/protocol/types.ts";
import { ask, assertRefused, initialize, LegacyClient, post } from "./wire.ts";

function subscribable(): McpServer {
  return new McpServer({ name: "keeper", version: "1.0.0" }, {
    capabilities: { resources: { subscribe: true } },
  });
}

/** One whose author answers subscriptions, and takes whatever comes. */
function subscribableByHand(): McpServer {
  const server = subscribable();
  server.server.setRequestHandler("resources/subscribe", () => ({}));
  return server;
}

for (
  const [whose, make] of [
    ["the engine's", subscribable],
    ["an author's", subscribableByHand],
  ] as const
) {
  Deno.test(`a session follows a bounded number of resources (${whose})`, async () => {
    await using server = make();
    const client = await LegacyClient.open(server);
    const subscribe = (uri: string) =>
      client.ask("resources/subscribe", { uri });
    const refused = {
      status: 200,
      code: -32602,
      says: /uri must have at most/,
    };
    assertRefused(await subscribe(`x:///${"x".repeat(8_192)}`), refused);
    for (let n = 0; n < 1_000; n++) {
      assert.deepEqual((await subscribe(`x:///${n}`)).body.result, {});
    }
    const oneMore = {
      ...refused,
      says: /uri is one too many.* 1000 resources/,
    };
    assertRefused(await subscribe("x:///more"), oneMore);
    assert.deepEqual((await subscribe("x:///7")).body.result, {});
    await client.ask("resources/unsubscribe", { uri: "X:///7" });
    assert.deepEqual((await subscribe("x:///more")).body.result, {});
  });
}

Deno.test("subscriptions/listen takes no URI that is too long", async () => {
  await using server = subscribable();
  const resourceSubscriptions = [`x:///${"x".repeat(8_192)}`];
  assertRefused(
    await ask(server, "subscriptions/listen", {
      notifications: { resourceSubscriptions },
    }),
    { status: 200, code: -32602, says: /at most 8192 characters/ },
  );
});

Deno.test("a session keeps a bounded text of what its client says of itself", async () => {
  await using server = subscribable();
  server.registerTool("who", {}, (ctx) => ({ ...ctx.clientCapabilities }));
  const much = { "com.example/x": { text: "x".repeat(65_536) } };
  const told: [JsonObject, RegExp][] = [
    [
      { capabilities: { experimental: much } },
      /capabilities must have at most/,
    ],
    [{ capabilities: { extensions: much } }, /capabilities/],
    [
      { clientInfo: { name: "n".repeat(65_536), version: "1" } },
      /clientInfo must have at most 65536 characters/,
    ],
  ];
  for (const [params, says] of told) {
    const message = initialize("2025-11-25", {}) as { params: JsonObject };
    const answer = await post(server, {
      ...message,
      params: { ...message.params, ...params },
    });
    assertRefused(answer, { status: 200, code: -32602, says });
  }
  assert.equal(server.stats.sessions, 0);
  const some = { experimental: { x: { text: "x".repeat(60_000) } } };
  const client = await LegacyClient.open(server, "2025-11-25", some);
  const { body } = await client.ask("tools/call", { name: "who" });
  assert.deepEqual(JSON.parse(body.result.content[0].text), some);
});

Deno.test("an event store keeps so many bytes, the oldest go first", async () => {
  const store = new MemoryEventStore({ maxBytes: 10_000, maxEvents: 8 });
  const event = (size: number): JSONRPCMessage => ({
    jsonrpc: "2.0",
    method: "notifications/message",
    params: { level: "info", data: ["é".repeat(size / 2)] },
  });
  const ids: string[] = [];
  const keep = async (size: number) =>
    ids.push(await store.storeEvent("s", event(size)));
  const kept = async () => {
    const streams = ids.map((id) => store.getStreamIdForEventId(id));
    return (await Promise.all(streams)).map((each) => each !== undefined);
  };
  for (let n = 0; n < 4; n++) await keep(3_000);
  assert.deepEqual(await kept(), [false, true, true, true]);
  await keep(20_000);
  assert.deepEqual(await kept(), [false, false, false, false, false]);
  for (let n = 0; n < 9; n++) await keep(100);
  assert.deepEqual((await kept()).slice(5), [false, ...Array(8).fill(true)]);
  assert.throws(() => new MemoryEventStore({ maxBytes: 0 }), {
    message: /^maxBytes must be a whole number/,
  });
});
