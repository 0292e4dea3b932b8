import assert from "node:assert/strict";
import fc from "fast-check";
import {
  Buckets,
  DURATIONS,
  Histogram,
} from "../../src/observe/metrics/histogram.ts";

const durations = fc.array(fc.double({ min: 0, max: 200, noNaN: true }), {
  minLength: 1,
  maxLength: 200,
});

Deno.test("every shown bound is one of the fine ones", () => {
  assert.ok(DURATIONS.shownAt.every((at) => at >= 0));
  assert.deepEqual(
    DURATIONS.shownAt.map((at) => DURATIONS.bounds[at]),
    DURATIONS.shown,
  );
});

Deno.test("a value falls into the first bucket that holds it", () => {
  const buckets = new Buckets([1, 2, 5]);
  assert.deepEqual(
    [0, 1, 1.5, 2, 5, 6, Infinity].map((value) => buckets.indexOf(value)),
    [0, 0, 1, 1, 2, 3, 3],
  );
});

Deno.test("cumulative counts are those of a plain count", () => {
  fc.assert(fc.property(durations, (values) => {
    const histogram = new Histogram();
    for (const value of values) histogram.observe(value);
    assert.deepEqual(
      histogram.cumulative,
      DURATIONS.shown.map((bound) =>
        values.filter((value) => value <= bound).length
      ),
    );
    assert.equal(histogram.count, values.length);
  }));
});

Deno.test("a percentile is in the bucket where the exact one is", () => {
  fc.assert(
    fc.property(durations, fc.double({ min: 0.01, max: 1, noNaN: true }), (
      values,
      share,
    ) => {
      const histogram = new Histogram();
      for (const value of values) histogram.observe(value);
      const sorted = values.toSorted((a, b) => a - b);
      const exact = sorted[Math.ceil(share * sorted.length) - 1];
      const bucket = DURATIONS.indexOf(exact);
      const low = bucket === 0 ? 0 : DURATIONS.bounds[bucket - 1];
      const high = DURATIONS.bounds[bucket] ?? 100;
      const estimate = histogram.quantile(share);
      assert.ok(
        estimate >= low - 1e-12 && estimate <= high + 1e-12,
        `${estimate} for ${exact}, which is in ${low} to ${high}`,
      );
    }),
  );
});

Deno.test("what was added can be taken away again", () => {
  fc.assert(fc.property(durations, durations, (first, second) => {
    const [both, one, other] = [
      new Histogram(),
      new Histogram(),
      new Histogram(),
    ];
    for (const value of first) one.observe(value);
    for (const value of second) other.observe(value);
    both.add(one);
    both.add(other);
    assert.equal(both.count, first.length + second.length);
    both.add(other, -1);
    assert.deepEqual(both.cumulative, one.cumulative);
    assert.equal(both.count, one.count);
    assert.ok(Math.abs(both.sum - one.sum) < 1e-6);
  }));
});

Deno.test("nothing observed is all zero, and NaN is no value", () => {
  const histogram = new Histogram();
  histogram.observe(NaN);
  assert.equal(histogram.count, 0);
  assert.equal(histogram.mean, 0);
  assert.equal(histogram.quantile(0.99), 0);
});

Deno.test("buckets that don't ascend are refused, quoted", () => {
  for (const bounds of [[], [1, 1], [2, 1], [1, Infinity], [NaN]]) {
    assert.throws(() => new Buckets(bounds), {
      code: "SLUICE_INVALID_OPTION",
      message: `buckets must be finite numbers that ascend, got [${
        bounds.join(", ")
      }]`,
    });
  }
});
