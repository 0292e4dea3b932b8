import assert from "node:assert/strict";
import { z } from "zod";
import {
  type LogRecord,
  McpServer,
  type McpServerOptions,
  QueueFullError,
} from "../../mod.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A server whose clock stands still unless its tools take time. */
function noisyServer(options: McpServerOptions = {}) {
  const records: LogRecord[] = [];
  const clock = new FakeClock();
  const server = new McpServer({ name: "noisy", version: "1" }, {
    log: (record) => records.push(record),
    clock,
    ...options,
  });
  const inputSchema = z.object({ ms: z.number() });
  const add = (name: string, slowMs?: number) =>
    server.registerTool(name, { inputSchema, slowMs }, async ({ ms }) => {
      await clock.advance(ms);
      return "done";
    });
  const call = (name: string, args: Record<string, unknown> = {}) =>
    server.call("tools/call", { name, arguments: args });
  const messages = () => records.splice(0).map(({ message }) => message);
  return { server, clock, records, add, call, messages };
}

Deno.test("a tool says itself what is slow, more or less than the server does", async () => {
  const { server, add, call, messages } = noisyServer({ logIntervalMs: 0 });
  add("usual");
  add("export", 60_000);
  add("lookup", 20);
  add("nightly", Infinity);
  for (
    const [name, ms] of [
      ["usual", 1_000],
      ["usual", 1_001],
      ["export", 59_000],
      ["export", 61_000],
      ["lookup", 20],
      ["lookup", 21],
      ["nightly", 3_600_000],
    ] as const
  ) await call(name, { ms });
  assert.deepEqual(messages(), [
    "tool usual is slow: it took 1001 ms",
    "tool export is slow: it took 61000 ms",
    "tool lookup is slow: it took 21 ms",
  ]);
  for (const slowMs of [-1, NaN, "1s" as never]) {
    assert.throws(() => add("bad", slowMs), /tool bad: slowMs/);
  }
  await server.close();
});

Deno.test("slow calls of a tool are one line in ten seconds, of each tool", async () => {
  const { server, clock, records, add, call } = noisyServer();
  add("export");
  add("report");
  for (let i = 0; i < 6; i++) {
    await call("export", { ms: 1_500 + i });
    if (i === 3) await call("report", { ms: 1_100 });
  }
  await clock.advance(10_000);
  await call("export", { ms: 1_800 });
  assert.deepEqual(
    records.map(({ fields }) => [fields.tool, fields.swallowed]),
    [["export", undefined], ["report", undefined], ["export", 5]],
  );
  await server.close();
});

Deno.test("failures and refusals of one kind are one line, those of another kind another", async () => {
  const { server, clock, records, messages, call } = noisyServer();
  const errors = [
    () => new Error(`no user ${Math.random()}`),
    () => new TypeError("x is not a function"),
    () => new QueueFullError("the queue", 10),
  ];
  for (const [index, make] of errors.entries()) {
    server.registerTool(`fails_${index}`, {}, () => {
      throw make();
    });
  }
  for (let round = 0; round < 5; round++) {
    for (const index of errors.keys()) await call(`fails_${index}`);
  }
  assert.equal(messages().length, errors.length);
  await clock.advance(10_000);
  await call("fails_2");
  assert.equal(records[0].fields.swallowed, 4);
  await server.close();
});

Deno.test("the time in which the lifespan opens is told by itself, and no tool's", async () => {
  const opening = noisyServer({
    lifespan: async () => {
      await opening.clock.advance(5_800);
      return {};
    },
  });
  const { server, add, call, messages } = opening;
  add("first");
  add("second");
  await Promise.all([call("first", { ms: 0 }), call("second", { ms: 0 })]);
  assert.deepEqual(messages(), [
    "the lifespan is slow: it took 5800 ms to open",
  ]);
  const { tools } = server.readMetrics();
  assert.equal(tools.first.calls, 1);
  assert.ok(tools.first.total_ms < 1_000, `${tools.first.total_ms} ms`);
  await call("first", { ms: 1_200 });
  assert.deepEqual(messages(), ["tool first is slow: it took 1200 ms"]);
  await server.close();
});

Deno.test("a lifespan that doesn't open in the end is no tool's time either", async () => {
  const opening = noisyServer({
    lifespan: async () => {
      await opening.clock.advance(5_000);
      throw new Error("no database");
    },
  });
  const { server, add, call, messages } = opening;
  add("first");
  await assert.rejects(call("first", { ms: 0 }), /no database/);
  assert.deepEqual(messages(), ["tools/call failed: no database"]);
  assert.ok(server.readMetrics().methods["tools/call"].total_ms < 1_000);
  await server.close();
});
