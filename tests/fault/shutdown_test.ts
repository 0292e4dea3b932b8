import assert from "node:assert/strict";
import type { LogRecord, RunningServer, ServeOptions } from "../../mod.ts";
import { httpText, RawSocket } from "../transport/raw_socket.ts";
import { makeSubject, type Subject } from "../transport/subject.ts";
import {
  LegacyClient,
  modernCall,
  modernHeaders,
  within,
} from "../transport/wire.ts";

interface Listening extends Subject {
  running: RunningServer;
  /** What has come to pass, in order. */
  seen: string[];
  gate: PromiseWithResolvers<void>;
}

async function listen(options: ServeOptions = {}): Promise<Listening> {
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const subject = makeSubject({
    lifespan: (stack) => {
      stack.defer(() => void seen.push("lifespan closed"));
    },
  });
  subject.server.registerTool("wait", {}, async () => {
    seen.push("began");
    await gate.promise;
    seen.push("answered");
    return "waited";
  });
  const running = await subject.server.serve({
    port: 0,
    signals: false,
    graceMs: 5_000,
    onListen() {},
    ...options,
  });
  return { ...subject, running, seen, gate };
}

function text(method: string, params = {}, headers = {}): string {
  const message = modernCall(method, params);
  return httpText({
    headers: { ...modernHeaders(message), ...headers },
    body: JSON.stringify(message),
  });
}

async function until(condition: () => boolean): Promise<void> {
  const wait = async () => {
    while (!condition()) await new Promise((go) => setTimeout(go, 1));
  };
  await within(wait());
}

Deno.test("what is in flight is answered before the lifespan closes", async () => {
  const { server, running, seen, gate, clock } = await listen();
  using socket = await RawSocket.open(running.port);
  await socket.write(text("tools/call", { name: "wait" }));
  await until(() => seen.length === 1);
  const over = running.shutdown();
  await new Promise((go) => setTimeout(go, 20));
  assert.deepEqual(seen, ["began"]);
  gate.resolve();
  assert.match(await socket.readUntil("waited"), /HTTP\/1\.1 200/);
  await within(over);
  assert.deepEqual(seen, ["began", "answered", "lifespan closed"]);
  assert.equal(server.stats.inFlight, 0);
  assert.equal(clock.pending, 0);
  await running.finished;
  await assert.rejects(RawSocket.open(running.port));
});

Deno.test("what hangs is answered with an error once the grace is over", async () => {
  const { server, running, seen, clock } = await listen();
  using socket = await RawSocket.open(running.port);
  await socket.write(text("tools/call", { name: "wait" }));
  await until(() => seen.length === 1);
  const over = running.shutdown();
  await clock.advance(5_000);
  const answer = await socket.readUntil("shutting down");
  assert.match(answer, /"code":-32603/);
  await within(over);
  assert.equal(server.stats.inFlight, 0);
  assert.equal(clock.pending, 0);
});

Deno.test("a client that never sends its request in full can't hold the end up", async () => {
  const { running, seen, clock } = await listen();
  const whole = text("tools/call", { name: "wait" });
  using head = await RawSocket.open(running.port);
  using body = await RawSocket.open(running.port);
  using silent = await RawSocket.open(running.port);
  await head.write(whole.slice(0, 30));
  await body.write(whole.slice(0, -10));
  await new Promise((go) => setTimeout(go, 20));
  const over = running.shutdown();
  await until(() => seen.includes("lifespan closed"));
  await clock.advance(6_000);
  await within(over);
  await within(running.finished);
  assert.equal(clock.pending, 0);
  for (const socket of [head, body, silent]) socket.drop();
});

Deno.test("a request that is only complete after the end runs no handler", async () => {
  const { running, seen } = await listen();
  const whole = text("tools/call", { name: "wait" });
  using socket = await RawSocket.open(running.port);
  await socket.write(whole.slice(0, -10));
  await new Promise((go) => setTimeout(go, 20));
  const over = running.shutdown();
  await until(() => seen.includes("lifespan closed"));
  await socket.write(whole.slice(-10));
  const answer = await socket.readUntil("}}");
  assert.match(answer, /HTTP\/1\.1 503 .*"code":-32005/s);
  await within(over);
  assert.deepEqual(seen, ["lifespan closed"]);
});

Deno.test("streams are ended in good order", async () => {
  const { server, running, clock } = await listen();
  const client = await LegacyClient.open(server);
  using listening = await RawSocket.open(running.port);
  using standing = await RawSocket.open(running.port);
  await listening.write(
    text("subscriptions/listen", { notifications: { toolsListChanged: true } }),
  );
  await standing.write(httpText({
    line: "GET /mcp HTTP/1.1",
    headers: { "mcp-session-id": client.sessionId, "Content-Length": null },
  }));
  await listening.readUntil("acknowledged");
  await standing.readUntil("text/event-stream");
  await within(running.shutdown());
  assert.match(
    await listening.readUntil("complete"),
    /"resultType":"complete"/,
  );
  assert.doesNotMatch(await standing.readToEnd(), /error/);
  assert.equal(server.stats.subscriptions, 0);
  assert.equal(server.stats.sessions, 0);
  assert.equal(clock.pending, 0);
});

Deno.test("a connection that idles is closed, and shutting down twice is once", async () => {
  const { running, seen } = await listen();
  using socket = await RawSocket.open(running.port);
  await socket.write(text("tools/list"));
  await socket.readUntil("serverInfo");
  const [first, second] = [running.shutdown(), running.shutdown()];
  assert.equal(first, second);
  await within(first);
  await socket.readToEnd();
  assert.deepEqual(seen, ["lifespan closed"]);
});

Deno.test("a signal ends the server as shutdown does", async () => {
  const { server } = makeSubject();
  const stop = new AbortController();
  const running = await server.serve({
    port: 0,
    signals: false,
    signal: stop.signal,
    onListen() {},
  });
  stop.abort();
  await within(running.finished);
  await assert.rejects(RawSocket.open(running.port));
});

/** What a log tells, without times and stacks. */
function told(log: LogRecord[]): [string, string, Record<string, unknown>][] {
  return log.map(({ level, message, fields: { stack: _, ...fields } }) => [
    level,
    message,
    fields,
  ]);
}

Deno.test("the log tells of the life of a server, a line for each turn", async () => {
  const { running, log, seen, clock } = await listen({
    onListen: undefined,
    drainMs: 2_000,
  });
  using socket = await RawSocket.open(running.port);
  await socket.write(text("tools/call", { name: "wait" }));
  await until(() => seen.length === 1);
  const over = running.shutdown();
  await clock.advance(2_000);
  await clock.advance(5_000);
  await within(over);
  assert.deepEqual(
    told(log.filter(({ message }) => !message.includes("slow"))),
    [
      ["info", "subject listens", { url: running.url }],
      ["info", "subject serves on while it is drained", { drainMs: 2_000 }],
      ["info", "subject shuts down", { inFlight: 1, graceMs: 5_000 }],
      ["warning", "requests were cut off after 5000 ms of grace: 1", {
        requests: 1,
        graceMs: 5_000,
        names: ["wait"],
      }],
      ["info", "subject is closed", {}],
    ],
  );
});

Deno.test("a server that can't start says so in its log", async () => {
  const { running, server } = await listen();
  const { server: other, log } = makeSubject();
  const { port } = running;
  await assert.rejects(
    other.serve({ port, signals: false }),
    Deno.errors.AddrInUse,
  );
  const failing = makeSubject({
    lifespan: () => {
      throw new Error("no database");
    },
  });
  await assert.rejects(failing.server.serve({ port: 0, signals: false }));
  assert.deepEqual(told([...log, ...failing.log]).map(([level]) => level), [
    "error",
    "error",
  ]);
  assert.match(log[0].message, /^starting subject failed: .*in use/i);
  assert.equal(
    failing.log[0].message,
    "starting subject failed: no database",
  );
  await running.shutdown();
  await other.close();
  await server.close();
});
