import { abortable } from "../../base/abort.ts";
import { waitAtMost } from "../../base/deadline.ts";
import { thrownText } from "../../base/thrown.ts";
import type { PoolLog } from "../pool_options.ts";
import { stuckThreads } from "./stuck_threads.ts";
import {
  WorkerCall,
  type WorkerCallOptions,
  type WorkerCallTerms,
} from "./worker_call.ts";
import type { WorkerChannel } from "./worker_channel.ts";
import { WorkerError, type WorkerFailure } from "./worker_error.ts";
import type { WorkerReport } from "./worker_messages.ts";

/** The time that an idle thread has for ending when it is asked to, in milliseconds. */
const END_MS = 1_000;

/** Who owns a worker. */
export interface WorkerOwner {
  readonly name: string;
  readonly log: PoolLog;
  /** The worker has ended, and nobody had asked it to. */
  crashed(worker: PooledWorker, error: WorkerError, wasIdle: boolean): void;
}

/** A worker as its owner has it: one call at a time. */
export class PooledWorker {
  readonly #channel: WorkerChannel;
  readonly #owner: WorkerOwner;
  readonly #listening = Promise.withResolvers<void>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();
  readonly #abandoned = Promise.withResolvers<void>();
  #state: "starting" | "idle" | "busy" | "ending" | "gone" = "starting";
  #call: WorkerCall | undefined;
  #calls = 0;
  #lost: WorkerError | undefined;
  #ended: Promise<void> | undefined;

  constructor(channel: WorkerChannel, owner: WorkerOwner) {
    this.#channel = channel;
    this.#owner = owner;
    this.#listening.promise.catch(() => {});
    this.#ready.promise.catch(() => {});
    channel.listen({
      report: (report) => this.#take(report),
      gone: ({ outOfMemory, text }) => {
        this.#lose(outOfMemory ? "out_of_memory" : "exited", text);
        this.#state = "gone";
        this.#gone.resolve();
      },
    });
  }

  /**
   * Has it load its module.
   *
   * @throws {WorkerError} saying why it can't
   */
  async start(module: string, signal: AbortSignal): Promise<void> {
    this.#channel.hold(true);
    try {
      await abortable(this.#listening.promise, signal);
      this.#channel.send({ kind: "start", module });
      await abortable(this.#ready.promise, signal);
    } catch (error) {
      void this.end();
      throw error;
    }
    this.#channel.hold(false);
  }

  /** Resolves when it has ended. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** False once it has ended, or been asked to. */
  get alive(): boolean {
    return this.#state === "idle" || this.#state === "busy";
  }

  run(
    input: unknown,
    options: WorkerCallOptions,
    terms: WorkerCallTerms,
  ): WorkerCall {
    const call = new WorkerCall(++this.#calls, this.#channel, options, terms);
    if (!this.alive) {
      call.lose(this.#lost ?? this.#failure("exited", "it has ended"));
      return call;
    }
    this.#call = call;
    this.#state = "busy";
    this.#channel.hold(true);
    call.over.then(() => {
      this.#call = undefined;
      if (this.#state !== "busy") return;
      this.#state = "idle";
      this.#channel.hold(false);
    });
    call.begin(input);
    return call;
  }

  /** Ends it; resolves when it is gone, or won't go and has been abandoned. */
  end(): Promise<void> {
    return this.#ended ??= this.#end();
  }

  /** Waits no longer for it, should it be stuck. */
  abandon(): void {
    this.#abandoned.resolve();
  }

  async #end(): Promise<void> {
    if (this.#state === "gone") return;
    this.#state = "ending";
    this.#channel.end();
    const gone = this.#gone.promise;
    if (await waitAtMost(gone, END_MS)) return;
    const { name, log } = this.#owner;
    stuckThreads.add(this);
    this.#channel.hold(false);
    log.warn(
      `${name}: a thread computes on though it was asked to end, and can't be ` +
        'stopped: give the pool isolate: "process", or let the work yield',
    );
    void gone.then(() => {
      stuckThreads.delete(this);
      log.warn(`${name}: the thread that computed on has ended`);
    });
    await Promise.race([gone, this.#abandoned.promise]);
  }

  #take(report: WorkerReport): void {
    if (report.kind === "listening") this.#listening.resolve();
    else if (report.kind === "ready") {
      this.#state = "idle";
      this.#ready.resolve();
    } else if (report.kind === "fatal") {
      this.#lose(report.why, thrownText(report.error));
      void this.end();
    } else this.#call?.take(report);
  }

  /** It is no good any more, or gone; what comes first is why. */
  #lose(failure: WorkerFailure, text: string): void {
    if (this.#lost !== undefined) return;
    const before = this.#state;
    const error = this.#lost = this.#failure(
      before === "starting" ? "not_started" : failure,
      text,
    );
    this.#listening.reject(error);
    this.#ready.reject(error);
    this.#call?.lose(error);
    if (!this.alive) return;
    this.#state = "ending";
    this.#owner.crashed(this, error, before === "idle");
  }

  #failure(failure: WorkerFailure, text: string): WorkerError {
    return new WorkerError(failure, this.#owner.name, text);
  }
}
