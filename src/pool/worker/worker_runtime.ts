import { getHeapStatistics } from "node:v8";
import { Script } from "node:vm";
import { isThenable } from "../../base/thenable.ts";
import { WorkerCallContext } from "./worker_call_context.ts";
import type { WorkerFunction, WorkerStep } from "./worker_function.ts";
import {
  errorForm,
  errorFrom,
  type WorkerOrder,
  type WorkerReport,
} from "./worker_messages.ts";

/** The way between a worker and its owner, as the worker has it. */
export interface WorkerPort {
  /** What the owner says even in the middle of a loop. */
  readonly flags?: Int32Array;
  /** @throws what can't be cloned */
  send(report: WorkerReport): void;
  exit(code: number): never;
}

/** How often a call that waits for something is looked at, in milliseconds. */
const HEAP_CHECK_MS = 100;

type Run = Extract<WorkerOrder, { kind: "run" }>;
type Steps =
  | Generator<WorkerStep, unknown, void>
  | AsyncGenerator<WorkerStep, unknown, void>;

/** What runs within a worker: it does one call after another. */
export class WorkerRuntime {
  readonly #port: WorkerPort;
  readonly #heapLimit: number = getHeapStatistics().heap_size_limit;
  #work: WorkerFunction | undefined;
  #current: { call: number; context: WorkerCallContext } | undefined;

  constructor(port: WorkerPort) {
    this.#port = port;
    sayOnStderr();
    globalThis.addEventListener("error", (event) => {
      event.preventDefault();
      this.#end("crashed", event.error);
    });
    globalThis.addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      this.#end("crashed", event.reason);
    });
  }

  take(order: WorkerOrder): void {
    switch (order.kind) {
      case "start":
        void this.#load(order.module);
        break;
      case "run":
        void this.#run(order);
        break;
      case "heard":
        this.#contextOf(order.call)?.heard();
        break;
      case "abort":
        this.#contextOf(order.call)?.abort(errorFrom(order.reason));
        break;
      case "end":
        this.#port.exit(0);
    }
  }

  #contextOf(call: number): WorkerCallContext | undefined {
    return this.#current?.call === call ? this.#current.context : undefined;
  }

  async #load(module: string): Promise<void> {
    try {
      const { default: work } = await import(module);
      if (typeof work !== "function") {
        throw new TypeError(
          `${module} has no function as its default export, but ${
            work === null ? "null" : typeof work
          }`,
        );
      }
      this.#work = work;
    } catch (error) {
      return this.#end("crashed", error);
    }
    this.#port.send({ kind: "ready" });
  }

  async #run({ call, input, timeoutMs }: Run): Promise<void> {
    const context = new WorkerCallContext(
      (news) => this.#port.send({ kind: "news", call, news }),
      this.#port.flags,
    );
    this.#current = { call, context };
    const watch = setInterval(() => this.#checkHeap(), HEAP_CHECK_MS);
    const deadline = new Deadline(timeoutMs);
    let report: WorkerReport;
    try {
      const returned = await deadline.enter(
        () => [this.#work!(input, context)],
      );
      const result = await outcomeOf(returned[0], context, deadline);
      report = { kind: "done", call, result };
    } catch (error) {
      report = deadline.stopped
        ? { kind: "stopped", call }
        : { kind: "failed", call, error: errorForm(error) };
    }
    clearInterval(watch);
    this.#current = undefined;
    this.#answer(call, report);
  }

  #answer(call: number, report: WorkerReport): void {
    try {
      this.#port.send(report);
    } catch (error) {
      const { message } = errorForm(error);
      this.#port.send({ kind: "uncloneable", call, message });
    }
  }

  /**
   * Where memory runs out in what follows an `await`, the runtime stops that and
   * tells nobody; but it has widened the heap to be able to.
   */
  #checkHeap(): void {
    if (getHeapStatistics().heap_size_limit <= this.#heapLimit) return;
    this.#end("out_of_memory", new Error("the heap is full"));
  }

  /** Has itself ended: a thread that may have exited already must not do it twice. */
  #end(why: "crashed" | "out_of_memory", error: unknown): void {
    this.#port.send({ kind: "fatal", why, error: errorForm(error) });
  }
}

/** Goes through a function's steps, if it has any, to what comes in the end. */
async function outcomeOf(
  returned: unknown,
  context: WorkerCallContext,
  deadline: Deadline,
): Promise<unknown> {
  if (!isSteps(returned)) return await returned;
  while (true) {
    const next = await deadline.enter(() => [returned.next()]);
    const { done, value } = isThenable(next[0]) ? await next[0] : next[0];
    if (done) return value;
    await context.tell({ kind: "step", step: value as WorkerStep });
    if (context.signal.aborted) {
      await returned.return(undefined);
      throw context.signal.reason;
    }
  }
}

function isSteps(value: unknown): value is Steps {
  return typeof value === "object" && value !== null &&
    typeof (value as Partial<Steps>).next === "function" &&
    (Symbol.asyncIterator in value || Symbol.iterator in value);
}

/** The script by which code is entered that is to be stopped in time. */
const ENTRY = Symbol.for("sluice.worker.entry");
const entry = new Script(`globalThis[Symbol.for("sluice.worker.entry")]()`);

/** The end of a call's time, as code that computes can't ignore it. */
class Deadline {
  readonly #endsAt: number;
  /** True if something was stopped in the middle. */
  stopped = false;

  constructor(timeoutMs: number) {
    this.#endsAt = performance.now() + timeoutMs;
  }

  /**
   * Runs a function on a turn of its own, where the runtime tells if memory runs
   * out, and stops it when the time is over, in the midst of a loop or a pattern.
   * The result is wrapped by `fn`, lest a promise be awaited here.
   */
  enter<Result>(fn: () => Result): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    setImmediate(() => {
      try {
        resolve(this.#guarded(fn));
      } catch (error) {
        reject(error);
      }
    });
    return promise;
  }

  #guarded<Result>(fn: () => Result): Result {
    if (this.#endsAt === Infinity) return fn();
    const timeout = Math.max(1, Math.ceil(this.#endsAt - performance.now()));
    (globalThis as Record<symbol, unknown>)[ENTRY] = fn;
    try {
      return entry.runInThisContext({ timeout, displayErrors: false });
    } catch (error) {
      this.stopped = Object(error).code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
      throw error;
    }
  }
}

/** Stdout belongs to the protocol, of stdio servers and of worker processes. */
function sayOnStderr(): void {
  const { console } = globalThis;
  console.log = console.info = console.debug = console.error;
}
