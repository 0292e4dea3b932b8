import assert from "node:assert/strict";
import { InvalidOptionError } from "../../src/base/errors.ts";
import { Watchdog } from "../../src/observe/watch/watchdog.ts";
import { burn, wait, WatchedCalls } from "./watched_calls.ts";

const STOPPED = new URL("./fixtures/stopped_process.ts", import.meta.url)
  .pathname;

function near(value: number, expected: number): void {
  assert.ok(
    value >= expected - 50 && value <= expected + 150,
    `${value} ms, where about ${expected} ms were expected`,
  );
}

Deno.test("a tool that blocks until it answers is named, with its time", async () => {
  await using calls = new WatchedCalls({
    block: () => burn(150),
    idle: () => wait(300),
  }, { profiler: false });
  await wait(50);
  const idle = calls.call("idle");
  await wait(30);
  await calls.call("block");
  const report = await calls.report("block", 0);
  assert.equal(report.name, "block");
  assert.equal(report.certain, true);
  assert.equal(report.evidence, "measured");
  near(report.blockedMs, 150);
  assert.ok(report.blockedMs >= 150);
  await idle;
  assert.equal(calls.of("block").length, 1);
  assert.equal(calls.watchdog.stats.byName.get("block")?.blocks, 1);
});

/** The CPU time of a process that gets so much of it. */
const cpuShare = (share: number) => () => performance.now() * share;

Deno.test("where the process hardly got the CPU, it was starved, and nobody is blamed, whatever they did", async () => {
  await using calls = new WatchedCalls({
    atOnce: () => burn(150),
    beforeWaiting: async () => {
      burn(150);
      await wait(30);
    },
    afterWaiting: async () => {
      await wait(60);
      burn(150);
    },
  }, { cpuTimeMs: cpuShare(0.2) });
  await wait(50);
  for (const name of ["atOnce", "beforeWaiting", "afterWaiting"]) {
    await calls.call(name);
    const report = await calls.report(name, 0);
    assert.deepEqual(
      [report.starved, report.name, report.certain, report.evidence],
      [true, undefined, false, "none"],
      name,
    );
    near(report.blockedMs, 150);
    assert.ok(report.cpuMs! < report.blockedMs / 4, `${report.cpuMs} ms`);
    await wait(40);
  }
  const { starved, starvedMs, ...stats } = calls.watchdog.stats;
  assert.equal(starved, calls.reports.length);
  near(starvedMs / starved, 150);
  assert.deepEqual(stats, {
    blocks: 0,
    blockedMs: 0,
    uncertain: 0,
    byName: new Map(),
    suspected: new Map(),
  });
});

Deno.test("where the process got a part of the CPU, who ran is likely, and not certain", async () => {
  await using calls = new WatchedCalls({ block: () => burn(150) }, {
    profiler: false,
    cpuTimeMs: cpuShare(0.35),
  });
  await wait(50);
  await calls.call("block");
  const report = await calls.report("block", 0);
  assert.deepEqual(
    [report.name, report.certain, report.starved, report.evidence],
    ["block", false, false, "measured"],
  );
  assert.equal(calls.watchdog.stats.byName.size, 0);
  assert.equal(calls.watchdog.stats.suspected.get("block")?.blocks, 1);
});

Deno.test("a process that was stopped for a while was starved, and its tools are innocent", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", STOPPED],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  await using _ended = {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  assert.match((await lines.read()).value!, /ready/);
  child.kill("SIGSTOP");
  await wait(400);
  child.kill("SIGCONT");
  const { value } = await lines.read();
  await lines.cancel();
  const report = JSON.parse(value!);
  assert.equal(report.starved, true, value);
  assert.equal(report.name, undefined);
  assert.deepEqual(report.inProgress, ["tool"]);
  assert.ok(report.blockedMs >= 300, value);
});

Deno.test("a tool that blocks before it first waits is named", async () => {
  await using calls = new WatchedCalls({
    block: async () => {
      burn(150);
      await wait(100);
    },
  }, { profiler: false });
  await wait(50);
  await calls.call("block");
  const report = await calls.report("block", 0);
  assert.deepEqual([report.name, report.certain], ["block", true]);
  assert.equal(calls.of("block").length, 1);
});

Deno.test("blocked after a wait: the only tool in progress is likely, and not certain", async () => {
  await using calls = new WatchedCalls({
    block: async () => {
      await wait(60);
      burn(150);
    },
  }, { profiler: false });
  await wait(50);
  await calls.call("block");
  const report = await calls.report("block", 0);
  assert.equal(report.name, "block");
  assert.equal(report.certain, false);
  assert.equal(report.evidence, "ended");
  near(report.blockedMs, 150);
  const { byName, uncertain, suspected } = calls.watchdog.stats;
  assert.equal(byName.size, 0);
  assert.ok(uncertain >= 1);
  assert.equal(suspected.get("block")?.blocks, 1);
  near(suspected.get("block")!.blockedMs, 150);
});

Deno.test("blocked after a wait while others are in progress: nobody is accused at first, and the profiler names the second block", async () => {
  await using calls = new WatchedCalls({
    block: async () => {
      await wait(60);
      burn(200);
      await wait(60);
    },
    idle: () => wait(450),
    early: () => wait(5),
  });
  await wait(50);
  for (const round of [0, 1]) {
    const idle = [calls.call("idle"), calls.call("idle")];
    await calls.call("early");
    await calls.call("block");
    const report = await calls.report("block", round);
    near(report.blockedMs, 200);
    assert.deepEqual(report.inProgress, ["block", "idle"]);
    if (round === 0) {
      assert.deepEqual(
        [report.name, report.certain, report.evidence],
        [undefined, false, "none"],
      );
    } else {
      assert.deepEqual(
        [report.name, report.certain, report.evidence],
        ["block", true, "profile"],
      );
      assert.equal(report.function, "burn");
      assert.match(report.location!, /watched_calls\.ts:\d+:\d+$/);
    }
    await Promise.all(idle);
  }
  assert.equal(calls.of("block").length, 2);
  assert.equal(calls.watchdog.stats.byName.get("block")?.blocks, 1);
});

// Where others take the core, the profiler may see too little of a block.
Deno.test(
  "once the profiler looks, block after block is named, whatever blocks between",
  { retry: 2 },
  async () => {
    await using calls = new WatchedCalls({
      later: async () => {
        await wait(40);
        burn(150);
        await wait(40);
      },
      atOnce: () => burn(130),
      idle: () => wait(3_000),
    });
    await wait(50);
    const idle = calls.call("idle");
    // Also where it is tried again.
    await using _ended = { [Symbol.asyncDispose]: async () => void await idle };
    await calls.call("later");
    await calls.report("later", 0);
    await wait(200);
    for (let round = 1; round <= 4; round++) {
      await calls.call("atOnce");
      await wait(60);
      await calls.call("later");
      const { name, certain } = await calls.report("later", round);
      assert.deepEqual([round, name, certain], [round, "later", true]);
    }
    const { byName, suspected } = calls.watchdog.stats;
    assert.equal(byName.get("later")?.blocks, 4);
    assert.equal(byName.get("atOnce")?.blocks, 4);
    assert.equal(suspected.size, 0);
  },
);

Deno.test("the place of a function is that in its TypeScript", async () => {
  await using calls = new WatchedCalls({ block: () => burn(150) });
  await wait(50);
  await calls.call("block");
  await calls.report("block", 0);
  await wait(200);
  await calls.call("block");
  const { location } = await calls.report("block", 1);
  const source = await Deno.readTextFile(
    new URL("./watched_calls.ts", import.meta.url),
  );
  const line =
    source.split("\n").findIndex((each) => each.includes("function burn")) + 1;
  assert.match(location!, new RegExp(`watched_calls\\.ts:${line}:\\d+$`));
});

Deno.test("a block of nobody's is reported, and nobody accused", async () => {
  await using calls = new WatchedCalls(
    { one: () => wait(400), other: () => wait(400) },
    { profiler: false },
  );
  await wait(50);
  const running = [calls.call("one"), calls.call("other")];
  await wait(50);
  burn(150);
  const report = await calls.report("one", 0);
  assert.equal(report.name, undefined);
  assert.equal(report.certain, false);
  assert.deepEqual(report.inProgress, ["one", "other"]);
  await Promise.all(running);
});

// What the host takes from a virtual machine may look like work of its own.
Deno.test("nothing is reported when nothing blocks", { retry: 2 }, async () => {
  await using calls = new WatchedCalls({
    quick: () => burn(2),
    slow: () => wait(150),
  });
  const slow = calls.call("slow");
  for (let i = 0; i < 20; i++) {
    await calls.call("quick");
    await wait(5);
  }
  await slow;
  await wait(50);
  assert.deepEqual(calls.reports.filter(({ name }) => name !== undefined), []);
  assert.ok(calls.watchdog.lag.ticks > 3);
});

Deno.test("a watchdog's options are checked", () => {
  for (const options of [{ blockedMs: 0 }, { logIntervalMs: -1 }]) {
    assert.throws(
      () => new Watchdog({ inProgress: () => [], ...options }),
      InvalidOptionError,
    );
  }
});

Deno.test("a listener that throws takes nothing down", async () => {
  let told = 0;
  await using calls = new WatchedCalls({ block: () => burn(130) }, {
    profiler: false,
    onBlock: ({ name }) => {
      if (name === "block") told++;
      throw new Error("no");
    },
  });
  await wait(40);
  await calls.call("block");
  await wait(60);
  await calls.call("block");
  await wait(60);
  assert.equal(told, 2);
});
