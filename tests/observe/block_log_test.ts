import assert from "node:assert/strict";
import { BlockLog } from "../../src/observe/block_log.ts";
import type { BlockReport } from "../../src/observe/block_report.ts";
import { FakeClock } from "../support/fake_clock.ts";

const named: BlockReport = {
  name: "slow",
  certain: true,
  evidence: "measured",
  blockedMs: 150,
  cpuMs: 149,
  function: "parse",
  location: "file:///a.ts:1:1",
  inProgress: ["slow"],
};
const likely: BlockReport = { ...named, certain: false, evidence: "ended" };
const unnamed: BlockReport = {
  certain: false,
  evidence: "none",
  blockedMs: 120,
  inProgress: ["a", "b"],
};

Deno.test("a block is one warning, with all that is known of it", () => {
  const records: unknown[] = [];
  const log = new BlockLog(
    (record) => records.push(record),
    0,
    new FakeClock(),
  );
  log.write(named);
  log.write(likely);
  log.write(unnamed);
  const { name: tool, ...rest } = named;
  assert.deepEqual(records, [
    {
      level: "warning",
      message: "the event loop was blocked for 150 ms by slow",
      fields: { tool, ...rest },
    },
    {
      level: "warning",
      message: "the event loop was blocked for 150 ms, probably by slow",
      fields: { tool, ...rest, certain: false, evidence: "ended" },
    },
    {
      level: "warning",
      message: "the event loop was blocked for 120 ms",
      fields: unnamed,
    },
  ]);
});

Deno.test("at most one line per name in a while, and the next tells how many were swallowed", async () => {
  const clock = new FakeClock();
  const lines: [unknown, unknown][] = [];
  const log = new BlockLog(
    ({ fields }) => lines.push([fields.tool, fields.swallowed]),
    10_000,
    clock,
  );
  for (let i = 0; i < 4; i++) {
    log.write(named);
    log.write(unnamed);
    await clock.advance(3_000);
  }
  assert.deepEqual(lines, [["slow", undefined], [undefined, undefined]]);
  log.write(named);
  await clock.advance(10_000);
  log.write(named);
  assert.deepEqual(lines.slice(2), [["slow", 3], ["slow", undefined]]);
});
