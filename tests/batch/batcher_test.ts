import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  BatchKeyMissingError,
  BatchResultsError,
  ClosedError,
  InvalidOptionError,
  QueueFullError,
  TimeoutError,
} from "../../src/base/errors.ts";
import type {
  BatchContext,
  BatcherOptions,
} from "../../src/batch/batch_options.ts";
import { Batcher } from "../../src/batch/batcher.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A batcher of numbers to their doubles, which notes each batch. */
function makeDoubler(options?: BatcherOptions<number, number>) {
  const batches: number[][] = [];
  const batcher = new Batcher((keys: number[]) => {
    batches.push(keys);
    return Promise.resolve(keys.map((key) => key * 2));
  }, options);
  return { batcher, batches };
}

/** A batcher whose batches finish when the test says so. */
function makeGated(options?: BatcherOptions<number, number>) {
  const runs: {
    keys: number[];
    signal: AbortSignal;
    finish(): void;
    fail(error: unknown): void;
  }[] = [];
  const batcher = new Batcher((keys: number[], { signal }: BatchContext) => {
    const { promise, resolve, reject } = Promise.withResolvers<number[]>();
    const finish = () => resolve(keys.map((key) => key * 2));
    runs.push({ keys, signal, finish, fail: reject });
    return promise;
  }, options);
  return { batcher, runs };
}

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

const nextTick = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("what is asked for in one tick is one batch, some awaits apart too", async () => {
  const { batcher, batches } = makeDoubler();
  const values = await Promise.all([1, 2, 3].map(async (key) => {
    for (let turn = 0; turn < key * 10; turn++) await Promise.resolve();
    return batcher.load(key);
  }));
  assert.deepEqual(values, [2, 4, 6]);
  assert.deepEqual(batches, [[1, 2, 3]]);
  await batcher.load(4);
  assert.deepEqual(batches, [[1, 2, 3], [4]]);
});

Deno.test("the guide's first fault: callers that await their answer do share a batch", async () => {
  const clock = new FakeClock();
  const { batcher, batches } = makeDoubler({
    maxSize: 10,
    maxWaitMs: 100,
    clock,
  });
  const answers: number[] = [];
  const callers = Array.from({ length: 25 }, async (_, key) => {
    answers[key] = await batcher.load(key);
  });
  await clock.advance(99);
  assert.deepEqual(batches.map((keys) => keys.length), [10, 10]);
  await clock.advance(1);
  await Promise.all(callers);
  assert.deepEqual(batches.map((keys) => keys.length), [10, 10, 5]);
  assert.deepEqual(answers, Array.from({ length: 25 }, (_, key) => key * 2));
});

Deno.test("the guide's second fault: one timer per batch, not one per request", async () => {
  const clock = new FakeClock();
  const { batcher, batches } = makeDoubler({
    maxSize: 4,
    maxWaitMs: 100,
    clock,
  });
  const first = [1, 2, 3].map((key) => batcher.load(key));
  assert.equal(clock.pending, 1);
  const fourth = batcher.load(4);
  assert.equal(clock.pending, 0, "a full batch takes its timer along");
  await Promise.all([...first, fourth]);
  await clock.advance(60);
  const later = batcher.load(5);
  await clock.advance(99);
  assert.deepEqual(
    batches,
    [[1, 2, 3, 4]],
    "the first batch's timer is not the second's",
  );
  await clock.advance(1);
  await later;
  assert.deepEqual(batches, [[1, 2, 3, 4], [5]]);
  assert.equal(clock.pending, 0);
});

Deno.test("a key asked for twice is loaded once, and again in the next batch", async () => {
  const { batcher, batches } = makeDoubler();
  assert.deepEqual(
    await Promise.all([1, 2, 1, NaN, NaN].map((key) => batcher.load(key))),
    [2, 4, 2, NaN, NaN],
  );
  await batcher.load(1);
  assert.deepEqual(batches, [[1, 2, NaN], [1]]);
  assert.equal(batcher.stats.loads, 6);
  assert.equal(batcher.stats.keys, 4);
});

Deno.test("a key asked for twice in a tick is loaded once, be its batch already under way", async () => {
  const { batcher, batches } = makeDoubler({ maxSize: 2 });
  const keys = [1, 2, 3, 4, 5, 1, 3, 5];
  assert.deepEqual(
    await Promise.all(keys.map((key) => batcher.load(key))),
    keys.map((key) => key * 2),
  );
  assert.deepEqual(batches, [[1, 2], [3, 4], [5]]);
  await nextTick();
  const gated = makeGated({ maxSize: 2 });
  const first = [1, 2].map((key) => gated.batcher.load(key));
  await nextTick();
  const later = gated.batcher.load(1);
  await nextTick();
  assert.deepEqual(
    gated.runs.map(({ keys }) => keys),
    [[1, 2], [1]],
    "a later tick may expect a later answer",
  );
  gated.runs.forEach(({ finish }) => finish());
  assert.deepEqual(await Promise.all([...first, later]), [2, 4, 2]);
});

Deno.test("a key whose answer is there is asked for again, in the same tick too", async () => {
  const { batcher, batches } = makeDoubler({ maxSize: 1 });
  for (let turn = 0; turn < 3; turn++) assert.equal(await batcher.load(1), 2);
  assert.deepEqual(batches, [[1], [1], [1]]);
});

Deno.test("a key that waits for its turn in a full batch is still joined, in any tick", async () => {
  const { batcher, runs } = makeGated({ maxSize: 2, concurrency: 1 });
  const loads = [1, 2, 3, 4].map((key) => batcher.load(key));
  await nextTick();
  loads.push(batcher.load(3), batcher.load(1));
  await nextTick();
  runs[0].finish();
  await nextTick();
  assert.deepEqual(runs.map(({ keys }) => keys), [[1, 2], [3, 4]]);
  runs[1].finish();
  await nextTick();
  runs[2].finish();
  assert.deepEqual(await Promise.all(loads), [2, 4, 6, 8, 6, 2]);
  assert.deepEqual(runs[2].keys, [1]);
});

Deno.test("a key that all its callers left is not joined but asked for again", async () => {
  const { batcher, runs } = makeGated({ maxSize: 1 });
  const controller = new AbortController();
  const leaving = batcher.load(1, { signal: controller.signal });
  controller.abort(new Error("gone"));
  await assert.rejects(leaving, /gone/);
  const again = batcher.load(1);
  assert.equal(runs.length, 2);
  runs[1].finish();
  assert.equal(await again, 2);
});

Deno.test("keys of any type; objects are the same by what `key` makes of them", async () => {
  const byIdentity: unknown[][] = [];
  const anything = new Batcher((keys: unknown[]) => {
    byIdentity.push(keys);
    return keys;
  });
  const keys = [1, "1", 1n, null, undefined, {}, {}, Symbol.iterator, -0];
  assert.deepEqual(await anything.loadMany(keys), keys);
  assert.equal(byIdentity[0].length, keys.length);

  const asked: object[][] = [];
  const points = new Batcher((keys: { x: number; y: number }[]) => {
    asked.push(keys);
    return new Map(keys.map(({ x, y }) => [`${x},${y}`, x + y]));
  }, { key: ({ x, y }) => `${x},${y}` });
  assert.deepEqual(
    await points.loadMany([{ x: 1, y: 2 }, { x: 3, y: 4 }, { y: 2, x: 1 }]),
    [3, 7, 3],
  );
  assert.deepEqual(asked, [[{ x: 1, y: 2 }, { x: 3, y: 4 }]]);
});

Deno.test("results map back by key, in any order, with others beside", async () => {
  const users = [{ id: 3, name: "c" }, { id: 9, name: "?" }, {
    id: 1,
    name: "a",
  }];
  const byMap = new Batcher((_ids: number[]) =>
    new Map(users.map((user) => [user.id, user.name]))
  );
  assert.deepEqual(await byMap.loadMany([1, 3]), ["a", "c"]);

  const byResultKey = new Batcher((_ids: number[]) => Promise.resolve(users), {
    resultKey: ({ id }) => id,
  });
  assert.deepEqual(
    (await byResultKey.loadMany([1, 3])).map((user) =>
      user instanceof Error ? user : user.name
    ),
    ["a", "c"],
  );
});

Deno.test("a key that results by key leave out is a named error, or what `missing` says", async () => {
  const none = () => new Map<number, string | null>();
  await assert.rejects(
    new Batcher(none, { name: "find_user" }).load(7),
    (error) =>
      error instanceof BatchKeyMissingError && error.key === 7 &&
      error.code === "SLUICE_BATCH_KEY_MISSING" &&
      /find_user, asked for 7,/.test(error.message),
  );
  assert.equal(
    await new Batcher(none, { missing: () => null }).load(7),
    null,
  );
  await assert.rejects(
    new Batcher(none, { missing: (id) => new Error(`no user ${id}`) }).load(7),
    /no user 7/,
  );
});

Deno.test("an Error that resultKey can't place is the cause for the keys left out", async () => {
  type Row = { id: number };
  const down = new Error("shard 2 is down");
  const known = Object.assign(new Error("three is bad"), { id: 3 });
  const load = (...rows: (Row | Error)[]) =>
    new Batcher((_: number[]) => rows, {
      name: "find_user",
      resultKey: ({ id }: Row) => id,
      missing: () => ({ id: -1 }),
    }).loadMany([1, 2, 3]);

  const [one, two, three] = await load(known, down, { id: 1 });
  assert.deepEqual(one, { id: 1 });
  assert.ok(two instanceof BatchKeyMissingError);
  assert.equal(two.key, 2);
  assert.equal(two.cause, down);
  assert.match(two.message, /asked for 2, .* it, but shard 2 is down$/);
  assert.equal(three, known);

  const [, missing] = await load(down, down, { id: 1 }, { id: 3 });
  assert.ok(missing instanceof BatchKeyMissingError);
  assert.deepEqual((missing.cause as AggregateError).errors, [down, down]);
  assert.deepEqual(await load({ id: 3 }, known, { id: 1 }), [
    { id: 1 },
    { id: -1 },
    known,
  ]);
});

Deno.test("a row that resultKey can't take is a named error for the batch", async () => {
  for (const [row, text] of [[null, "null"], [undefined, "undefined"]]) {
    const batcher = new Batcher(
      (_: number[]) => [{ id: 1 }, row as unknown as { id: number }],
      { name: "find_user", resultKey: ({ id }) => id },
    );
    await assert.rejects(
      batcher.load(1),
      (error) =>
        error instanceof BatchResultsError &&
        error.cause instanceof TypeError &&
        error.message.startsWith(
          `the loader of find_user was given 1 keys and returned ${text} as a row`,
        ),
    );
  }
});

Deno.test("an Error for one key hurts its callers alone", async () => {
  const batcher = new Batcher((keys: number[]) =>
    keys.map((key) => key === 2 ? new Error("two is bad") : key)
  );
  const outcomes = await Promise.allSettled(
    [1, 2, 2, 3].map((key) => batcher.load(key)),
  );
  assert.deepEqual(outcomes.map(({ status }) => status), [
    "fulfilled",
    "rejected",
    "rejected",
    "fulfilled",
  ]);
  const many = await batcher.loadMany([1, 2, 3]);
  assert.equal(many[0], 1);
  assert.match(String(many[1]), /two is bad/);
  assert.equal(many[2], 3);
  assert.equal(batcher.stats.failedKeys, 2);
  assert.equal(batcher.stats.failedBatches, 0);
});

Deno.test("what the loader throws hurts all of its batch and no other", async () => {
  const { batcher, runs } = makeGated({ maxSize: 2 });
  const loads = [1, 2, 3, 4].map((key) => batcher.load(key));
  runs[0].fail(new Error("the database is down"));
  runs[1].finish();
  const outcomes = await Promise.allSettled(loads);
  assert.deepEqual(outcomes.map(({ status }) => status), [
    "rejected",
    "rejected",
    "fulfilled",
    "fulfilled",
  ]);
  const thrower = new Batcher((_keys: number[]): number[] => {
    throw new Error("at once");
  });
  await assert.rejects(thrower.load(1), /at once/);
  await assert.rejects(thrower.load(1), /at once/);
});

Deno.test("results that can't be mapped back are a named error for the batch", async () => {
  for (const results of [[1], [1, 2, 3], [], undefined, null, "ab", {}, 7]) {
    const batcher = new Batcher(
      (_keys: number[]) => results as number[],
      { name: "find_user" },
    );
    const outcomes = await batcher.loadMany([1, 2]);
    for (const outcome of outcomes) {
      assert.ok(outcome instanceof BatchResultsError);
      assert.equal(outcome.code, "SLUICE_BATCH_RESULTS");
      assert.match(outcome.message, /find_user was given 2 keys and returned/);
    }
    assert.equal(batcher.stats.failedBatches, 1);
  }
});

Deno.test("a promise among the results may be rejected, whoever still waits for it", async () => {
  const bad = () => Promise.reject(new Error("bad"));
  const clock = new FakeClock();
  const { promise, resolve } = Promise.withResolvers<Promise<number>[]>();
  const late = new Batcher((_: number[]) => promise, { timeoutMs: 10, clock });
  const controller = new AbortController();
  const outcomes = [
    late.load(1),
    late.load(2, { signal: controller.signal }),
    new Batcher((_: number[]) => [bad(), bad()]).load(3),
    new Batcher((_: number[]) => new Map([[1, bad()], [2, bad()]])).load(4),
    new Batcher((_: number[]) => [bad(), bad()], {
      resultKey: () => 0,
    }).load(5),
    new Batcher((_: number[]) => [bad()]).load(6),
  ].map((load) => assert.rejects(load));
  await nextTick();
  controller.abort(new Error("gone"));
  await clock.advance(10);
  resolve([bad(), bad()]);
  await Promise.all(outcomes);
  await nextTick();
});

Deno.test("a hook that throws hurts those it should", async () => {
  const { batcher } = makeDoubler({
    key: (key) => {
      if (key === 2) throw new Error("no identity");
      return key;
    },
  });
  const outcomes = await batcher.loadMany([1, 2]);
  assert.equal(outcomes[0], 2);
  assert.match(String(outcomes[1]), /no identity/);
  const badResultKey = new Batcher((keys: number[]) => keys, {
    resultKey: () => {
      throw new Error("no key");
    },
  });
  await assert.rejects(badResultKey.load(1), /no key/);
  assert.equal(badResultKey.stats.running, 0);
});

Deno.test("no more batches run at once than allowed; keys gather meanwhile", async () => {
  const { batcher, runs } = makeGated({ maxSize: 3, concurrency: 1 });
  const loads: Promise<unknown>[] = [];
  const ask = (...keys: number[]) =>
    loads.push(...keys.map((key) => batcher.load(key).catch(() => "failed")));
  ask(1);
  await nextTick();
  ask(2);
  await nextTick();
  ask(3);
  await nextTick();
  assert.deepEqual(runs.map(({ keys }) => keys), [[1]]);
  ask(4, 5);
  await nextTick();
  assert.equal(batcher.stats.waiting, 4);
  runs[0].finish();
  await nextTick();
  assert.deepEqual(runs.map(({ keys }) => keys), [[1], [2, 3, 4]]);
  runs[1].fail(new Error("failed"));
  await nextTick();
  assert.deepEqual(runs.map(({ keys }) => keys), [[1], [2, 3, 4], [5]]);
  runs[2].finish();
  assert.deepEqual(await Promise.all(loads), [
    2,
    "failed",
    "failed",
    "failed",
    10,
  ]);
});

Deno.test("a caller that leaves before the batch takes its key along", async () => {
  const { batcher, batches } = makeDoubler();
  const controller = new AbortController();
  const leaving = batcher.load(1, { signal: controller.signal });
  const staying = batcher.load(2);
  controller.abort(new Error("gone"));
  await assert.rejects(leaving, /gone/);
  assert.equal(await staying, 4);
  assert.deepEqual(batches, [[2]]);
});

Deno.test("a key stays as long as one of its callers does", async () => {
  const { batcher, batches } = makeDoubler();
  const controller = new AbortController();
  const leaving = batcher.load(1, { signal: controller.signal });
  const staying = batcher.load(1);
  const another = batcher.load(1, { signal: new AbortController().signal });
  controller.abort(new Error("gone"));
  await assert.rejects(leaving, /gone/);
  assert.deepEqual(await Promise.all([staying, another]), [2, 2]);
  assert.deepEqual(batches, [[1]]);
});

Deno.test("a batch that all have left before it began is never loaded", async () => {
  const clock = new FakeClock();
  const { batcher, batches } = makeDoubler({ maxWaitMs: 100, clock });
  const controller = new AbortController();
  const { signal } = controller;
  const leaving = [1, 2].map((key) => batcher.load(key, { signal }));
  controller.abort(new Error("gone"));
  for (const each of leaving) await assert.rejects(each, /gone/);
  assert.equal(clock.pending, 0);
  assert.equal(batcher.stats.waiting, 0);
  const next = batcher.load(3);
  await clock.advance(100);
  assert.equal(await next, 6);
  assert.deepEqual(batches, [[3]]);
});

Deno.test("the batch's signal aborts when all its callers left, and its place is free", async () => {
  const { batcher, runs } = makeGated({ concurrency: 1 });
  const controllers = [1, 2].map(() => new AbortController());
  const leaving = controllers.map(({ signal }, key) =>
    batcher.load(key, { signal })
  );
  await nextTick();
  const next = batcher.load(7);
  await nextTick();
  controllers[0].abort(new Error("gone"));
  await assert.rejects(leaving[0], /gone/);
  assert.equal(runs[0].signal.aborted, false);
  controllers[1].abort(new Error("gone too"));
  await assert.rejects(leaving[1], /gone too/);
  assert.equal(runs[0].signal.reason.message, "gone too");
  assert.deepEqual(runs.map(({ keys }) => keys), [[0, 1], [7]]);
  runs[0].fail(new Error("late"));
  runs[1].finish();
  assert.equal(await next, 14);
  assert.equal(batcher.stats.abandonedBatches, 1);
  assert.equal(batcher.stats.running, 0);
});

Deno.test("a batch that nobody waits for leaves the line, and memory", async () => {
  const { batcher, runs } = makeGated({ concurrency: 1, maxSize: 1 });
  const first = batcher.load(0);
  const abandon = (): WeakRef<object> => {
    const controller = new AbortController();
    const { signal } = controller;
    const partition = { tenant: "a" };
    batcher.load(1, { signal, partition }).catch(() => {});
    controller.abort();
    return new WeakRef(partition);
  };
  const left = abandon();
  const last = batcher.load(2);
  await nextTick();
  collectGarbage();
  assert.equal(left.deref(), undefined);
  runs[0].finish();
  await first;
  runs[1].finish();
  assert.equal(await last, 4);
});

Deno.test("an abort after the answer, or before the question, changes nothing", async () => {
  const { batcher, batches } = makeDoubler();
  const controller = new AbortController();
  const { signal } = controller;
  assert.equal(await batcher.load(1, { signal }), 2);
  controller.abort(new Error("before"));
  await assert.rejects(batcher.load(2, { signal }), /before/);
  await assert.rejects(batcher.loadMany([2, 3], { signal }), /before/);
  await nextTick();
  assert.deepEqual(batches, [[1]]);
});

Deno.test("a loader that hangs is given up after timeoutMs", async () => {
  const clock = new FakeClock();
  const { batcher, runs } = makeGated({
    timeoutMs: 500,
    concurrency: 1,
    name: "find_user",
    clock,
  });
  const hanging = assert.rejects(
    batcher.load(1),
    (error) => error instanceof TimeoutError && /find_user/.test(error.message),
  );
  await nextTick();
  const next = batcher.load(2);
  await nextTick();
  await clock.advance(500);
  await hanging;
  assert.ok(runs[0].signal.reason instanceof TimeoutError);
  runs[0].finish();
  runs[1].finish();
  assert.equal(await next, 4);
  assert.equal(clock.pending, 0);
});

Deno.test("keys of different partitions never meet, same or not", async () => {
  const asked: { tenant: unknown; ids: number[] }[] = [];
  const batcher = new Batcher((keys: { tenant: string; id: number }[], {
    partition,
  }) => {
    asked.push({ tenant: partition, ids: keys.map(({ id }) => id) });
    return keys.map(({ tenant, id }) => `${tenant}${id}`);
  }, { key: ({ id }) => id, partition: ({ tenant }) => tenant });
  assert.deepEqual(
    await Promise.all([
      batcher.load({ tenant: "a", id: 1 }),
      batcher.load({ tenant: "b", id: 1 }),
      batcher.load({ tenant: "a", id: 2 }),
      batcher.load({ tenant: "a", id: 3 }, { partition: "c" }),
    ]),
    ["a1", "b1", "a2", "a3"],
  );
  assert.deepEqual(asked, [
    { tenant: "a", ids: [1, 2] },
    { tenant: "b", ids: [1] },
    { tenant: "c", ids: [3] },
  ]);
});

Deno.test("keys without a partition are a batch of their own beside the others", async () => {
  const asked: [partition: unknown, keys: number[]][] = [];
  const batcher = new Batcher((keys: number[], { partition }) => {
    asked.push([partition, keys]);
    return keys.map((key) => `${partition}:${key}`);
  });
  const ask = (partition: unknown) => batcher.loadMany([1, 2], { partition });
  for (let turn = 0; turn < 2; turn++) {
    assert.deepEqual(
      (await Promise.all(["a", undefined, 0, undefined].map(ask))).flat(),
      ["a:1", "a:2", "undefined:1", "undefined:2", "0:1", "0:2"]
        .concat("undefined:1", "undefined:2"),
    );
  }
  const batches = asked.map(([partition, keys]) => `${partition}:${keys}`);
  assert.deepEqual(
    batches.sort(),
    ["0", "0", "a", "a", "undefined", "undefined"].map((each) => `${each}:1,2`),
  );
});

Deno.test("a schedule of one's own decides when a batch is due", async () => {
  const flushes: (() => void)[] = [];
  const { batcher, batches } = makeDoubler({
    schedule: (flush) => flushes.push(flush),
  });
  const loads = [1, 2].map((key) => batcher.load(key));
  await nextTick();
  assert.deepEqual(batches, []);
  assert.equal(flushes.length, 1);
  flushes[0]();
  flushes[0]();
  await Promise.all(loads);
  assert.deepEqual(batches, [[1, 2]]);

  const hasty = makeDoubler({ schedule: (flush) => flush() });
  assert.deepEqual(await hasty.batcher.loadMany([1, 2]), [2, 4]);
  assert.deepEqual(hasty.batches, [[1], [2]]);
  const single = makeDoubler({ schedule: (flush) => flush(), maxSize: 1 });
  assert.deepEqual(await single.batcher.loadMany([1, 1]), [2, 2]);
  assert.deepEqual(single.batches, [[1], [1]]);
});

Deno.test("a schedule that throws hurts the load that called it alone", async () => {
  let calls = 0;
  const { batcher, batches } = makeDoubler({
    schedule: (flush) => {
      if (++calls % 2 === 1) throw new Error("no time");
      setTimeout(flush);
    },
  });
  await assert.rejects(batcher.load(1), /no time/);
  assert.equal(batcher.stats.waiting, 0);
  assert.deepEqual(await batcher.loadMany([1, 2]), [2, 4]);
  await assert.rejects(batcher.load(1), /no time/);
  await batcher.close();
  assert.deepEqual(batches, [[1, 2]]);

  const both = makeDoubler({
    schedule: (flush) => {
      flush();
      throw new Error("too late");
    },
  });
  await assert.rejects(both.batcher.load(1), /too late/);
  assert.deepEqual(both.batches, [[1]]);
  await both.batcher.close();
  assert.equal(both.batcher.stats.running, 0);
});

Deno.test("flush loads at once and waits; close takes no more after it", async () => {
  const clock = new FakeClock();
  const { batcher, batches } = makeDoubler({ maxWaitMs: 60_000, clock });
  const first = batcher.load(1);
  await batcher.flush();
  assert.equal(await first, 2);
  const second = batcher.load(2);
  await batcher.close();
  assert.equal(await second, 4);
  assert.deepEqual(batches, [[1], [2]]);
  await assert.rejects(batcher.load(3), ClosedError);
  assert.ok((await batcher.loadMany([3]))[0] instanceof ClosedError);
  await batcher.close();
  assert.equal(clock.pending, 0);
});

Deno.test("flush waits for what is unfinished, in whatever order it ends, and for no more", async () => {
  const { batcher, runs } = makeGated({ maxSize: 1 });
  const loads = [0, 1, 2, 3].map((key) => batcher.load(key));
  const done: string[] = [];
  const flushed = batcher.flush().then(() => done.push("flushed"));
  loads.push(batcher.load(4));
  for (const index of [1, 3, 0]) {
    runs[index].finish();
    await loads[index];
    await nextTick();
    assert.deepEqual(done, []);
  }
  runs[2].finish();
  await flushed;
  const closed = batcher.close().then(() => done.push("closed"));
  await nextTick();
  assert.deepEqual(done, ["flushed"]);
  runs[4].finish();
  await closed;
  assert.deepEqual(await Promise.all(loads), [0, 2, 4, 6, 8]);
});

Deno.test("await using closes; a wait for it can be given up", async () => {
  const { batcher, runs } = makeGated();
  const load = batcher.load(1);
  const controller = new AbortController();
  const flushed = batcher.flush({ signal: controller.signal });
  controller.abort(new Error("no patience"));
  await assert.rejects(flushed, /no patience/);
  runs[0].finish();
  assert.equal(await load, 2);
  {
    await using scoped = batcher;
    assert.equal(scoped.stats.running, 0);
  }
  await assert.rejects(batcher.load(2), ClosedError);
});

Deno.test("more keys than maxWaiting are refused, repeated ones are not", async () => {
  const { batcher, batches } = makeDoubler({ maxWaiting: 2 });
  const outcomes = await Promise.allSettled(
    [1, 2, 3, 1].map((key) => batcher.load(key)),
  );
  assert.deepEqual(outcomes.map(({ status }) => status), [
    "fulfilled",
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  assert.ok(
    outcomes[2].status === "rejected" &&
      outcomes[2].reason instanceof QueueFullError,
  );
  assert.deepEqual(batches, [[1, 2]]);
  assert.equal(await batcher.load(3), 6);
});

Deno.test("a batch may ask its own batcher", async () => {
  const batcher: Batcher<number, number> = new Batcher(
    (keys: number[]) =>
      Promise.all(keys.map((key) => key <= 1 ? key : batcher.load(key - 1))),
  );
  assert.equal(await batcher.load(5), 1);
  assert.equal(batcher.stats.batches, 5);
});

Deno.test("options that make no sense are refused, quoted", () => {
  const refused = (options: BatcherOptions<number, number>, message: RegExp) =>
    assert.throws(
      () => makeDoubler(options),
      (error) =>
        error instanceof InvalidOptionError && message.test(error.message),
    );
  refused({ maxSize: 0 }, /maxSize.*got 0/);
  refused({ maxSize: NaN }, /maxSize.*NaN/);
  refused({ maxWaitMs: -1 }, /maxWaitMs.*-1/);
  refused({ concurrency: 0 }, /concurrency.*0/);
  refused({ maxWaiting: 0.5 }, /maxWaiting.*0.5/);
  refused({ timeoutMs: 0 }, /timeoutMs.*0/);
  refused({ maxWaitMs: 5, schedule: () => {} }, /maxWaitMs 5 and a schedule/);
});

Deno.test("a loader that is no function is refused at once", () => {
  assert.throws(() => new Batcher(undefined as never, { name: "users" }), {
    name: "InvalidOptionError",
    message: "the loader of users must be a function, got undefined",
  });
});

Deno.test("the message for a missing key shows it, cut short", async () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;
  const shown: [key: unknown, text: string][] = [
    ["a", '"a"'],
    [9n, "9"],
    [{ id: 7 }, '{"id":7}'],
    [circular, "[object Object]"],
    ["x".repeat(200), `"${"x".repeat(78)}…`],
  ];
  const users = new Batcher<unknown, never>(() => new Map(), { name: "users" });
  for (const [key, text] of shown) {
    await assert.rejects(users.load(key), {
      name: "BatchKeyMissingError",
      message:
        `the loader of users, asked for ${text}, returned nothing for it`,
    });
  }
});
