import assert from "node:assert/strict";
import { runScript } from "../support/scripts.ts";

Deno.test("without the permission, profiling fails with a name and calls nothing", async () => {
  const script = `
    import { profile } from "src/observe/profile.ts";
    import { profileMemory } from "src/observe/memory_profile.ts";
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

Deno.test("this one permission is enough", async () => {
  const script = `
    import { profile } from "src/observe/profile.ts";
    import { profileMemory } from "src/observe/memory_profile.ts";
    console.log((await profile(() => 1)).result);
    console.log((await profileMemory(() => 2)).result);`;
  assert.equal(await runScript(script, "--allow-sys"), "1\n2\n");
});

Deno.test("without it, the watchdog goes on: block after block is reported", async () => {
  const script = `
    import { Watchdog } from "src/observe/watchdog.ts";
    const burn = () => { const end = performance.now() + 150; while (performance.now() < end); };
    const wait = () => new Promise((resolve) => setTimeout(resolve, 60));
    await using watchdog = new Watchdog({
      inProgress: () => [],
      onBlock: ({ name, certain, evidence }) => {
        if (name !== undefined) console.log(name, certain, evidence);
      },
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
    import { Watchdog } from "src/observe/watchdog.ts";
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
