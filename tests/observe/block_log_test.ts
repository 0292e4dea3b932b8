import assert from "node:assert/strict";
import { BlockLog } from "../../src/observe/watch/block_log.ts";
import type { BlockReport } from "../../src/observe/watch/block_report.ts";
import { FakeClock } from "../support/fake_clock.ts";

const named: BlockReport = {
  name: "slow",
  certain: true,
  starved: false,
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
  starved: false,
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
      message:
        "the event loop was blocked for 150 ms by slow in parse (a.ts:1)",
      fields: { tool, ...rest },
    },
    {
      level: "warning",
      message:
        "the event loop was blocked for 150 ms, probably by slow in parse (a.ts:1)",
      fields: { tool, ...rest, certain: false, evidence: "ended" },
    },
    {
      level: "warning",
      message:
        "the event loop was blocked for 120 ms while a and b were in progress",
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

Deno.test("a block without a name says where it was and who can have done it", () => {
  const messages: string[] = [];
  const log = new BlockLog(
    ({ message }) => messages.push(message),
    0,
    new FakeClock(),
  );
  const { name: _, ...nameless } = named;
  log.write({ ...nameless, certain: false, evidence: "none" });
  log.write({ ...unnamed, inProgress: [] });
  log.write({ ...unnamed, inProgress: ["a", "b", "c"] });
  log.write({ ...unnamed, inProgress: ["a", "b", "c", "d", "e"] });
  assert.deepEqual(
    messages.map((message) => message.replace(/.*blocked for /, "")),
    [
      "150 ms in parse (a.ts:1) while slow was in progress",
      "120 ms",
      "120 ms while a, b and c were in progress",
      "120 ms while a, b, c and 2 more were in progress",
    ],
  );
});

Deno.test("blocks without a name keep each other back only at the same place, or with the same suspect", () => {
  const lines: unknown[] = [];
  const log = new BlockLog(
    ({ fields }) => lines.push(fields.location ?? fields.inProgress),
    10_000,
    new FakeClock(),
  );
  for (let i = 0; i < 2; i++) {
    log.write({ ...unnamed, location: "file:///a.ts:1:1" });
    log.write({ ...unnamed, location: "file:///a.ts:9:1" });
    log.write({ ...unnamed, inProgress: ["a"] });
    log.write({ ...unnamed, inProgress: ["b"] });
    log.write({ ...unnamed, inProgress: ["a", "b"] });
    log.write({ ...unnamed, inProgress: ["b", "c"] });
  }
  const places = ["file:///a.ts:1:1", "file:///a.ts:9:1"];
  assert.deepEqual(lines, [...places, ["a"], ["b"], ["a", "b"]]);
});

Deno.test("that the profiler can't be used is said once", () => {
  const messages: string[] = [];
  const log = new BlockLog(
    ({ message }) => messages.push(message),
    0,
    new FakeClock(),
  );
  log.hint("no permission");
  log.hint("no permission");
  assert.deepEqual(messages, [
    "a block after a wait can't be named for certain: no permission",
  ]);
});

Deno.test("a process that was starved is said to be so, whoever was at work, and once in a while", () => {
  const lines: string[] = [];
  const log = new BlockLog(
    ({ message }) => lines.push(message),
    1_000,
    new FakeClock(),
  );
  const starved: BlockReport = {
    ...unnamed,
    starved: true,
    blockedMs: 145,
    cpuMs: 12,
  };
  log.write({ ...starved, inProgress: ["a"] });
  log.write({ ...starved, inProgress: ["b"] });
  log.write(named);
  assert.deepEqual(lines, [
    "the process was starved for 145 ms: it used the CPU for 12 ms; " +
    "else it had none, or waited synchronously",
    "the event loop was blocked for 150 ms by slow in parse (a.ts:1)",
  ]);
});
