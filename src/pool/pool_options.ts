import { type Clock, systemClock } from "../base/clock.ts";
import { InvalidOptionError } from "../base/errors.ts";
import {
  option,
  type OptionRule,
  type OptionRules,
  type ReadOptions,
  readOptions,
} from "../base/option_rules.ts";
import { checkDurationMs } from "../base/options.ts";
import { stderrWarn } from "../observe/log/stderr_log.ts";

/** Where a pool writes its warnings; `console` is one. */
export interface PoolLog {
  /** Takes one warning; the details are errors and stacks. */
  warn(message: string, ...details: unknown[]): void;
}

/** The circumstances in which `create` is called. */
export interface CreateContext {
  /** Aborts when nobody waits for the item any more: time-out or `close()`. */
  signal: AbortSignal;
}

/** Limits to the items that a pool keeps, and to their time. */
export interface PoolLimits {
  /**
   * The name in metrics, warnings and errors.
   * @default "pool"
   */
  name?: string;
  /**
   * The number of items kept warm: made ahead, and remade when they go.
   * @default 0
   */
  min?: number;
  /**
   * The most items there may be at once, whatever their state.
   * @default 10
   */
  max?: number;
  /**
   * The number of loans after which an item is replaced; `Infinity` for no limit.
   * @default Infinity
   */
  maxUses?: number;
  /**
   * The time that an item beyond `min` may lie idle, in milliseconds, before it is
   * destroyed; `Infinity` for no limit.
   * @default 300_000
   */
  maxIdleMs?: number;
  /**
   * The age that an item may reach, in milliseconds. Each item's own limit is up to a
   * tenth shorter, so that those made together don't go together. An item in
   * use is replaced when it comes back. `Infinity` for no limit.
   * @default Infinity
   */
  maxLifetimeMs?: number;
  /**
   * The time that a caller waits, in milliseconds; `Infinity` for as long as it
   * takes.
   * @default 30_000
   */
  acquireTimeoutMs?: number;
  /**
   * The number of callers that may wait; one more is refused at once. `Infinity` for no
   * limit.
   * @default Infinity
   */
  maxWaiting?: number;
  /**
   * Held for longer than this many milliseconds, an item brings one warning
   * with the stack of where it was taken. `Infinity`, the default, saves the
   * cost of keeping that stack (a few µs each time).
   * @default Infinity
   */
  heldWarningMs?: number;
  /**
   * The time that making one item may take, in milliseconds.
   * @default 10_000
   */
  createTimeoutMs?: number;
  /**
   * The pause after a failed `create`, in milliseconds. Doubles
   * with each failure up to `maxBackoffMs`.
   * @default 100
   */
  backoffMs?: number;
  /**
   * The end of the doubling of `backoffMs`, in milliseconds.
   * @default 2_000, or `backoffMs` if that is more
   */
  maxBackoffMs?: number;
  /**
   * Where warnings go: of failures that no caller hears of, and of items held
   * for longer than `heldWarningMs`.
   * @default lines of `stderrLog`
   */
  log?: PoolLog;
  /**
   * Where the time comes from.
   * @default systemClock
   */
  clock?: Clock;
  /**
   * From 0 to 1; jitters lifetimes and back-off.
   * @default Math.random
   */
  random?: () => number;
}

/** The longest that a timer can wait, in milliseconds. */
export const longestTimerMs = 2 ** 31 - 1;

/** A positive number of milliseconds that a timer can hold. */
export function timerMs(fallback: number): OptionRule<number> {
  return (name, given = fallback) => checkTimerMs(name, given as number);
}

/** How each limit of a pool is read, whatever is in it. */
export const POOL_LIMITS = {
  name: option.any("pool"),
  min: option.integer(0, 0),
  max: option.integer(10, 1),
  maxUses: option.limit(Infinity, 1),
  maxIdleMs: option.timeoutMs(300_000, 1),
  maxLifetimeMs: option.timeoutMs(Infinity, 1),
  acquireTimeoutMs: option.timeoutMs(30_000, 1),
  maxWaiting: option.limit(Infinity, 0),
  heldWarningMs: option.timeoutMs(Infinity, 1),
  createTimeoutMs: timerMs(10_000),
  backoffMs: timerMs(100),
  maxBackoffMs: option.optional<number>(),
  log: option.any<PoolLog>({ warn: stderrWarn }),
  clock: option.any<Clock>(systemClock),
  random: option.any(Math.random),
} satisfies OptionRules<PoolLimits>;

/** Everything a {@linkcode Pool} is made from. */
export interface PoolOptions<T> extends PoolLimits {
  /** Makes an item. What it throws reaches the callers that wait. */
  create(context: CreateContext): T | PromiseLike<T>;
  /** Ends an item. What it throws is counted and logged, and hurts nobody. */
  destroy?(item: T): void | PromiseLike<void>;
  /**
   * Asked before an idle item is lent. False, an error or no answer within
   * `validateTimeoutMs`, and the item is destroyed.
   */
  validate?(item: T): boolean | PromiseLike<boolean>;
  /**
   * The time that `validate` may take, in milliseconds.
   * @default 5_000
   */
  validateTimeoutMs?: number;
  /**
   * The time that an item that is being destroyed counts against `max`, in
   * milliseconds, if `destroy` doesn't come to an end.
   * @default 5_000
   */
  destroyTimeoutMs?: number;
}

const POOL_OPTIONS = {
  ...POOL_LIMITS,
  create: checkFunction as OptionRule<PoolOptions<unknown>["create"]>,
  destroy: optionalFunction as OptionRule<PoolOptions<unknown>["destroy"]>,
  validate: optionalFunction as OptionRule<PoolOptions<unknown>["validate"]>,
  validateTimeoutMs: timerMs(5_000),
  destroyTimeoutMs: timerMs(5_000),
} satisfies OptionRules<PoolOptions<unknown>>;

/** One caller's way of waiting for an item. */
export interface AcquireOptions {
  /** Gives the place in the line up, rejecting with its reason. */
  signal?: AbortSignal;
}

/** How a caller's options are read. */
export const ACQUIRE_OPTIONS = {
  signal: option.signal,
} satisfies OptionRules<AcquireOptions>;

/** Ways to end a wait early. */
export interface DrainOptions {
  /** Ends the wait, not the draining, by rejecting with its reason. */
  signal?: AbortSignal;
}

/** Counts of all that a {@linkcode Pool} has done so far. */
export interface PoolCounters {
  /** Leases ever given. */
  acquired: number;
  /** Items that `create` gave. */
  created: number;
  /** Items that are gone, those whose `destroy` failed included. */
  destroyed: number;
  /** Calls of `create` that failed or took too long. */
  createErrors: number;
  /** Calls of `destroy` that failed or took too long. */
  destroyErrors: number;
  /** Idle items that `validate` refused. */
  invalid: number;
  /** Items that a caller discarded. */
  discarded: number;
  /** Callers refused because `maxWaiting` waited already. */
  rejected: number;
  /** Callers that waited longer than `acquireTimeoutMs`. */
  timedOut: number;
  /** Callers that gave up by their signal. */
  aborted: number;
  /** Items held for longer than `heldWarningMs`. */
  heldTooLong: number;
}

/** Counters that start from nothing. */
export function newPoolCounters(): PoolCounters {
  return {
    acquired: 0,
    created: 0,
    destroyed: 0,
    createErrors: 0,
    destroyErrors: 0,
    invalid: 0,
    discarded: 0,
    rejected: 0,
    timedOut: 0,
    aborted: 0,
    heldTooLong: 0,
  };
}

/** A snapshot of all that a {@linkcode Pool} holds and has done so far. */
export interface PoolStats extends PoolCounters {
  /** Its `name` option, to tell its figures from another's. */
  name: string;
  /** Items that are kept warm. */
  min: number;
  /** Items that there may be at once. */
  max: number;
  /** All items, those being made and being destroyed included. */
  size: number;
  /** Items that wait to be lent. */
  idle: number;
  /** Items lent now. */
  inUse: number;
  /** Items being made. */
  creating: number;
  /** Callers in line. */
  waiting: number;
}

/** The options with their defaults, checked. */
export type CheckedPoolOptions<T> =
  & Omit<ReadOptions<typeof POOL_LIMITS>, "maxBackoffMs">
  & { maxBackoffMs: number }
  & Required<Pick<PoolOptions<T>, "create" | "destroy">>
  & Pick<PoolOptions<T>, "validate">
  & { validateTimeoutMs: number; destroyTimeoutMs: number };

/** Fills the defaults in and refuses what makes no sense. */
export function checkPoolOptions<T>(
  options: PoolOptions<T>,
): CheckedPoolOptions<T> {
  const read = readOptions("Pool", options, POOL_OPTIONS);
  const { min, max, backoffMs } = read;
  if (min > max) {
    throw new InvalidOptionError(
      `min must not exceed max, got min ${min} and max ${max}`,
    );
  }
  const { create, destroy, validate } = options;
  const { maxBackoffMs = Math.max(backoffMs, 2_000) } = options;
  return {
    ...read,
    maxBackoffMs: checkTimerMs("maxBackoffMs", maxBackoffMs, backoffMs),
    create: (context) => create.call(options, context),
    destroy: (item) => destroy?.call(options, item),
    validate: validate && ((item) => validate.call(options, item)),
  };
}

/** Refuses anything but a positive number of milliseconds that a timer can hold. */
function checkTimerMs(name: string, value: number, min = 1): number {
  checkDurationMs(name, value, min);
  if (value <= longestTimerMs) return value;
  throw new InvalidOptionError(
    `${name} must be at most ${longestTimerMs} ms, got ${value}`,
  );
}

function checkFunction<Value>(name: string, value: Value): Value {
  if (typeof value === "function") return value;
  throw new InvalidOptionError(
    `${name} must be a function, got ${value === null ? "null" : typeof value}`,
  );
}

function optionalFunction<Value>(name: string, value: Value): Value {
  return value === undefined ? value : checkFunction(name, value);
}
