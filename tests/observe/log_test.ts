import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { SUPPORTED_REVISIONS } from "../../src/protocol/revision.ts";
import {
  configure,
  getLogger,
  type LogRecord as TapeRecord,
  reset,
} from "@logtape/logtape";
import {
  InvalidOptionError,
  jsonLog,
  Logger,
  type LogLevel,
  type LogRecord,
  type LogSink,
  logTapeLog,
  McpServer,
  type ServerContext,
} from "../../mod.ts";
import { readable } from "../../src/observe/log/stderr_log.ts";
import { Call, type CallHost } from "../../src/server/calls/call.ts";
import { ModernEra } from "../../src/server/eras/modern_era.ts";
import { QuietLog } from "../../src/observe/log/quiet_log.ts";
import { RecentTrouble } from "../../src/server/calls/recent_trouble.ts";
import { CallLog } from "../../src/server/calls/call_log.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { ask } from "../transport/wire.ts";

/** What `act` writes by console.error, as errors are. */
function written(act: () => void): string[] {
  const lines: string[] = [];
  const { error } = console;
  console.error = (...words: unknown[]) => void lines.push(words.join(" "));
  try {
    act();
  } finally {
    console.error = error;
  }
  return lines;
}

function json(fields: Record<string, unknown>, message = "m"): {
  line: string;
  parsed: Record<string, unknown>;
} {
  const [line] = written(() => jsonLog({ level: "error", message, fields }));
  return { line, parsed: JSON.parse(line) };
}

function collecting(level?: LogLevel): { log: Logger; records: LogRecord[] } {
  const records: LogRecord[] = [];
  return { log: new Logger((record) => records.push(record), level), records };
}

Deno.test("what is less grave than the level is not written", () => {
  const { log, records } = collecting("warning");
  log.debug("a");
  log.info("b");
  log.warning("c");
  log.error("d", { x: 1 });
  assert.deepEqual(records, [
    { level: "warning", message: "c", fields: {} },
    { level: "error", message: "d", fields: { x: 1 } },
  ]);
  assert.equal(log.writes("info"), false);
  assert.equal(log.writes("error"), true);
  const usual = collecting();
  usual.log.debug("a");
  usual.log.info("b");
  assert.equal(usual.records.length, 1);
});

Deno.test("a level that there isn't is refused by name", () => {
  assert.throws(
    () =>
      new McpServer({ name: "t", version: "1" }, { logLevel: "loud" as never }),
    (error) =>
      error instanceof InvalidOptionError && error.message ===
        'logLevel must be one of debug, info, warning, error, got "loud"',
  );
});

Deno.test("a sink that throws or rejects harms nobody, and is told of once", async () => {
  const sinks: LogSink[] = [
    () => {
      throw new Error("disk full");
    },
    () => Promise.reject(new Error("disk full")),
    () => {
      throw {
        get message() {
          throw 1;
        },
        toString: null,
      };
    },
  ];
  for (const sink of sinks) {
    const lines: string[] = [];
    const { error } = console;
    console.error = (line: string) => void lines.push(line);
    try {
      const server = new McpServer({ name: "t", version: "1" }, {
        log: sink,
      });
      server.registerTool("fails", {}, () => {
        throw new Error("oh");
      });
      for (let calls = 0; calls < 3; calls++) {
        const { isError } = await server.call("tools/call", { name: "fails" });
        assert.equal(isError, true);
      }
      await server.close();
    } finally {
      console.error = error;
    }
    assert.equal(lines.length, 1, String(lines));
    assert.match(lines[0], /the log's sink failed/);
  }
});

Deno.test("a JSON line has the time, the level, the message and the fields, which can't replace them", () => {
  const { parsed } = json({
    tool: "x",
    level: "debug",
    message: "n",
    message_: "o",
    time: 1,
  });
  assert.deepEqual(Object.keys(parsed).slice(0, 3), [
    "time",
    "level",
    "message",
  ]);
  assert.match(String(parsed.time), /^\d{4}-\d\d-\d\dT.*Z$/);
  const { time: _, ...rest } = parsed;
  assert.deepEqual(rest, {
    level: "error",
    message: "m",
    tool: "x",
    level_: "debug",
    message_: "n",
    message__: "o",
    time_: 1,
  });
});

Deno.test("what JSON can't say is written in a sensible form", () => {
  const cycle: Record<string, unknown> = { a: 1 };
  cycle.self = cycle;
  const error = Object.assign(new TypeError("oh", { cause: "why" }), {
    code: "E",
  });
  const hostile = new Proxy({}, {
    ownKeys() {
      throw new Error("no");
    },
  });
  const { parsed } = json({
    cycle,
    big: 12n,
    nan: NaN,
    fn: function named() {},
    symbol: Symbol("s"),
    error,
    map: new Map([["k", 1]]),
    set: new Set([1, 2]),
    bytes: new Uint8Array(5),
    date: new Date(0),
    hostile,
    thrower: {
      get x() {
        throw new Error("no");
      },
    },
    json: { toJSON: () => ({ shown: true }) },
    undef: undefined,
    shared: [cycle.a, cycle.a],
    ["__proto__"]: 5,
  });
  const { stack, ...shownError } = parsed.error as Record<string, unknown>;
  assert.match(String(stack), /TypeError: oh/);
  assert.deepEqual(shownError, {
    name: "TypeError",
    message: "oh",
    cause: "why",
    code: "E",
  });
  assert.deepEqual(parsed.cycle, { a: 1, self: "[circular]" });
  assert.equal(parsed.big, "12");
  assert.equal(parsed.nan, "NaN");
  assert.equal(parsed.fn, "[function named]");
  assert.equal(parsed.symbol, "Symbol(s)");
  assert.deepEqual(parsed.map, { k: 1 });
  assert.deepEqual(parsed.set, [1, 2]);
  assert.equal(parsed.bytes, "[5 bytes]");
  assert.equal(parsed.date, "1970-01-01T00:00:00.000Z");
  assert.equal(parsed.hostile, "[unreadable]");
  assert.deepEqual(parsed.thrower, { x: "[unreadable]" });
  assert.deepEqual(parsed.json, { shown: true });
  assert.equal("undef" in parsed, false);
});

Deno.test("a line is bounded, however much there is to say", () => {
  let deep: unknown = "end";
  for (let i = 0; i < 10_000; i++) deep = { deep };
  const wide = Object.fromEntries(
    Array.from({ length: 5_000 }, (_, i) => [`k${i}`, "x".repeat(500)]),
  );
  const { line } = json({
    text: "x".repeat(10_000_000),
    many: Array.from({ length: 100_000 }, () => "y".repeat(1_000)),
    map: new Map(Array.from({ length: 100_000 }, (_, i) => [i, i])),
    wide,
    deep,
  }, "z".repeat(1_000_000));
  assert.ok(line.length < 200_000, String(line.length));
  assert.match(line, /\(9991808 more\)/);
  assert.match(line, /\[too deep\]/);
});

Deno.test("what is named like a secret is kept back, and so are tokens in texts", () => {
  const { line, parsed } = json({
    Authorization: "Bearer hush1",
    headers: { cookie: "hush2", "set-cookie": ["hush3"], "x-api-key": "hush4" },
    accessToken: "hush5",
    password: { plain: "hush6" },
    clientSecret: "hush7",
    apiKey: "hush8",
    session_id: "hush9",
    note: "sent Bearer hush10 to postgres://ada:hush11@db:5432/x",
    max_tokens: 100,
    tokens: 7,
    error: new Error("can't reach redis://:hush12@cache"),
    odd: "postgres://ada:hush15@hush16@db, mongodb://u:hush17@a,v:hush18@b",
  }, "GET https://u:hush13@host/ with bearer hush14");
  assert.doesNotMatch(line, /hush/);
  assert.equal(parsed.max_tokens, 100);
  assert.equal(parsed.tokens, 7);
  assert.equal(parsed.accessToken, "[redacted]");
  assert.match(String(parsed.note), /postgres:\/\/\[redacted\]@db:5432/);
  const atTheEdge = json({
    text: `${"x".repeat(8_180)}://ada:hush-and-more-hush@db`,
  });
  assert.doesNotMatch(atTheEdge.line, /hush/);
});

Deno.test("a sink of one's own gets no secret either, and errors as errors", () => {
  const { log, records } = collecting();
  const cause = new TypeError("redis://:hush1@cache is down");
  const error = Object.assign(new Error("Bearer hush2", { cause }), {
    code: "E_DOWN",
    token: "hush3",
  });
  log.info("asks postgres://ada:hush4@db", {
    password: "hush5",
    user: { name: "Ada", apiKey: "hush6", tags: ["a", "b"] },
    error,
    big: "x".repeat(100_000),
  });
  const [{ message, fields }] = records;
  assert.doesNotMatch(Deno.inspect(records, { depth: 9 }), /hush/);
  assert.equal(message, "asks postgres://[redacted]@db");
  assert.equal(fields.password, "[redacted]");
  assert.deepEqual(fields.user, {
    name: "Ada",
    apiKey: "[redacted]",
    tags: ["a", "b"],
  });
  assert.ok((fields.big as string).length < 10_000);
  const shown = fields.error as Error & { code: string };
  assert.ok(shown instanceof Error && shown.cause instanceof Error);
  assert.equal(shown.name, "Error");
  assert.equal(shown.cause.name, "TypeError");
  assert.equal(shown.code, "E_DOWN");
  assert.match(shown.stack!, /log_test\.ts/);
  assert.equal(error.token, "hush3", "the author's own is left as it was");
});

Deno.test("what nobody writes is not looked at", () => {
  const { log, records } = collecting();
  log.debug("no", {
    get costly() {
      throw new Error("read");
    },
  });
  assert.equal(records.length, 0);
});

Deno.test("no message or field ends a line early, in either form", () => {
  fc.assert(fc.property(
    fc.string({ unit: "binary" }),
    fc.dictionary(fc.string({ unit: "binary" }), fc.anything()),
    (message, fields) => {
      const { line, parsed } = json(fields, message);
      const text = readable({
        level: "info",
        message,
        fields: { ...fields, stack: undefined },
      }, false);
      for (const each of [line, text]) {
        // deno-lint-ignore no-control-regex -- that is the point
        assert.doesNotMatch(each, /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e]/);
      }
      assert.equal(parsed.level, "error");
    },
  ));
});

Deno.test("the form for people has one line, and a stack indented below it", () => {
  const record: LogRecord = {
    level: "error",
    message: "tool x failed: no\n12:00:00.000 INFO    all is well",
    fields: {
      requestId: 7,
      tool: "a b",
      where: "src/x.ts",
      password: "hush",
      stack: "Error: no\n12:00:00.000 INFO    all is well\n    at x\x1b[2J",
    },
  };
  const lines = readable(record, false).split("\n");
  assert.equal(
    lines[0].slice(13),
    "ERROR   tool x failed: no\\u000a12:00:00.000 INFO    all is well " +
      'requestId=7 tool="a b" where=src/x.ts password="[redacted]"',
  );
  assert.deepEqual(lines.slice(1), [
    "    Error: no",
    "    12:00:00.000 INFO    all is well",
    "    at x\\u001b[2J",
  ]);
  assert.ok(readable(record, true).includes("\x1b[31mERROR"));
});

Deno.test("stderr gets JSON where it is no terminal", async () => {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `
      import { McpServer } from "${new URL("../../mod.ts", import.meta.url)}";
      new McpServer({ name: "t", version: "1" }).log.info("hello", { a: 1 });
    `,
    ],
    env: { NO_COLOR: "1" },
  }).output();
  assert.equal(stdout.length, 0);
  const lines = new TextDecoder().decode(stderr).trim().split("\n");
  const { message, a } = JSON.parse(lines.at(-1)!);
  assert.deepEqual([message, a], ["hello", 1]);
});

Deno.test("LogTape takes the records, braces and all", async () => {
  const taken: TapeRecord[] = [];
  await configure({
    sinks: { taken: (record) => void taken.push(record) },
    loggers: [
      { category: "sluice", sinks: ["taken"], lowestLevel: "debug" },
      { category: ["logtape", "meta"], sinks: [] },
    ],
  });
  try {
    const log = new Logger(logTapeLog(getLogger("sluice")), "debug");
    log.debug("a");
    log.info("b");
    log.warning("failed: {tool} {{x}} }", { tool: "secret" });
    log.error("d");
  } finally {
    await reset();
  }
  assert.deepEqual(
    taken.map((
      { level, message, properties },
    ) => [level, message.join(""), properties]),
    [
      ["debug", "a", {}],
      ["info", "b", {}],
      ["warning", "failed: {tool} {{x}} }", { tool: "secret" }],
      ["error", "d", {}],
    ],
  );
});

Deno.test("a line about a request names it, its method and its tool, and no argument", async () => {
  const log: LogRecord[] = [];
  const server = new McpServer({ name: "t", version: "1" }, {
    log: (record) => log.push(record),
    slowMs: 50,
  });
  let seen: ServerContext | undefined;
  server.registerTool("fails", {}, () => {
    throw new Error("no luck");
  });
  server.use((request, next) => {
    seen = request.ctx;
    return next(request);
  });
  await ask(server, "tools/call", {
    name: "fails",
    arguments: { password: "hush", note: "hush" },
  });
  assert.equal(log.length, 1);
  const { stack, ...fields } = log[0].fields;
  assert.match(String(stack), /no luck/);
  const { callId: call, requestId } = seen!;
  assert.match(call, /^[0-9a-f]{8}-\d+$/);
  assert.deepEqual(fields, {
    call,
    requestId,
    method: "tools/call",
    tool: "fails",
  });
  assert.doesNotMatch(JSON.stringify(log), /hush/);
  await server.close();
});

Deno.test("a line about a request bears whatever middleware has made of its parameters", () => {
  const lines = new CallLog({
    log: new QuietLog(new Logger(() => {}), 0, new FakeClock()),
    slowMs: 50,
    hasTool: () => true,
    trouble: new RecentTrouble(),
  });
  const call = new Call({ clock: new FakeClock() } as unknown as CallHost, {
    era: new ModernEra({}, SUPPORTED_REVISIONS),
    revision: "2026-07-28",
    method: "tools/call",
    params: {},
    id: 7,
    reply: { respond() {}, send() {}, abandon() {}, onDisconnect() {} },
    session: undefined,
    bytes: 0,
  });
  const line = { call: call.callId, requestId: 7, method: "tools/call" };
  Object.assign(call, { params: undefined });
  assert.deepEqual(lines.fields(call), line);
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  Object.assign(call, { params: { _meta: { traceparent } } });
  assert.deepEqual(lines.fields(call), { ...line, traceId });
});

Deno.test("secrets are kept back wherever texts and fields usually hold them", () => {
  const records: LogRecord[] = [];
  const logger = new Logger((record) => records.push(record));
  logger.info(
    "GET https://a.example/?api_key=k1&page=2&access_token=k2#x with " +
      "Authorization: Basic azM6azM= and Bearer k4, redis://u:k5@h/1?password=k6",
    {
      DB_PASS: "k7",
      jwt: "k8",
      pass: "k9",
      tokenCount: 5,
      max_tokens: 7,
      compass: "north",
      note: "Basic usage of Bearer",
    },
  );
  const [{ message, fields }] = records;
  assert.doesNotMatch(JSON.stringify(records), /k[1-9]|azM6/);
  assert.match(message, /&page=2&/);
  assert.deepEqual(fields, {
    DB_PASS: "[redacted]",
    jwt: "[redacted]",
    pass: "[redacted]",
    tokenCount: 5,
    max_tokens: 7,
    compass: "north",
    note: "Basic usage of Bearer",
  });
});

Deno.test("a request that takes longer than slowMs is one line; at debug, every request is", async () => {
  const log: LogRecord[] = [];
  const clock = new FakeClock();
  const slowServer = (logLevel: LogLevel) => {
    const server = new McpServer({ name: "t", version: "1" }, {
      log: (record) => log.push(record),
      logLevel,
      slowMs: 50,
      clock,
    });
    server.registerTool(
      "wait",
      { inputSchema: z.object({ ms: z.number() }) },
      async ({ ms }) => {
        await clock.advance(ms);
        return "done";
      },
    );
    return server;
  };
  const wait = (server: McpServer, ms: number) =>
    server.call("tools/call", { name: "wait", arguments: { ms } });

  await using quiet = slowServer("info");
  await wait(quiet, 50);
  assert.equal(log.length, 0);
  await wait(quiet, 51);
  assert.equal(log.length, 1);
  const [{ level, message, fields: { call, requestId, ...fields } }] = log;
  assert.equal(typeof call, "string");
  assert.equal(level, "warning");
  assert.equal(message, "tool wait is slow: it took 51 ms");
  assert.equal(typeof requestId, "number");
  assert.deepEqual(fields, {
    method: "tools/call",
    tool: "wait",
    tookMs: 51,
    slowMs: 50,
  });

  await using talkative = slowServer("debug");
  await wait(talkative, 2);
  await talkative.call("tools/call", { name: "nobody" }).catch(() => {});
  assert.deepEqual(
    log.slice(1).map(({ level, message, fields }) => [
      level,
      message,
      fields.failure,
    ]),
    [
      ["debug", "tool wait has ended", undefined],
      ["debug", "tools/call has ended", "invalid_params"],
    ],
  );
});

Deno.test("the lines of one request have a name in common that no other has, its author's too", async () => {
  const log: LogRecord[] = [];
  await using server = new McpServer({ name: "t", version: "1" }, {
    log: (record) => log.push(record),
    logLevel: "debug",
    logIntervalMs: 0,
  });
  const name = "x".repeat(200) + " Bearer hush";
  server.registerTool("pack", {}, (ctx) => {
    server.log.info("packed", { call: ctx.callId });
    throw new Error("torn");
  });
  const _meta = {
    "io.modelcontextprotocol/clientInfo": { name, version: "1" },
  };
  for (let i = 0; i < 2; i++) {
    await ask(server, "tools/call", { name: "pack", _meta });
  }
  const calls = log.map(({ fields }) => fields.call);
  assert.equal(calls.length, 6);
  assert.deepEqual(calls.slice(0, 3), Array(3).fill(calls[0]));
  assert.deepEqual(calls.slice(3), Array(3).fill(calls[3]));
  assert.notEqual(calls[0], calls[3]);
  const { client } = log[1].fields;
  assert.equal(client, `${"x".repeat(100)}… (112 more)`);
});

Deno.test("a server's own log and its author's go to one place", async () => {
  const log: LogRecord[] = [];
  await using server = new McpServer({ name: "t", version: "1" }, {
    log: (record) => log.push(record),
    logLevel: "error",
  });
  server.log.warning("kept back");
  server.log.error("written", { a: 1 });
  assert.deepEqual(log, [{
    level: "error",
    message: "written",
    fields: { a: 1 },
  }]);
});
