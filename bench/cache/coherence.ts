/**
 * `deno run -A bench/cache/coherence.ts`: how long another process still serves
 * the old value from memory after a `set` has begun, and after it has returned.
 */
import { TieredCache } from "../../src/cache/tiered/tiered_cache.ts";
import { TestRedis } from "../../tests/support/redis.ts";

const CHANGES = 2_000;

/** The other process: a thread with a cache, and an event loop, of its own. */
const READER = `
import { TieredCache } from "${
  import.meta.resolve("../../src/cache/tiered/tiered_cache.ts")
}";
let cache;
self.onmessage = async ({ data: { url, expect } }) => {
  cache ??= await TieredCache.connect({ remote: { url, timeoutMs: 30_000 } });
  if (expect === undefined) {
    await cache.get("a");
    return self.postMessage("ready");
  }
  while (cache.get("a") === expect - 1) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  self.postMessage(performance.timeOrigin + performance.now());
};`;

await using redis = await TestRedis.start();
await using cache = await TieredCache.connect<number>({
  remote: { url: redis.url, timeoutMs: 30_000 },
});
const source = URL.createObjectURL(
  new Blob([READER], { type: "text/typescript" }),
);
const reader = new Worker(source, { type: "module" });

function ask(expect?: number): Promise<unknown> {
  const answer = new Promise((resolve) =>
    reader.onmessage = ({ data }) => resolve(data)
  );
  reader.postMessage({ url: redis.url, expect });
  return answer;
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

const sinceBegun: number[] = [];
const sinceReturned: number[] = [];
await cache.set("a", 0);
for (let change = 1; change <= CHANGES; change++) {
  await ask();
  const dropped = ask(change);
  await new Promise((resolve) => setTimeout(resolve, 1));
  const begun = now();
  await cache.set("a", change);
  const returned = now();
  const noticed = await dropped as number;
  sinceBegun.push(noticed - begun);
  sinceReturned.push(Math.max(0, noticed - returned));
}
reader.terminate();

function report(title: string, times: number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
      .toFixed(2);
  console.log(
    `  ${title.padEnd(24)} median ${at(0.5)} ms, 99 % ${at(0.99)} ms, ` +
      `most ${at(1)} ms`,
  );
}

console.log(`\nAn old value in another thread's memory, ${CHANGES} changes`);
report("since set() began", sinceBegun);
report("since set() returned", sinceReturned);
