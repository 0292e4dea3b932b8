import assert from "node:assert/strict";
import {
  type HttpOptions,
  type LogRecord,
  McpServer,
  type RunningServer,
} from "../../mod.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { httpText, RawSocket } from "../transport/raw_socket.ts";
import {
  assertServes,
  modernCall,
  modernHeaders,
  modernPost,
  within,
} from "../transport/wire.ts";

interface Subject extends AsyncDisposable {
  readonly server: McpServer;
  readonly running: RunningServer;
  readonly log: LogRecord[];
}

async function listen(options: HttpOptions = {}): Promise<Subject> {
  const log: LogRecord[] = [];
  const server = new McpServer({ name: "slow", version: "1.0.0" }, {
    log: (record) => log.push(record),
    watchdog: false,
    ...options,
  });
  server.registerTool("large", {}, () => "x".repeat(LARGE));
  server.registerTool("echo", {}, () => "still here");
  const running = await server.serve({
    port: 0,
    signals: false,
    graceMs: 100,
    onListen() {},
  });
  return {
    server,
    running,
    log,
    [Symbol.asyncDispose]: () => running.shutdown(),
  };
}

/** More than the system holds for a connection. */
const LARGE = 30_000_000;

function callText(name: string, more: Record<string, string> = {}): string {
  const message = modernCall("tools/call", { name });
  return httpText({
    headers: { ...modernHeaders(message), ...more },
    body: JSON.stringify(message),
  });
}

/** Begins a body that never ends. */
async function stall(
  { port }: RunningServer,
  headers: Record<string, string | null>,
  line?: string,
): Promise<RawSocket> {
  const socket = await RawSocket.open(port);
  await socket.write(httpText({ line, headers }) + "4\r\n[1,1");
  return socket;
}

Deno.test("a body that stalls is answered with 408, whatever says its length", async () => {
  await using subject = await listen({ bodyTimeoutMs: 200 });
  const lengths: Record<string, string | null>[] = [
    { "Content-Length": "1000" },
    { "Content-Length": "1000000" },
    { "Content-Length": null, "Transfer-Encoding": "chunked" },
  ];
  for (const headers of lengths) {
    using socket = await stall(subject.running, headers);
    const text = await within(socket.readUntil("in time"));
    assert.match(text, /^HTTP\/1.1 408 /);
    assert.match(text, /connection: close/i);
  }
  await assertServes(subject.server);
});

Deno.test("a body that came too late is read no more, whatever says its length", async () => {
  for (const length of [undefined, "200000"]) {
    const clock = new FakeClock();
    const server = new McpServer({ name: "slow", version: "1.0.0" }, {
      clock,
      bodyTimeoutMs: 1_000,
    });
    const stopped = Promise.withResolvers<void>();
    const request = new Request("http://localhost/mcp", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...(length !== undefined && { "content-length": length }),
      },
      body: new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new Uint8Array(100_000)),
        cancel: () => stopped.resolve(),
      }),
    });
    const answer = server.fetch(request, {
      remoteAddr: { hostname: "192.0.2.7" },
    });
    await clock.advance(2_000);
    assert.equal((await within(Promise.resolve(answer))).status, 408);
    await within(stopped.promise);
    await server.close();
  }
});

Deno.test("who waits to be told who it is counts among the connections", async () => {
  const told = Promise.withResolvers<void>();
  await using subject = await listen({
    maxConnections: 3,
    authenticate: async () => {
      await told.promise;
      return undefined;
    },
  });
  const { server } = subject;
  const message = modernCall("tools/call", { name: "echo" });
  const post = () =>
    Promise.resolve(
      server.fetch(new Request("http://localhost/mcp", modernPost(message))),
    );
  const waiting = [post(), post(), post()];
  assert.equal((await within(post())).status, 503);
  told.resolve();
  for (const each of waiting) {
    const response = await within(each);
    assert.equal(response.status, 200);
    await response.text();
  }
  assert.equal((await within(post())).status, 200);
});

Deno.test("so it is on the transport of 2024-11-05", async () => {
  await using subject = await listen({ bodyTimeoutMs: 200, httpSsePair: true });
  using events = await RawSocket.open(subject.running.port);
  await events.write(httpText({ line: "GET /sse HTTP/1.1" }));
  const id = /sessionId=([\w-]+)/.exec(await events.readUntil("\n\n"))![1];
  using socket = await stall(
    subject.running,
    { "Content-Length": "1000" },
    `POST /messages?sessionId=${id} HTTP/1.1`,
  );
  assert.match(await socket.readUntil("in time"), /^HTTP\/1.1 408 /);
});

Deno.test("one caller's bodies on their way have bounded room, and leave some for others", async () => {
  await using subject = await listen({
    maxBodyBytes: 100_000,
    authenticate: (request) => ({
      token: "",
      clientId: request.headers.get("x-caller") ?? "eve",
      scopes: [],
    }),
  });
  const sockets = new DisposableStack();
  const declared = { "Content-Length": "100000" };
  for (let n = 0; n < 32; n++) {
    sockets.use(await stall(subject.running, declared));
  }
  using refused = await stall(subject.running, declared);
  const text = await within(refused.readUntil("try again later"));
  assert.match(text, /^HTTP\/1.1 429 /);
  assert.match(text, /retry-after: 1/i);
  assert.match(text, /"caller_share"/);
  // Small ones, and another's, are taken.
  using small = await RawSocket.open(subject.running.port);
  await small.write(callText("echo"));
  assert.match(await small.readUntil("still here"), /^HTTP\/1.1 200 /);
  using other = await RawSocket.open(subject.running.port);
  const message = modernCall("tools/call", {
    name: "echo",
    arguments: { data: "x".repeat(90_000) },
  });
  await other.write(httpText({
    headers: { ...modernHeaders(message), "x-caller": "ada" },
    body: JSON.stringify(message),
  }));
  assert.match(await other.readUntil("still here"), /^HTTP\/1.1 200 /);
  sockets.dispose();
  await eventually(async () => {
    using again = await stall(subject.running, declared);
    const early = again.readUntil("try again").then(() => true, () => false);
    const refusedAgain = await Promise.race([
      early,
      new Promise((resolve) => setTimeout(() => resolve(false), 100)),
    ]);
    again.drop();
    await early;
    return refusedAgain === false;
  });
});

Deno.test("a body in chunks of a byte each is read like any other", async () => {
  await using subject = await listen();
  using socket = await RawSocket.open(subject.running.port);
  const message = modernCall("tools/call", { name: "echo" });
  const body = JSON.stringify(message).padEnd(100_000, " ");
  const chunks = Array.from(body, (each) => `1\r\n${each}\r\n`).join("");
  await socket.write(
    httpText({
      headers: {
        ...modernHeaders(message),
        "Content-Length": null,
        "Transfer-Encoding": "chunked",
      },
    }) + `${chunks}0\r\n\r\n`,
  );
  assert.match(await socket.readUntil("still here"), /^HTTP\/1.1 200 /);
});

Deno.test("a client that doesn't read its JSON answer is cut off", async () => {
  await using subject = await listen({ maxStallMs: 300 });
  using socket = await RawSocket.open(subject.running.port);
  await socket.write(callText("large"));
  await eventually(() => subject.server.stats.streams === 1);
  await eventually(() => subject.server.readMetrics().streams_cut_off === 1);
  assert.equal(subject.server.stats.streams, 0);
  const [warning] = subject.log.filter(({ level }) => level === "warning");
  assert.match(warning.message, /taken nothing for 300 ms/);
  assert.equal(warning.fields?.tool, "large");
  const text = await socket.readToEnd().catch(() => socket.received);
  assert(text.length < LARGE);
});

Deno.test("a client that reads has all of its JSON answer, with its length", async () => {
  await using subject = await listen({ maxStallMs: 5_000 });
  const message = modernCall("tools/call", { name: "large" });
  const response = await fetch(subject.running.url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...modernHeaders(message) as Record<string, string>,
    },
    body: JSON.stringify(message),
  });
  assert.equal(response.headers.get("content-type"), "application/json");
  const { result } = await response.json();
  assert.equal(result.content[0].text.length, LARGE);
  await eventually(() => subject.server.stats.streams === 0);
});

Deno.test("what waits for one caller is bounded, over all connections", async () => {
  // Room for 64 times as much; one caller has half of it.
  await using subject = await listen({ maxUnsentBytes: 1_000_000 });
  const sockets = new DisposableStack();
  for (let n = 0; n < 4; n++) {
    const socket = sockets.use(await RawSocket.open(subject.running.port));
    await socket.write(callText("large"));
  }
  await eventually(() => subject.server.readMetrics().streams_cut_off > 0);
  assert.match(
    subject.log.find(({ level }) => level === "warning")!.message,
    /too much waits for this caller/,
  );
  sockets.dispose();
  await eventually(() => subject.server.stats.streams === 0);
});

Deno.test("requests and streams are counted, and one too many is answered with 503", async () => {
  await using subject = await listen({ maxConnections: 5 });
  const { running, server } = subject;
  const sockets = new DisposableStack();
  for (let n = 0; n < 3; n++) {
    sockets.use(await stall(running, { "Content-Length": "1000" }));
  }
  const message = modernCall("subscriptions/listen", {
    notifications: { toolsListChanged: true },
  });
  for (let n = 0; n < 2; n++) {
    const stream = sockets.use(await RawSocket.open(running.port));
    await stream.write(httpText({
      headers: modernHeaders(message),
      body: JSON.stringify(message),
    }));
    await stream.readUntil("acknowledged");
  }
  const call = async () => {
    using socket = await RawSocket.open(running.port);
    await socket.write(callText("echo"));
    return await socket.readUntil('"jsonrpc"');
  };
  await eventually(async () => /^HTTP\/1.1 503 /.test(await call()));
  assert.match(await call(), /retry-after: 1/i);
  sockets.dispose();
  await eventually(async () => /^HTTP\/1.1 200 /.test(await call()));
  await eventually(() => server.stats.streams === 0);
});
