/**
 * The guide's load test: a client and a server in one process, ten calls to warm
 * up, then a hundred at once. Run it with `deno run -A examples/benchmarking.ts`;
 * `deno bench -A bench/benchmarking_bench.ts` runs the same many times over.
 */
import { Client } from "@modelcontextprotocol/client";
import { linkedPair, McpServer } from "@sluice/mcp";
import { z } from "zod";

/** What a run found out; times in milliseconds. */
export interface BenchmarkResults {
  requests: number;
  durationMs: number;
  perSecond: number;
  latencyMs: { mean: number; p50: number; p95: number; p99: number };
}

/** A client's session with the server under test; disposing ends both. */
export class TestSession implements AsyncDisposable {
  readonly #server = new McpServer({
    name: "Benchmark Server",
    version: "1.0.0",
  });
  readonly #client = new Client({ name: "benchmark", version: "1.0.0" });

  private constructor() {
    this.#server.registerTool("benchmark_tool", {
      description: "Simple tool for benchmarking.",
      inputSchema: z.object({ data: z.string() }),
    }, async ({ data }) => {
      await new Promise((resolve) => setTimeout(resolve, 1)); // minimal work
      return `processed_${data}`;
    });
  }

  static async open(): Promise<TestSession> {
    const session = new TestSession();
    const [near, far] = linkedPair();
    await session.#server.connect(far);
    await session.#client.connect(near);
    return session;
  }

  /** Calls the tool, and sees to it that the answer is the right one. */
  async call(data: string): Promise<void> {
    const { content } = await this.#client.callTool({
      name: "benchmark_tool",
      arguments: { data },
    });
    const [first] = content;
    if (first?.type !== "text" || first.text !== `processed_${data}`) {
      throw new Error(`a wrong answer: ${JSON.stringify(content)}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
    await this.#server.close();
  }
}

/** Makes so many calls at once, after some that don't count. */
export async function benchmark(
  call: (data: string) => Promise<void>,
  requests = 100,
  warmUps = 10,
): Promise<BenchmarkResults> {
  for (let i = 0; i < warmUps; i++) await call("warmup");
  const start = performance.now();
  const latencies = await Promise.all(
    Array.from({ length: requests }, async (_, i) => {
      const begun = performance.now();
      await call(`test_${i}`);
      return performance.now() - begun;
    }),
  );
  const durationMs = performance.now() - start;
  const sorted = latencies.sort((a, b) => a - b);
  const share = (part: number) => sorted[Math.ceil(part * requests) - 1];
  return {
    requests,
    durationMs,
    perSecond: requests / durationMs * 1_000,
    latencyMs: {
      mean: latencies.reduce((sum, each) => sum + each, 0) / requests,
      p50: share(0.5),
      p95: share(0.95),
      p99: share(0.99),
    },
  };
}

if (import.meta.main) {
  await using session = await TestSession.open();
  const results = await benchmark((data) => session.call(data));
  const { mean, p50, p95, p99 } = results.latencyMs;
  const ms = (time: number) => `${time.toFixed(2)} ms`;
  console.log("Benchmark Results:");
  console.log(`  Requests: ${results.requests}`);
  console.log(`  Duration: ${ms(results.durationMs)}`);
  console.log(`  Requests/sec: ${results.perSecond.toFixed(2)}`);
  console.log(`  Mean latency: ${ms(mean)}`);
  console.log(`  Percentiles: p50 ${ms(p50)}, p95 ${ms(p95)}, p99 ${ms(p99)}`);
}
