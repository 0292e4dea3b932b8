import assert from "node:assert/strict";
import fc from "fast-check";
import { sleep } from "../../src/base/abort.ts";
import { InvalidOptionError } from "../../src/base/errors.ts";
import { mapConcurrent } from "../../src/limit/map_concurrent.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("results keep the items' order, whatever the order of finishing", async () => {
  const clock = new FakeClock();
  const mapped = mapConcurrent([30, 10, 20], async (delayMs, { index }) => {
    await sleep(delayMs, { clock });
    return `${index}: ${delayMs}`;
  }, { concurrency: 3 });
  await clock.advance(30);
  assert.deepEqual(await mapped, ["0: 30", "1: 10", "2: 20"]);
});

Deno.test("an endless source is pulled only as there is room", async () => {
  let pulled = 0;
  let returned = false;
  function* numbers() {
    try {
      while (true) yield pulled++;
    } finally {
      returned = true;
    }
  }
  const controller = new AbortController();
  const mapping = mapConcurrent(numbers(), () => new Promise(() => {}), {
    concurrency: 3,
    signal: controller.signal,
  });
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(pulled, 3);
  controller.abort(new Error("enough"));
  await assert.rejects(mapping, /enough/);
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(returned, true);
});

Deno.test("an async source works, and its failure ends the work under way", async () => {
  async function* letters() {
    yield* ["a", "b"];
    await Promise.resolve();
    throw new Error("the source broke");
  }
  const signals: AbortSignal[] = [];
  await assert.rejects(
    mapConcurrent(letters(), (_letter, { signal }) => {
      signals.push(signal);
      return new Promise(() => {});
    }, { concurrency: Infinity }),
    /the source broke/,
  );
  assert.deepEqual(signals.map((signal) => signal.aborted), [true, true]);
});

Deno.test("the first failure ends the mapping and aborts the rest", async () => {
  const begun: number[] = [];
  const aborted: number[] = [];
  await assert.rejects(
    mapConcurrent([0, 1, 2, 3, 4], (item, { signal }) => {
      begun.push(item);
      if (item === 1) throw new Error("one is bad");
      return new Promise<number>((_, reject) =>
        signal.addEventListener("abort", () => {
          aborted.push(item);
          reject(signal.reason);
        })
      );
    }, { concurrency: 2 }),
    /one is bad/,
  );
  assert.deepEqual(begun, [0, 1]);
  assert.deepEqual(aborted, [0]);
});

Deno.test("stopOnError: false works on all and reports every failure", async () => {
  const begun: number[] = [];
  await assert.rejects(
    mapConcurrent([0, 1, 2, 3], (item) => {
      begun.push(item);
      if (item % 2 === 1) throw new Error(`${item} is odd`);
    }, { concurrency: 2, stopOnError: false }),
    (error) =>
      error instanceof AggregateError &&
      error.message === "2 of 4 items failed" &&
      error.errors.map(({ message }) => message).join() ===
        "1 is odd,3 is odd",
  );
  assert.deepEqual(begun, [0, 1, 2, 3]);
});

Deno.test("nothing is begun for an aborted caller or a refused option", async () => {
  const refuse = () => assert.fail("must not be called");
  await assert.rejects(
    mapConcurrent([1], refuse, {
      concurrency: 1,
      signal: AbortSignal.abort(new Error("before")),
    }),
    /before/,
  );
  for (const concurrency of [0, -1, NaN, 1.5]) {
    await assert.rejects(
      mapConcurrent([1], refuse, { concurrency }),
      InvalidOptionError,
    );
  }
  await assert.rejects(
    mapConcurrent([1], refuse, { concurrency: 1, signal: {} as AbortSignal }),
    /signal must be an AbortSignal, got an object/,
  );
  assert.deepEqual(await mapConcurrent([], refuse, { concurrency: 1 }), []);
});

Deno.test("property: like Promise.all, and never over the bound", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 5 })),
      fc.integer({ min: 1, max: 8 }),
      async (turns, concurrency) => {
        let running = 0;
        const mapped = await mapConcurrent(turns, async (count, { index }) => {
          running++;
          assert.ok(running <= concurrency);
          for (let turn = 0; turn < count; turn++) await Promise.resolve();
          running--;
          return index * 10 + count;
        }, { concurrency });
        assert.deepEqual(
          mapped,
          turns.map((count, index) => index * 10 + count),
        );
      },
    ),
  );
});
