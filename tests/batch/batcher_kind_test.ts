import assert from "node:assert/strict";
import { Batcher } from "../../src/batch/batcher.ts";
import { Batchers } from "../../src/batch/batchers.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { figuresOf } from "../support/figures.ts";

Deno.test("operators see what a batcher does, by its name", async () => {
  const name = "users, by id";
  const clock = new FakeClock();
  const batcher = new Batcher((ids: number[]) => {
    if (ids.includes(0)) throw new Error("no such batch");
    return Promise.resolve(ids.map((id) => id < 0 ? new Error("none") : id));
  }, { name, clock, maxWaitMs: 10 });
  const ones = [batcher.load(1), batcher.load(1), batcher.load(-1)];
  const settled = Promise.allSettled(ones);
  assert.equal(figuresOf("batcher", { name })?.waiting, 2);
  await clock.advance(10);
  await settled;
  const lost = assert.rejects(batcher.load(0), /no such batch/);
  await clock.advance(10);
  await lost;
  const controller = new AbortController();
  const left = assert.rejects(
    batcher.load(2, { signal: controller.signal }),
    /gone/,
  );
  controller.abort(new Error("gone"));
  await left;
  const done = {
    loads: 5,
    keys: 3,
    batches: 2,
    failed_batches: 1,
    failed_keys: 1,
    abandoned_batches: 1,
  };
  assert.deepEqual(figuresOf("batcher", { name }), {
    ...done,
    running: 0,
    waiting: 0,
  });
  await batcher.close();
  assert.deepEqual(figuresOf("batcher", { name }), done);
});

Deno.test("what is loaded while a batcher closes is counted", async () => {
  const name = "closing";
  const batcher = new Batcher((ids: number[]) => ids, { name });
  const loading = batcher.load(1);
  await batcher.close();
  assert.equal(await loading, 1);
  assert.equal(figuresOf("batcher", { name })?.batches, 1);
});

Deno.test("each operation of Batchers has figures of its own", async () => {
  await using batchers = new Batchers({
    "figures: double": (ids: number[]) => ids.map((id) => 2 * id),
    "figures: negate": (ids: number[]) => ids.map((id) => -id),
  });
  await batchers.load("figures: double", 1);
  assert.equal(figuresOf("batcher", { name: "figures: double" })?.keys, 1);
  assert.equal(figuresOf("batcher", { name: "figures: negate" })?.keys, 0);
});
