import assert from "node:assert/strict";
import {
  type EventStore,
  type LogRecord,
  McpServer,
  MemoryEventStore,
} from "../../mod.ts";
import { GuardedEventStore } from "../../src/transport/http/legacy/guarded_event_store.ts";
import { Logger } from "../../src/observe/log/logger.ts";
import { type Loose, textOf } from "../support/clients.ts";
import { connectHttp, LEGS, listen } from "../support/legs.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";

const LEGACY_HTTP = LEGS.filter(({ era, place }) =>
  era === "legacy" && place === "http"
);

const FAULTS = {
  "throws": () => {
    throw new Error("store down for a moment");
  },
  "fails": () => Promise.reject(new Error("store down for a moment")),
  "hangs": () => new Promise<never>(() => {}),
};

/** A store in which one operation goes wrong once. */
function faultyStore(
  fault: () => Promise<never>,
  hits: (operation: string, message: Loose) => boolean,
): { store: EventStore; hit: () => number } {
  const inner = new MemoryEventStore();
  let hit = 0;
  const goesWrong = (operation: string, message: Loose) =>
    hits(operation, message) && hit++ === 0;
  const store: EventStore = {
    storeEvent: (streamId, message) =>
      goesWrong("store", message)
        ? fault()
        : inner.storeEvent(streamId, message),
    getStreamIdForEventId: (eventId) =>
      goesWrong("find", {}) ? fault() : inner.getStreamIdForEventId(eventId),
    replayEventsAfter: (eventId, sink) =>
      goesWrong("replay", {})
        ? fault()
        : inner.replayEventsAfter(eventId, sink),
  };
  return { store, hit: () => hit };
}

const MOMENTS: Record<string, (operation: string, message: Loose) => boolean> =
  {
    "the beginning": (operation, message) =>
      operation === "store" && Object.keys(message).length === 0,
    "progress": (_, { params }) => params?.progress === 2,
    "the result": (_, { result }) => result?.content !== undefined,
    "finding the stream": (operation) => operation === "find",
    "the replay": (operation) => operation === "replay",
  };

for (const leg of LEGACY_HTTP) {
  for (const [what, fault] of Object.entries(FAULTS)) {
    Deno.test(`${leg.name}: a store that ${what} once never costs a result`, async () => {
      await Promise.all(
        Object.entries(MOMENTS).map(async ([when, hits]) => {
          const { store, hit } = faultyStore(fault, hits);
          const log: LogRecord[] = [];
          await using server = new McpServer({ name: "s", version: "1.0.0" }, {
            eventStore: store,
            retryMs: 10,
            log: (record) => log.push(record),
          });
          const name = when.startsWith("f") || when.endsWith("replay")
            ? "hang_up"
            : "count";
          server.registerTool("count", {}, async function* () {
            for (let step = 1; step <= 3; step++) {
              await new Promise((done) => setTimeout(done, 5));
              yield step;
            }
            return "done";
          });
          server.registerTool("hang_up", {}, async (ctx) => {
            ctx.http!.closeSSE!();
            await new Promise((done) => setTimeout(done, 50));
            return "done";
          });
          await using running = await listen(server);
          await using client = await connectHttp(leg, running.url, {
            http: {
              reconnectionOptions: {
                initialReconnectionDelay: 10,
                maxReconnectionDelay: 50,
                reconnectionDelayGrowFactor: 1,
                maxRetries: 10,
              },
            },
          });
          client.transport.onerror = () => {};
          const result = await client.tool(name, {}, {
            timeout: 8_000,
            onprogress: () => {},
          });
          assert.equal(textOf(result), "done", when);
          assert(hit() > 0, when);
          const told = () =>
            log.filter(({ message }) => /event store/.test(message)).length;
          await eventually(() => told() === 1);
          const metrics = await (await fetch(new URL("/metrics", running.url)))
            .text();
          assert.match(
            metrics,
            /mcp_server_event_store_failures_total [1-9]/,
            when,
          );
        }),
      );
    });
  }
}

Deno.test("a result that isn't stored waits for its client to come back", async () => {
  const [leg] = LEGACY_HTTP;
  const { store } = faultyStore(FAULTS.fails, MOMENTS["the result"]);
  await using server = new McpServer({ name: "s", version: "1.0.0" }, {
    eventStore: store,
    retryMs: 100,
    log: () => {},
  });
  server.registerTool("hang_up", {}, (ctx) => {
    ctx.http!.closeSSE!();
    return "done while away";
  });
  await using running = await listen(server);
  await using client = await connectHttp(leg, running.url);
  client.transport.onerror = () => {};
  assert.equal(textOf(await client.tool("hang_up")), "done while away");
});

Deno.test("a store that hangs is left alone for a while, and told of now and then", async () => {
  const clock = new FakeClock();
  const log: LogRecord[] = [];
  let asked = 0;
  const inner = new MemoryEventStore();
  let hangs = true;
  const store = new GuardedEventStore(
    {
      storeEvent: (streamId, message) => {
        asked++;
        return hangs
          ? new Promise(() => {})
          : inner.storeEvent(streamId, message);
      },
      replayEventsAfter: (id, sink) => inner.replayEventsAfter(id, sink),
    },
    clock,
    new Logger((record) => void log.push(record)),
  );
  const keep = () =>
    store.storeEvent("s", { jsonrpc: "2.0", method: "m" }).catch(() => "no");
  const first = keep();
  await clock.advance(1_000);
  assert.equal(await first, "no");
  assert.equal(await keep(), "no");
  assert.equal(asked, 1);
  assert.equal(store.failures, 2);
  assert.equal(log.length, 1);
  hangs = false;
  await clock.advance(2_000);
  assert.match(await keep(), /^s_/);
  assert.equal(clock.pending, 0);
  // The time that a client takes to read is not the store's.
  const slow = store.replayEventsAfter("s_1", {
    send: () => Promise.resolve(),
  });
  await slow;
  await keep();
  const reading = store.replayEventsAfter("s_1", {
    send: () => new Promise((done) => clock.setTimeout(done, 60_000)),
  });
  await clock.advance(60_000);
  assert.equal(await reading, "s");
  assert.equal(clock.pending, 0);
});
