import assert from "node:assert/strict";
import type {
  EventStore,
  HttpOptions,
  LogRecord,
  RunningServer,
  ServerContext,
} from "../../mod.ts";
import { McpServer, MemoryEventStore, SlowClientError } from "../../mod.ts";
import { eventually } from "../support/eventually.ts";
import { httpText, RawSocket } from "../transport/raw_socket.ts";
import {
  assertServes,
  LegacyClient,
  modernCall,
  modernHeaders,
  within,
} from "../transport/wire.ts";

const STEPS = 2_000;
const STEP = "x".repeat(10_000);

interface Subject extends AsyncDisposable {
  server: McpServer;
  running: RunningServer;
  log: LogRecord[];
  /** How many steps the flood has come to. */
  steps: number;
  /** Why its signal was aborted. */
  reason: unknown;
}

/** Writes 20 MB, keeping pace with the client or not. */
async function listen(
  pace: boolean,
  options: HttpOptions = {},
): Promise<Subject> {
  const log: LogRecord[] = [];
  const server = new McpServer({ name: "flood", version: "1.0.0" }, {
    log: (record) => log.push(record),
    ...options,
  });
  const subject = { server, log, steps: 0, reason: undefined } as unknown as
    & Subject
    & { running: RunningServer };
  server.registerTool("flood", {}, async (ctx: ServerContext) => {
    const { signal } = ctx;
    try {
      while (subject.steps < STEPS && !signal.aborted) {
        const written = ctx.progress(++subject.steps, STEPS, STEP);
        if (pace) await written;
        else if (subject.steps % 20 === 0) await turn();
      }
    } finally {
      subject.reason = signal.reason;
    }
    return "all of it";
  });
  server.registerTool("echo", {}, () => "still here");
  server.registerResource("busy", "test://busy", {}, () => "content");
  subject.running = await server.serve({
    port: 0,
    signals: false,
    graceMs: 200,
    onListen() {},
  });
  subject[Symbol.asyncDispose] = () => subject.running.shutdown();
  return subject;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

async function begin(
  port: number,
  method: string,
  params: Record<string, unknown>,
): Promise<RawSocket> {
  const message = modernCall(method, params);
  const socket = await RawSocket.open(port);
  await socket.write(httpText({
    headers: modernHeaders(message),
    body: JSON.stringify(message),
  }));
  return socket;
}

function flood(port: number): Promise<RawSocket> {
  return begin(port, "tools/call", {
    name: "flood",
    _meta: { progressToken: 1 },
  });
}

Deno.test("a handler that keeps pace waits for a client that doesn't read, and loses nothing", async () => {
  await using subject = await listen(true);
  using socket = await flood(subject.running.port);
  let before = -1;
  await eventually(async () => {
    const still = before === subject.steps && before > 0;
    before = subject.steps;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return still;
  });
  assert(subject.steps < STEPS, "it wrote all of it for nobody");
  const text = await within(socket.readUntil("all of it"), 30_000);
  const seen = [...text.matchAll(/"progress":(\d+)/g)].map(([, n]) => +n);
  assert.deepEqual(seen, Array.from({ length: STEPS }, (_, i) => i + 1));
  assert.equal(subject.reason, undefined);
  assert.equal(subject.server.readMetrics().streams_cut_off, 0);
});

Deno.test("a handler that doesn't keep pace has its client cut off", async () => {
  await using subject = await listen(false, { maxUnsentBytes: 1_000_000 });
  using socket = await flood(subject.running.port);
  await eventually(() => subject.reason !== undefined);
  assert(subject.reason instanceof SlowClientError);
  assert(subject.steps < STEPS);
  // Of a busy machine the watchdog may have something to say, too.
  const warnings = subject.log.filter(({ message }) =>
    message.includes("too slowly")
  );
  assert.equal(warnings.length, 1);
  assert.match(warnings[0].message, /too slowly: more than 1000000 bytes/);
  assert.equal(warnings[0].fields?.tool, "flood");
  assert.equal(subject.server.readMetrics().streams_cut_off, 1);
  const text = await socket.readToEnd();
  assert(!text.includes("all of it"));
  await eventually(() => subject.server.stats.inFlight === 0);
  assert.equal(subject.server.stats.streams, 0);
  await assertServes(subject.server);
});

Deno.test("a client that reads nothing for too long is cut off while the handler waits", async () => {
  await using subject = await listen(true, { maxStallMs: 300 });
  using _socket = await flood(subject.running.port);
  await eventually(() => subject.reason !== undefined);
  assert.match(String(subject.reason), /taken nothing for 300 ms/);
  await eventually(() => subject.server.stats.inFlight === 0);
});

Deno.test("a shutdown does not wait for a client that doesn't read", async () => {
  const subject = await listen(true);
  using _socket = await flood(subject.running.port);
  await eventually(() => subject.steps > 0);
  await within(subject.running.shutdown());
  assert.equal(subject.server.stats.inFlight, 0);
});

Deno.test("one listener that doesn't read costs the others nothing", async () => {
  await using subject = await listen(true, { maxUnsentBytes: 100_000 });
  const { server, running } = subject;
  const uri = "test://busy";
  const open = () =>
    begin(running.port, "subscriptions/listen", {
      notifications: { resourceSubscriptions: [uri] },
    });
  using _deaf = await open();
  using reader = await open();
  await reader.readUntil("acknowledged");
  await eventually(() => server.stats.subscriptions === 2);
  let published = 0;
  const reading = reader.readUntil("resources/updated\u0000");
  while (server.stats.subscriptions === 2) {
    for (let i = 0; i < 100; i++, published++) {
      await server.server.sendResourceUpdated({ uri });
    }
    await turn();
  }
  const count = () => reader.received.split("resources/updated").length - 1;
  await eventually(() => count() === published, 30_000);
  assert.equal(server.stats.subscriptions, 1);
  assert.equal(server.readMetrics().streams_cut_off, 1);
  reader.drop();
  await reading.catch(() => {});
});

Deno.test("a legacy client that was cut off resumes where it was, and gets the rest", async () => {
  const eventStore = new MemoryEventStore();
  await using subject = await listen(false, {
    eventStore,
    maxUnsentBytes: 200_000,
  });
  const { server, running } = subject;
  const client = await LegacyClient.open(server);
  const headers = {
    "mcp-session-id": client.sessionId,
    "mcp-protocol-version": client.revision,
  };
  using socket = await RawSocket.open(running.port);
  await socket.write(httpText({
    headers,
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name: "flood", _meta: { progressToken: 1 } },
    }),
  }));
  await eventually(() => server.readMetrics().streams_cut_off === 1);
  let text = await socket.readToEnd().catch(() => socket.received);
  for (let tries = 0; !text.includes("all of it"); tries++) {
    assert(tries < 50, "it never came to the end");
    const lastId = [...text.matchAll(/^id: (.*)$/gm)].at(-1)![1].trim();
    using next = await RawSocket.open(running.port);
    await next.write(httpText({
      line: "GET /mcp HTTP/1.1",
      headers: { ...headers, "last-event-id": lastId },
    }));
    text += await next.readUntil("all of it").catch(() => next.received);
  }
  const seen = new Set(
    [...text.matchAll(/"progress":(\d+)/g)].map(([, n]) => +n),
  );
  assert.equal(seen.size, STEPS);
});

Deno.test("an event store that hangs holds no handler whose request is called off", async () => {
  const hanging = Promise.withResolvers<string>();
  const eventStore: EventStore = {
    storeEvent: (_stream, message) =>
      Object.keys(message).length === 0
        ? Promise.resolve("the first")
        : hanging.promise,
    replayEventsAfter: () => Promise.resolve("no stream"),
  };
  await using server = new McpServer({ name: "hangs", version: "1.0.0" }, {
    eventStore,
    log: () => {},
  });
  const seen: string[] = [];
  server.registerTool("speaks", {}, async (ctx: ServerContext) => {
    seen.push("began");
    await ctx.progress(1);
    seen.push("went on");
    return "done";
  });
  const client = await LegacyClient.open(server);
  const call = client.ask("tools/call", {
    name: "speaks",
    _meta: { progressToken: 1 },
  });
  await eventually(() => seen.length === 1);
  assert.deepEqual(seen, ["began"]);
  await client.post({
    jsonrpc: "2.0",
    method: "notifications/cancelled",
    params: { requestId: 1 },
  });
  await eventually(() => seen.length === 2);
  hanging.resolve("the second");
  await call;
});
