import { Worker } from "node:worker_threads";
import { fromBuffer, toBuffer } from "./frames.ts";
import { type ThreadData, threadEntry } from "./thread_entry.ts";
import { threadScript } from "../../base/thread_script.ts";
import { thrownText } from "../../base/thrown.ts";
import type { WorkerChannel, WorkerListener } from "./worker_channel.ts";
import {
  FLAGS,
  type WorkerOrder,
  type WorkerReport,
} from "./worker_messages.ts";

/** A thread of this process: its heap is its own, its end is its own affair. */
export class ThreadChannel implements WorkerChannel {
  readonly flags: Int32Array = new Int32Array(
    new SharedArrayBuffer(
      Object.keys(FLAGS).length * Int32Array.BYTES_PER_ELEMENT,
    ),
  );
  readonly endsHard = false;
  readonly #worker: Worker;

  constructor(maxHeapMb: number) {
    this.#worker = new Worker(threadScript(threadEntry), {
      workerData: { sluiceFlags: this.flags } satisfies ThreadData,
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
    });
    this.#worker.unref();
  }

  listen({ report, gone }: WorkerListener): void {
    let outOfMemory = false;
    let text = "";
    this.#worker.on("message", (message: unknown) => {
      const sent = reportIn(message);
      if (sent !== undefined) report(sent);
    });
    this.#worker.on("error", (error: Error & { code?: unknown }) => {
      outOfMemory = error.code === "ERR_WORKER_OUT_OF_MEMORY";
      text = thrownText(error);
    });
    this.#worker.on("exit", (code) => {
      gone({ outOfMemory, text: text || `exit code ${code}` });
    });
  }

  send(order: WorkerOrder): void {
    const buffer = toBuffer(order);
    this.#worker.postMessage(buffer, [buffer]);
  }

  hold(busy: boolean): void {
    if (busy) this.#worker.ref();
    else this.#worker.unref();
  }

  /** Asks only: `terminate()` says that it has ended a thread that computes on. */
  end(): void {
    this.#worker.ref();
    this.send({ kind: "end" });
  }
}

/** Whatever runs in the thread may post as well, a library that its module imports too. */
function reportIn(message: unknown): WorkerReport | undefined {
  if (!(message instanceof ArrayBuffer)) return undefined;
  try {
    return fromBuffer(message) as WorkerReport;
  } catch {
    return undefined;
  }
}
