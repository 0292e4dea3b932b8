import process from "node:process";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { fromBuffer, toBuffer } from "./frames.ts";
import type { WorkerOrder, WorkerReport } from "./worker_messages.ts";
import { WorkerRuntime } from "./worker_runtime.ts";

/** What a thread is started with; no other thread has the like. */
export interface ThreadData {
  readonly sluiceFlags: Int32Array;
}

/** Where threads begin; imported elsewhere, this module does no more than say so. */
export const threadEntry: string = import.meta.url;

const flags = (workerData as ThreadData | null)?.sluiceFlags;
if (flags !== undefined && parentPort !== null) serveOwner(parentPort, flags);

function serveOwner(port: MessagePort, flags: Int32Array): void {
  const send = (report: WorkerReport) => {
    const buffer = toBuffer(report);
    port.postMessage(buffer, [buffer]);
  };
  const runtime = new WorkerRuntime({
    flags,
    send,
    exit: (code) => process.exit(code),
  });
  port.on("message", (order: ArrayBuffer) => {
    runtime.take(fromBuffer(order) as WorkerOrder);
  });
  send({ kind: "listening" });
}
