import assert from "node:assert/strict";
import { TimedEntry, TimedQueue } from "../../src/base/timed_queue.ts";
import { FakeClock } from "../support/fake_clock.ts";

class Entry extends TimedEntry {
  constructor(readonly name: string) {
    super();
  }
}

function queueOf(limitMs: number) {
  const clock = new FakeClock();
  const late: string[] = [];
  const queue = new TimedQueue<Entry>(
    clock,
    limitMs,
    ({ name }) => late.push(name),
  );
  return { clock, late, queue };
}

Deno.test("entries leave in the order they came, from any place", () => {
  const { queue } = queueOf(Infinity);
  const [a, b, c] = ["a", "b", "c"].map((name) => new Entry(name));
  for (const entry of [a, b, c]) queue.push(entry);
  queue.delete(b);
  queue.delete(b);
  assert.equal(queue.size, 2);
  assert.equal(queue.shift(), a);
  assert.equal(queue.shift(), c);
  assert.equal(queue.shift(), undefined);
});

Deno.test("an entry is late after the limit, never before, and told once", async () => {
  const { clock, late, queue } = queueOf(1_600);
  queue.push(new Entry("a"));
  await clock.advance(250);
  queue.push(new Entry("b"));
  await clock.advance(1_349);
  assert.deepEqual(late, []);
  await clock.advance(1);
  assert.deepEqual(late, ["a"]);
  await clock.advance(249);
  assert.deepEqual(late, ["a"]);
  await clock.advance(100);
  assert.deepEqual(late, ["a", "b"], "a sixteenth later at most");
  await clock.advance(10_000);
  assert.deepEqual(late, ["a", "b"]);
  assert.equal(clock.pending, 0, "an empty queue needs no timer");
});

Deno.test("an entry that left in time isn't late", async () => {
  const { clock, late, queue } = queueOf(100);
  const entry = new Entry("a");
  queue.push(entry);
  await clock.advance(99);
  queue.delete(entry);
  await clock.advance(1_000);
  assert.deepEqual(late, []);
});

Deno.test("a limit shorter than a tick is kept all the same", async () => {
  const { clock, late, queue } = queueOf(3);
  queue.push(new Entry("a"));
  await clock.advance(2);
  assert.deepEqual(late, []);
  await clock.advance(1);
  assert.deepEqual(late, ["a"]);
});

Deno.test("a limit longer than any timer neither fires at once nor is lost", async () => {
  const { clock, late, queue } = queueOf(2 ** 36);
  queue.push(new Entry("a"));
  await clock.advance(2 ** 31);
  assert.deepEqual(late, []);
  queue.stopWatching();
  assert.equal(clock.pending, 0);
});
