import type { Clock, TimerHandle } from "../../base/clock.ts";
import { TimeoutError } from "../../base/errors.ts";
import type { WorkerChannel } from "./worker_channel.ts";
import { WorkerError } from "./worker_error.ts";
import type { WorkerLogLevel, WorkerStep } from "./worker_function.ts";
import {
  errorForm,
  errorFrom,
  FLAGS,
  type WorkerNews,
  type WorkerReport,
} from "./worker_messages.ts";

/** Who hears of a call on its way, and who may call it off. */
export interface WorkerCallOptions {
  /** Calls it off; the caller is told at once, by the signal's reason. */
  signal?: AbortSignal;
  /** Told of the worker's `ctx.progress()`; the worker may wait for it. */
  onProgress?: (
    progress: number,
    total?: number,
    message?: string,
  ) => unknown;
  /** Told of each step that the worker's generator yields; likewise. */
  onStep?: (step: WorkerStep) => unknown;
  /** Told of what the worker writes to `ctx.log`. */
  onLog?: (level: WorkerLogLevel, data: unknown, logger?: string) => void;
}

/** The terms of a call that its caller has no say in. */
export interface WorkerCallTerms {
  readonly name: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** The time that a worker has for coming to an end once its call is over, in milliseconds. */
const GRACE_MS = 1_000;

/** The owner's side of one call. It may be over for the caller before it is for the worker. */
export class WorkerCall {
  readonly #number: number;
  readonly #channel: WorkerChannel;
  readonly #options: WorkerCallOptions;
  readonly #terms: WorkerCallTerms;
  readonly #outcome = Promise.withResolvers<unknown>();
  readonly #over = Promise.withResolvers<boolean>();
  #timer: TimerHandle;
  #answered = false;

  constructor(
    number: number,
    channel: WorkerChannel,
    options: WorkerCallOptions,
    terms: WorkerCallTerms,
  ) {
    this.#number = number;
    this.#channel = channel;
    this.#options = options;
    this.#terms = terms;
    this.#outcome.promise.catch(() => {});
  }

  /** What the caller gets. */
  get outcome(): Promise<unknown> {
    return this.#outcome.promise;
  }

  /** Resolves when the worker is done with it; false if it is not to be used again. */
  get over(): Promise<boolean> {
    return this.#over.promise;
  }

  begin(input: unknown): void {
    const { timeoutMs, name, clock } = this.#terms;
    const { flags } = this.#channel;
    flags?.fill(0);
    try {
      this.#channel.send({
        kind: "run",
        call: this.#number,
        input,
        timeoutMs,
      });
    } catch (error) {
      const { message } = errorForm(error);
      return this.#end(
        true,
        new WorkerError("not_cloneable", name, `the arguments: ${message}`),
      );
    }
    if (timeoutMs !== Infinity) {
      this.#timer = clock.setTimeout(() => {
        this.cancel(this.#late());
        this.#giveGrace();
      }, timeoutMs);
    }
    const { signal } = this.#options;
    if (signal?.aborted) this.#leave();
    else signal?.addEventListener("abort", this.#leave, { once: true });
  }

  /** Takes what the worker says, if it is of this call. */
  take(report: WorkerReport): void {
    if (!("call" in report) || report.call !== this.#number) return;
    const { name } = this.#terms;
    switch (report.kind) {
      case "news":
        return void this.#hear(report.news);
      case "done":
        this.#outcome.resolve(report.result);
        return this.#end(true);
      case "failed":
        return this.#end(true, errorFrom(report.error));
      case "uncloneable":
        return this.#end(
          true,
          new WorkerError(
            "not_cloneable",
            name,
            `the result: ${report.message}`,
          ),
        );
      case "stopped":
        return this.#end(false, this.#late());
    }
  }

  /** The worker is gone. */
  lose(error: Error): void {
    this.#end(false, error);
  }

  /** Gives the call up: its caller hears of it at once, the worker when it listens. */
  cancel(reason: unknown): void {
    if (this.#answered) return;
    this.#outcome.reject(reason);
    if (this.#channel.endsHard) return this.#end(false);
    if (this.#channel.flags !== undefined) {
      Atomics.store(this.#channel.flags, FLAGS.aborted, 1);
    }
    this.#channel.send({
      kind: "abort",
      call: this.#number,
      reason: errorForm(reason),
    });
    // Otherwise it is stopped when its time is over.
    if (this.#terms.timeoutMs === Infinity) this.#giveGrace();
  }

  #giveGrace(): void {
    if (this.#answered) return;
    this.#timer = this.#terms.clock.setTimeout(
      () => this.#end(false),
      GRACE_MS,
    );
  }

  readonly #leave = (): void => this.cancel(this.#options.signal!.reason);

  #late(): TimeoutError {
    return new TimeoutError(this.#terms.name, this.#terms.timeoutMs);
  }

  #end(reusable: boolean, error?: Error): void {
    this.#answered = true;
    this.#terms.clock.clearTimeout(this.#timer);
    this.#options.signal?.removeEventListener("abort", this.#leave);
    if (error !== undefined) this.#outcome.reject(error);
    this.#over.resolve(reusable);
  }

  /** Passes it on; a caller that can't take it gets no result either. */
  async #hear(news: WorkerNews): Promise<void> {
    const { onStep, onProgress, onLog } = this.#options;
    try {
      if (news.kind === "step") await onStep?.(news.step);
      else if (news.kind === "progress") await onProgress?.(...news.progress);
      else onLog?.(news.level, news.data, news.logger);
    } catch (error) {
      this.cancel(error);
    }
    if (this.#answered) return;
    const { flags } = this.#channel;
    if (flags !== undefined) Atomics.add(flags, FLAGS.heard, 1);
    this.#channel.send({ kind: "heard", call: this.#number });
  }
}
