import assert from "node:assert/strict";
import { InvalidOptionError } from "../../src/base/errors.ts";
import {
  CpuProfile,
  type CpuProfileJson,
} from "../../src/observe/profile/cpu_profile.ts";
import { McpServer } from "../../mod.ts";
import { memoryProfiled } from "../../src/observe/profile/memory_profile.ts";
import { CpuRecording } from "../../src/observe/profile/cpu_recording.ts";
import { profile, profiled } from "../../src/observe/profile/profile.ts";
import { splicedProfile } from "../../src/observe/profile/profile_cut.ts";
import { burn, wait } from "./watched_calls.ts";

/** A profile's own rules, which viewers rely on. */
function assertValid(json: CpuProfileJson): void {
  const ids = new Set(json.nodes.map(({ id }) => id));
  assert.equal(ids.size, json.nodes.length);
  const hits = json.nodes.reduce((sum, { hitCount = 0 }) => sum + hitCount, 0);
  assert.equal(hits, json.samples.length);
  for (const { children = [] } of json.nodes) {
    for (const child of children) assert.ok(ids.has(child));
  }
  for (const id of json.samples) assert.ok(ids.has(id));
  assert.equal(json.samples.length, json.timeDeltas.length);
  const spanUs = json.timeDeltas.reduce((sum, delta) => sum + delta, 0);
  assert.ok(spanUs >= 0 && spanUs <= json.endTime - json.startTime);
}

function hotspot(ms: number): number {
  const end = performance.now() + ms;
  let rounds = 0;
  while (performance.now() < end) {
    for (let i = 0; i < 100_000; i++) rounds += Math.sqrt(i) % 2;
  }
  return rounds;
}

function coldspot(): number {
  return hotspot(150);
}

Deno.test("the hot function is on top, under the one that called it", async () => {
  const { result, profile: taken } = await profile(() => coldspot());
  assert.ok(result > 0);
  assertValid(JSON.parse(JSON.stringify(taken)));
  const [hottest] = taken.top(1, "self");
  assert.equal(hottest.function, "hotspot");
  assert.ok(hottest.selfPercent > 50, `${hottest.selfPercent} %`);
  const source = await Deno.readTextFile(new URL(import.meta.url));
  const line = source.slice(0, source.indexOf("function hotspot"))
    .split("\n").length;
  assert.match(
    hottest.location,
    new RegExp(`profile_test\\.ts:${line}:\\d+$`),
  );
  const rows = taken.top();
  const caller = rows.find((row) => row.function === "coldspot")!;
  assert.ok(caller.totalMs >= hottest.totalMs && caller.selfMs < 20);
  assert.ok(caller.totalMs < 300 && caller.totalPercent <= 100);
  assert.match(taken.table(5), /hits .*self ms .*total ms .*function\n/);
  assert.ok(taken.table(20).includes("coldspot"));
  assert.equal(taken.table(3).split("\n").length, 2 + 1 + 3);
  assert.throws(() => taken.top(0), InvalidOptionError);
});

Deno.test("the profiler doesn't show itself begin", async () => {
  const { profile: taken } = await profile(() => burn(50));
  assertValid(taken.toJSON());
  assert.ok(taken.durationMs < 80, `${taken.durationMs} ms`);
  assert.doesNotMatch(taken.table(100), /start .*cpu_recording\.ts/);
});

Deno.test("an asynchronous function's waiting is not counted", async () => {
  const { profile: taken } = await profile(async function waits() {
    await wait(150);
    burn(60);
    return "done";
  });
  assert.ok(taken.durationMs > 200);
  const burned = taken.top().find((row) => row.function === "waits")!;
  assert.ok(burned.totalMs > 40 && burned.totalPercent > 40);
  assert.ok(!taken.top(100).some((row) => row.function === "(idle)"));
});

Deno.test("the function's error comes through, and the profiler is free again", async () => {
  await assert.rejects(
    profile(() => {
      throw new Error("at once");
    }),
    /at once/,
  );
  await assert.rejects(
    profile(() => Promise.reject(new Error("later"))),
    /later/,
  );
  assert.equal((await profile(() => 1)).result, 1);
});

// Where others take the core, samples are missing.
Deno.test("profiles that overlap are each whole", { retry: 2 }, async () => {
  const { promise: otherBegan, resolve: begin } = Promise.withResolvers<void>();
  const { promise: otherEnds, resolve: end } = Promise.withResolvers<void>();
  const one = profile(async function first() {
    burn(80);
    await otherBegan;
    hotspot(80);
    end();
  });
  const other = profile(async () => {
    begin();
    await otherEnds;
    burn(20);
  }, { intervalUs: 500 });
  const [first, second] = [(await one).profile, (await other).profile];
  for (const taken of [first, second]) {
    assertValid(taken.toJSON());
    const row = taken.top(50).find((row) => row.function === "first")!;
    assert.ok(row.totalMs > 60, `${row.totalMs} ms`);
  }
  assert.ok(first.durationMs > second.durationMs);
});

Deno.test("a signal ends the profile, and an aborted one never begins it", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const reason = new Error("enough");
  let waiting: Promise<void> | undefined;
  let over = false;
  await assert.rejects(
    profile(() => {
      setTimeout(() => controller.abort(reason), 10);
      return waiting = wait(200).then(() => {
        over = true;
      });
    }, { signal }),
    reason,
  );
  assert.equal(over, false);
  let called = false;
  await assert.rejects(profile(() => called = true, { signal }), reason);
  assert.equal(called, false);
  await waiting;
});

Deno.test("no more than maxMs is recorded, and the function goes on", async () => {
  const { result, profile: taken } = await profile(async () => {
    await wait(200);
    return "the end";
  }, { maxMs: 50 });
  assert.equal(result, "the end");
  assert.ok(taken.durationMs < 150);
});

Deno.test("recursion counts once", () => {
  const frame = (functionName: string, lineNumber: number) => ({
    functionName,
    scriptId: "1",
    url: "file:///a.js",
    lineNumber,
    columnNumber: 0,
  });
  const taken = new CpuProfile({
    nodes: [
      { id: 1, callFrame: { ...frame("(root)", -1), url: "" }, children: [2] },
      { id: 2, callFrame: frame("fib", 3), children: [3] },
      { id: 3, callFrame: frame("fib", 3), children: [4] },
      { id: 4, callFrame: frame("", 9) },
    ],
    startTime: 0,
    endTime: 4_000,
    samples: [2, 3, 4, 1],
    timeDeltas: [0, 1_000, 1_000, 1_000],
  });
  assert.deepEqual(taken.top(), [
    {
      function: "fib",
      location: "file:///a.js:4:1",
      hits: 2,
      selfMs: 2,
      selfPercent: 2 / 3 * 100,
      totalMs: 3,
      totalPercent: 100,
    },
    {
      function: "(anonymous)",
      location: "file:///a.js:10:1",
      hits: 1,
      selfMs: 1,
      selfPercent: 1 / 3 * 100,
      totalMs: 1,
      totalPercent: 1 / 3 * 100,
    },
  ]);
});

Deno.test("an empty profile has no rows", () => {
  const taken = new CpuProfile({
    nodes: [],
    startTime: 0,
    endTime: 0,
    samples: [],
    timeDeltas: [],
  });
  assert.deepEqual(taken.top(), []);
  assert.match(taken.table(), /function$/);
});

Deno.test("a profile is saved as it is", async () => {
  const path = await Deno.makeTempFile({ suffix: ".cpuprofile" });
  try {
    const { profile: taken } = await profile(() => burn(20));
    await taken.save(path);
    assertValid(JSON.parse(await Deno.readTextFile(path)));
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("a profiled handler passes everything through and shows each call", async () => {
  const seen: [string, boolean][] = [];
  const handler = profiled(
    function report(a: number, b: number) {
      burn(30);
      return a + b;
    },
    {
      onProfile: (taken, name) =>
        seen.push([
          name,
          taken.top().some((row) => row.function === "report"),
        ]),
    },
  );
  assert.deepEqual(await Promise.all([handler(1, 2), handler(3, 4)]), [3, 7]);
  assert.deepEqual(seen, [["report", true], ["report", true]]);
});

Deno.test("a nameless handler's profile has the name of what it answers for", async () => {
  const names: string[] = [];
  const options = { onProfile: (_: unknown, name: string) => names.push(name) };
  await using server = new McpServer({ name: "t", version: "1" });
  server.registerTool("cpu", {}, profiled(() => "done", options));
  server.registerTool("memory", {}, memoryProfiled(() => "done", options));
  server.registerPrompt("greet", {}, profiled(() => "hello", options));
  await server.call("tools/call", { name: "cpu" });
  await server.call("tools/call", { name: "memory" });
  await server.call("prompts/get", { name: "greet" });
  await profiled(() => 1, options)();
  await profiled(() => 1, { ...options, name: "given" })();
  assert.deepEqual(names, ["cpu", "memory", "greet", "handler", "given"]);
});

Deno.test("the table has no frame of the profiler's own", async () => {
  let table = "";
  const handler = profiled(() => burn(60), {
    onProfile: (taken) => {
      assertValid(taken.toJSON());
      table = taken.table(100);
    },
  });
  await handler();
  assert.match(table, /burn/);
  assert.doesNotMatch(table, /src\/observe/);
});

Deno.test("without a function, what it called is its caller's", () => {
  const node = (id: number, functionName: string, children: number[]) => ({
    id,
    callFrame: {
      functionName,
      scriptId: "1",
      url: "file:///a.js",
      lineNumber: functionName.length,
      columnNumber: 0,
    },
    children,
  });
  const spliced = splicedProfile({
    nodes: [
      node(1, "root", [2]),
      node(2, "out", [3, 4]),
      node(3, "out", [5]),
      node(4, "other", []),
      node(5, "inner", []),
    ],
    startTime: 0,
    endTime: 4_000,
    samples: [2, 3, 4, 5],
    timeDeltas: [0, 1_000, 1_000, 1_000],
  }, "1:3:0");
  assertValid(spliced);
  assert.deepEqual(
    spliced.nodes.map(({ id, children, hitCount }) => [id, children, hitCount]),
    [[1, [5, 4], 2], [4, [], 1], [5, [], 1]],
  );
  assert.deepEqual(spliced.samples, [1, 1, 4, 5]);
});

Deno.test("a profile's options are checked before anything is called", async () => {
  for (
    const options of [
      { intervalUs: 1 },
      { intervalUs: 99.5 },
      { maxMs: 0 },
      { signal: {} as AbortSignal },
    ]
  ) {
    await assert.rejects(
      profile(() => assert.fail("called"), options),
      InvalidOptionError,
    );
  }
});

Deno.test("a recording in the background gives way to a profile: V8 would keep all code anew for it", async () => {
  let gaveWay = 0;
  const background = await CpuRecording.start(20_000, () => {
    gaveWay++;
    background[Symbol.dispose]();
  });
  await profile(() => 1);
  await profile(() => 1);
  assert.equal(gaveWay, 1);
});
