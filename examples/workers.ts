/**
 * What computes does so off the event loop: `deno run -A examples/workers.ts`
 * calls itself, and echoes while a thread counts primes.
 */
import { McpServer, offload, WorkerPool } from "@sluice/mcp";
import { reportInput, reportOutput } from "./workers/schemas.ts";

const server = new McpServer({ name: "reports", version: "1.0.0" });

// A tool whose handler is another module's default export.
server.registerTool("count_primes", {
  inputSchema: reportInput,
  outputSchema: reportOutput,
  timeoutMs: 20_000,
  worker: new URL("./workers/report.ts", import.meta.url),
});
server.registerTool("echo", {}, () => "still here");

let echoes = 0;
const counting = server.call("tools/call", {
  name: "count_primes",
  arguments: { to: 2_000_000 },
}).finally(() => server.close());
while (!(await Promise.race([counting.then(() => true), pause(10)]))) {
  await server.call("tools/call", { name: "echo" });
  echoes++;
}
const { structuredContent } = await counting;
console.log(structuredContent, `and ${echoes} echoes meanwhile`);

// A function of one's own, which takes its text along and nothing else.
{
  await using fibonacci = offload(function fibonacci(n: number): number {
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
  });
  console.log("fibonacci(30) is", await fibonacci(30));
}

// A pool of processes: whatever one is at, it ends when its time is over.
{
  await using reports = new WorkerPool<typeof import("./workers/report.ts")>(
    new URL("./workers/report.ts", import.meta.url),
    { isolate: "process", timeoutMs: 300 },
  );
  const slow = reports.run({ to: 10_000_000 });
  console.log(await slow.catch(({ message }) => message));
}

function pause(ms: number): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), ms));
}
