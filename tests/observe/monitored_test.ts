import assert from "node:assert/strict";
import { type LogRecord, McpServer, monitored } from "../../mod.ts";
import { instruments } from "../../src/observe/metrics/instruments.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("sync and async calls are counted, with failures by name", async () => {
  const sync = monitored((fails: boolean) => {
    if (fails) throw new RangeError("no");
    return 1;
  });
  const later = monitored((fails: boolean) =>
    fails ? Promise.reject("no") : Promise.resolve(2)
  );
  assert.equal(sync(false), 1);
  assert.throws(() => sync(true), RangeError);
  assert.equal(await later(false), 2);
  await assert.rejects(async () => await later(true));
  assert.equal(sync.stats.calls, 2);
  assert.deepEqual(sync.stats.errors_by_kind, { RangeError: 1 });
  assert.deepEqual(later.stats.errors_by_kind, { string: 1 });
  assert.equal(later.stats.in_progress, 0);
});

Deno.test("a failure with undefined is a failure", async () => {
  const sync = monitored(() => {
    throw undefined;
  });
  const later = monitored(() => Promise.reject(undefined));
  assert.throws(sync);
  await assert.rejects(later);
  assert.equal(sync.stats.errors, 1);
  assert.equal(later.stats.errors, 1);
});

Deno.test("a call is under way until what it returned has ended", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wait = monitored(() => promise);
  const call = wait();
  assert.equal(wait.stats.in_progress, 1);
  assert.equal(wait.stats.calls, 0);
  resolve();
  await call;
  assert.equal(wait.stats.in_progress, 0);
  assert.equal(wait.stats.calls, 1);
});

Deno.test("an async generator is one call from its first step to its last", async () => {
  const clock = new FakeClock();
  const steps = monitored(async function* (count: number) {
    for (let step = 0; step < count; step++) {
      await clock.advance(100);
      yield step;
    }
    return "end";
  }, { clock });
  const all = await Array.fromAsync(steps(3));
  assert.deepEqual(all, [0, 1, 2]);
  assert.equal(steps.stats.calls, 1);
  assert.equal(steps.stats.total_ms, 300);
  for await (const _ of steps(3)) break;
  assert.equal(steps.stats.calls, 2);
  assert.equal(steps.stats.in_progress, 0);
});

Deno.test("one line past slowMs, and none at it", async () => {
  const clock = new FakeClock();
  const log: LogRecord[] = [];
  const work = monitored(async function work(ms: number) {
    await clock.advance(ms);
  }, { clock, slowMs: 1_000, log: (record) => log.push(record) });
  await work(1_000);
  assert.equal(log.length, 0);
  await work(1_230);
  assert.deepEqual(log, [{
    level: "warning",
    message: "Slow operation: work took 1.23 s",
    fields: { operation: "work", tookMs: 1_230, slowMs: 1_000 },
  }]);
});

Deno.test("slow calls of one function are one line in a while, and the next tells of the others", async () => {
  const clock = new FakeClock();
  const lines: unknown[] = [];
  const work = monitored(() => clock.advance(20), {
    name: "work",
    clock,
    slowMs: 10,
    log: ({ fields }) => lines.push(fields.swallowed),
  });
  for (let i = 0; i < 50; i++) await work();
  await clock.advance(10_000);
  await work();
  assert.deepEqual(lines, [undefined, 49]);
});

Deno.test("slow calls are lines of a server's log, for who asks for that", async () => {
  const clock = new FakeClock();
  const log: LogRecord[] = [];
  await using server = new McpServer({ name: "t", version: "1" }, {
    log: (record) => log.push(record),
    logLevel: "warning",
  });
  const work = monitored(() => clock.advance(20), {
    name: "work",
    clock,
    slowMs: 10,
    log: server.log,
  });
  await work();
  assert.deepEqual(log.map(({ message }) => message), [
    "Slow operation: work took 0.02 s",
  ]);
});

Deno.test("this, the name and the arity are those of the function", () => {
  class Shop {
    tax = 2;
    price = monitored(function price(this: Shop, net: number) {
      return net * this.tax;
    });
  }
  const shop = new Shop();
  assert.equal(shop.price(4), 8);
  assert.equal(shop.price.name, "price");
  assert.equal(shop.price.length, 1);
});

Deno.test("it is among the instruments under its name", () => {
  const work = monitored(() => 1, { name: "a name of its own" });
  work();
  const kind = instruments.read().find(({ kind }) => kind.kind === "function");
  const reading = kind?.readings.find(({ labels }) =>
    labels.name === "a name of its own"
  );
  assert.equal(reading?.values.calls, 1);
  assert.equal(reading?.values.errors, 0);
});

Deno.test("a slowMs that is none is refused", () => {
  assert.throws(() => monitored(() => 1, { slowMs: -1 }), {
    code: "SLUICE_INVALID_OPTION",
    message: /slowMs .* got -1/,
  });
});
