/**
 * How much at once, how often and for whom, how long. Run it with
 * `deno run -A examples/limits.ts`; with REDIS_URL set, the rate limit is one
 * that processes share.
 */
import {
  deadline,
  mapConcurrent,
  McpServer,
  type ProtocolError,
  RateLimiter,
  RedisRateLimitStore,
  Semaphore,
} from "@sluice/mcp";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function boundWork(): Promise<void> {
  console.log("\nSemaphore: three at a time, two in line, the rest is refused");
  const semaphore = new Semaphore(3, { name: "reports", maxWaiting: 2 });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 6 }, () => semaphore.use(() => pause(10))),
  );
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") console.log(" ", outcome.reason.message);
  }
  {
    using _permit = await semaphore.acquire({
      signal: AbortSignal.timeout(100),
    });
    console.log("  held in this block:", semaphore.stats.active);
  }
  console.log("  given back after it:", semaphore.stats.active);
}

async function mapMany(): Promise<void> {
  console.log("\nmapConcurrent: ten at a time from an endless source");
  function* numbers() {
    for (let n = 1;; n++) yield n;
  }
  const enough = new AbortController();
  let squares = 0;
  await mapConcurrent(numbers(), async (n, { signal }) => {
    await pause(1);
    signal.throwIfAborted();
    squares = n * n;
    if (n === 100) enough.abort(new Error("that is enough"));
  }, { concurrency: 10, signal: enough.signal }).catch((error) =>
    console.log(" ", error.message, "after", squares)
  );
}

async function limitRate(): Promise<void> {
  const url = Deno.env.get("REDIS_URL");
  console.log(`\nRateLimiter, in ${url ?? "memory"}`);
  await using stack = new AsyncDisposableStack();
  const store = url === undefined
    ? undefined
    : stack.use(await RedisRateLimitStore.connect(url));
  const limiter = new RateLimiter({
    limit: 5,
    intervalMs: 1_000,
    algorithm: "sliding-window",
    name: "example",
    store,
  });
  for (let call = 1; call <= 6; call++) {
    const { allowed, remaining, retryAfterMs } = await limiter.take("tenant-7");
    console.log(
      `  call ${call}:`,
      allowed ? `${remaining} left` : `come back in ${retryAfterMs} ms`,
    );
  }
  await limiter.acquire("tenant-7", { timeoutMs: 2_000 });
  console.log("  or wait for it: here we are");
}

async function limitCallers(): Promise<void> {
  console.log("\nrateLimit: two searches a minute for each caller");
  await using server = new McpServer({ name: "limited", version: "1.0.0" }, {
    trustedProxies: "loopback", // nginx on this machine says who is calling
    rateLimit: { limit: 600, intervalMs: 60_000 },
  });
  server.registerTool("search", {
    rateLimit: { limit: 2, intervalMs: 60_000, by: "caller" },
  }, () => "found");
  for (let call = 1; call <= 3; call++) {
    await server.call("tools/call", { name: "search" }).then(
      () => console.log(`  call ${call}: found`),
      ({ message, data }: ProtocolError) =>
        console.log(`  call ${call}: ${message}`, data),
    );
  }
}

async function setDeadline(): Promise<void> {
  console.log("\ndeadline: the caller is told in time, the work by its signal");
  await deadline(
    async (signal) => {
      while (!signal.aborted) await pause(5);
    },
    30,
    { name: "the report" },
  ).catch((error) => console.log(" ", error.message));
}

await boundWork();
await mapMany();
await limitRate();
await limitCallers();
await setDeadline();
