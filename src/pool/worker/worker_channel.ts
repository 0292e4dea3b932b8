import type { WorkerOrder, WorkerReport } from "./worker_messages.ts";

/** Told what happens at the other end of a channel. */
export interface WorkerListener {
  report(report: WorkerReport): void;
  /** It is gone, and what its system had to say of that. */
  gone(why: { outOfMemory: boolean; text: string }): void;
}

/** The way to a worker, whatever it runs in. */
export interface WorkerChannel {
  /** What the worker sees even in the middle of a loop. */
  readonly flags: Int32Array | undefined;
  /** True if `end` ends it in any case. */
  readonly endsHard: boolean;
  listen(listener: WorkerListener): void;
  /** @throws what can't be cloned */
  send(order: WorkerOrder): void;
  /** Keeps this process alive while it is busy, or lets it end. */
  hold(busy: boolean): void;
  /** Ends the worker; `gone` follows, unless it is a thread that computes. */
  end(): void;
}
