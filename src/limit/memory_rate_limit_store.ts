import { option, type OptionRules, readOptions } from "../base/option_rules.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { instruments } from "../observe/metrics/instruments.ts";
import {
  type RateLimitDecision,
  type RateLimitRule,
  type RateLimitState,
  type RateLimitStore,
  rateLimitStoreKind,
} from "./rate_limit_store.ts";
import { SlidingWindow } from "./sliding_window.ts";
import { TokenBucket } from "./token_bucket.ts";

/** Options of a {@linkcode MemoryRateLimitStore}. */
export interface MemoryRateLimitStoreOptions {
  /**
   * Name in metrics.
   * @default "memory_rate_limit_store"
   */
  name?: string;
  /**
   * Number of keys that are remembered; one more and the key that asked least
   * recently is forgotten, which allows it a full limit again.
   * @default 100_000
   */
  maxKeys?: number;
  /**
   * Source of the time.
   * @default systemClock
   */
  clock?: Clock;
}

const STORE_OPTIONS = {
  name: option.any("memory_rate_limit_store"),
  maxKeys: option.integer(100_000, 1),
  clock: option.any<Clock>(systemClock),
} satisfies OptionRules<MemoryRateLimitStoreOptions>;

/** Statistics of a {@linkcode MemoryRateLimitStore}. */
export interface MemoryRateLimitStoreStats {
  /** Its `name` option, to tell its figures from another's. */
  name: string;
  /** Number of keys remembered now. */
  keys: number;
  /** Number of keys that were forgotten while they still counted, for want of room. */
  evicted: number;
}

/** Keeps what each key has taken in this process, for a bounded number of keys. */
export class MemoryRateLimitStore implements RateLimitStore {
  readonly #name: string;
  readonly #maxKeys: number;
  readonly #clock: Clock;
  /** In the order in which the keys last asked. */
  readonly #states = new Map<string, RateLimitState>();
  #evicted = 0;

  /**
   * Begins with no keys: each has its full limit.
   *
   * @throws {InvalidOptionError} when `maxKeys` is not a whole number of at
   * least 1.
   */
  constructor(options: MemoryRateLimitStoreOptions = {}) {
    const read = readOptions("MemoryRateLimitStore", options, STORE_OPTIONS);
    const { name } = read;
    this.#name = name;
    this.#maxKeys = read.maxKeys;
    this.#clock = read.clock;
    instruments.track(
      rateLimitStoreKind,
      { name, type: "memory" },
      this,
      ({ stats }) => ({ keys: stats.keys, evictions: stats.evicted }),
    );
  }

  /** Takes `cost` units for `key`. */
  take(key: string, cost: number, rule: RateLimitRule): RateLimitDecision {
    const nowMs = Math.floor(this.#clock.now());
    let state = this.#states.get(key);
    if (state === undefined) {
      this.#makeRoom(nowMs);
      state = rule.algorithm === "token-bucket"
        ? new TokenBucket(rule)
        : new SlidingWindow(rule);
    } else {
      this.#states.delete(key);
    }
    this.#states.set(key, state);
    return state.take(cost, nowMs);
  }

  /** A snapshot of the counters. */
  get stats(): MemoryRateLimitStoreStats {
    return {
      name: this.#name,
      keys: this.#states.size,
      evicted: this.#evicted,
    };
  }

  /**
   * Two expired keys go for each new one, so that the map shrinks again after a
   * rush without a timer.
   */
  #makeRoom(nowMs: number): void {
    for (let count = 0; count < 2; count++) {
      const [oldest] = this.#states;
      if (oldest === undefined) return;
      const [key, state] = oldest;
      const expired = state.expiresAtMs <= nowMs;
      if (!expired && this.#states.size < this.#maxKeys) return;
      if (!expired) this.#evicted++;
      this.#states.delete(key);
    }
  }
}
