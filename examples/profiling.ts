/**
 * Where the time and the memory go: of a function, of one tool, and of whatever
 * blocks the event loop. Run it with `deno run --allow-sys examples/profiling.ts`;
 * the server's profiler needs this one permission too.
 */
import {
  McpServer,
  memoryProfiled,
  profile,
  profiled,
  profileMemory,
  Watchdog,
  type WatchedWork,
} from "@sluice/mcp";
import { z } from "zod";

function countPrimes(limit: number): number {
  let count = 0;
  for (let n = 2; n < limit; n++) if (isPrime(n)) count++;
  return count;
}

function isPrime(n: number): boolean {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return true;
}

function squares(count: number): { n: number; square: number }[] {
  return Array.from({ length: count }, (_, n) => ({ n, square: n * n }));
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

console.log("\nThe CPU time of a function; save() writes it for a viewer");
const { result, profile: cpu } = await profile(() => countPrimes(500_000));
console.log(`${result} primes; ${cpu.table(5, "self")}`);

console.log("\nThe memory of a function");
const { before, peak, allocated, sites } = await profileMemory(() =>
  squares(300_000)
);
const mb = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`;
console.log(
  `${mb(before.heapUsed)} before, ${mb(peak.heapUsed)} at most, about ` +
    `${mb(allocated)} allocated, most of it by ${sites[0].function} ${
      sites[0].location
    }`,
);

console.log("\nOne tool of a server, at every call");
const server = new McpServer({ name: "profiling", version: "1.0.0" });
const inputSchema = z.object({ limit: z.number().int().max(1_000_000) });
server.registerTool(
  "primes",
  { inputSchema },
  profiled(({ limit }) => `${countPrimes(limit)} primes`, {
    onProfile: (taken, name) => console.log(`${name}: ${taken.table(5)}`),
  }),
);
server.registerTool(
  "squares",
  { inputSchema },
  memoryProfiled(
    ({ limit }) => `${squares(limit).length} squares`,
    {
      onProfile: (taken, name) =>
        console.log(`${name}: ${mb(taken.allocated)} allocated`),
    },
  ),
);
await server.call("tools/call", {
  name: "primes",
  arguments: { limit: 300_000 },
});
await server.call("tools/call", {
  name: "squares",
  arguments: { limit: 300_000 },
});
await server.close();

console.log(
  "\nWho blocks the event loop: from its second block on, the profiler",
);
{
  const jobs = {
    async countAtLength() {
      await wait(50);
      countPrimes(2_000_000);
      await wait(50);
    },
    waitAtLength: () => wait(2_000),
  };
  const running = new Set<WatchedWork>();
  await using watchdog = new Watchdog({
    inProgress: () => running,
    handlerOf: (name) => jobs[name as keyof typeof jobs],
    log: ({ message }) => console.log(message),
    logIntervalMs: 0,
  });
  watchdog.start();
  const run = async (name: keyof typeof jobs) => {
    const work = { name, begunAt: performance.now() };
    running.add(work);
    await jobs[name]();
    running.delete(work);
    watchdog.ended(name, work.begunAt, performance.now());
  };
  const other = run("waitAtLength");
  for (let round = 0; round < 3; round++) await run("countAtLength");
  await other;
  const { blocks, uncertain, byName } = watchdog.stats;
  console.log(
    `${blocks} blocks, ${uncertain} of them before it looked:`,
    byName,
  );
}
