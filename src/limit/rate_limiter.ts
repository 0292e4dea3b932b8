import { sleep } from "../base/abort.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { InvalidOptionError, RateLimitedError } from "../base/errors.ts";
import {
  option,
  type OptionRules,
  type ReadOptions,
  readOptions,
} from "../base/option_rules.ts";
import { checkInteger, checkKnown, checkText, quote } from "../base/options.ts";
import { isThenable } from "../base/thenable.ts";
import {
  counter,
  gauge,
  instruments,
  type InstrumentValues,
} from "../observe/metrics/instruments.ts";
import { MemoryRateLimitStore } from "./memory_rate_limit_store.ts";
import { RateLimitLine } from "./rate_limit_line.ts";
import type {
  RateLimitDecision,
  RateLimitRule,
  RateLimitStore,
} from "./rate_limit_store.ts";

/** Figures of rate limiters, for operators. */
const limiterKind = {
  kind: "limiter",
  measures: {
    allowed: counter("Calls that were allowed."),
    refused: counter("Calls that were refused."),
    waiting: gauge("Callers that wait for their turn."),
    keys: gauge("Keys remembered in this process."),
    evictions: counter("Keys that went while they still counted."),
  },
};

/** Options of a {@linkcode RateLimiter}. */
export interface RateLimiterOptions {
  /** Number of units that a key may take in `intervalMs`. */
  limit: number;
  /** A whole number of milliseconds. */
  intervalMs: number;
  /**
   * `"token-bucket"` refills evenly and allows a `burst` at once;
   * `"sliding-window"` never allows more than `limit` in any stretch of
   * `intervalMs`, at the price of remembering each call of it.
   * @default "token-bucket"
   */
  algorithm?: "token-bucket" | "sliding-window";
  /**
   * Number of units that a token bucket holds when full.
   * @default limit
   */
  burst?: number;
  /**
   * Store to remember in; a {@linkcode RedisRateLimitStore} is shared by
   * processes.
   * @default a MemoryRateLimitStore of its own
   */
  store?: RateLimitStore;
  /**
   * Name in metrics, and a prefix of its keys in the store: limiters that
   * share a store need names of their own.
   * @default "rate_limiter"
   */
  name?: string;
  /**
   * Source of the time.
   * @default systemClock
   */
  clock?: Clock;
}

/** How they are read. */
export const RATE_LIMITER_OPTIONS = {
  algorithm: option.word("token-bucket", ["token-bucket", "sliding-window"]),
  limit: option.integer(undefined, 1),
  intervalMs: option.integer(undefined, 1),
  burst: option.ifGiven(option.integer(undefined, 1)),
  store: option.methods<RateLimitStore>("take"),
  name: option.any("rate_limiter"),
  clock: option.any<Clock>(systemClock),
} satisfies OptionRules<RateLimiterOptions>;

/** Options of one call. */
export interface RateLimitTakeOptions {
  /**
   * Number of units that the call takes.
   * @default 1
   */
  cost?: number;
}

/** Options of one caller's wait for its turn. */
export interface RateLimitAcquireOptions extends RateLimitTakeOptions {
  /** Ends the wait with its reason. */
  signal?: AbortSignal;
  /**
   * Longest time to wait, in milliseconds; `Infinity` for as long as it takes.
   * @default Infinity
   */
  timeoutMs?: number;
}

const TAKE_OPTIONS = {
  cost: option.optional<number>(),
} satisfies OptionRules<RateLimitTakeOptions>;

const ACQUIRE_OPTIONS = {
  ...TAKE_OPTIONS,
  signal: option.signal,
  timeoutMs: option.timeoutMs(Infinity),
} satisfies OptionRules<RateLimitAcquireOptions>;

/** Statistics of a {@linkcode RateLimiter}. */
export interface RateLimiterStats {
  /** Its `name` option, to tell its figures from another's. */
  name: string;
  /** Number of calls that were allowed. */
  allowed: number;
  /**
   * Number of calls that were refused: by `take`, or by `acquire` because their
   * time wouldn't do. One that waited and got its units is allowed, and no more.
   */
  limited: number;
  /** Number of callers that wait in `acquire` now. */
  waiting: number;
}

/** One call of `acquire`. */
interface Caller {
  readonly key: string;
  readonly cost: number;
  readonly signal: AbortSignal | undefined;
  readonly untilMs: number;
}

/**
 * Allows each key so much per time, and says when to come back.
 *
 * @example
 * ```ts
 * import { RateLimiter } from "@sluice/mcp";
 *
 * const limiter = new RateLimiter({ limit: 100, intervalMs: 60_000 });
 * const { allowed, retryAfterMs } = await limiter.take("tenant-7");
 * if (!allowed) console.log(`come back in ${retryAfterMs} ms`);
 * ```
 */
export class RateLimiter {
  readonly #rule: RateLimitRule;
  readonly #store: RateLimitStore;
  readonly #own: MemoryRateLimitStore | undefined;
  readonly #name: string;
  readonly #clock: Clock;
  /** Of the keys that somebody waits for. */
  readonly #lines = new Map<string, RateLimitLine>();
  #allowed = 0;
  #limited = 0;
  #waiting = 0;

  /**
   * Asks its store nothing before the first call.
   *
   * @throws {InvalidOptionError} when an option makes no sense.
   */
  constructor(options: RateLimiterOptions) {
    const read = readOptions("RateLimiter", options, RATE_LIMITER_OPTIONS);
    const { name, clock, store } = read;
    this.#rule = checkRule(read);
    if (store === undefined) {
      this.#own = instruments.withdraw(
        new MemoryRateLimitStore({ name, clock }),
      );
    }
    this.#store = store ?? this.#own!;
    this.#name = name;
    this.#clock = clock;
    instruments.track(limiterKind, { name }, this, RateLimiter.#shownOf);
  }

  /**
   * Takes units for `key` if they are there, and says so either way.
   *
   * @throws {InvalidOptionError} when `cost` is more than could ever be
   * allowed, or `key` is no string.
   */
  async take(
    key: string = "",
    options?: RateLimitTakeOptions,
  ): Promise<RateLimitDecision> {
    if (options !== undefined) checkKnown("take", options, TAKE_OPTIONS);
    const cost = this.#checkedCost(key, options?.cost);
    const decision = await this.#ask(key, cost);
    if (decision.allowed) this.#allowed++;
    else this.#limited++;
    return decision;
  }

  /**
   * Waits until the units could be taken for `key`. Callers of one key wait in
   * line, first come first served, in each process by itself; `take` doesn't
   * stand in it.
   *
   * @throws {RateLimitedError} as soon as it is clear that `timeoutMs` won't
   * do, and when it is over.
   * @throws {InvalidOptionError} when `cost` is more than could ever be
   * allowed, `key` is no string, or an option is none.
   */
  async acquire(
    key: string = "",
    options: RateLimitAcquireOptions = {},
  ): Promise<void> {
    const { signal, timeoutMs, cost: given } = readOptions(
      "acquire",
      options,
      ACQUIRE_OPTIONS,
    );
    const cost = this.#checkedCost(key, given);
    signal?.throwIfAborted();
    const untilMs = this.#clock.now() + timeoutMs;
    this.#waiting++;
    try {
      await this.#obtain({ key, cost, signal, untilMs });
      this.#allowed++;
    } finally {
      this.#waiting--;
    }
  }

  /** A snapshot of the counters. */
  get stats(): RateLimiterStats {
    return {
      name: this.#name,
      allowed: this.#allowed,
      limited: this.#limited,
      waiting: this.#waiting,
    };
  }

  #checkedCost(key: string, cost = 1): number {
    checkText("key", key);
    const { limit, burst, algorithm } = this.#rule;
    const most = algorithm === "token-bucket" ? burst : limit;
    return checkInteger("cost", cost, 1, most);
  }

  #ask(
    key: string,
    cost: number,
  ): RateLimitDecision | Promise<RateLimitDecision> {
    return this.#store.take(`${this.#name}:${key}`, cost, this.#rule);
  }

  /** Asks at once where there is no line, and else at this caller's turn. */
  async #obtain(caller: Caller): Promise<void> {
    const { key, cost, signal, untilMs } = caller;
    let askAtMs = this.#clock.now();
    if (!this.#lines.has(key)) {
      const answer = this.#ask(key, cost);
      // Without a turn of the microtasks, in which the next caller would overtake.
      const decision = isThenable(answer) ? await answer : answer;
      if (decision.allowed) return;
      askAtMs = this.#backAtMs(decision);
    }
    signal?.throwIfAborted();
    const nextAtMs = this.#lines.get(key)?.askAtMs ?? askAtMs;
    this.#demandInTime(Math.max(askAtMs, nextAtMs), untilMs);
    const line = this.#lines.get(key) ?? this.#beginLine(key, askAtMs);
    await line.enter(signal, untilMs - this.#clock.now());
    try {
      await this.#takeTurn(line, caller, askAtMs);
    } finally {
      if (!line.leave()) this.#lines.delete(key);
    }
  }

  /** Asks whenever the store says to come back, until the units are there. */
  async #takeTurn(
    line: RateLimitLine,
    { key, cost, signal, untilMs }: Caller,
    askAtMs: number,
  ): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      this.#demandInTime(askAtMs, untilMs);
      line.askAtMs = askAtMs;
      const delayMs = askAtMs - this.#clock.now();
      if (delayMs > 0) await sleep(delayMs, { signal, clock: this.#clock });
      const decision = await this.#ask(key, cost);
      if (decision.allowed) return;
      askAtMs = this.#backAtMs(decision);
    }
  }

  /** Never at once, whatever a store says: others must have their turn of the loop. */
  #backAtMs({ retryAfterMs }: RateLimitDecision): number {
    return this.#clock.now() + Math.max(1, retryAfterMs);
  }

  #beginLine(key: string, askAtMs: number): RateLimitLine {
    const line = new RateLimitLine(
      this.#clock,
      askAtMs,
      (askAtMs) => this.#refusal(askAtMs),
    );
    this.#lines.set(key, line);
    return line;
  }

  #demandInTime(askAtMs: number, untilMs: number): void {
    if (askAtMs > untilMs) throw this.#refusal(askAtMs);
  }

  #refusal(askAtMs: number): RateLimitedError {
    this.#limited++;
    const retryAfterMs = Math.max(0, askAtMs - this.#clock.now());
    return new RateLimitedError(this.#name, Math.ceil(retryAfterMs));
  }

  /** Figures for operators: its calls, and the store that is its own. */
  static #shownOf(
    limiter: RateLimiter,
  ): InstrumentValues<keyof typeof limiterKind.measures> {
    const { allowed, limited, waiting } = limiter.stats;
    const own = limiter.#own?.stats;
    const held = own && { keys: own.keys, evictions: own.evicted };
    return { allowed, refused: limited, waiting, ...held };
  }
}

function checkRule(
  { algorithm, limit, intervalMs, burst }: ReadOptions<
    typeof RATE_LIMITER_OPTIONS
  >,
): RateLimitRule {
  if (algorithm === "sliding-window" && burst !== undefined) {
    throw new InvalidOptionError(
      `burst belongs to a token bucket, got ${
        quote(burst)
      } for a sliding window`,
    );
  }
  return { algorithm, limit, intervalMs, burst: burst ?? limit };
}
