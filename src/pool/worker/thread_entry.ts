import process from "node:process";
import { parentPort, workerData } from "node:worker_threads";
import type { WorkerOrder, WorkerReport } from "./worker_messages.ts";
import { WorkerRuntime } from "./worker_runtime.ts";

/** Where threads begin; imported elsewhere, this module does no more than say so. */
export const threadEntry = {
  module: import.meta.url,
  /** Tells such a thread from any other that imports the module. */
  mark: "sluice worker",
} as const;

if (workerData === threadEntry.mark && parentPort !== null) {
  const port = parentPort;
  const runtime = new WorkerRuntime({
    send: (report) => port.postMessage(report),
    exit: (code) => process.exit(code),
  });
  port.on("message", (order: WorkerOrder) => runtime.take(order));
  port.postMessage({ kind: "listening" } satisfies WorkerReport);
}
