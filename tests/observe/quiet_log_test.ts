import assert from "node:assert/strict";
import { Logger, type LogRecord } from "../../mod.ts";
import { QuietLog } from "../../src/observe/log/quiet_log.ts";
import { FakeClock } from "../support/fake_clock.ts";

function collecting(intervalMs = 10_000) {
  const records: LogRecord[] = [];
  const clock = new FakeClock();
  const log = new QuietLog(
    new Logger((record) => records.push(record)),
    intervalMs,
    clock,
  );
  const lines = () =>
    records.splice(0).map(({ message, fields }) => [message, fields.swallowed]);
  return { clock, log, lines };
}

Deno.test("one line of a cause in a while; the next tells how many were kept back", async () => {
  const { clock, log, lines } = collecting();
  for (let i = 0; i < 118; i++) {
    log.warning(`tool export is slow: it took ${1_000 + i} ms`);
  }
  assert.deepEqual(lines(), [
    ["tool export is slow: it took 1000 ms", undefined],
  ]);
  await clock.advance(10_000);
  log.warning("tool export is slow: it took 2000 ms");
  log.warning("tool export is slow: it took 2001 ms");
  await clock.advance(10_000);
  log.warning("tool export is slow: it took 2002 ms");
  await clock.advance(10_000);
  log.warning("tool export is slow: it took 2003 ms");
  assert.deepEqual(lines(), [
    ["tool export is slow: it took 2000 ms", 117],
    ["tool export is slow: it took 2002 ms", 1],
    ["tool export is slow: it took 2003 ms", undefined],
  ]);
});

Deno.test("causes are one if they differ in numbers and ids alone", () => {
  const cases: [one: string, other: string, same: boolean][] = [
    ["tool a failed: no user 17", "tool a failed: no user 18", true],
    ["took 1.5 s", "took 20 s", true],
    [
      "no order 7f0c1a22-4bf9-4e33-9a14-aa0ba902b700",
      "no order 1b7e55d0-88aa-4c10-b0d3-0123456789ab",
      true,
    ],
    ["no blob deadbeef01", "no blob 00c0ffee42", true],
    ["tool report_1 is slow", "tool report_2 is slow", false],
    ["tool v1.2 is slow", "tool v1.3 is slow", false],
    ["tool a failed: timeout", "tool a failed: refused", false],
    ["tool a failed: no", "tool b failed: no", false],
    ["effaced the defaced facade", "effaced the decade facade", false],
  ];
  for (const [one, other, same] of cases) {
    const { log, lines } = collecting();
    log.error(one);
    log.error(other);
    assert.equal(lines().length, same ? 1 : 2, `${one} | ${other}`);
  }
});

Deno.test("levels are told apart, what is no fault is always written, and 0 writes all", () => {
  const { log, lines } = collecting();
  for (let i = 0; i < 2; i++) {
    log.info("a");
    log.warning("a");
    log.error("a");
  }
  assert.equal(lines().length, 4);
  const all = collecting(0);
  for (let i = 0; i < 3; i++) all.log.error("a");
  assert.deepEqual(all.lines(), Array(3).fill(["a", undefined]));
});

Deno.test("however many causes there are, what is kept of them is bounded", () => {
  const { log, lines } = collecting();
  for (let i = 0; i < 5_000; i++) log.error(`tool t_${i} failed`);
  assert.equal(lines().length, 1_001);
});
