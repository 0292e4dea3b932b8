import assert from "node:assert/strict";
import {
  type Bus,
  type EventStore,
  type HttpOptions,
  McpServer,
  type McpServerOptions,
  MemoryBusHub,
  MemoryEventStore,
  MemorySessionStore,
  systemClock,
} from "../../mod.ts";
import { SharedRedis } from "../../src/cluster/shared_redis.ts";
import { RedisEventStore } from "../../src/transport/http/legacy/redis_event_store.ts";
import type { Loose } from "../support/clients.ts";
import { eventually } from "../support/eventually.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";
import { LegacyClient } from "../transport/wire.ts";
import { SseReader } from "./sse_reader.ts";

const UPDATED = "notifications/resources/updated";

interface Replica {
  readonly server: McpServer;
  /** Lets its tool go on. */
  readonly gate: PromiseWithResolvers<void>;
}

function replica(options: McpServerOptions & HttpOptions): Replica {
  const server = new McpServer({ name: "shared", version: "1.0.0" }, {
    log: () => {},
    health: { cacheMs: 0 },
    ...options,
  });
  const gate = Promise.withResolvers<void>();
  server.registerTool("work", {}, async (ctx) => {
    await ctx.progress(1);
    await gate.promise;
    await ctx.progress(2);
    return "done";
  });
  server.registerResource("n", "news://today", {}, () => "nothing");
  return { server, gate };
}

function withReplicas(
  name: string,
  run: (
    replicas: Replica[],
    leave: (at: number) => PromiseLike<void>,
  ) => Promise<
    void
  >,
): void {
  const runAll = async (replicas: Replica[], buses: Bus[]) => {
    await run(replicas, (at) => buses[at][Symbol.asyncDispose]());
    for (const { gate } of replicas) gate.resolve();
    await Promise.all(replicas.map(({ server }) => server.close()));
  };
  Deno.test(`memory: ${name}`, async () => {
    const hub = new MemoryBusHub();
    await using sessionStore = new MemorySessionStore();
    const eventStore = new MemoryEventStore();
    const buses = [hub.join(), hub.join()];
    const replicas = buses.map((bus) =>
      replica({ bus, sessionStore, eventStore })
    );
    await runAll(replicas, buses);
  });
  Deno.test({
    name: `Redis: ${name}`,
    ignore: ignoreWithoutRedis,
    fn: async () => {
      await using redis = await TestRedis.start();
      const log = { debug() {}, info() {}, warning() {}, error() {} };
      const ways = [1, 2].map(() =>
        new SharedRedis(redis.url, { name: "bus", clock: systemClock, log })
      );
      const replicas = ways.map(({ bus }) =>
        replica({ redis: redis.url, bus, eventStore: "redis" })
      );
      for (const { server } of replicas) {
        await eventually(async () =>
          (await server.health.run()).checks.redis?.status === "healthy"
        );
      }
      await Promise.all(ways.map(({ bus }) => bus.ready()));
      await runAll(replicas, ways.map(({ bus }) => bus));
      await Promise.all(ways.map((each) => each[Symbol.asyncDispose]()));
    },
  });
}

function fetchAt(
  { server }: Replica,
  client: LegacyClient,
  init: RequestInit,
  headers: Record<string, string> = {},
): Promise<Response> {
  return Promise.resolve(server.fetch(
    new Request("http://localhost/mcp", {
      ...init,
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-session-id": client.sessionId,
        "mcp-protocol-version": client.revision,
        ...headers,
      },
    }),
  ));
}

async function work(at: Replica, client: LegacyClient): Promise<SseReader> {
  const params = { name: "work", arguments: {}, _meta: { progressToken: 5 } };
  return new SseReader(
    await fetchAt(at, client, {
      method: "POST",
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 5,
        method: "tools/call",
        params,
      }),
    }),
  );
}

async function resume(
  at: Replica,
  client: LegacyClient,
  lastEventId?: string,
): Promise<SseReader> {
  const response = await fetchAt(at, client, { method: "GET" }, {
    ...(lastEventId !== undefined && { "last-event-id": lastEventId }),
  });
  assert.equal(response.status, 200);
  return new SseReader(response);
}

withReplicas(
  "a stream goes on at another replica, while its call runs on",
  async ([a, b]) => {
    const client = await LegacyClient.open(a.server);
    const first = await work(a, client);
    await first.has("notifications/progress");
    await first[Symbol.asyncDispose]();
    await using rest = await resume(b, client, first.lastId);
    a.gate.resolve();
    await eventually(() => rest.messages.some(({ id }) => id === 5));
    await rest.ended;
    assert.deepEqual(
      rest.messages.map(({ method, params, result }) =>
        method === undefined
          ? (result as Loose).content[0].text
          : (params as Loose).progress
      ),
      [2, "done"],
    );
  },
);

withReplicas(
  "a stream that ended in the meantime is read to its end elsewhere",
  async ([a, b]) => {
    const client = await LegacyClient.open(a.server);
    const first = await work(a, client);
    await first.has("notifications/progress");
    await first[Symbol.asyncDispose]();
    a.gate.resolve();
    await eventually(() => a.server.stats.inFlight === 0);
    await using rest = await resume(b, client, first.lastId);
    await rest.ended;
    assert.deepEqual(rest.messages.map(({ id }) => id), [undefined, 5]);
  },
);

withReplicas(
  "of a call whose replica has gone its client is told so",
  async ([a, b], leave) => {
    const client = await LegacyClient.open(a.server);
    const first = await work(a, client);
    await first.has("notifications/progress");
    await first[Symbol.asyncDispose]();
    await leave(0);
    await using rest = await resume(b, client, first.lastId);
    await rest.ended;
    const [{ id, error }] = rest.messages as Loose[];
    assert.equal(id, 5);
    assert.equal(error.code, -32005);
    assert.equal(error.data.reason, "unavailable");
  },
);

withReplicas(
  "a standing stream is resumed at another replica",
  async ([a, b]) => {
    const client = await LegacyClient.open(a.server);
    await client.ask("resources/subscribe", { uri: "news://today" });
    const first = await resume(a, client);
    a.server.sendResourceUpdated("news://today");
    await first.has(UPDATED);
    await first[Symbol.asyncDispose]();
    b.server.sendResourceUpdated("news://today");
    a.server.sendResourceUpdated("news://today");
    await new Promise((resolve) => setTimeout(resolve, 50));
    await using rest = await resume(b, client, first.lastId);
    await rest.has(UPDATED, 2);
    a.server.sendResourceUpdated("news://today");
    await rest.has(UPDATED, 3);
    b.server.sendResourceUpdated("news://today");
    await rest.has(UPDATED, 4);
    assert.equal(rest.messages.length, 4);
  },
);

withReplicas("nobody resumes another session's stream", async ([a, b]) => {
  const [client, other] = [
    await LegacyClient.open(a.server),
    await LegacyClient.open(b.server),
  ];
  const first = await work(a, client);
  await first.has("notifications/progress");
  const response = await fetchAt(b, other, { method: "GET" }, {
    "last-event-id": first.lastId!,
  });
  assert.equal(response.status, 400);
  await response.body?.cancel();
  await first[Symbol.asyncDispose]();
});

async function storeContract(store: EventStore): Promise<void> {
  const message = (id: number) => ({ jsonrpc: "2.0" as const, id, result: {} });
  const ids: string[] = [];
  for (let i = 0; i < 120; i++) {
    ids.push(await store.storeEvent(i % 2 ? "b_1" : "a~x", message(i)));
  }
  assert.equal(new Set(ids).size, 120);
  const seen: unknown[] = [];
  const streamId = await store.replayEventsAfter(ids[2], {
    send: (id, each) => {
      seen.push([id, (each as { id: number }).id]);
      return Promise.resolve();
    },
  });
  assert.equal(streamId, "a~x");
  assert.deepEqual(
    seen,
    ids.map((id, i) => [id, i]).filter(([, i]) => +i > 2 && +i % 2 === 0),
  );
  assert.equal(await store.getStreamIdForEventId!(ids[1]), "b_1");
  for (const unknown of ["", "a~x", "a~x_1-1", "a~x_9_9", "no_0-1"]) {
    assert.equal(await store.getStreamIdForEventId!(unknown), undefined);
    const send = () => assert.fail("there is nothing to send");
    assert.equal(await store.replayEventsAfter(unknown, { send }), "");
  }
}

Deno.test("memory: the contract of every event store", () =>
  storeContract(new MemoryEventStore()));

Deno.test({
  name: "Redis: the contract of every event store",
  ignore: ignoreWithoutRedis,
  fn: async () => {
    await using redis = await TestRedis.start();
    const log = { debug() {}, info() {}, warning() {}, error() {} };
    await using shared = new SharedRedis(redis.url, {
      name: "test",
      clock: systemClock,
      log,
    });
    await shared.bus.ready();
    await storeContract(new RedisEventStore(shared));
  },
});

Deno.test('eventStore: "redis" needs redis', () => {
  assert.throws(
    () => new McpServer({ name: "n", version: "1" }, { eventStore: "redis" }),
    { code: "SLUICE_INVALID_OPTION", message: /eventStore/ },
  );
});
