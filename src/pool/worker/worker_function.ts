/** The gravity of what a worker says, as `ctx.log` of a tool's handler has it. */
export type WorkerLogLevel = "debug" | "info" | "notice" | "warning" | "error";

/** A step of a worker's generator: how far it is, what it is at, or both. */
export type WorkerStep =
  | number
  | string
  | { progress?: number; total?: number; message?: string };

/** Writes to the log of whoever asked, as `ctx.log` of a tool's handler does. */
export type WorkerLog = Record<
  WorkerLogLevel,
  (data: unknown, logger?: string) => void
>;

/** What a worker's function knows of the call that it works for. */
export interface WorkerContext {
  /**
   * Aborts when the caller gives up or the time is over. In a thread its
   * `aborted` and `throwIfAborted()` tell so even in the middle of a loop.
   */
  readonly signal: AbortSignal;
  /**
   * Reports how far the work has got. Resolves once the caller has heard of it;
   * who doesn't wait may find reports left out when there are too many.
   */
  progress(progress: number, total?: number, message?: string): Promise<void>;
  /** Writes to the caller's log. */
  readonly log: WorkerLog;
}

/** What a worker's function returns: at once, later, or after steps of progress. */
export type WorkerReturn<Output> =
  | Output
  | PromiseLike<Output>
  | Generator<WorkerStep, Output, void>
  | AsyncGenerator<WorkerStep, Output, void>;

/**
 * The default export of a worker's module. What it computes at once, or between
 * two steps of a generator, is stopped when its time is over.
 *
 * @example
 * ```ts
 * import type { WorkerContext } from "@sluice/mcp";
 *
 * // As a module's default export.
 * function* sum({ to }: { to: number }, { signal }: WorkerContext) {
 *   let total = 0;
 *   for (let i = 1; i <= to; i++) {
 *     total += i;
 *     if (i % 1_000_000 === 0) yield { progress: i, total: to };
 *   }
 *   return { total, aborted: signal.aborted };
 * }
 * ```
 */
// deno-lint-ignore no-explicit-any -- any function at all is checked against this
export type WorkerFunction<Input = any, Output = unknown> = (
  input: Input,
  ctx: WorkerContext,
) => WorkerReturn<Output>;

/** A worker's module, as `typeof import("./report.ts")` names it. */
export interface WorkerModule {
  /** The function that does the work. */
  default: WorkerFunction;
}

/** What a worker's function is asked with. */
export type WorkerInput<Work extends WorkerFunction> = Parameters<Work> extends
  [infer Input, ...unknown[]] ? Input : undefined;

/** What comes of it in the end. */
export type WorkerOutput<Work extends WorkerFunction> = ReturnType<Work> extends
  | Generator<unknown, infer Output, void>
  | AsyncGenerator<unknown, infer Output, void> ? Awaited<Output>
  : Awaited<ReturnType<Work>>;
