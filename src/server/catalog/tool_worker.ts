import { InvalidOptionError } from "../../base/errors.ts";
import { quote } from "../../base/options.ts";
import type { WorkerContext } from "../../pool/worker/worker_function.ts";
import type { WorkerPoolOptions } from "../../pool/worker/worker_options.ts";
import { WorkerPool } from "../../pool/worker/worker_pool.ts";
import type { SchemaLike } from "../../protocol/schema.ts";
import type { ServerContext } from "../server_context.ts";
import { checkHandler } from "./check_handler.ts";
import type {
  ToolArguments,
  ToolConfig,
  ToolReturnOf,
  ToolStep,
} from "./tool_config.ts";
import { progressOf } from "./tool_steps.ts";

/** Workers that compute for a tool: its own, which close with the server. */
export interface ToolWorkerOptions extends WorkerPoolOptions {
  /** The module whose default export is a {@linkcode ToolWorker}. */
  module: URL;
  /**
   * Milliseconds that one call may take in its worker.
   * @default the tool's `timeoutMs`, or else 30_000
   */
  timeoutMs?: number;
}

/** Settings of a tool that computes in workers, and has no handler here. */
export interface WorkerToolConfig<
  Input extends SchemaLike | undefined = undefined,
  Output extends SchemaLike | undefined = SchemaLike | undefined,
> extends ToolConfig<Input, Output> {
  /**
   * The module that does the work, off the event loop: `new URL("./report.ts",
   * import.meta.url)`, or that with options as its `module`. Arguments and results
   * are checked as a handler's are.
   */
  worker: URL | ToolWorkerOptions;
}

/**
 * The default export of a tool's worker module, by the types of its schemas. In a
 * generator's body, each stretch between two steps is stopped when the time is
 * over; in an async function, only what comes before its first `await`.
 *
 * @example
 * ```ts
 * import type { ToolWorker } from "@sluice/mcp";
 * import { z } from "zod";
 *
 * const inputSchema = z.object({ rows: z.number().int() });
 *
 * // `export default` in a module of its own.
 * const report: ToolWorker<typeof inputSchema> = function* ({ rows }) {
 *   for (let row = 0; row < rows; row++) {
 *     if (row % 1_000 === 0) yield { progress: row, total: rows };
 *   }
 *   return `${rows} rows`;
 * };
 * ```
 */
export type ToolWorker<
  Input extends SchemaLike | undefined = undefined,
  Output extends SchemaLike | undefined = undefined,
> = (
  args: [Input] extends [undefined] ? undefined : ToolArguments<Input>,
  ctx: WorkerContext,
) =>
  | ToolReturnOf<Output>
  | Generator<ToolStep, Awaited<ToolReturnOf<Output>>, void>;

/** The parts of a tool's host that its workers need. */
export interface WorkerHost {
  readonly warn: (message: string) => void;
  /** Closes something together with the server. */
  disposeLater(resource: AsyncDisposable): void;
}

type AnyHandler = (...args: unknown[]) => unknown;

/**
 * What a tool's calls run: its handler, or else its worker.
 *
 * @throws {InvalidOptionError} for both, for neither, and for what can't be used
 */
export function toolHandler(
  tool: string,
  config: object,
  handler: AnyHandler | undefined,
  host: WorkerHost,
): AnyHandler {
  const { worker, timeoutMs } = config as Partial<WorkerToolConfig>;
  if (worker === undefined) return checkHandler(`tool ${tool}`, handler!);
  if (handler !== undefined) {
    throw new InvalidOptionError(
      `tool ${tool} has a worker and a handler: leave one of them out`,
    );
  }
  const pool = toolWorkers(tool, worker, timeoutMs, host);
  host.disposeLater(pool);
  return workerHandler(pool);
}

function toolWorkers(
  tool: string,
  worker: URL | ToolWorkerOptions,
  timeoutMs: number | undefined,
  { warn }: WorkerHost,
): WorkerPool {
  if (typeof worker !== "object" || worker === null) {
    throw new InvalidOptionError(
      `tool ${tool}: worker must be the URL of a module, such as ` +
        `new URL("./report.ts", import.meta.url), got ${quote(worker)}`,
    );
  }
  const { module, ...options } = worker instanceof URL
    ? { module: worker }
    : worker;
  return new WorkerPool(module, {
    name: `tool ${tool}`,
    ...(timeoutMs !== undefined && { timeoutMs }),
    log: { warn },
    ...options,
  });
}

/** The handler that has a tool's calls made in its workers. */
function workerHandler(pool: WorkerPool): AnyHandler {
  return (...given) => {
    const ctx = given.at(-1) as ServerContext;
    const input = given.length > 1 ? given[0] : undefined;
    let steps = 0;
    return pool.run(input, {
      signal: ctx.signal,
      onStep: (step) => ctx.progress(...progressOf(step, ++steps)),
      onProgress: (...progress) => ctx.progress(...progress),
      onLog: (level, data, logger) => ctx.log[level](data, logger),
    });
  };
}
