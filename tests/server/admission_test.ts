import assert from "node:assert/strict";
import {
  InvalidOptionError,
  type JsonObject,
  linkedPair,
  type LogRecord,
  McpServer,
  type McpServerOptions,
  type RefusalData,
} from "../../mod.ts";
import { Admission } from "../../src/server/admission/admission.ts";
import { admissionLimits } from "../../src/server/admission/admission_options.ts";
import type { Log } from "../../src/observe/log/log.ts";
import { BusyLoop } from "../support/busy_loop.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { eventually } from "../support/eventually.ts";
import {
  type Answer,
  ask,
  LegacyClient,
  modernCall,
  modernPost,
  type Posting,
  within,
} from "../transport/wire.ts";

/** A server with a tool that waits to be let go, and what its log said. */
function gated(options: McpServerOptions = {}) {
  const lines: string[] = [];
  const server = new McpServer({ name: "gated", version: "1.0.0" }, {
    log: ({ message }) => lines.push(message),
    ...options,
  });
  const started: PromiseWithResolvers<string>[] = [];
  const wait = () => {
    const gate = Promise.withResolvers<string>();
    started.push(gate);
    return gate.promise;
  };
  server.registerTool("wait", {}, wait);
  server.registerTool("one", { concurrency: 1 }, wait);
  server.registerTool(
    "hasty",
    { concurrency: 1, timeoutMs: 1_000, maxWaiting: 3 },
    wait,
  );
  server.registerTool("sync", {}, () => "at once");
  const call = (name: string, posting: Posting & { id?: unknown } = {}) =>
    ask(server, "tools/call", { name }, posting);
  return { server, started, lines, call };
}

function assertTurnedAway(
  { status, headers, body }: Answer,
  reason: RefusalData["reason"] = "overloaded",
): void {
  assert.equal(status, reason === "overloaded" ? 503 : 429);
  assert.equal(headers.get("retry-after"), "1");
  assert.equal(body.error?.code, -32005);
  assert.deepEqual(body.error?.data, { reason, retryAfterMs: 1_000 });
}

async function refusals(server: McpServer): Promise<Record<string, number>> {
  const response = await server.fetch(
    new Request("http://localhost/metrics?format=json"),
  );
  const { refused_by_cause } = await response.json();
  return Object.fromEntries(
    Object.entries(refused_by_cause as Record<string, number>)
      .filter(([, count]) => count > 0),
  );
}

Deno.test("more requests than may be in progress are refused, and let in again", async () => {
  const { server, started, call } = gated({ admission: { maxInProgress: 3 } });
  const calls = [call("wait"), call("wait"), call("wait")];
  await eventually(() => started.length === 3);
  assertTurnedAway(await call("wait"));
  // A request that is answered at once would be one more, too.
  assertTurnedAway(await call("sync"));
  started[1].resolve("done");
  assert.equal((await calls[1]).status, 200);
  assert.equal((await call("sync")).status, 200);
  assert.deepEqual(await refusals(server), { in_progress: 2 });
  started.forEach((gate) => gate.resolve("done"));
  await Promise.all(calls);
  await server.close();
});

Deno.test("a caller gets its share, and the others theirs", async () => {
  const { server, started, call } = gated({
    admission: { maxInProgress: 10, maxPerCaller: 2 },
  });
  const as = (clientId: string) => ({
    authInfo: { token: clientId, clientId, scopes: [] },
  });
  const calls = [call("wait", as("a")), call("wait", as("a"))];
  await eventually(() => started.length === 2);
  assertTurnedAway(await call("wait", as("a")), "caller_share");
  calls.push(call("wait", as("b")));
  await eventually(() => started.length === 3);
  assert.equal((await call("sync", as("b"))).status, 200);
  started[0].resolve("done");
  await calls[0];
  assert.equal((await call("sync", as("a"))).status, 200);
  assert.deepEqual(await refusals(server), { caller_share: 1 });
  started.forEach((gate) => gate.resolve("done"));
  await Promise.all(calls);
  // Below the bound nobody counts, and it begins anew.
  const again = [call("wait", as("a")), call("wait", as("a"))];
  await eventually(() => started.length === 5);
  assertTurnedAway(await call("sync", as("a")), "caller_share");
  started.forEach((gate) => gate.resolve("done"));
  await Promise.all(again);
  await server.close();
});

Deno.test("callers without a name are told apart by their address", async () => {
  const { server, started } = gated({ admission: { maxPerCaller: 1 } });
  await using running = await server.serve({
    port: 0,
    signals: false,
    onListen: () => {},
  });
  const fetchTool = async (name: string) => {
    const message = modernCall("tools/call", { name });
    const response = await fetch(running.url, modernPost(message));
    await response.text();
    return response.status;
  };
  const held = fetchTool("wait");
  await eventually(() => started.length === 1);
  assert.equal(await fetchTool("sync"), 429);
  // Whoever is in this process is another.
  assert.equal((await ask(server, "tools/call", { name: "sync" })).status, 200);
  started[0].resolve("done");
  assert.equal(await held, 200);
});

Deno.test("pings, notifications, and what makes less of the load always come in", async () => {
  const { server, started, call } = gated({
    admission: { maxInProgress: 1 },
    sessions: true,
  } as McpServerOptions);
  const client = await LegacyClient.open(server);
  const held = client.ask("tools/call", { name: "wait" }, 7);
  await eventually(() => started.length === 1);
  assertTurnedAway(await call("sync"));
  assert.deepEqual((await client.ask("ping", {}, 8)).body.result, {});
  assert.equal(
    (await client.ask("resources/unsubscribe", { uri: "test://x" }, 9)).status,
    200,
  );
  const cancelled = await client.post({
    jsonrpc: "2.0",
    method: "notifications/cancelled",
    params: { requestId: 7 },
  });
  assert.equal(cancelled.status, 202);
  await held;
  assert.equal((await call("sync")).status, 200);
  assert.equal((await client.end()).status, 200);
  await server.close();
});

Deno.test("calls wait for their turn, and are refused where too many do", async () => {
  const { server, started, call } = gated({ admission: { maxWaiting: 2 } });
  const calls = [call("one"), call("one"), call("one")];
  await eventually(() => started.length === 1);
  assertTurnedAway(await call("one"));
  // A tool's own bound goes before.
  const hasty = Array.from({ length: 4 }, () => call("hasty"));
  await eventually(() => started.length === 2);
  assertTurnedAway(await call("hasty"));
  assert.deepEqual(await refusals(server), { queue_full: 2 });
  while (server.stats.inFlight > 0) {
    started.forEach((gate) => gate.resolve("done"));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  for (const { status } of await Promise.all([...calls, ...hasty])) {
    assert.equal(status, 200);
  }
  await server.close();
});

Deno.test("timeoutMs counts the wait, and what is left of it the work", async () => {
  const clock = new FakeClock();
  const { server, started, call } = gated({ clock });
  const [first, second, third] = [
    call("hasty"),
    call("hasty"),
    call("hasty"),
  ];
  await eventually(() => started.length === 1);
  await clock.advance(700);
  started[0].resolve("in time");
  assert.equal((await first).body.result.isError, undefined);
  await eventually(() => started.length === 2);
  await clock.advance(300);
  const late = (await second).body.result;
  assert.equal(late.isError, true);
  assert.match(
    late.content[0].text,
    /^tool hasty, after 700 ms in line, took longer than 300 ms$/,
  );
  assertTurnedAway(await third);
  assert.deepEqual(await refusals(server), { queue_time: 1 });
  assert.equal(started.length, 2);
  await server.close();
});

Deno.test("a call whose turn comes when its time is spent does not begin", async () => {
  const clock = new FakeClock();
  const { server, started, call } = gated({ clock });
  const first = call("hasty");
  const second = call("hasty");
  await eventually(() => server.stats.inFlight === 2);
  await clock.advance(1_000); // the first is given up, and leaves its place
  assert.equal((await first).body.result.isError, true);
  assertTurnedAway(await second);
  assert.equal(started.length, 1);
  assert.deepEqual(await refusals(server), { queue_time: 1 });
  await server.close();
});

Deno.test("a call waits no longer than the server allows, or its client says", async () => {
  const clock = new FakeClock();
  const { server, started, call } = gated({
    clock,
    admission: { maxWaitMs: 5_000 },
  });
  const held = call("one");
  const patient = call("one");
  const hurried = call("one", {
    headers: { prefer: "return=minimal, wait=2" },
  });
  await eventually(() => started.length === 1);
  await clock.advance(2_000);
  // After a second a stream has begun, so that nobody takes it for dead.
  assert.equal((await hurried).body.error?.code, -32005);
  assert.equal(server.stats.inFlight, 2);
  await clock.advance(3_000);
  assert.equal((await patient).body.error?.code, -32005);
  started[0].resolve("done");
  await held;
  await server.close();
});

Deno.test("a call leaves the line with its client", async () => {
  const { server, started, call } = gated();
  const leaving = new AbortController();
  const held = call("one");
  await eventually(() => started.length === 1);
  const left = call("one", { signal: leaving.signal });
  await eventually(() => server.stats.inFlight === 2);
  leaving.abort();
  assert.equal((await left).status, 499);
  started[0].resolve("done");
  await held;
  assert.equal(server.stats.inFlight, 0);
  assert.equal(started.length, 1);
  await server.close();
});

Deno.test("once there has been a line for a second, the newest is served first", async () => {
  const clock = new FakeClock();
  const { server, started, call } = gated({ clock, slowMs: Infinity });
  const order: number[] = [];
  const calls = Array.from(
    { length: 4 },
    (_, id) => call("one", { id }).then(() => order.push(id)),
  );
  await eventually(() => started.length === 1);
  await clock.advance(999);
  started[0].resolve("done");
  await eventually(() => started.length === 2);
  await clock.advance(1);
  for (let turn = 1; turn < 4; turn++) {
    started[turn].resolve("done");
    await eventually(() => started.length === Math.min(4, turn + 2));
  }
  await Promise.all(calls);
  assert.deepEqual(order, [0, 1, 3, 2]);
  await server.close();
});

Deno.test("over a channel of messages a refusal has no status, but says the same", async () => {
  const { server, started } = gated({ admission: { maxInProgress: 1 } });
  const [clientEnd, serverEnd] = linkedPair();
  const answers: JsonObject[] = [];
  clientEnd.onmessage = (message) => answers.push({ ...message } as JsonObject);
  await server.connect(serverEnd);
  await clientEnd.start();
  const send = (id: number, method: string, params = {}) =>
    clientEnd.send({ jsonrpc: "2.0", id, method, params });
  await send(0, "initialize", {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "test", version: "1.0.0" },
  });
  await send(1, "tools/call", { name: "wait" });
  await send(2, "tools/call", { name: "sync" });
  await send(3, "ping");
  await eventually(() => answers.length === 3);
  assert.deepEqual(answers[1], {
    jsonrpc: "2.0",
    id: 2,
    error: {
      code: -32005,
      message: "Refused: too many requests are in progress",
      data: { reason: "overloaded", retryAfterMs: 1_000 },
    },
  });
  assert.deepEqual(answers[2].result, {});
  started[0].resolve("done");
  await server.close();
});

Deno.test("behind, a server refuses by the headers alone, unless the body may be an answer", () => {
  const loop = new BusyLoop();
  const limits = admissionLimits("admission", { maxBacklogMs: 5 });
  const lines: unknown[] = [];
  const log = { warning: (...line: unknown[]) => lines.push(line) };
  const admission = new Admission(limits, loop, log as unknown as Log);
  const refused = (method?: string) =>
    admission.refusalUnread(
      loop.now(),
      new Headers(method === undefined ? {} : { "mcp-method": method }),
      undefined,
    ) !== undefined;
  assert.equal(refused("tools/call"), false);
  admission.watch();
  for (let call = 0; call < 3; call++) {
    assert.equal(refused("tools/call"), false);
    loop.compute(80);
  }
  assert.equal(refused("tools/call"), true);
  assert.equal(refused("server/discover"), true);
  for (
    const method of [
      "ping",
      "tasks/update",
      "tasks/cancel",
      "notifications/cancelled",
    ]
  ) assert.equal(refused(method), false, method);
  // Only its body says what a request of the legacy era is.
  assert.equal(refused(), false);
  admission.expectAnswers();
  assert.equal(refused("tools/call"), false);
  assert.equal(admission.refusals.get("backlog"), 2);
  assert.equal(lines.length, 2);
  admission.close();
  assert.equal(loop.pending, 0);
});

Deno.test("the log has one line of a cause in a while", async () => {
  const { server, started, lines, call } = gated({
    admission: { maxInProgress: 1 },
  });
  const held = call("wait");
  await eventually(() => started.length === 1);
  for (let index = 0; index < 20; index++) assertTurnedAway(await call("sync"));
  assert.deepEqual(lines, [
    "requests are refused: too many requests are in progress",
  ]);
  started[0].resolve("done");
  await held;
  await server.close();
});

Deno.test("the log says whose tool and which caller it is that has too much", async () => {
  const records: LogRecord[] = [];
  const { server, started } = gated({
    admission: { maxInProgress: 4, maxPerCaller: 2, maxWaiting: 0 },
    log: (record) => void records.push(record),
  });
  const clientInfo = { name: "greedy", version: "1.0.0" };
  const call = (name: string) =>
    ask(server, "tools/call", {
      name,
      _meta: { "io.modelcontextprotocol/clientInfo": clientInfo },
    }, { authInfo: { token: "a", clientId: "a", scopes: [] } });
  const calls = [call("one")];
  await eventually(() => started.length === 1);
  assertTurnedAway(await call("one"));
  calls.push(call("wait"));
  await eventually(() => started.length === 2);
  assertTurnedAway(await call("sync"), "caller_share");
  assert.deepEqual(
    records.map(({ fields: { cause, tool, client } }) => [cause, tool, client]),
    [
      ["queue_full", "one", "greedy"],
      ["caller_share", "sync", "greedy"],
    ],
  );
  started.forEach((gate) => gate.resolve("done"));
  await Promise.all(calls);
  await server.close();
});

Deno.test("the line is in the metrics: how long it is, and how old", async () => {
  const clock = new FakeClock();
  const { server, started, call } = gated({ clock });
  const read = async () => {
    const response = await server.fetch(
      new Request("http://localhost/metrics?format=json"),
    );
    const { waiting, queue_age_ms } = await response.json();
    return [waiting, queue_age_ms];
  };
  const calls = [call("one"), call("one"), call("one"), call("hasty")];
  await eventually(() => started.length === 2);
  await clock.advance(400);
  assert.deepEqual(await read(), [2, 400]);
  const text = await (await server.fetch(
    new Request("http://localhost/metrics"),
  )).text();
  assert.match(text, /^mcp_server_waiting 2$/m);
  assert.match(text, /^mcp_server_queue_age_seconds 0.4$/m);
  assert.match(
    text,
    /^mcp_server_admission_refusals_total\{reason="backlog"\} 0$/m,
  );
  while (server.stats.inFlight > 0) {
    started.forEach((gate) => gate.resolve("done"));
    await clock.advance(1);
  }
  await Promise.all(calls);
  await clock.advance(100);
  assert.deepEqual(await read(), [0, 0]);
  await server.close();
});

Deno.test("calls of a mounted server's tools wait where they came in", async () => {
  const { server: inner, started } = gated({ admission: { maxWaiting: 1 } });
  const { server } = gated();
  server.mount("inner", inner);
  const call = () => ask(server, "tools/call", { name: "inner_one" });
  const calls = [call(), call()];
  await eventually(() => started.length === 1);
  assertTurnedAway(await call());
  assert.deepEqual(await refusals(server), { queue_full: 1 });
  started[0].resolve("done");
  await eventually(() => started.length === 2);
  started[1].resolve("done");
  await Promise.all(calls);
  await server.close();
});

Deno.test("without admission nothing is refused", async () => {
  const { server, started, call } = gated({ admission: false });
  const calls = Array.from({ length: 1_500 }, () => call("one"));
  await eventually(() => server.stats.inFlight === 1_500);
  while (server.stats.inFlight > 0) {
    started.splice(0).forEach((gate) => gate.resolve("done"));
    await Promise.resolve();
  }
  for (const { status } of await within(Promise.all(calls))) {
    assert.equal(status, 200);
  }
  await server.close();
});

Deno.test("bounds that can't be kept, or that nobody knows, are refused by name", () => {
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ maxInProgress: 0 }, /admission\.maxInProgress.*at least 1, got 0/],
    [{ maxPerCaller: 1.5 }, /admission\.maxPerCaller.*got 1\.5/],
    [{ maxWaiting: -1 }, /admission\.maxWaiting.*got -1/],
    [{ maxWaitMs: NaN }, /admission\.maxWaitMs.*got NaN/],
    [{ maxBacklogMs: "1s" }, /admission\.maxBacklogMs.*got "1s"/],
    [{ maxInprogress: 5 }, /"maxInprogress": did you mean maxInProgress/],
  ];
  const make = (admission: unknown) => () =>
    new McpServer({ name: "wrong", version: "1.0.0" }, { admission } as never);
  for (const [admission, says] of wrong) {
    assert.throws(make(admission), InvalidOptionError);
    assert.throws(make(admission), says);
  }
  assert.throws(make(true), /admission.*object.*got true/);
  const server = new McpServer({ name: "right", version: "1.0.0" }, {
    admission: { maxInProgress: Infinity, maxWaiting: 0 },
  });
  assert.throws(
    () => server.registerTool("x", { maxWaiting: -1 }, () => 1),
    /tool x: maxWaiting.*got -1/,
  );
});
