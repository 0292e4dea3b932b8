/** The work itself: runs in a thread, knows nothing of the server. */
import type { ToolWorker } from "@sluice/mcp";
import type { reportInput, reportOutput } from "./schemas.ts";

const report: ToolWorker<typeof reportInput, typeof reportOutput> = function* (
  { to },
) {
  let primes = 0;
  for (let n = 2; n <= to; n++) {
    if (isPrime(n)) primes++;
    // A step is progress; between two of them, time-outs and cancelling hold.
    if (n % 50_000 === 0) yield { progress: n, total: to };
  }
  return { primes };
};
export default report;

function isPrime(n: number): boolean {
  for (let d = 2; d * d <= n; d++) {
    if (n % d === 0) return false;
  }
  return true;
}
