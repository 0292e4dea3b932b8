import assert from "node:assert/strict";
import { runScript } from "../support/scripts.ts";

Deno.test("without the permission, profiling fails with a name and calls nothing", async () => {
  const script = `
    import { profile } from "src/observe/profile/profile.ts";
    import { profileMemory } from "src/observe/profile/memory_profile.ts";
    for (const fn of [profile, profileMemory]) {
      await fn(() => console.log("called")).catch((error) =>
        console.log(error.name, error.code, error.message)
      );
    }`;
  const line = "ProfilerUnavailableError SLUICE_PROFILER_UNAVAILABLE V8's " +
    "profiler can't be used: it needs the permission --allow-sys\n";
  for (const flags of [[], ["--allow-net"]]) {
    assert.equal(await runScript(script, ...flags), line + line);
  }
});

Deno.test("without it, a profiled handler runs all the same, and says once that it has no profile", async () => {
  const script = `
    import { profiled } from "src/observe/profile/profile.ts";
    import { memoryProfiled } from "src/observe/profile/memory_profile.ts";
    for (const wrap of [profiled, memoryProfiled]) {
      const options = { name: "tool", log: (line) => console.log(line), onProfile: () => console.log("never") };
      const handler = wrap((a, b) => a + b, options);
      console.log(await handler(1, 2), await handler(3, 4));
      const fails = wrap(() => { throw new Error("its own"); }, options);
      await fails().catch((error) => console.log(error.message));
    }`;
  const warning = "tool runs without a profile: V8's profiler can't be used: " +
    "it needs the permission --allow-sys\n";
  const lines = `${warning}3 7\n${warning}its own\n`;
  assert.equal(await runScript(script), lines + lines);
});

Deno.test("without it, the watchdog says once what would name a block after a wait", async () => {
  const script = `
    import { Watchdog } from "src/observe/watch/watchdog.ts";
    const burn = () => { const end = performance.now() + 150; while (performance.now() < end); };
    const wait = () => new Promise((resolve) => setTimeout(resolve, 60));
    const work = { name: "tool", begunAt: performance.now() };
    await using watchdog = new Watchdog({
      inProgress: () => [work],
      log: ({ message }) => console.log(message.replace(/\\d+ ms/, "x ms")),
      logIntervalMs: 0,
      cpuTimeMs: () => performance.now(),
    });
    watchdog.start();
    for (let i = 0; i < 2; i++) {
      await wait();
      burn();
      await wait();
    }`;
  const block =
    "the event loop was blocked for x ms while tool was in progress\n";
  const hint =
    "a block after a wait can't be named for certain: V8's profiler " +
    "can't be used: it needs the permission --allow-sys\n";
  // A machine that is busy with other things may block it once more.
  const [before, after, ...more] = (await runScript(script)).split(hint);
  assert.deepEqual(more, []);
  for (const said of [before, after]) {
    assert.ok(said.length > 0 && said.replaceAll(block, "") === "", said);
  }
});

Deno.test("this one permission is enough", async () => {
  const script = `
    import { profile } from "src/observe/profile/profile.ts";
    import { profileMemory } from "src/observe/profile/memory_profile.ts";
    console.log((await profile(() => 1)).result);
    console.log((await profileMemory(() => 2)).result);`;
  assert.equal(await runScript(script, "--allow-sys"), "1\n2\n");
});

Deno.test("without it, the watchdog goes on: block after block is reported", async () => {
  const script = `
    import { Watchdog } from "src/observe/watch/watchdog.ts";
    const burn = () => { const end = performance.now() + 150; while (performance.now() < end); };
    const wait = () => new Promise((resolve) => setTimeout(resolve, 60));
    await using watchdog = new Watchdog({
      inProgress: () => [],
      onBlock: ({ name, certain, evidence }) => {
        if (name !== undefined) console.log(name, certain, evidence);
      },
      cpuTimeMs: () => performance.now(),
    });
    watchdog.start();
    for (let i = 0; i < 2; i++) {
      await wait();
      const from = performance.now();
      burn();
      watchdog.ran("tool", from, performance.now());
      await wait();
    }
    console.log(watchdog.stats.byName.get("tool")?.blocks);`;
  assert.equal(
    await runScript(script),
    "tool true measured\ntool true measured\n2\n",
  );
});

Deno.test("a process that was suspended accuses nobody", async () => {
  const script = `
    import { Watchdog } from "src/observe/watch/watchdog.ts";
    const begunAt = performance.now();
    const work = { name: "tool", begunAt };
    const running = new Set([work]);
    await using watchdog = new Watchdog({
      inProgress: () => running,
      onBlock: ({ name, evidence, blockedMs, inProgress }) => {
        if (blockedMs > 250) console.log(name, evidence, inProgress.join());
      },
    });
    watchdog.start();
    await new Promise((resolve) => setTimeout(resolve, 60));
    new Deno.Command("sh", {
      args: ["-c", \`kill -STOP \${Deno.pid}; sleep 0.4; kill -CONT \${Deno.pid}\`],
    }).spawn().ref();
    await new Promise((resolve) => setTimeout(resolve, 150));
    running.delete(work);
    watchdog.ended("tool", begunAt, performance.now());
    await new Promise((resolve) => setTimeout(resolve, 300));`;
  assert.equal(
    await runScript(script, "--allow-run=sh"),
    "undefined none tool\n",
  );
});
