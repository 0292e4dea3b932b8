import assert from "node:assert/strict";
import type { HttpOptions, RunningServer } from "../../mod.ts";
import { httpText, RawSocket } from "../transport/raw_socket.ts";
import { makeSubject, type Subject } from "../transport/subject.ts";
import {
  assertServes,
  LegacyClient,
  modernCall,
  modernHeaders,
  modernPost,
  within,
} from "../transport/wire.ts";

interface Listening extends Subject, AsyncDisposable {
  running: RunningServer;
  /** What handlers have lived through. */
  seen: string[];
  /** Lets the handlers of `plain` and `deaf` go on. */
  gate: PromiseWithResolvers<void>;
}

async function listen(options: HttpOptions = {}): Promise<Listening> {
  const subject = makeSubject(options);
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const { server } = subject;
  server.registerTool("stream", {}, async (ctx) => {
    await ctx.progress(1);
    await aborted(ctx.signal, seen);
    await ctx.progress(2);
    seen.push("ended");
    return "nobody reads this";
  });
  server.registerTool("plain", {}, async (ctx) => {
    await aborted(ctx.signal, seen);
    return "nobody reads this";
  });
  server.registerTool("deaf", {}, async () => {
    seen.push("began");
    await gate.promise;
    seen.push("ended");
    return "nobody reads this";
  });
  const running = await server.serve({
    port: 0,
    signals: false,
    onListen() {},
  });
  return {
    ...subject,
    running,
    seen,
    gate,
    async [Symbol.asyncDispose]() {
      const over = running.shutdown();
      // What a failed test has left hanging is not waited for.
      await subject.clock.advance(20_000);
      await over;
    },
  };
}

function aborted(signal: AbortSignal, seen: string[]): Promise<void> {
  return new Promise((resolve) => {
    seen.push("began");
    signal.addEventListener("abort", () => {
      seen.push("aborted");
      resolve();
    }, { once: true });
  });
}

/** Waits until a condition holds that the other end of a socket brings about. */
async function until(condition: () => boolean): Promise<void> {
  const wait = async () => {
    while (!condition()) await new Promise((go) => setTimeout(go, 1));
  };
  await within(wait());
}

/** Gives what a disconnect sets off the time to happen. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}

function call(name: string, progressToken?: number): string {
  const message = modernCall("tools/call", { name, _meta: { progressToken } });
  return httpText({
    headers: modernHeaders(message),
    body: JSON.stringify(message),
  });
}

Deno.test("a client that leaves its stream cancels the call", async () => {
  await using subject = await listen();
  const { server, seen, running, log } = subject;
  using socket = await RawSocket.open(running.port);
  await socket.write(call("stream", 1));
  await socket.readUntil(`"progress":1`);
  assert.equal(server.stats.inFlight, 1);
  socket.drop();
  await until(() => seen.includes("ended"));
  assert.deepEqual(seen, ["began", "aborted", "ended"]);
  await until(() => server.stats.inFlight === 0);
  const { in_progress, errors_by_kind } = server.readMetrics().tools.stream;
  assert.equal(in_progress, 0);
  assert.deepEqual(errors_by_kind, { cancelled: 1 });
  assert.deepEqual(log, []);
  await assertServes(server);
});

Deno.test("a client that leaves before the answer cancels a call that looks at its signal", async () => {
  await using subject = await listen();
  const { server, seen, running, log } = subject;
  using socket = await RawSocket.open(running.port);
  await socket.write(call("plain"));
  await until(() => seen.includes("began"));
  socket.drop();
  await until(() => seen.includes("aborted"));
  await until(() => server.stats.inFlight === 0);
  assert.deepEqual(log, []);
  await assertServes(server);
});

Deno.test("a call that does not look ends as it would, and frees its place", async () => {
  await using subject = await listen();
  const { server, seen, running, gate, log } = subject;
  using socket = await RawSocket.open(running.port);
  await socket.write(call("deaf"));
  await until(() => seen.includes("began"));
  socket.drop();
  gate.resolve();
  await until(() => seen.includes("ended"));
  await until(() => server.stats.inFlight === 0);
  assert.deepEqual(log, []);
  await assertServes(server);
});

Deno.test("a signal that is first looked at after the client has gone is aborted", async () => {
  const { server } = makeSubject();
  const client = new AbortController();
  const gate = Promise.withResolvers<void>();
  const looked = Promise.withResolvers<boolean>();
  server.registerTool("late", {}, async (ctx) => {
    await gate.promise;
    looked.resolve(ctx.signal.aborted);
    return "x";
  });
  const message = modernCall("tools/call", { name: "late" });
  const request = new Request(
    "http://localhost/mcp",
    modernPost(message, client.signal),
  );
  const answering = server.fetch(request);
  await until(() => server.stats.inFlight === 1);
  client.abort();
  gate.resolve();
  assert.equal(await looked.promise, true);
  await answering;
  assert.equal(server.stats.inFlight, 0);
});

Deno.test("a client that leaves a batch cancels nothing of it, until it says so", async () => {
  await using subject = await listen();
  const { server, seen, running } = subject;
  const client = await LegacyClient.open(server, "2025-03-26");
  for (const streams of [true, false]) {
    seen.length = 0;
    using socket = await RawSocket.open(running.port);
    const batch = ["stream", "stream", "plain"].map((name, id) => ({
      jsonrpc: "2.0",
      id,
      method: "tools/call",
      params: { name, _meta: streams ? { progressToken: id } : {} },
    }));
    await socket.write(httpText({
      headers: { "mcp-session-id": client.sessionId },
      body: JSON.stringify(batch),
    }));
    await until(() => server.stats.inFlight === 3 && seen.length === 3);
    if (streams) await socket.readUntil(`"progressToken":1`);
    socket.drop();
    await subject.clock.advance(1_000);
    await settle();
    assert.equal(server.stats.inFlight, 3);
    for (const requestId of [0, 1, 2]) {
      await client.post({
        jsonrpc: "2.0",
        method: "notifications/cancelled",
        params: { requestId },
      });
    }
    await until(() => server.stats.inFlight === 0);
    assert.equal(seen.filter((each) => each === "aborted").length, 3);
  }
  await client.end();
  await assertServes(server);
});

Deno.test("a host that gives a batch's stream up cancels nothing of it", async () => {
  await using subject = await listen();
  const { server, seen } = subject;
  const client = await LegacyClient.open(server, "2025-03-26");
  const batch = [1, 2, 3].map((id) => ({
    jsonrpc: "2.0",
    id,
    method: "tools/call",
    params: { name: "stream", _meta: { progressToken: id } },
  }));
  const response = await server.fetch(
    new Request("http://localhost/mcp", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-session-id": client.sessionId,
      },
      body: JSON.stringify(batch),
    }),
  );
  await response.body!.cancel();
  await settle();
  assert.equal(server.stats.inFlight, 3);
  assert.equal(seen.includes("aborted"), false);
  // The end of its session calls off what is left.
  await client.end();
  await until(() => seen.filter((each) => each === "ended").length === 3);
  assert.equal(server.stats.inFlight, 0);
});

Deno.test("a body that breaks off is nobody's request", async () => {
  await using subject = await listen();
  const { server, running, log } = subject;
  const whole = call("deaf");
  for (const length of [1, 20, whole.length - 100, whole.length - 1]) {
    using socket = await RawSocket.open(running.port);
    await socket.write(whole.slice(0, length));
    socket.drop();
  }
  const chunked = httpText({
    headers: { "Content-Length": null, "Transfer-Encoding": "chunked" },
    body: 'ff\r\n{"jsonrpc"',
  });
  using socket = await RawSocket.open(running.port);
  await socket.write(chunked);
  socket.drop();
  await assertServes(server);
  assert.deepEqual(log, []);
});

Deno.test("a client that leaves subscriptions/listen is forgotten", async () => {
  await using subject = await listen();
  const { server, running, log } = subject;
  const message = modernCall("subscriptions/listen", {
    notifications: {
      toolsListChanged: true,
      resourceSubscriptions: ["test://fixed"],
    },
  });
  const text = httpText({
    headers: modernHeaders(message),
    body: JSON.stringify(message),
  });
  using both = await sockets(running.port, 2);
  const [leaver, stayer] = both;
  for (const socket of both) {
    await socket.write(text);
    await socket.readUntil("acknowledged");
  }
  assert.equal(server.stats.subscriptions, 2);
  leaver.drop();
  await until(() => server.stats.subscriptions === 1);
  server.sendResourceUpdated("test://fixed");
  await stayer.readUntil("notifications/resources/updated");
  stayer.drop();
  await until(() => server.stats.subscriptions === 0);
  server.sendResourceUpdated("test://fixed");
  server.sendToolListChanged();
  assert.deepEqual(log, []);
  await assertServes(server);
});

async function sockets(
  port: number,
  count: number,
): Promise<RawSocket[] & Disposable> {
  const open = await Promise.all(
    Array.from({ length: count }, () => RawSocket.open(port)),
  );
  return Object.assign(open, {
    [Symbol.dispose]() {
      for (const socket of open) socket.drop();
    },
  });
}

Deno.test("a legacy client that leaves its standing stream may open it again", async () => {
  await using subject = await listen();
  const { server, running } = subject;
  const client = await LegacyClient.open(server);
  const text = httpText({
    line: "GET /mcp HTTP/1.1",
    headers: { "mcp-session-id": client.sessionId, "Content-Length": null },
  });
  for (let time = 0; time < 3; time++) {
    using socket = await RawSocket.open(running.port);
    await socket.write(text);
    await socket.readUntil("text/event-stream");
    server.sendResourceListChanged();
    await socket.readUntil("list_changed");
    using second = await RawSocket.open(running.port);
    await second.write(text);
    await second.readUntil("text/event-stream");
    // The newer of the two gets the rest.
    server.sendPromptListChanged();
    await second.readUntil("prompts/list_changed");
    second.drop();
    await until(() => server.stats.streams === 1);
    server.sendToolListChanged();
    await socket.readUntil("tools/list_changed");
    socket.drop();
    await until(() => subject.clock.pending === 1); // no stream, no beat
  }
  assert.equal(server.stats.sessions, 1);
  await client.end();
});

Deno.test("a client that leaves the stream of 2024 ends its session", async () => {
  await using subject = await listen({ httpSsePair: true });
  const { server, seen, running } = subject;
  using socket = await RawSocket.open(running.port);
  await socket.write(httpText({
    line: "GET /sse HTTP/1.1",
    headers: { "Content-Length": null },
  }));
  const opened = await socket.readUntil("sessionId=");
  const path = /data: (\S+)/.exec(await socket.readUntil("\n\n"))?.[1] ??
    /data: (\S+)/.exec(opened)![1];
  const send = async (message: unknown) => {
    const response = await fetch(`http://127.0.0.1:${running.port}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(message),
    });
    await response.body?.cancel();
    return response.status;
  };
  const hang = {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name: "plain" },
  };
  assert.equal(await send(hang), 202);
  await until(() => seen.includes("began"));
  socket.drop();
  await until(() => seen.includes("aborted"));
  assert.equal(server.stats.inFlight, 0);
  assert.equal(await send(hang), 404);
  await assertServes(server);
});

Deno.test("thousands of streams opened and left leave nothing behind", async () => {
  const subject = makeSubject();
  const { server, clock } = subject;
  const session = await LegacyClient.open(server);
  const timers = clock.pending;
  server.registerTool("stream", {}, async (ctx) => {
    await ctx.progress(1);
    await new Promise((resolve) =>
      ctx.signal.addEventListener("abort", resolve)
    );
    return "x";
  });
  const request = (message: ReturnType<typeof modernCall>, headers = {}) =>
    new Request("http://localhost/mcp", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...headers,
      },
      body: JSON.stringify(message),
    });
  const modern = (message: ReturnType<typeof modernCall>) =>
    request(message, modernHeaders(message));
  const openers = [
    () =>
      modern(
        modernCall("subscriptions/listen", {
          notifications: { toolsListChanged: true },
        }),
      ),
    () =>
      modern(
        modernCall("tools/call", {
          name: "stream",
          _meta: { progressToken: 1 },
        }),
      ),
    () =>
      new Request("http://localhost/mcp", {
        headers: {
          accept: "text/event-stream",
          "mcp-session-id": session.sessionId,
        },
      }),
  ];
  for (const opener of openers) {
    for (let cycle = 0; cycle < 1_000; cycle++) {
      const response = await server.fetch(opener());
      assert.equal(response.headers.get("content-type"), "text/event-stream");
      await response.body!.cancel();
    }
    await until(() => server.stats.inFlight === 0);
    assert.equal(server.stats.subscriptions, 0);
    assert.equal(clock.pending, timers, "the beat has stopped");
  }
  const quick = { name: "quick", _meta: { progressToken: 1 } };
  server.registerTool("quick", {}, async (ctx) => {
    await ctx.progress(1);
    return "x";
  });
  for (let cycle = 0; cycle < 1_000; cycle++) {
    const response = await server.fetch(
      modern(modernCall("tools/call", quick)),
    );
    assert.match(await response.text(), /"progress":1/);
  }
  assert.equal(
    clock.pending,
    timers,
    "streams that were never opened do not beat",
  );
  await session.end();
  assert.equal(clock.pending, 0);
});

Deno.test("sockets opened and dropped at any moment leave nothing behind", async () => {
  await using subject = await listen();
  const { server, running, gate, log } = subject;
  gate.resolve();
  const texts = [call("stream", 1), call("plain"), call("deaf"), call("echo")];
  for (let round = 0; round < 60; round++) {
    using some = await sockets(running.port, texts.length);
    await Promise.all(
      some.map((socket, index) =>
        socket.write(
          texts[index].slice(0, round % 2 === 0 ? undefined : 50 + round * 7),
        )
          .catch(() => {})
      ),
    );
    if (round % 6 === 0) await some[0].readUntil("progress").catch(() => {});
  }
  await until(() => server.stats.inFlight === 0);
  for (const name of ["stream", "plain", "deaf"]) {
    await until(() => server.readMetrics().tools[name].in_progress === 0);
  }
  assert.deepEqual(log, []);
  await assertServes(server);
});
