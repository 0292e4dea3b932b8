import assert from "node:assert/strict";
import { z } from "zod";
import { type LogRecord, McpServer } from "../../mod.ts";
import { FakeClock } from "../support/fake_clock.ts";

function testServer(
  options: ConstructorParameters<typeof McpServer>[1] = {},
): { server: McpServer; log: LogRecord[] } {
  const log: LogRecord[] = [];
  const server = new McpServer({ name: "test", version: "1.0.0" }, {
    log: (record) => log.push(record),
    ...options,
  });
  return { server, log };
}

async function call(
  server: McpServer,
  name: string,
  args?: Record<string, unknown>,
) {
  const { resultType: _, _meta: __, ...result } = await server.call(
    "tools/call",
    { name, ...(args && { arguments: args }) },
  );
  return result;
}

Deno.test("a tool's return value becomes a full result", async () => {
  const { server } = testServer();
  const block = { type: "image" as const, data: "AA==", mimeType: "image/png" };
  const values: [unknown, unknown][] = [
    ["text", { content: [{ type: "text", text: "text" }] }],
    [7, { content: [{ type: "text", text: "7" }] }],
    [true, { content: [{ type: "text", text: "true" }] }],
    [undefined, { content: [] }],
    [null, { content: [] }],
    [[block], { content: [block] }],
    [[1, 2], { content: [{ type: "text", text: "[1,2]" }] }],
    [[], { content: [{ type: "text", text: "[]" }] }],
    [{ a: 1 }, {
      content: [{ type: "text", text: '{"a":1}' }],
      structuredContent: { a: 1 },
    }],
    [{ content: [block], isError: true }, { content: [block], isError: true }],
    [{ structuredContent: { b: 2 } }, {
      structuredContent: { b: 2 },
      content: [{ type: "text", text: '{"b":2}' }],
    }],
  ];
  let value: unknown;
  server.registerTool("now", {}, () => value as object);
  server.registerTool("later", {}, () => Promise.resolve(value as object));
  for (const [returned, expected] of values) {
    value = returned;
    assert.deepEqual(await call(server, "now"), expected);
    assert.deepEqual(await call(server, "later"), expected);
  }
  await server.close();
});

Deno.test("a generator's steps are progress and its return value is the result", async () => {
  const { server } = testServer();
  server.registerTool("steps", {}, async function* () {
    yield 1;
    await Promise.resolve();
    yield { progress: 5, total: 10, message: "half" };
    yield { progress: 3 };
    yield "a message counts by itself";
    return "done";
  });
  const seen: unknown[] = [];
  const result = await server.call("tools/call", { name: "steps" }, {
    onNotification: ({ params }) => {
      const { progressToken: _, ...rest } = params!;
      seen.push(rest);
    },
  });
  assert.deepEqual(result.content, [{ type: "text", text: "done" }]);
  // 3 and 4 do not exceed 5: progress only ever grows.
  assert.deepEqual(seen, [
    { progress: 1 },
    { progress: 5, total: 10, message: "half" },
  ]);
  await server.close();
});

Deno.test("arguments are checked, and the complaint names the field", async () => {
  const { server, log } = testServer();
  server.registerTool(
    "add",
    { inputSchema: z.object({ a: z.number(), b: z.number().default(1) }) },
    ({ a, b }) => a + b,
  );
  assert.deepEqual(await call(server, "add", { a: 2 }), {
    content: [{ type: "text", text: "3" }],
  });
  const refused = await call(server, "add", { a: "two" }) as {
    isError: boolean;
    content: { text: string }[];
  };
  assert.equal(refused.isError, true);
  assert.match(
    refused.content[0].text,
    /^Input validation error: Invalid arguments for tool add: a: /,
  );
  assert.equal(log.length, 0);
  await server.close();
});

Deno.test("structured content is checked against the output schema", async () => {
  const { server, log } = testServer();
  const outputSchema = z.object({ n: z.number() });
  server.registerTool("good", { outputSchema }, () => ({ n: 1 }));
  server.registerTool("bad", { outputSchema }, () => ({ n: "one" as never }));
  server.registerTool("none", { outputSchema }, () => ({ content: [] }));
  server.registerTool("failed", { outputSchema }, () => ({
    content: [],
    isError: true,
  }));
  assert.deepEqual((await call(server, "good")).structuredContent, { n: 1 });
  for (const name of ["bad", "none"]) {
    const result = await call(server, name);
    assert.equal(result.isError, true);
    assert.match(
      (result.content as { text: string }[])[0].text,
      /^Output validation error: /,
    );
  }
  assert.equal((await call(server, "failed")).isError, true);
  assert.equal(log.length, 2);
  await server.close();
});

Deno.test("schemas: zod, a record of zod, plain JSON Schema of both dialects", async () => {
  const { server } = testServer();
  const kinds = {
    zod: z.object({ n: z.number().int() }),
    record: { n: z.number().int() },
    json: {
      type: "object",
      properties: { n: { type: "integer" } },
      required: ["n"],
    },
    draft7: {
      $schema: "http://json-schema.org/draft-07/schema#",
      type: "object",
      properties: { n: { type: "integer" } },
      required: ["n"],
    },
  };
  for (const [name, inputSchema] of Object.entries(kinds)) {
    server.registerTool(name, { inputSchema }, (args) => args);
    assert.deepEqual(
      (await call(server, name, { n: 3 })).structuredContent,
      { n: 3 },
    );
    assert.equal((await call(server, name, { n: "x" })).isError, true);
    assert.equal((await call(server, name)).isError, true);
  }
  const { tools } = await server.call("tools/list");
  for (const { inputSchema } of tools as { inputSchema: { type: string } }[]) {
    assert.equal(inputSchema.type, "object");
  }
  await server.close();
});

Deno.test("a schema that can't be used is refused when it is registered", () => {
  const { server } = testServer();
  const register = (inputSchema: unknown) => () =>
    server.registerTool("t", { inputSchema: inputSchema as never }, () => "");
  assert.throws(register(z.string()), /must describe an object/);
  assert.throws(register("text"), /a schema must be/);
  assert.throws(
    register({ $schema: "http://json-schema.org/draft-04/schema#" }),
    /is not supported/,
  );
  assert.throws(
    register({ type: "object", properties: { a: { $ref: "https://x/y" } } }),
    /leaves the document/,
  );
  assert.throws(
    () => server.registerTool("t", { timeoutMs: 0 }, () => ""),
    /tool t: timeoutMs must be a number of milliseconds of at least 1, got 0/,
  );
  assert.throws(
    () => server.registerTool("t", { concurrency: 1.5 }, () => ""),
    /tool t: concurrency must be a whole number of at least 1, got 1.5/,
  );
  assert.throws(
    () => server.registerTool("", {}, () => ""),
    /must be a string/,
  );
});

Deno.test("timeoutMs gives a call up and aborts its signal", async () => {
  const clock = new FakeClock();
  const { server } = testServer({ clock });
  let reason: unknown;
  server.registerTool("hang", { timeoutMs: 100 }, (ctx) => {
    ctx.signal.addEventListener("abort", () => reason = ctx.signal.reason);
    return new Promise(() => {});
  });
  const calling = call(server, "hang");
  await clock.advance(100);
  const result = await calling;
  assert.equal(result.isError, true);
  assert.deepEqual(result.content, [
    { type: "text", text: "tool hang took longer than 100 ms" },
  ]);
  assert.match(String(reason), /took longer than 100 ms/);
  assert.equal(clock.pending, 0);
  await server.close();
});

Deno.test("concurrency lets so many calls run and the rest wait in order", async () => {
  const { server } = testServer();
  const gates: PromiseWithResolvers<string>[] = [];
  server.registerTool("slow", { concurrency: 2 }, () => {
    const gate = Promise.withResolvers<string>();
    gates.push(gate);
    return gate.promise;
  });
  const calls = Array.from({ length: 3 }, () => call(server, "slow"));
  assert.equal(gates.length, 2);
  gates[0].resolve("first");
  await calls[0];
  assert.equal(gates.length, 3);
  gates[1].resolve("second");
  gates[2].resolve("third");
  const results = await Promise.all(calls);
  assert.deepEqual(
    results.map(({ content }) => (content as { text: string }[])[0].text),
    ["first", "second", "third"],
  );
  await server.close();
});

Deno.test("a tool in steps is held to timeoutMs, concurrency and cache too", async () => {
  const clock = new FakeClock();
  const { server } = testServer({ clock });
  const ended: string[] = [];
  server.registerTool("endless", { timeoutMs: 100 }, async function* () {
    try {
      while (true) {
        await new Promise<void>((done) => clock.setTimeout(done, 30));
        yield 1;
      }
    } finally {
      ended.push("endless");
    }
  });
  const calling = call(server, "endless");
  await clock.advance(100);
  assert.equal((await calling).isError, true);
  await clock.advance(30);
  assert.deepEqual(ended, ["endless"]);
  assert.equal(clock.pending, 0);

  const gates: PromiseWithResolvers<void>[] = [];
  server.registerTool("single", { concurrency: 1 }, async function* () {
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    yield "started";
    await gate.promise;
    return "done";
  });
  const calls = [call(server, "single"), call(server, "single")];
  await clock.advance(0);
  assert.equal(gates.length, 1);
  gates[0].resolve();
  await calls[0];
  await clock.advance(0);
  assert.equal(gates.length, 2);
  gates[1].resolve();
  assert.deepEqual(await calls[1], await calls[0]);

  let runs = 0;
  server.registerTool(
    "kept",
    { cache: { ttlMs: 1000 }, annotations: { readOnlyHint: true } },
    async function* () {
      yield "reading";
      return { runs: ++runs };
    },
  );
  const first = await call(server, "kept");
  assert.deepEqual(first.structuredContent, { runs: 1 });
  assert.deepEqual(await call(server, "kept"), first);
  await server.close();
});

Deno.test("what can't be called is refused as a handler", () => {
  const { server } = testServer();
  const nothing = undefined as never;
  for (
    const register of [
      () => server.registerTool("t", {}, nothing),
      () => server.registerPrompt("p", {}, nothing),
      () => server.registerResource("r", "r://1", {}, nothing),
    ]
  ) {
    assert.throws(register, /needs a function as its last argument/);
  }
  const tool = server.registerTool("t", {}, () => 1);
  assert.throws(
    () => tool.update({ callback: 7 as never }),
    /needs a function/,
  );
});

Deno.test("who was told of tools may list them after the last one has gone", async () => {
  const { server } = testServer();
  const tool = server.registerTool("one", {}, () => 1);
  await server.call("server/discover");
  tool.remove();
  assert.deepEqual((await server.call("tools/list")).tools, []);
  await server.close();
});

Deno.test("a handle updates, disables and removes its tool", async () => {
  const { server } = testServer();
  const tool = server.registerTool("one", { title: "One" }, () => 1);
  tool.update({ description: "now described", callback: () => 2 });
  assert.deepEqual((await call(server, "one")).content, [
    { type: "text", text: "2" },
  ]);
  tool.update({ name: "two" });
  await assert.rejects(call(server, "one"), /Tool one not found/);
  const { tools } = await server.call("tools/list");
  assert.deepEqual(
    (tools as { name: string; title: string; description: string }[])[0],
    {
      name: "two",
      title: "One",
      description: "now described",
      inputSchema: { type: "object", properties: {} },
    },
  );
  tool.disable();
  await assert.rejects(call(server, "two"), /Tool two disabled/);
  tool.enable();
  await call(server, "two");
  tool.remove();
  await assert.rejects(call(server, "two"), /Tool two not found/);
  assert.throws(
    () => {
      server.registerTool("twice", {}, () => "");
      server.registerTool("twice", {}, () => "");
    },
    /Tool twice is already registered/,
  );
  await server.close();
});

Deno.test("calls are counted, with errors and latencies", async () => {
  const { server } = testServer();
  server.registerTool(
    "flaky",
    { inputSchema: z.object({ ok: z.boolean() }) },
    ({
      ok,
    }) => {
      if (!ok) throw new Error("no");
      return "yes";
    },
  );
  await call(server, "flaky", { ok: true });
  await call(server, "flaky", { ok: false });
  await call(server, "flaky", {});
  const { calls, in_progress, errors_by_kind, latency_ms } =
    server.readMetrics().tools.flaky;
  assert.equal(calls, 3);
  assert.equal(in_progress, 0);
  assert.deepEqual(errors_by_kind, { tool_error: 1, invalid_arguments: 1 });
  assert.ok(latency_ms.p99 > 0);
  assert.equal(server.stats.inFlight, 0);
  await server.close();
});
