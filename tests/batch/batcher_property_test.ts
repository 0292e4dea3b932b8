import assert from "node:assert/strict";
import fc from "fast-check";
import { Batcher } from "../../src/batch/batcher.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { sleep } from "../../src/base/abort.ts";

const event = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("load" as const),
      key: fc.nat({ max: 12 }),
      tenant: fc.constantFrom("a", "b"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("abort" as const),
      pick: fc.nat(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("wait" as const),
      ms: fc.integer({ min: 1, max: 30 }),
    }),
  },
);

const settings = fc.record({
  maxSize: fc.integer({ min: 1, max: 5 }),
  maxWaitMs: fc.integer({ min: 1, max: 20 }),
  concurrency: fc.integer({ min: 1, max: 3 }),
  timeoutMs: fc.constantFrom(15, Infinity),
});

/** Fails for 5, throws with 11, is slow with 7, and knows all else. */
async function load(
  keys: number[],
  clock: FakeClock,
): Promise<(string | Error)[]> {
  await sleep(keys.includes(7) ? 40 : 5, { clock });
  if (keys.includes(11)) throw new Error("thrown");
  return keys.map((key) => key === 5 ? new Error("bad key") : `value ${key}`);
}

Deno.test("property: every caller gets the outcome of its own key, whatever happens beside", async () => {
  await fc.assert(
    fc.asyncProperty(
      settings,
      fc.array(event, { maxLength: 60 }),
      async (options, events) => {
        const clock = new FakeClock();
        let running = 0;
        const batches: string[][] = [];
        const batcher = new Batcher(
          async (keys: { tenant: string; key: number }[], { partition }) => {
            assert.ok(keys.length >= 1 && keys.length <= options.maxSize);
            assert.ok(keys.every(({ tenant }) => tenant === partition));
            const names = keys.map(({ key }) => `${key}`);
            assert.equal(new Set(names).size, names.length);
            batches.push(names);
            running++;
            if (options.timeoutMs === Infinity) {
              assert.ok(running <= options.concurrency + abandoned());
            }
            return await load(keys.map(({ key }) => key), clock)
              .finally(() => running--);
          },
          {
            ...options,
            key: ({ key }) => key,
            partition: ({ tenant }) => tenant,
            clock,
          },
        );
        const abandoned = () => batcher.stats.abandonedBatches;
        const callers: {
          key: number;
          controller: AbortController;
          outcome: Promise<string>;
        }[] = [];
        for (const event of events) {
          if (event.type === "load") {
            const controller = new AbortController();
            const { key, tenant } = event;
            const outcome = batcher
              .load({ key, tenant }, { signal: controller.signal })
              .catch((error) => `${error.name}: ${error.message}`);
            callers.push({ key, controller, outcome });
          } else if (event.type === "abort" && callers.length > 0) {
            const { controller } = callers[event.pick % callers.length];
            controller.abort(new DOMException("gone", "AbortError"));
          } else if (event.type === "wait") {
            await clock.advance(event.ms);
          }
        }
        const closed = batcher.close();
        await clock.advance(10_000);
        await closed;
        for (const { key, controller, outcome } of callers) {
          const settled = await outcome;
          const expected = [`value ${key}`, "Error: thrown"];
          if (key === 5) expected[0] = "Error: bad key";
          if (controller.signal.aborted) expected.push("AbortError: gone");
          if (options.timeoutMs !== Infinity) {
            expected.push("TimeoutError: batcher took longer than 15 ms");
          }
          assert.ok(expected.includes(settled), `${key}: ${settled}`);
        }
        const { loads, keys, waiting, running: left } = batcher.stats;
        assert.equal(loads, callers.length);
        assert.equal(keys, batches.flat().length);
        assert.equal(waiting, 0);
        assert.equal(left, 0);
        assert.equal(clock.pending, 0);
      },
    ),
    { numRuns: 300 },
  );
});
