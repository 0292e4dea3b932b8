import assert from "node:assert/strict";
import { z } from "zod";
import type {
  LogRecord,
  McpServer,
  McpServerOptions,
  ServerContext,
  TaskStore,
} from "../../mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { makeSubject } from "../transport/subject.ts";
import {
  type Answer,
  ask,
  assertServes,
  CAPABILITIES_KEY,
  LegacyClient,
} from "../transport/wire.ts";

/** A handler that misbehaves, and what must come of it. */
interface Misdeed {
  name: string;
  handler: (ctx: ServerContext) => unknown;
  /** What the client reads; `undefined` for what is no failure. */
  says?: RegExp;
}

const cycle: Record<string, unknown> = {};
cycle.self = cycle;

const unprintable = Object.create(null);
const hostile = {
  toString() {
    throw new Error("not even that");
  },
};

const misdeeds: Misdeed[] = [
  { name: "throws", handler: () => fail(new Error("boom")), says: /^boom$/ },
  { name: "throws a string", handler: () => fail("boom"), says: /^boom$/ },
  { name: "throws a number", handler: () => fail(42), says: /^42$/ },
  { name: "throws null", handler: () => fail(null), says: /^null$/ },
  {
    name: "throws undefined",
    handler: () => fail(undefined),
    says: /^undefined$/,
  },
  {
    name: "throws a symbol",
    handler: () => fail(Symbol("s")),
    says: /Symbol\(s\)/,
  },
  {
    name: "throws an object without a prototype",
    handler: () => fail(unprintable),
    says: /can't be shown/,
  },
  {
    name: "throws what can't be printed",
    handler: () => fail(hostile),
    says: /can't be shown/,
  },
  {
    name: "throws an error whose message is no string",
    handler: () => fail(Object.assign(new Error(), { message: 5n })),
    says: /^5$/,
  },
  {
    name: "throws a DOMException",
    handler: () => fail(new DOMException("gone", "AbortError")),
    says: /^gone$/,
  },
  {
    name: "throws an error with a code",
    handler: () => fail(Object.assign(new Error("coded"), { code: "ENOENT" })),
    says: /^coded$/,
  },
  {
    name: "rejects",
    handler: () => Promise.reject(new Error("late boom")),
    says: /^late boom$/,
  },
  {
    name: "rejects with nothing",
    handler: () => Promise.reject(),
    says: /^undefined$/,
  },
  {
    name: "rejects some turns later",
    handler: async () => {
      for (let turn = 0; turn < 50; turn++) await Promise.resolve();
      fail(new Error("later boom"));
    },
    says: /^later boom$/,
  },
  {
    name: "is a generator that throws",
    handler: async function* () {
      yield 1;
      await Promise.resolve();
      fail(new Error("mid-way"));
    },
    says: /^mid-way$/,
  },
  {
    name: "is a generator that yields nonsense",
    handler: async function* () {
      await Promise.resolve();
      yield null;
    },
    says: /./,
  },
  { name: "returns a cycle", handler: () => cycle, says: /circular/ },
  { name: "returns a BigInt", handler: () => 5n, says: /BigInt/ },
  {
    name: "returns a BigInt inside",
    handler: () => ({ n: 5n }),
    says: /BigInt/,
  },
  {
    name: "returns a function",
    handler: () => () => 1,
    says: /function can't be sent as JSON/,
  },
  {
    name: "returns a symbol",
    handler: () => Symbol("s"),
    says: /symbol can't be sent as JSON/,
  },
  {
    name: "returns what says it is nothing",
    handler: () => ({ toJSON: () => undefined }),
    says: /can't be sent as JSON/,
  },
  {
    name: "returns what can't say itself",
    handler: () => ({ toJSON: () => fail(new Error("no JSON")) }),
    says: /no JSON/,
  },
  {
    name: "returns a getter that throws",
    handler: () => ({
      get x() {
        return fail(new Error("bad getter"));
      },
    }),
    says: /bad getter/,
  },
  {
    name: "returns a thenable that throws",
    handler: () => ({
      then() {
        fail(new Error("bad then"));
      },
    }),
    says: /bad then/,
  },
  {
    name: "returns a broken block",
    handler: () => ({ content: [{ type: "text" }] }),
    says: /content\[0\] is no content block/,
  },
  {
    name: "returns data with a block of no kind",
    handler: () => ({
      content: [{ type: "text", text: "x" }, { type: "video" }],
    }),
  },
  {
    name: "returns data with a list of texts",
    handler: () => ({ content: ["x"] }),
  },
  {
    name: "returns data with a text",
    handler: () => ({ content: "x", isError: false }),
  },
  { name: "returns undefined", handler: () => undefined },
  { name: "returns null", handler: () => null },
  {
    name: "returns NaN",
    handler: () => NaN,
    says: /NaN can't be sent as JSON/,
  },
  { name: "returns an empty array", handler: () => [] },
  {
    name: "returns a Map",
    handler: () => new Map([[1, 2]]),
    says: /a Map can't be sent as JSON: use Object.fromEntries/,
  },
  { name: "returns a date", handler: () => new Date(0) },
  {
    name: "returns a full result with a BigInt",
    handler: () => ({ content: [], _meta: { n: 5n } }),
    says: /BigInt can't be sent as JSON \(_meta\.n\)/,
  },
  {
    name: "returns a full result with a cycle",
    handler: () => ({ content: [], structuredContent: cycle }),
    says: /circular/,
  },
  {
    name: "sends a cycle as a log message",
    handler: (ctx) => {
      ctx.log.error(cycle);
    },
  },
  {
    name: "reports progress that is none",
    handler: async (ctx) => {
      for (const each of [NaN, Infinity, -Infinity, "x", undefined]) {
        await ctx.progress(each as number);
      }
    },
  },
];

function fail(error: unknown): never {
  throw error;
}

interface Bench {
  server: McpServer;
  log: LogRecord[];
  call: (name: string) => Promise<Answer>;
}

async function bench(
  era: "modern" | "legacy",
  options: McpServerOptions = {},
): Promise<Bench> {
  const { server, log } = makeSubject(options);
  for (const { name, handler } of misdeeds) {
    server.registerTool(name, {}, handler as () => string);
  }
  log.length = 0; // the names of these tools are worth a warning
  const meta = { "io.modelcontextprotocol/logLevel": "debug" };
  if (era === "modern") {
    const call = (name: string) =>
      ask(server, "tools/call", { name, _meta: { ...meta, progressToken: 1 } });
    return { server, log, call };
  }
  const client = await LegacyClient.open(server);
  const call = (name: string) =>
    client.ask("tools/call", { name, _meta: { progressToken: 1 } });
  return { server, log, call };
}

for (const era of ["modern", "legacy"] as const) {
  Deno.test(`${era}: a tool that misbehaves costs its own call, and one line`, async () => {
    const { server, log, call } = await bench(era);
    for (const { name, says } of misdeeds) {
      log.length = 0;
      const { status, body } = await call(name);
      assert.equal(status, 200, name);
      if (says === undefined) {
        assert.ok(body.result !== undefined && !body.result.isError, name);
        assert.deepEqual(log, [], name);
      } else {
        assert.equal(body.result?.isError, true, name);
        assert.match(textOf(body), says, name);
        assert.equal(log.length, 1, name);
        assert.equal(log[0].level, "error");
      }
    }
    log.length = 0;
    await assertServes(server);
    assert.deepEqual(log, []);
  });

  Deno.test(`${era}: details can be kept from clients; the log has them`, async () => {
    const { log, call } = await bench(era, { maskErrors: true });
    for (const { name, says } of misdeeds) {
      if (says === undefined) continue;
      log.length = 0;
      const { body } = await call(name);
      assert.equal(textOf(body), `Tool ${name} failed`);
      assert.match(
        log[0].message,
        new RegExp(says.source.replaceAll(/[\^$]/g, "")),
      );
    }
  });
}

/** What went wrong, as the client reads it. */
function textOf({ result, error }: Answer["body"]): string {
  return error?.message.replace(/^Internal error: /, "") ??
    result.content[0].text;
}

Deno.test("prompts, resources and methods that misbehave end as -32603, and one line", async () => {
  const { server, log } = makeSubject();
  const secrets: [name: string, thrown: unknown][] = [
    ["error", new Error("secret")],
    ["string", "secret"],
    ["nothing", undefined],
    ["unprintable", unprintable],
    ["hostile", hostile],
    ["dom", new DOMException("secret", "TimeoutError")],
  ];
  for (const [name, thrown] of secrets) {
    server.registerPrompt(name, {}, () => fail(thrown));
    server.registerResource(name, `bad://${name}`, {}, () => fail(thrown));
    server.server.setRequestHandler(`bad/${name}`, () => fail(thrown));
  }
  server.registerPrompt("cycle", {}, () => ({ messages: [cycle] }) as never);
  server.registerPrompt("number", {}, () => 5 as never);
  server.registerResource("cycle", "bad://cycle", {}, () => cycle as never);
  server.registerResource("number", "bad://number", {}, () => 5n as never);
  for (
    const [name, value] of [
      ["cycle", cycle],
      ["number", 5],
      ["list", [1]],
      ["date", new Date(0)],
      ["text", "x"],
      ["bool", true],
    ] as const
  ) {
    server.server.setRequestHandler(`bad/${name}`, () => value);
  }
  const names = [...secrets.map(([name]) => name), "cycle", "number"];
  const legacy = await LegacyClient.open(server);
  const methods = names.flatMap((name) =>
    [
      ["prompts/get", { name }],
      ["resources/read", { uri: `bad://${name}` }],
      [`bad/${name}`, {}],
    ] as const
  );
  for (
    const [method, params] of [...methods, ["bad/list", {}], ["bad/date", {}], [
      "bad/text",
      {},
    ], ["bad/bool", {}]] as const
  ) {
    for (const era of ["modern", "legacy"]) {
      log.length = 0;
      const { status, body } = await (era === "modern"
        ? ask(server, method, params)
        : legacy.ask(method, params));
      const what = `${era} ${method} ${JSON.stringify(params)}`;
      assert.deepEqual([status, body.error?.code], [200, -32603], what);
      assert.equal(log.length, 1, what);
      assert.match(log[0].message, new RegExp(`^${method} failed`));
    }
  }
  await assertServes(server);
});

Deno.test("details of a failed prompt can be kept from clients", async () => {
  const { server, log } = makeSubject({ maskErrors: true });
  server.registerPrompt("bad", {}, () => fail(new Error("secret")));
  server.registerPrompt(
    "dom",
    {},
    () => fail(new DOMException("secret", "AbortError")),
  );
  for (const name of ["bad", "dom"]) {
    const { text } = await ask(server, "prompts/get", { name });
    assert.doesNotMatch(text, /secret/);
  }
  assert.match(log[0].message, /secret/);
});

Deno.test("middleware that misbehaves costs its own request", async () => {
  const { server, log } = makeSubject();
  server.use((request, next) => {
    switch (request.params.name) {
      case "throws":
        return fail(new Error("in the middle"));
      case "rejects":
        return Promise.reject(new Error("in the middle"));
      case "nothing":
        return undefined as never;
      case "number":
        return 5 as never;
      default:
        return next(request);
    }
  });
  for (const name of ["throws", "rejects", "nothing", "number"]) {
    log.length = 0;
    const { body } = await ask(server, "tools/call", { name });
    assert.equal(body.error?.code, -32603, name);
    assert.equal(log.length, 1, name);
  }
  await assertServes(server);
});

Deno.test("a log that throws takes nothing down", async () => {
  const { server } = makeSubject({
    log: () => fail(new Error("the disk is full")),
  });
  server.registerTool("bad", {}, () => fail(new Error("boom")));
  server.registerPrompt("bad", {}, () => fail(new Error("boom")));
  const tool = await ask(server, "tools/call", { name: "bad" });
  assert.equal(tool.body.result.isError, true);
  const prompt = await ask(server, "prompts/get", { name: "bad" });
  assert.equal(prompt.body.error?.code, -32603);
  await assertServes(server);
});

Deno.test("a call that takes too long is given up; what comes after is dropped", async () => {
  const { server, log, clock } = makeSubject();
  const late = Promise.withResolvers<string>();
  const seen: string[] = [];
  server.registerTool("slow", { timeoutMs: 1_000 }, async (ctx) => {
    ctx.signal.addEventListener(
      "abort",
      () => seen.push(ctx.signal.reason.name),
    );
    try {
      return await late.promise;
    } finally {
      await ctx.progress(1);
      ctx.log.error("too late");
    }
  });
  const answering = ask(server, "tools/call", {
    name: "slow",
    _meta: { progressToken: 1, "io.modelcontextprotocol/logLevel": "debug" },
  });
  await turns();
  await clock.advance(1_000);
  const { body, messages } = await answering;
  assert.equal(body.result.isError, true);
  assert.match(textOf(body), /tool slow took longer than 1000 ms/);
  assert.deepEqual(seen, ["TimeoutError"]);
  late.reject(new Error("late"));
  await turns();
  assert.equal(messages.length, 1);
  assert.equal(log.length, 1);
  assert.equal(clock.pending, 0);
  await assertServes(server);
});

Deno.test("a handler that never settles holds its place no longer than its time", async () => {
  const { server, clock } = makeSubject();
  let runs = 0;
  server.registerTool("stuck", { timeoutMs: 1_000, concurrency: 1 }, () => {
    if (++runs > 1) return "free";
    return new Promise<string>(() => {});
  });
  const call = () => ask(server, "tools/call", { name: "stuck" });
  const first = call();
  await clock.advance(10);
  const second = call();
  await turns();
  assert.equal(server.stats.inFlight, 2);
  await clock.advance(990);
  assert.equal((await first).body.result.isError, true);
  assert.equal((await second).body.result.content[0].text, "free");
  assert.equal(server.stats.inFlight, 0);
  assert.equal(clock.pending, 0);
});

Deno.test("what a handler says after its end goes nowhere", async () => {
  const { server, log } = makeSubject();
  let after: ServerContext | undefined;
  server.registerTool("leaky", {}, (ctx) => {
    after = ctx;
    return "done";
  });
  const meta = {
    progressToken: 1,
    "io.modelcontextprotocol/logLevel": "debug",
  };
  const { messages } = await ask(server, "tools/call", {
    name: "leaky",
    _meta: meta,
  });
  assert.equal(messages.length, 1);
  await after!.progress(5);
  after!.log.info("hello?");
  await after!.mcpReq.notify({ method: "notifications/x" });
  assert.equal(after!.signal.aborted, false);
  const client = await LegacyClient.open(server, "2025-11-25", {
    elicitation: {},
  });
  await client.ask("tools/call", { name: "leaky", _meta: meta });
  const form = {
    message: "?",
    requestedSchema: { type: "object" as const, properties: {} },
  };
  await assert.rejects(after!.elicit(form), /closed/);
  await assert.rejects(after!.mcpReq.send({ method: "ping" }), /closed/);
  await client.end();
  assert.deepEqual(log, []);
  await assertServes(server);
});

Deno.test("a question that nobody waits for takes nothing down", async () => {
  const { server, clock } = makeSubject();
  server.registerTool("forgetful", {}, (ctx) => {
    ctx.elicit({
      message: "?",
      requestedSchema: { type: "object", properties: {} },
    });
    ctx.sample({ messages: [], maxTokens: 1 });
    ctx.listRoots();
    return "done";
  });
  const can = { elicitation: {}, sampling: {}, roots: {} };
  for (const capabilities of [can, {}]) {
    const modern = await ask(server, "tools/call", {
      name: "forgetful",
      _meta: { [CAPABILITIES_KEY]: capabilities },
    });
    assert.ok(modern.body.result ?? modern.body.error);
    for (const ending of ["time-out", "session's end"]) {
      const client = await LegacyClient.open(
        server,
        "2025-11-25",
        capabilities,
      );
      const { body } = await client.ask("tools/call", { name: "forgetful" });
      assert.equal(body.result.content[0].text, "done");
      if (ending === "time-out") await clock.advance(60_000);
      await client.end();
      await turns();
    }
  }
  await assertServes(server);
});

Deno.test("an answer that fits no form does not reach the handler", async () => {
  const { server, log } = makeSubject();
  server.registerTool("ask", {}, async (ctx) => {
    const answer = await ctx.elicit({
      message: "?",
      requestedSchema: { type: "object", properties: {} },
    });
    return `${answer.action}`;
  });
  const { body } = await ask(server, "tools/call", {
    name: "ask",
    _meta: { [CAPABILITIES_KEY]: { elicitation: {} } },
  });
  const [key] = Object.keys(body.result.inputRequests);
  const answer = await ask(server, "tools/call", {
    name: "ask",
    inputResponses: { [key]: { what: "ever" } },
    _meta: { [CAPABILITIES_KEY]: { elicitation: {} } },
  });
  assert.equal(answer.body.error?.code, -32602);
  assert.match(`${answer.body.error?.message}`, /action must be accept/);
  assert.equal(log.length, 0);
});

Deno.test("output that misses its schema is the tool's failure", async () => {
  const { server, log } = makeSubject();
  const outputSchema = z.object({ n: z.number() });
  const outputs: [name: string, output: unknown, says: RegExp][] = [
    ["wrong", { n: "1" }, /Invalid structured content for tool wrong: n: /],
    ["none", { content: [] }, /no structured content was provided/],
    ["text", "hello", /Invalid structured content/],
  ];
  for (const [name, output, says] of outputs) {
    server.registerTool(name, { outputSchema }, () => output as { n: number });
    log.length = 0;
    const { body } = await ask(server, "tools/call", { name });
    assert.equal(body.result.isError, true, name);
    assert.match(textOf(body), says);
    assert.equal(log.length, 1);
  }
  server.registerTool("excused", { outputSchema }, () => ({
    isError: true,
    content: [{ type: "text" as const, text: "sorry" }],
  }));
  const { body } = await ask(server, "tools/call", { name: "excused" });
  assert.equal(textOf(body), "sorry");
});

Deno.test("a schema that throws is the server's failure, not the client's", async () => {
  const { server, log } = makeSubject();
  server.registerTool("picky", {
    inputSchema: z.object({
      a: z.string().refine(() => fail(new Error("bad check"))),
    }),
  }, () => "x");
  const { body } = await ask(server, "tools/call", {
    name: "picky",
    arguments: { a: "x" },
  });
  assert.equal(body.result.isError, true);
  assert.match(log[0].message, /bad check/);
  await assertServes(server);
});

Deno.test("a task store that fails takes nothing down", async () => {
  const broken = () => Promise.reject(new Error("the store is gone"));
  let works = true;
  const store: TaskStore = {
    create: () => works ? Promise.resolve() : broken(),
    get: broken,
    update: broken,
  } as never;
  const { server, log } = makeSubject({ tasks: { store } });
  server.registerTool(
    "long",
    {},
    (ctx) => ctx.runAsTask(() => "done") as Promise<object>,
  );
  const meta = {
    [CAPABILITIES_KEY]: {
      extensions: { "io.modelcontextprotocol/tasks": {} },
    },
  };
  const begun = await ask(server, "tools/call", { name: "long", _meta: meta });
  assert.equal(begun.body.result.resultType, "task");
  await turns();
  const { taskId } = begun.body.result;
  const got = await ask(server, "tasks/get", { taskId, _meta: meta });
  assert.equal(got.body.error?.code, -32603);
  works = false;
  const failed = await ask(server, "tools/call", { name: "long", _meta: meta });
  assert.equal(failed.body.result.isError, true);
  assert.ok(log.length >= 3);
  await assertServes(server);
  await server.close();
});

Deno.test("a lifespan that fails to open fails the request, and is tried again", async () => {
  let attempts = 0;
  const { server, log } = makeSubject({
    lifespan: () => ++attempts < 3 ? fail(new Error("no database")) : {},
  });
  for (let attempt = 1; attempt < 3; attempt++) {
    const { body } = await ask(server, "tools/list");
    assert.equal(body.error?.code, -32603);
    assert.equal(log.length, attempt);
  }
  await assertServes(server);
});

Deno.test("a request that comes after the end is refused", async () => {
  const { server } = makeSubject();
  await server.close();
  const { status, headers, body } = await ask(server, "tools/list");
  assert.deepEqual([status, body.error?.code], [503, -32005]);
  assert.equal(headers.get("retry-after"), "1");
});

Deno.test("close answers what hangs once the grace is over", async () => {
  const clock = new FakeClock();
  const { server } = makeSubject({ clock });
  let reason: unknown;
  server.registerTool("hang", {}, (ctx) => {
    ctx.signal.addEventListener("abort", () => reason = ctx.signal.reason);
    return new Promise<string>(() => {});
  });
  const answers = [1, 2, 3].map((id) =>
    ask(server, "tools/call", { name: "hang" }, { id })
  );
  await turns();
  const closed = server.close();
  await turns();
  assert.equal(server.stats.inFlight, 3);
  await clock.advance(10_000);
  await closed;
  for (const { body } of await Promise.all(answers)) {
    assert.equal(body.error?.code, -32603);
    assert.match(body.error!.message, /shutting down/);
  }
  assert.match(`${reason}`, /shutting down/);
  assert.equal(server.stats.inFlight, 0);
  assert.equal(clock.pending, 0);
});

/** Lets whatever is ready to run, run. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setTimeout(resolve));
  }
}
