import assert from "node:assert/strict";
import fc from "fast-check";
import * as format from "../../src/admin/dashboard/page/format.js";

Deno.test("figures have three digits that count", () => {
  assert.equal(format.figure(0), "0");
  assert.equal(format.figure(0.4567), "0.46");
  assert.equal(format.figure(9.999), "10.0");
  assert.equal(format.figure(12.34), "12.3");
  assert.equal(format.figure(123.4), "123");
  assert.equal(format.figure(999.96), "1,000");
  assert.equal(format.figure(98_765), "98,765");
  assert.equal(format.figure(1_234_567), "1.2M");
});

Deno.test("durations are told in the unit that fits", () => {
  assert.equal(format.duration(0), "0 ms");
  assert.equal(format.duration(0.25), "0.25 ms");
  assert.equal(format.duration(999.99), "1.00 s");
  assert.equal(format.duration(90_000), "1.50 min");
  assert.equal(format.duration(9_900_000), "2.75 h");
  assert.equal(format.duration(86_400_000 * 12), "12.0 d");
  assert.equal(format.longDuration(59.9), "59 s");
  assert.equal(format.longDuration(3_600), "1 h 0 min");
  assert.equal(format.longDuration(93_784), "1 d 2 h");
});

Deno.test("moments are dates and times of 24 hours", () => {
  const local = new Date(2026, 2, 7, 18, 51, 9).getTime() / 1_000;
  assert.equal(format.moment(local), "2026-03-07 18:51:09");
  assert.equal(format.clock(local), "18:51");
});

Deno.test("sizes are told in the unit that fits", () => {
  assert.equal(format.bytes(0), "0 B");
  assert.equal(format.bytes(1_536), "1.50 KiB");
  assert.equal(format.bytes(5 * 1_048_576), "5.00 MiB");
  assert.equal(format.memory(2_048), "2.00 GiB");
});

Deno.test("shares of nothing are none", () => {
  assert.equal(format.percent(1, 8), "12.5 %");
  assert.equal(format.percent(0, 8), "0 %");
  assert.equal(format.percent(0, 0), "–");
});

const formats: [string, (value: number | null) => string][] = [
  ["count", format.count],
  ["figure", format.figure],
  ["duration", format.duration],
  ["longDuration", format.longDuration],
  ["memory", format.memory],
  ["bytes", format.bytes],
];

for (const [name, write] of formats) {
  Deno.test(`${name} writes every figure in short, and none as a dash`, () => {
    assert.equal(write(null), "–");
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e15, noNaN: true }), (value) => {
        assert.match(write(value), /^\d[\d,.]*[KMBT]?( \w+)?( \d+ \w+)?$/);
        assert.ok(write(value).length < 20, write(value));
      }),
    );
  });
}
