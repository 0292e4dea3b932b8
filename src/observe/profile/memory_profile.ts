import { abortable } from "../../base/abort.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import {
  option,
  type OptionRules,
  type ReadOptions,
  readOptions,
} from "../../base/option_rules.ts";
import { type AllocationSite, HeapProfile } from "./heap_profile.ts";
import { HeapSampling } from "./heap_sampler.ts";
import {
  PROFILED_HANDLER_OPTIONS,
  profiledHandler,
  type ProfiledHandlerOptions,
} from "./profiled_handler.ts";
import { SourcePositions } from "./source_position.ts";

/** The memory that the process uses at one moment, in bytes. */
export interface MemoryUse {
  /** The objects on V8's heap, garbage not yet collected included. */
  heapUsed: number;
  /** V8's heap, as it is taken from the system. */
  heapTotal: number;
  /** Buffers beside the heap. */
  external: number;
  /** The process in all. */
  rss: number;
}

/** The options of {@linkcode profileMemory}. */
export interface MemoryProfileOptions {
  /**
   * One allocation is noted per so many bytes, on average. While another memory
   * profile is being taken, that one's holds.
   * @default 32768
   */
  intervalBytes?: number;
  /**
   * The time between two looks at the memory for the peak, in milliseconds.
   * @default 10
   */
  peakIntervalMs?: number;
  /** Ends the recording and rejects with the signal's reason; the function goes on. */
  signal?: AbortSignal;
  /**
   * The source of the time.
   * @default systemClock
   */
  clock?: Clock;
}

const RECORDING_OPTIONS = {
  intervalBytes: option.integer(32_768, 128),
  peakIntervalMs: option.durationMs(10, 1),
  clock: option.any<Clock>(systemClock),
};

const MEMORY_OPTIONS = {
  ...RECORDING_OPTIONS,
  signal: option.signal,
} satisfies OptionRules<MemoryProfileOptions>;

/** The findings of {@linkcode profileMemory}. */
export interface MemoryProfile {
  /** Just before the function was called. */
  before: MemoryUse;
  /** Just after it returned; no collection of garbage is forced. */
  after: MemoryUse;
  /**
   * The most of each that was seen: before, after, and now and then between, as
   * far as the function let a timer fire. Of a synchronous function nothing is
   * seen between; what it allocated and dropped again is in `allocated`.
   */
  peak: MemoryUse;
  /** The bytes allocated on the heap, kept or not; estimated from samples. */
  allocated: number;
  /** The 20 functions that allocated the most. */
  sites: AllocationSite[];
  /** All of them, and the `.heapprofile`. */
  profile: HeapProfile;
}

/**
 * Runs a function and records how much memory the process uses and who
 * allocates it meanwhile. Its error, if it throws one, is thrown on when the
 * recording has ended.
 *
 * Everything that runs in this thread is recorded, also what ran while an
 * asynchronous function waited. Several profiles may be taken at once: V8 has
 * one sampler, which they share, and each has what was allocated in its time.
 *
 * @throws {ProfilerUnavailableError} without `--allow-sys`; the
 * function has then not been called.
 * @throws {InvalidOptionError} when an option is refused.
 *
 * @example
 * ```ts
 * import { profileMemory } from "@sluice/mcp";
 *
 * const { before, peak, profile } = await profileMemory(() =>
 *   Array.from({ length: 100_000 }, (_, index) => ({ index }))
 * );
 * console.log(peak.heapUsed - before.heapUsed, profile.table());
 * ```
 */
export async function profileMemory<T>(
  fn: () => T | Promise<T>,
  options: MemoryProfileOptions = {},
): Promise<{ result: T } & MemoryProfile> {
  const read = readOptions("profileMemory", options, MEMORY_OPTIONS);
  const { intervalBytes, signal } = read;
  signal?.throwIfAborted();
  const positions = await SourcePositions.load();
  const memoryUse = await loadMemoryUse();
  using sampling = await HeapSampling.start(intervalBytes);
  signal?.throwIfAborted();
  using watch = new PeakWatch(memoryUse, read);
  const result = await abortable(Promise.try(fn), signal);
  const use = watch.end();
  const profile = new HeapProfile(await sampling.read(), positions);
  return {
    result,
    ...use,
    allocated: profile.allocatedBytes,
    sites: profile.top(20),
    profile,
  };
}

/** Measures the memory now and then and keeps the most of each. */
class PeakWatch implements Disposable {
  readonly #measure: () => MemoryUse;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #before: MemoryUse;
  readonly #peak: MemoryUse;
  #timer: unknown;

  constructor(
    measure: () => MemoryUse,
    { clock, peakIntervalMs }: ReadOptions<typeof RECORDING_OPTIONS>,
  ) {
    this.#measure = measure;
    this.#clock = clock;
    this.#intervalMs = peakIntervalMs;
    this.#before = measure();
    this.#peak = { ...this.#before };
    this.#wait();
  }

  end(): Pick<MemoryProfile, "before" | "after" | "peak"> {
    const after = this.#look();
    return { before: this.#before, after, peak: this.#peak };
  }

  #wait(): void {
    this.#timer = this.#clock.setTimeout(
      () => {
        this.#look();
        this.#wait();
      },
      this.#intervalMs,
      { keepAlive: false },
    );
  }

  #look(): MemoryUse {
    const use = this.#measure();
    for (const key of Object.keys(use) as (keyof MemoryUse)[]) {
      this.#peak[key] = Math.max(this.#peak[key], use[key]);
    }
    return use;
  }

  [Symbol.dispose](): void {
    this.#clock.clearTimeout(this.#timer);
  }
}

async function loadMemoryUse(): Promise<() => MemoryUse> {
  const { default: process } = await import("node:process");
  return () => {
    const { heapUsed, heapTotal, external, rss } = process.memoryUsage();
    return { heapUsed, heapTotal, external, rss };
  };
}

/** The options of {@linkcode memoryProfiled}. */
export interface MemoryProfiledOptions
  extends Omit<MemoryProfileOptions, "signal">, ProfiledHandlerOptions {
  /**
   * Is given the profile of every call that returned.
   * @default prints before, after and peak and the 20 functions that allocated the most to stderr
   */
  onProfile?: (profile: MemoryProfile, name: string) => void;
}

const MEMORY_PROFILED_OPTIONS = {
  ...RECORDING_OPTIONS,
  ...PROFILED_HANDLER_OPTIONS,
  onProfile: option.function(printMemory),
} satisfies OptionRules<MemoryProfiledOptions>;

/**
 * The same handler, its memory profiled at every call. Calls that overlap each
 * have a profile, which also counts what the others allocated meanwhile.
 * Without the permission to profile (`--allow-sys`) calls run all the same, and
 * the first says that there is no profile.
 *
 * @example
 * ```ts
 * import { McpServer, memoryProfiled } from "@sluice/mcp";
 *
 * const server = new McpServer({ name: "reports", version: "1.0.0" });
 * server.registerTool("report", {}, memoryProfiled(() => "the report"));
 * ```
 */
export function memoryProfiled<A extends unknown[], T>(
  handler: (...args: A) => T | Promise<T>,
  options: MemoryProfiledOptions = {},
): (...args: A) => Promise<T> {
  const { onProfile, name, log, ...recording } = readOptions(
    "memoryProfiled",
    options,
    MEMORY_PROFILED_OPTIONS,
  );
  return profiledHandler(handler, { name, log }, async (call, shown) => {
    const { result, ...taken } = await profileMemory(call, recording);
    onProfile(taken, shown);
    return result;
  });
}

function printMemory(
  { before, after, peak, allocated, profile }: MemoryProfile,
  name: string,
): void {
  const mb = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`;
  console.error(
    `${name}: heap ${mb(before.heapUsed)} before, ${mb(after.heapUsed)} ` +
      `after, ${mb(peak.heapUsed)} at most; about ${
        mb(allocated)
      } allocated\n` +
      `\n${profile.table(20)}`,
  );
}
