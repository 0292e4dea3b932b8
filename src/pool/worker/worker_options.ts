import { InvalidOptionError } from "../../base/errors.ts";
import {
  option,
  type OptionRules,
  type ReadOptions,
  readOptions,
} from "../../base/option_rules.ts";
import { quote } from "../../base/options.ts";
import { POOL_LIMITS, type PoolLimits } from "../pool_options.ts";
import type { WorkerCallOptions } from "./worker_call.ts";

/** Everything a `WorkerPool` is made from, beside its module. */
export interface WorkerPoolOptions extends Omit<PoolLimits, "heldWarningMs"> {
  /**
   * What a worker is: a thread of this process, or a process of its own. A thread
   * is stopped where it computes at once or between two steps; what computes
   * after an `await` can't be. A process ends whatever it is at; it takes
   * `--allow-run`, three times the memory, and none can be had in a program made
   * by `deno compile`.
   * @default "thread"
   */
  isolate?: "thread" | "process";
  /**
   * The number of workers at once.
   * @default one less than the machine has cores, and at least one
   */
  max?: number;
  /**
   * Milliseconds that one call may take; `Infinity` for no limit.
   * @default 30_000
   */
  timeoutMs?: number;
  /**
   * The heap that one worker may fill, in MiB. Buffers lie beside the heap, and
   * are not counted.
   * @default 256
   */
  maxHeapMb?: number;
}

/** How one call is made. */
export interface WorkerRunOptions extends WorkerCallOptions {
  /**
   * Milliseconds that the call may take, once it has a worker.
   * @default the pool's
   */
  timeoutMs?: number;
}

/** How the options of one call are read. */
export const RUN_OPTIONS = {
  signal: option.signal,
  timeoutMs: option.timeoutMs(Infinity, 1),
  onProgress: option.function(undefined),
  onStep: option.function(undefined),
  onLog: option.function(undefined),
} satisfies OptionRules<WorkerRunOptions>;

const { heldWarningMs: _, ...POOL_OPTIONS } = POOL_LIMITS;

const WORKER_POOL_OPTIONS = {
  ...POOL_OPTIONS,
  isolate: option.word("thread", ["thread", "process"]),
  timeoutMs: option.timeoutMs(30_000, 1),
  maxHeapMb: option.integer(256, 8, 65_536),
} satisfies OptionRules<WorkerPoolOptions>;

/** The options with their defaults, checked. */
export type CheckedWorkerOptions = ReadOptions<typeof WORKER_POOL_OPTIONS>;

/** @throws {InvalidOptionError} naming the option */
export function checkWorkerOptions(
  module: URL,
  options: WorkerPoolOptions,
): CheckedWorkerOptions {
  if (!(module instanceof URL)) {
    throw new InvalidOptionError(
      'a worker\'s module must be a URL, such as new URL("./report.ts", ' +
        `import.meta.url), got ${quote(module)}`,
    );
  }
  const name = options.name ?? nameOf(module);
  const read = readOptions(name, options, WORKER_POOL_OPTIONS);
  if (read.isolate === "process") checkProcesses();
  const { max = Math.max(read.min, spareCores(), 1) } = options;
  return { ...read, name, max };
}

/** One core is the event loop's. */
function spareCores(): number {
  return (navigator.hardwareConcurrency ?? 2) - 1;
}

function nameOf({ protocol, pathname }: URL): string {
  const file = pathname.slice(pathname.lastIndexOf("/") + 1);
  return protocol === "data:" ? "worker" : `worker ${file}`;
}

/** A compiled program has its own modules in it, but no `deno` to run others. */
function checkProcesses(): void {
  const { Deno } = globalThis as { Deno?: { build: { standalone?: boolean } } };
  if (Deno !== undefined && Deno.build.standalone !== true) return;
  throw new InvalidOptionError(
    'isolate: "process" needs Deno itself, which is not to be had ' +
      (Deno === undefined ? "here" : "in a compiled program") +
      ': use isolate: "thread"',
  );
}
