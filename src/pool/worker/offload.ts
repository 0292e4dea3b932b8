import { InvalidOptionError } from "../../base/errors.ts";
import { quote } from "../../base/options.ts";
import type {
  WorkerFunction,
  WorkerInput,
  WorkerOutput,
} from "./worker_function.ts";
import type { WorkerPoolOptions, WorkerRunOptions } from "./worker_options.ts";
import { WorkerPool } from "./worker_pool.ts";

/** A function that runs in workers. Called, it gives a promise of the result. */
export interface Offloaded<Work extends WorkerFunction>
  extends AsyncDisposable {
  (
    input: WorkerInput<Work>,
    options?: WorkerRunOptions,
  ): Promise<WorkerOutput<Work>>;
  /** Its workers. */
  readonly pool: WorkerPool<{ default: Work }>;
}

/**
 * Moves a function off the event loop: each call runs in a worker. It takes its
 * text along and nothing else, so all it uses must come as its argument, or by
 * `await import("…")` of a full specifier. A function with imports of its own
 * goes into a module, for a {@linkcode WorkerPool}.
 *
 * @example
 * ```ts
 * import { offload } from "@sluice/mcp";
 *
 * await using countPrimes = offload((to: number) => {
 *   let count = 0;
 *   for (let n = 2; n <= to; n++) {
 *     let d = 2;
 *     while (d * d <= n && n % d !== 0) d++;
 *     if (d * d > n) count++;
 *   }
 *   return count;
 * }, { timeoutMs: 5_000 });
 * const count = await countPrimes(10_000);
 * ```
 *
 * @throws {InvalidOptionError} for what is no function with a text of its own
 */
export function offload<Work extends WorkerFunction>(
  work: Work,
  options: WorkerPoolOptions = {},
): Offloaded<Work> {
  const pool = new WorkerPool<{ default: Work }>(moduleOf(work), {
    name: `worker ${work.name || "function"}`,
    ...options,
  });
  return Object.assign(
    (input: WorkerInput<Work>, runOptions?: WorkerRunOptions) =>
      pool.run(input, runOptions),
    { pool, [Symbol.asyncDispose]: () => pool.close() },
  );
}

function moduleOf(work: WorkerFunction): URL {
  const text = typeof work === "function" ? String(work) : "";
  // Methods and native functions have a text that is no expression.
  if (
    !/^(async\s+)?(function\b|\(|[\p{ID_Start}$_][\p{ID_Continue}$]*\s*=>)/u
      .test(text) || text.endsWith("{ [native code] }")
  ) {
    throw new InvalidOptionError(
      "offload takes a function written as one (no method, nothing bound), got " +
        quote(text === "" ? work : text.slice(0, 40)),
    );
  }
  const module = `export default (${text});`;
  return new URL(`data:text/javascript,${encodeURIComponent(module)}`);
}
