import { type Clock, systemClock } from "../base/clock.ts";
import { InvalidOptionError } from "../base/errors.ts";
import { option, type OptionRules, readOptions } from "../base/option_rules.ts";

/** The batch, as its loader sees it. */
export interface BatchContext {
  /** Aborts when the batch took too long or all its callers left. */
  readonly signal: AbortSignal;
  /** The partition that all keys of the batch belong to. */
  readonly partition: unknown;
}

/**
 * Results of a loader: a value or an Error per key, as an array in the order
 * of the keys, or as a Map by key (by what the option `key` makes of it, if
 * there is one).
 */
export type BatchResults<V> =
  | readonly (V | Error)[]
  | ReadonlyMap<unknown, V | Error>;

/** Loads many keys at once. */
export type BatchLoader<K, V> = (
  keys: K[],
  context: BatchContext,
) => BatchResults<V> | PromiseLike<BatchResults<V>>;

/** Calls `flush` once what is running now, and all it awaits of its own, is through. */
export type BatchSchedule = (flush: () => void) => void;

/** Options of a {@linkcode Batcher}. */
export interface BatcherOptions<K, V> {
  /**
   * A batch of so many keys is loaded at once; `Infinity` for any number.
   * @default 100
   */
  maxSize?: number;
  /**
   * Milliseconds from its first key for which a batch waits for more. At 0 it
   * waits to the end of the tick: for the keys that other callers ask for
   * without waiting for anything from outside.
   * @default 0
   */
  maxWaitMs?: number;
  /**
   * Decides instead of `maxWaitMs` when a batch is due: calls the function it
   * is given. What it throws hurts the one who asked for the first key.
   */
  schedule?: BatchSchedule;
  /**
   * The most batches to load at once; `Infinity` for any number. While none may
   * start, keys go on gathering.
   * @default Infinity
   */
  concurrency?: number;
  /**
   * The most keys that may wait to be loaded; the next caller is refused with a
   * {@linkcode QueueFullError}.
   * @default Infinity
   */
  maxWaiting?: number;
  /**
   * Milliseconds that the loader may take before the batch's callers
   * get a {@linkcode TimeoutError} and its place goes to the next.
   * @default Infinity
   */
  timeoutMs?: number;
  /**
   * Makes the value by which two keys are the same: a string made of an
   * object's parts, say.
   * @default the key itself
   */
  key?: (key: K) => unknown;
  /** Keys are only loaded together with keys of the same partition: a tenant, say. */
  partition?: (key: K) => unknown;
  /**
   * Tells the key that a value belongs to. With it the loader may return its values in
   * any order, leave some out and return others beside. An Error among them that it
   * can't tell the key of is the `cause` of a {@linkcode BatchKeyMissingError} for
   * each key that was left out.
   */
  resultKey?: (value: V) => unknown;
  /**
   * Makes the outcome of a key that is not among results by key, unless an Error
   * may be why.
   * @default a BatchKeyMissingError
   */
  missing?: (key: K) => V | Error;
  /**
   * The name in metrics and errors.
   * @default "batcher"
   */
  name?: string;
  /**
   * The source of the time.
   * @default systemClock
   */
  clock?: Clock;
}

const BATCHER_OPTIONS = {
  maxSize: option.limit(100, 1),
  maxWaitMs: option.durationMs(0),
  schedule: option.any<BatchSchedule>((flush) => endOfTick(flush)),
  concurrency: option.limit(Infinity, 1),
  maxWaiting: option.limit(Infinity, 1),
  timeoutMs: option.timeoutMs(Infinity, 1),
  key: option.optional(),
  partition: option.optional(),
  resultKey: option.optional(),
  missing: option.optional(),
  name: option.any("batcher"),
  clock: option.any<Clock>(systemClock),
} satisfies OptionRules<BatcherOptions<never, never>>;

/** Options of one call for a key. */
export interface BatchLoadOptions {
  /** Leaves the batch with its reason; the others' keys are loaded all the same. */
  signal?: AbortSignal;
  /** Overrides the batcher's own `partition` for this call. */
  partition?: unknown;
}

/** How a caller's options are read. */
export const LOAD_OPTIONS = {
  signal: option.signal,
  partition: option.optional(),
} satisfies OptionRules<BatchLoadOptions>;

/** Options of one wait for batches to finish. */
export interface BatchFlushOptions {
  /** Ends the wait, not the batches. */
  signal?: AbortSignal;
}

/** {@linkcode BatcherOptions} with nothing left open. */
export type BatcherSettings<K, V> =
  & Required<Omit<BatcherOptions<K, V>, OptionalHooks>>
  & Pick<BatcherOptions<K, V>, OptionalHooks>;

type OptionalHooks = "key" | "partition" | "resultKey" | "missing";

/** Fills in the defaults and refuses what makes no sense. */
export function checkBatcherOptions<K, V>(
  options: BatcherOptions<K, V>,
): BatcherSettings<K, V> {
  const settings = readOptions("Batcher", options, BATCHER_OPTIONS);
  const { schedule, maxWaitMs } = options;
  if (schedule !== undefined && maxWaitMs !== undefined) {
    throw new InvalidOptionError(
      `schedule and maxWaitMs both say when a batch is due, got maxWaitMs ${maxWaitMs} and a schedule`,
    );
  }
  return settings as BatcherSettings<K, V>;
}

/**
 * After the microtasks: callers that are a few awaits apart still meet, and
 * nobody waits for the outside world. A tick that is asked for from within a
 * microtask comes when they are through; a runtime without ticks has its turn
 * of the event loop, which is later.
 */
const endOfTick: BatchSchedule = (flush): void => (tick ??= findTick())(flush);

const settled = Promise.resolve();

/** Looked for at the first use: merely reading `process` costs Deno 11 ms (bench/startup.ts). */
let tick: BatchSchedule | undefined;

interface Runtime {
  process?: { nextTick?(callback: () => void): void };
  setImmediate?(callback: () => void): void;
}

function findTick(): BatchSchedule {
  const { process, setImmediate } = globalThis as Runtime;
  return process?.nextTick !== undefined
    ? (flush) => settled.then(() => process.nextTick!(flush))
    : setImmediate ?? ((flush) => setTimeout(flush, 0));
}
