import assert from "node:assert/strict";
import {
  type JsonObject,
  McpServer,
  type McpServerOptions,
  MemoryBusHub,
} from "../../mod.ts";
import { eventually } from "../support/eventually.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";
import {
  ask,
  LegacyClient,
  modernCall,
  modernPost,
} from "../transport/wire.ts";
import { SseReader } from "./sse_reader.ts";

const LIST = "notifications/tools/list_changed";
const UPDATED = "notifications/resources/updated";
const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";

function replica(options: McpServerOptions): McpServer {
  const server = new McpServer({ name: "news", version: "1.0.0" }, {
    log: () => {},
    ...options,
  });
  server.registerTool("first", {}, () => "1");
  server.registerResource("n", "news://today", {}, () => "nothing");
  return server;
}

async function listen(
  server: McpServer,
  uris: string[] = ["news://today"],
): Promise<SseReader> {
  const call = modernCall("subscriptions/listen", {
    notifications: { toolsListChanged: true, resourceSubscriptions: uris },
  });
  const reader = new SseReader(await stream(server, call));
  await reader.has(ACKNOWLEDGED);
  return reader;
}

async function follow(server: McpServer): Promise<SseReader> {
  const client = await LegacyClient.open(server);
  await client.ask("resources/subscribe", { uri: "news://today" });
  const response = await server.fetch(
    new Request("http://localhost/mcp", {
      headers: {
        accept: "text/event-stream",
        "mcp-session-id": client.sessionId,
        "mcp-protocol-version": "2025-11-25",
      },
    }),
  );
  return new SseReader(response);
}
async function told(here: McpServer, there: McpServer): Promise<void> {
  await using modern = await listen(here);
  await using legacy = await follow(here);
  await using own = await listen(there);
  const begin = legacy.messages.length;
  there.registerTool("second", {}, () => "2");
  for (let i = 0; i < 3; i++) there.sendResourceUpdated("news://today");
  for (const reader of [modern, legacy, own]) {
    await reader.has(LIST);
    await reader.has(UPDATED, 3);
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  const expected = [UPDATED, UPDATED, UPDATED, LIST].toSorted();
  assert.deepEqual(legacy.methods.slice(begin).toSorted(), expected);
  for (const { methods } of [modern, own]) {
    assert.deepEqual(methods.slice(1).toSorted(), expected);
  }
}

Deno.test("a change made at one replica reaches the clients of another, once", async () => {
  const hub = new MemoryBusHub();
  await using here = replica({ bus: hub.join() });
  await using there = replica({ bus: hub.join() });
  await told(here, there);
});

Deno.test("what a replica registers as it starts is no change for the others' clients", async () => {
  const hub = new MemoryBusHub();
  await using here = replica({ bus: hub.join() });
  await using reader = await listen(here);
  await using late = replica({ bus: hub.join() });
  // It serves before anybody has been told of what is registered.
  await using _running = await late.serve({
    port: 0,
    signals: false,
    onListen: () => {},
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(reader.methods, [ACKNOWLEDGED]);
});

Deno.test({
  name: "over Redis a change reaches the clients of another replica, once",
  ignore: ignoreWithoutRedis,
  fn: async () => {
    await using redis = await TestRedis.start();
    await using here = replica({ redis: redis.url });
    await using there = replica({ redis: redis.url });
    await using stranger = replica({
      redis: { url: redis.url, prefix: "another:" },
    });
    await heard(here, there, stranger);
    await using elsewhere = await listen(stranger);
    await told(here, there);
    assert.deepEqual(elsewhere.methods, [ACKNOWLEDGED]);
  },
});

Deno.test({
  name:
    "while Redis is away nobody is promised notices; missed ones are made up for",
  ignore: ignoreWithoutRedis,
  fn: async () => {
    await using redis = await TestRedis.start();
    await using here = replica({ redis: redis.url });
    await using there = replica({ redis: redis.url });
    await heard(here, there);
    await using reader = await listen(here);
    await redis.kill();
    await eventually(async () => (await refusal(here))?.status === 503);
    const refused = (await refusal(here))!;
    assert.equal(refused.headers.get("retry-after"), "1");
    const { error } = await refused.json();
    assert.equal(error.code, -32005);
    assert.equal(error.data.reason, "unavailable");
    there.sendResourceUpdated("news://today");
    const { body } = await ask(here, "tools/call", {
      name: "first",
    });
    assert.equal(body.result.content[0].text, "1");
    await redis.restart();
    await reader.has(UPDATED);
    await reader.has(LIST);
  },
});

/** The answer to a listen that is refused; `undefined` where it isn't. */
async function refusal(server: McpServer): Promise<Response | undefined> {
  const call = modernCall("subscriptions/listen", {
    notifications: { toolsListChanged: true },
  });
  const response = await stream(server, call);
  if (response.status === 503) return response;
  await response.body?.cancel();
  return undefined;
}

/** Waits until these replicas hear each other. */
async function heard(...servers: McpServer[]): Promise<void> {
  for (const server of servers) {
    await eventually(async () => await refusal(server) === undefined);
  }
}

function stream(server: McpServer, call: JsonObject): Promise<Response> {
  return Promise.resolve(
    server.fetch(new Request("http://localhost/mcp", modernPost(call))),
  );
}
