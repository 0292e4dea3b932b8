import { sleep } from "../../base/abort.ts";
import { backoffMs } from "../../base/backoff.ts";
import { ClosedError, TimeoutError } from "../../base/errors.ts";
import { checkGiven } from "../../base/option_rules.ts";
import type { HealthResult } from "../../observe/health/health_check.ts";
import type { HealthCheckable } from "../../observe/health/health_checkable.ts";
import {
  instruments,
  type InstrumentValues,
} from "../../observe/metrics/instruments.ts";
import { Pool } from "../pool.ts";
import { type CreateContext, longestTimerMs } from "../pool_options.ts";
import { PooledWorker, type WorkerOwner } from "./pooled_worker.ts";
import { stuckThreads } from "./stuck_threads.ts";
import type { WorkerCall } from "./worker_call.ts";
import type { WorkerChannel } from "./worker_channel.ts";
import { WorkerError } from "./worker_error.ts";
import type {
  WorkerInput,
  WorkerModule,
  WorkerOutput,
} from "./worker_function.ts";
import { workerKind } from "./worker_kind.ts";
import {
  type CheckedWorkerOptions,
  checkWorkerOptions,
  RUN_OPTIONS,
  type WorkerPoolOptions,
  type WorkerRunOptions,
} from "./worker_options.ts";

/** A snapshot of all that a {@linkcode WorkerPool} holds and has done so far. */
export interface WorkerPoolStats {
  /** Its `name` option. */
  name: string;
  /** Workers that there may be at once. */
  max: number;
  /** All workers, those that start and those that end included. */
  size: number;
  /** Workers that wait for a call. */
  idle: number;
  /** Workers at work. */
  busy: number;
  /** Calls in line for a worker. */
  waiting: number;
  /** Threads that compute on though they were asked to end. */
  stuck: number;
  /** Calls that were given to a worker. */
  calls: number;
  /** Calls that ended with an error. */
  failed: number;
  /** Calls that took longer than they might. */
  timedOut: number;
  /** Calls that found the line full. */
  rejected: number;
  /** Workers that were started. */
  started: number;
  /** Workers that could not be started. */
  startErrors: number;
  /** Workers that ended and were not asked to. */
  crashed: number;
}

/**
 * Threads, or processes, that compute while the event loop serves. Each does one
 * call at a time; more wait in line. They start when they are needed, stay warm
 * for `maxIdleMs`, and are replaced when they crash: with a growing pause, should
 * they crash while idle.
 *
 * A call costs a tenth of a millisecond more than one of a function here, and
 * what goes to and fro is copied: see `docs/workers.md`.
 *
 * @example
 * ```ts
 * import { WorkerPool } from "@sluice/mcp";
 *
 * // report.ts has `export default (rows: number, ctx: WorkerContext) => …`.
 * type Report = { default: (rows: number) => string };
 * await using reports = new WorkerPool<Report>(
 *   new URL("./report.ts", import.meta.url),
 *   { max: 2, timeoutMs: 5_000 },
 * );
 * const make = (rows: number) => reports.run(rows);
 * ```
 *
 * @typeParam Module `typeof import("./report.ts")`
 */
export class WorkerPool<Module extends WorkerModule = WorkerModule>
  implements AsyncDisposable, HealthCheckable {
  readonly #module: string;
  readonly #options: CheckedWorkerOptions;
  readonly #owner: WorkerOwner;
  readonly #pool: Pool<PooledWorker>;
  readonly #workers: Set<PooledWorker> = new Set();
  readonly #calls: Set<WorkerCall> = new Set();
  readonly #counters = { calls: 0, failed: 0, timedOut: 0, crashed: 0 };
  readonly #untrack: () => void;
  #idleCrashes = 0;
  #closed: Promise<void> | undefined;

  /**
   * Begins at once to start `min` workers.
   *
   * @param module has a {@linkcode WorkerFunction} as its default export
   * @throws {InvalidOptionError} when an option makes no sense
   */
  constructor(module: URL, options: WorkerPoolOptions = {}) {
    const checked = checkWorkerOptions(module, options);
    const { isolate: _, timeoutMs: __, maxHeapMb: ___, ...limits } = checked;
    const { name, log } = checked;
    this.#module = module.href;
    this.#options = checked;
    this.#owner = {
      name,
      log,
      crashed: (...crash) => this.#crashed(...crash),
    };
    this.#pool = instruments.withdraw(
      new Pool<PooledWorker>({
        ...limits,
        create: (context) => this.#start(context),
        validate: (worker) => worker.alive,
        destroy: (worker) => worker.end(),
        // A thread that won't end keeps its place: they must not pile up.
        destroyTimeoutMs: longestTimerMs,
      }),
    );
    this.#untrack = instruments.track(workerKind, { name }, this, shownOf);
  }

  /** The name in metrics, warnings and errors. */
  get name(): string {
    return this.#options.name;
  }

  /**
   * Has the module's function called in a worker; what it throws comes as a copy
   * of the error.
   *
   * @throws {WorkerError} if the worker can't be started, ends on its way, or
   * what goes to and fro can't be cloned
   * @throws {TimeoutError} after `timeoutMs`, or `acquireTimeoutMs` in line
   * @throws {QueueFullError} when `maxWaiting` calls wait already
   * @throws {ClosedError} once closed
   */
  async run(
    input: WorkerInput<Module["default"]>,
    options: WorkerRunOptions = {},
  ): Promise<WorkerOutput<Module["default"]>> {
    checkGiven("run", options, RUN_OPTIONS);
    const { name, clock } = this.#options;
    const { timeoutMs = this.#options.timeoutMs } = options;
    const lease = await this.#pool.acquire({ signal: options.signal });
    const call = lease.value.run(input, options, { name, timeoutMs, clock });
    this.#counters.calls++;
    this.#calls.add(call);
    void call.over.then((reusable) => {
      this.#calls.delete(call);
      if (reusable) lease.release();
      else lease.discard();
    });
    try {
      const outcome = await call.outcome;
      this.#idleCrashes = 0;
      return outcome as WorkerOutput<Module["default"]>;
    } catch (error) {
      this.#counters.failed++;
      if (error instanceof TimeoutError) this.#counters.timedOut++;
      throw error;
    }
  }

  /**
   * Ends now: calls in line and those under way are refused, and every worker
   * ends. Resolves when they have; one that won't is left behind, and said.
   */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    for (const worker of this.#workers) worker.abandon();
    const closed = this.#pool.close();
    for (const call of this.#calls) call.cancel(new ClosedError(this.name));
    await Promise.all(Array.from(this.#workers, (worker) => worker.end()));
    await closed;
    this.#untrack();
  }

  /** The same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Unhealthy while a thread won't end, and as a `Pool` is. */
  checkHealth(signal?: AbortSignal): HealthResult | Promise<HealthResult> {
    const { stuck } = this.stats;
    return stuck === 0 ? this.#pool.checkHealth(signal) : {
      status: "unhealthy",
      message: `threads that compute on though asked to end: ${stuck}`,
    };
  }

  /** A snapshot of the counters. */
  get stats(): WorkerPoolStats {
    const { name, max, size, idle, inUse, waiting, ...pool } = this.#pool.stats;
    return {
      name,
      max,
      size,
      idle,
      busy: inUse,
      waiting,
      stuck: this.#workers.values()
        .filter((worker) => stuckThreads.has(worker)).toArray().length,
      ...this.#counters,
      rejected: pool.rejected,
      started: pool.created,
      startErrors: pool.createErrors,
    };
  }

  async #start({ signal }: CreateContext): Promise<PooledWorker> {
    const { clock, random, backoffMs: firstMs } = this.#options;
    if (this.#idleCrashes > 0) {
      const { maxBackoffMs: maxMs = Math.max(firstMs, 2_000) } = this.#options;
      await sleep(backoffMs(this.#idleCrashes, { firstMs, maxMs, random }), {
        signal,
        clock,
      });
    }
    const worker = new PooledWorker(
      await this.#openChannel(signal),
      this.#owner,
    );
    this.#workers.add(worker);
    void worker.gone.then(() => this.#workers.delete(worker));
    await worker.start(this.#module, signal);
    return worker;
  }

  async #openChannel(signal: AbortSignal): Promise<WorkerChannel> {
    const { name, isolate, maxHeapMb } = this.#options;
    // Loaded when they are needed: most servers have no workers.
    const open = isolate === "thread"
      ? await import("./thread_channel.ts").then(({ ThreadChannel }) => () =>
        new ThreadChannel(maxHeapMb)
      )
      : await import("./process_channel.ts").then(({ ProcessChannel }) => () =>
        new ProcessChannel(this.#module, maxHeapMb)
      );
    signal.throwIfAborted();
    try {
      return open();
    } catch (error) {
      const { message } = error as Error;
      throw new WorkerError("not_started", name, message, { cause: error });
    }
  }

  #crashed(
    worker: PooledWorker,
    error: WorkerError,
    wasIdle: boolean,
  ): void {
    this.#counters.crashed++;
    if (wasIdle) {
      this.#idleCrashes++;
      this.#owner.log.warn(`${this.name}: an idle worker ended`, error);
    }
    this.#pool.evict(worker);
  }
}

function shownOf(
  { stats }: { readonly stats: WorkerPoolStats },
): InstrumentValues<keyof typeof workerKind.measures> {
  const { name: _, timedOut, startErrors, ...rest } = stats;
  return { ...rest, timeouts: timedOut, start_errors: startErrors };
}
