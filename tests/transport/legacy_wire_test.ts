import assert from "node:assert/strict";
import { z } from "zod";
import type { AuthInfo, JsonObject } from "../../mod.ts";
import { makeSubject } from "./subject.ts";
import {
  assertRefused,
  assertServes,
  initialize,
  LegacyClient,
  post,
} from "./wire.ts";

const { server, log } = makeSubject();

const request = (id: unknown, method: string, params?: JsonObject) => ({
  jsonrpc: "2.0",
  id,
  method,
  params,
});
const echo = (id: unknown, data = `data of ${id}`) =>
  request(id, "tools/call", { name: "echo", arguments: { data } });
const cancelled = (requestId: unknown, reason?: unknown) => ({
  jsonrpc: "2.0",
  method: "notifications/cancelled",
  params: { requestId, reason },
});

Deno.test("a request without its session is refused as the official SDK does", async () => {
  const { sessionId } = await LegacyClient.open(server);
  const send = (id: string | null, method = "POST") =>
    post(server, method === "POST" ? echo(1) : undefined, {
      method,
      headers: { "mcp-session-id": id },
    });
  for (const method of ["POST", "GET", "DELETE"]) {
    assertRefused(await send(null, method), {
      status: 400,
      code: -32000,
      says: /Mcp-Session-Id header is required: .*MCP-Protocol-Version: 2026/,
      id: null,
    });
    for (
      const id of [
        "nobody",
        "",
        `${sessionId}x`,
        `${sessionId}, ${sessionId}`,
        "__proto__",
      ]
    ) {
      assertRefused(await send(id, method), {
        status: 404,
        code: -32001,
        says: /Session not found/,
        id: null,
      });
    }
  }
  assert.equal((await send(sessionId)).status, 200);
  await assertServes(server);
});

Deno.test("a session is gone once it has been ended", async () => {
  const client = await LegacyClient.open(server);
  assert.equal((await client.end()).status, 200);
  assertRefused(await client.ask("ping"), { status: 404, code: -32001 });
  assertRefused(await client.end(), { status: 404, code: -32001 });
});

Deno.test("a session answers to nobody but who opened it", async () => {
  const ada: AuthInfo = { token: "a", clientId: "ada", scopes: [] };
  const bob: AuthInfo = { token: "b", clientId: "bob", scopes: [] };
  const { headers } = await post(server, initialize(), { authInfo: ada });
  const session = { "mcp-session-id": headers.get("mcp-session-id")! };
  const send = (authInfo: AuthInfo | undefined, method = "POST") =>
    post(server, method === "POST" ? echo(1) : undefined, {
      headers: session,
      authInfo,
      method,
    });
  for (const stranger of [bob, undefined]) {
    for (const method of ["POST", "GET", "DELETE"]) {
      assertRefused(await send(stranger, method), {
        status: 404,
        code: -32001,
      });
    }
  }
  assert.equal((await send(ada)).status, 200);
});

Deno.test("a version that is not spoken is refused after the session", async () => {
  const client = await LegacyClient.open(server);
  for (const version of ["1.0", "2024-01-01", "", "2025-11-25x"]) {
    const headers = { "mcp-protocol-version": version };
    assertRefused(await client.post(echo(1), { headers }), {
      status: 400,
      code: -32000,
      says: /Unsupported protocol version.*supported versions: .*2025-11-25/,
    });
    assertRefused(await post(server, echo(1), { headers }), {
      status: 400,
      code: -32000,
      says: /Mcp-Session-Id/,
    });
  }
  // Any revision of the era will do, whichever was agreed on.
  for (const version of ["2024-11-05", "2025-03-26", null]) {
    const { status } = await client.post(echo(1), {
      headers: { "mcp-protocol-version": version },
    });
    assert.equal(status, 200);
  }
});

Deno.test("a broken initialize leaves no session behind", async () => {
  const before = server.stats.sessions;
  const bad: [params: JsonObject | undefined, says: RegExp][] = [
    [undefined, /protocolVersion/],
    [{}, /protocolVersion must be a string/],
    [{ protocolVersion: 20251125 }, /protocolVersion/],
    [{ protocolVersion: "2025-11-25" }, /capabilities must be an object/],
    [{ protocolVersion: "2025-11-25", capabilities: [] }, /capabilities/],
    [{ protocolVersion: "2025-11-25", capabilities: {} }, /clientInfo/],
    [
      { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: {} },
      /clientInfo/,
    ],
    [{
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: 1 },
    }, /clientInfo/],
  ];
  for (const [params, says] of bad) {
    const answer = await post(server, request(5, "initialize", params));
    assertRefused(answer, { status: 200, code: -32602, says, id: 5 });
  }
  const { id: _, ...notification } = initialize();
  assertRefused(await post(server, notification), {
    status: 400,
    code: -32600,
    says: /initialize needs an id/,
  });
  assert.equal(server.stats.sessions, before);
});

Deno.test("an unknown revision is answered with the newest", async () => {
  for (
    const asked of ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
  ) {
    const { body } = await post(server, initialize(asked));
    assert.equal(body.result.protocolVersion, asked);
  }
  for (const asked of ["2026-07-28", "1999-01-01", "", "x"]) {
    const { body } = await post(server, initialize(asked));
    assert.equal(body.result.protocolVersion, "2025-11-25");
  }
});

Deno.test("a session is initialized once", async () => {
  const client = await LegacyClient.open(server);
  assertRefused(await client.post(initialize()), {
    status: 400,
    code: -32600,
    says: /already initialized/,
  });
  assert.equal((await client.ask("ping")).status, 200);
});

Deno.test("initialize with a session that is gone begins anew", async () => {
  const ended = await LegacyClient.open(server);
  await ended.end();
  const ada: AuthInfo = { token: "a", clientId: "ada", scopes: [] };
  const { headers: hers } = await post(server, initialize(), { authInfo: ada });
  const stale = [
    ended.sessionId,
    crypto.randomUUID(),
    "",
    hers.get("mcp-session-id")!,
  ];
  for (const id of stale) {
    const { status, headers } = await post(server, initialize(), {
      headers: { "mcp-session-id": id },
    });
    assert.equal(status, 200);
    assert.notEqual(headers.get("mcp-session-id") ?? id, id);
  }
});

Deno.test("unknown methods and resources keep their old codes, under 200", async () => {
  const client = await LegacyClient.open(server);
  for (
    const method of [
      "server/discover",
      "subscriptions/listen",
      "tasks/get",
      "nothing",
      "__proto__",
    ]
  ) {
    assertRefused(await client.ask(method, {}, 9), {
      status: 200,
      code: -32601,
      id: 9,
    });
  }
  assertRefused(await client.ask("resources/read", { uri: "test://nobody" }), {
    status: 200,
    code: -32002,
    says: /test:\/\/nobody/,
  });
  assertRefused(await client.ask("tools/call", { name: "nobody" }), {
    status: 200,
    code: -32602,
    says: /nobody not found/,
  });
});

Deno.test("log levels, subscriptions and progress tokens are checked", async () => {
  const client = await LegacyClient.open(server);
  const bad: [method: string, params: JsonObject, says: RegExp][] = [
    ["logging/setLevel", { level: "loud" }, /level must be one of debug, info/],
    ["logging/setLevel", {}, /level/],
    ["logging/setLevel", { level: 7 }, /level/],
    ["logging/setLevel", { level: { toString: 1 } }, /level/],
    ["resources/subscribe", {}, /uri must be a string/],
    ["resources/subscribe", { uri: 1 }, /uri/],
    ["resources/unsubscribe", { uri: null }, /uri/],
    ["tools/list", { cursor: "x" }, /cursor/],
    ["tools/list", { _meta: { progressToken: {} } }, /progressToken/],
    ["tools/list", { _meta: { progressToken: 1.5 } }, /progressToken/],
  ];
  for (const [method, params, says] of bad) {
    assertRefused(await client.ask(method, params), {
      status: 200,
      code: -32602,
      says,
    });
  }
  // `_meta` of any other shape was never looked at in this era.
  for (const _meta of [null, "x", [], {}]) {
    assert.equal((await client.ask("tools/list", { _meta })).status, 200);
  }
});

Deno.test("answers to questions nobody asked are taken and dropped", async () => {
  const client = await LegacyClient.open(server);
  for (const id of ["nobody", 1, "sluice-1", "__proto__"]) {
    for (
      const outcome of [
        { result: {} },
        { error: { code: 1, message: "x" } },
        // Whoever had asked would be told that these are none.
        { result: 5 },
        { result: null },
        { error: {} },
        { error: "x" },
      ]
    ) {
      const answer = await client.post({ jsonrpc: "2.0", id, ...outcome });
      assert.deepEqual([answer.status, answer.text], [202, ""]);
    }
  }
  const broken: [answer: JsonObject, says: RegExp][] = [
    [{ jsonrpc: "2.0", id: null, result: {} }, /id must be/],
    [{ jsonrpc: "2.0", result: {} }, /id must be/],
    [{ jsonrpc: "1.0", id: 1, result: {} }, /jsonrpc/],
  ];
  for (const [answer, says] of broken) {
    assertRefused(await client.post(answer), {
      status: 400,
      code: -32600,
      says,
    });
  }
  assert.equal((await client.ask("ping")).status, 200);
});

Deno.test("a batch is answered in one array until 2025-03-26", async () => {
  for (const revision of ["2024-11-05", "2025-03-26"]) {
    const client = await LegacyClient.open(server, revision);
    const { status, messages: [answers] } = await client.post([
      echo(1),
      { jsonrpc: "2.0", method: "notifications/unheard-of" },
      echo("two"),
      request(3, "nothing"),
      { jsonrpc: "2.0", id: "stray", result: {} },
    ]);
    assert.equal(status, 200);
    const ids = answers.map(({ id }: { id: unknown }) => id);
    assert.deepEqual(ids.map(String).sort(), ["1", "3", "two"]);
    await client.end();
  }
  for (const revision of ["2025-06-18", "2025-11-25"]) {
    const client = await LegacyClient.open(server, revision);
    assertRefused(await client.post([echo(1)]), {
      status: 400,
      code: -32600,
      says: new RegExp(`${revision} has no batches`),
    });
    await client.end();
  }
});

Deno.test("a batch without requests is accepted in silence", async () => {
  const client = await LegacyClient.open(server, "2025-03-26");
  const answer = await client.post([
    { jsonrpc: "2.0", method: "notifications/unheard-of" },
    { jsonrpc: "2.0", id: 1, result: {} },
  ]);
  assert.deepEqual([answer.status, answer.text], [202, ""]);
});

Deno.test("batches that are none are refused as a whole", async () => {
  const client = await LegacyClient.open(server, "2025-03-26");
  const bad: [batch: unknown[], says: RegExp][] = [
    [[], /batch is empty/],
    [Array.from({ length: 101 }, (_, id) => echo(id)), /at most 100 messages/],
    [[echo(1), 5], /message 1: the message must be a JSON object/],
    [[null], /message 0/],
    [[[echo(1)]], /message 0/],
    [[echo(1), { jsonrpc: "2.0" }], /message 1: method/],
    [[echo(null)], /message 0: id must be/],
    [[echo(1), initialize()], /only one initialization/],
    [[initialize(), initialize()], /only one initialization/],
  ];
  for (const [batch, says] of bad) {
    assertRefused(await client.post(batch), {
      status: 400,
      code: -32600,
      says,
      id: null,
    });
  }
  const full = Array.from({ length: 100 }, (_, id) => echo(id));
  assert.equal((await client.post(full)).messages[0].length, 100);
  assert.equal(server.stats.inFlight, 0);
});

Deno.test("of two requests with one id in a batch the second is refused", async () => {
  const { server: other } = makeSubject();
  const gate = Promise.withResolvers<void>();
  other.registerTool("wait", {}, async () => {
    await gate.promise;
    return "waited";
  });
  const client = await LegacyClient.open(other, "2025-03-26");
  const wait = request(1, "tools/call", { name: "wait" });
  const posted = client.post([wait, wait]);
  gate.resolve();
  const [answers] = (await posted).messages;
  assert.equal(answers.length, 2);
  const [refused, done] = answers;
  assert.match(refused.error.message, /id 1 belongs to a request still in/);
  assert.equal(done.result.content[0].text, "waited");
  assert.equal(other.stats.inFlight, 0);
});

Deno.test("a cancelled member leaves the batch's other answers alone", async () => {
  const { server: other } = makeSubject();
  let aborted = 0;
  other.registerTool("hang", {}, (ctx) =>
    new Promise((_, reject) => {
      ctx.signal.addEventListener("abort", () => {
        aborted++;
        reject(ctx.signal.reason);
      });
    }));
  const client = await LegacyClient.open(other, "2025-03-26");
  const hang = (id: number) => request(id, "tools/call", { name: "hang" });
  const mixed = client.post([hang(1), echo(2)]);
  await settled(() => other.stats.inFlight === 1);
  await client.post(cancelled(1));
  const [answers] = (await mixed).messages;
  assert.deepEqual(answers.map((each: { id: unknown }) => each.id), [2]);
  const both = client.post([hang(3), hang(4)]);
  await settled(() => other.stats.inFlight === 2);
  await client.post([cancelled(3, "enough"), cancelled(4)]);
  assert.equal((await both).text, "");
  assert.equal(aborted, 3);
  assert.equal(other.stats.inFlight, 0);
});

Deno.test("cancellations that make no sense are ignored", async () => {
  const client = await LegacyClient.open(server);
  for (
    const params of [undefined, {}, { requestId: null }, { requestId: {} }, {
      requestId: "nobody",
    }, { requestId: 1, reason: { toString: 1 } }]
  ) {
    const answer = await client.post({
      jsonrpc: "2.0",
      method: "notifications/cancelled",
      params,
    });
    assert.deepEqual([answer.status, answer.text], [202, ""]);
  }
});

Deno.test("a reason of any shape cancels", async () => {
  const { server: other } = makeSubject();
  const reasons: unknown[] = [];
  other.registerTool("hang", {}, (ctx) =>
    new Promise((_, reject) => {
      ctx.signal.addEventListener("abort", () => {
        reasons.push(ctx.signal.reason.message);
        reject(ctx.signal.reason);
      });
    }));
  const client = await LegacyClient.open(other);
  for (const reason of ["stop", undefined, { toString: 1, valueOf: 1 }, null]) {
    const posted = client.ask("tools/call", { name: "hang" }, "x");
    await settled(() => other.stats.inFlight === 1);
    await client.post(cancelled("x", reason));
    await posted;
  }
  assert.equal(reasons[0], "stop");
  assert.deepEqual(reasons.slice(1), Array(3).fill("cancelled by the client"));
});

Deno.test("nobody cancels another session's request", async () => {
  const { server: other } = makeSubject();
  const gate = Promise.withResolvers<void>();
  other.registerTool("wait", {}, async () => {
    await gate.promise;
    return "waited";
  });
  const [ada, bob] = [
    await LegacyClient.open(other),
    await LegacyClient.open(other),
  ];
  const posted = ada.ask("tools/call", { name: "wait" }, 1);
  await settled(() => other.stats.inFlight === 1);
  await bob.post(cancelled(1));
  gate.resolve();
  assert.equal((await posted).body.result.content[0].text, "waited");
});

Deno.test("sessions have a cap: the longest idle makes room, none is taken from its work", async () => {
  const { server: small } = makeSubject({ maxSessions: 2 });
  small.registerTool("ask", {}, async (ctx) =>
    (await ctx.elicit({
      message: "?",
      requestedSchema: { type: "object", properties: {} },
    })).action);
  const [first, second] = [
    await LegacyClient.open(small),
    await LegacyClient.open(small),
  ];
  await first.ask("ping");
  const third = await LegacyClient.open(small);
  assert.equal((await second.ask("ping")).status, 404);
  assert.equal((await first.ask("ping")).status, 200);
  assert.equal((await third.ask("ping")).status, 200);
  assert.equal(small.stats.sessions, 2);
});

Deno.test("sessions end when they have been idle for too long", async () => {
  const { server: other, clock } = makeSubject({ sessionIdleMs: 60_000 });
  const [used, idle] = [
    await LegacyClient.open(other),
    await LegacyClient.open(other),
  ];
  await clock.advance(40_000);
  assert.equal((await used.ask("ping")).status, 200);
  await clock.advance(40_000);
  assert.equal((await idle.ask("ping")).status, 404);
  assert.equal((await used.ask("ping")).status, 200);
  await clock.advance(60_001);
  assert.equal(other.stats.sessions, 0);
  assert.equal(clock.pending, 0);
});

Deno.test("without sessions every request stands for itself", async () => {
  const { server: stateless } = makeSubject({ sessions: false });
  const { status, headers } = await post(stateless, initialize());
  assert.equal(status, 200);
  assert.equal(headers.get("mcp-session-id"), null);
  assert.equal((await post(stateless, echo(1))).status, 200);
  for (const method of ["GET", "DELETE"]) {
    const answer = await post(stateless, undefined, { method });
    assertRefused(answer, { status: 405, code: -32000 });
  }
  assertRefused(
    await post(stateless, echo(1), {
      headers: { "mcp-protocol-version": "1.0" },
    }),
    { status: 400, code: -32000 },
  );
  assert.equal(
    (await post(stateless, [echo(1), echo(1)])).messages[0].length,
    2,
  );
});

Deno.test("without sessions nothing is declared that can't be kept", async () => {
  for (const sessions of [true, false]) {
    const { server: one } = makeSubject({
      sessions,
      capabilities: {
        logging: {},
        prompts: { listChanged: true },
        experimental: { x: {} },
      },
    });
    const { capabilities } = (await post(one, initialize())).body.result;
    const changes = sessions ? { listChanged: true } : {};
    assert.deepEqual(capabilities, {
      ...(sessions && { logging: {} }),
      completions: {},
      experimental: { x: {} },
      tools: changes,
      prompts: changes,
      resources: { ...changes, ...(sessions && { subscribe: true }) },
    });
    if (sessions) continue;
    const uri = "test://fixed";
    for (
      const [method, params] of [
        ["resources/subscribe", { uri }],
        ["resources/unsubscribe", { uri }],
        ["logging/setLevel", { level: "info" }],
      ] as const
    ) {
      const answer = await post(one, request(1, method, params));
      assertRefused(answer, { status: 200, code: -32601 });
    }
    one.registerTool("speaks", {}, (ctx) => {
      ctx.log.error("undeclared");
      return "x";
    });
    const spoken = await post(
      one,
      request(1, "tools/call", { name: "speaks" }),
    );
    assert.equal(spoken.messages.length, 1);
  }
});

Deno.test("output that is no object is wrapped for the era, and checked", async () => {
  const { server: other } = makeSubject();
  other.registerTool(
    "list",
    { outputSchema: z.array(z.number()) },
    () => [1, 2],
  );
  const client = await LegacyClient.open(other);
  const { body } = await client.ask("tools/call", { name: "list" });
  assert.deepEqual(body.result.structuredContent, { result: [1, 2] });
});

Deno.test("none of this was worth a line in the log", () => {
  assert.deepEqual(log, []);
});

/** Waits, turn by turn, until a condition holds. */
async function settled(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000 && !condition(); turn++) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  assert.ok(condition());
}
