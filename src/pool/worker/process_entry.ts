import { fromFrames, toFrame } from "./frames.ts";
import type { WorkerOrder, WorkerReport } from "./worker_messages.ts";
import { WorkerRuntime } from "./worker_runtime.ts";

/** Where worker processes begin: with this in their arguments. */
export const processEntry = {
  module: import.meta.url,
  mark: "--sluice-worker",
} as const;

if (globalThis.Deno?.args[0] === processEntry.mark) await serveOwner();

/** Serves whoever holds the other ends of stdin and stdout, and ends with it. */
async function serveOwner(): Promise<void> {
  const runtime = new WorkerRuntime({ send, exit: (code) => Deno.exit(code) });
  send({ kind: "listening" });
  for await (const order of fromFrames(Deno.stdin.readable)) {
    runtime.take(order as WorkerOrder);
  }
  Deno.exit(0);
}

/** At once, as what comes next may compute for long. */
function send(report: WorkerReport): void {
  let rest = toFrame(report);
  while (rest.length > 0) rest = rest.subarray(Deno.stdout.writeSync(rest));
}
