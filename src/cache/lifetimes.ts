import { InvalidOptionError } from "../base/errors.ts";
import { option, type OptionRules } from "../base/option_rules.ts";
import {
  checkDurationMs,
  checkKnown,
  checkTimeoutMs,
  quote,
} from "../base/options.ts";
import type { CacheClaimOptions, CacheSetOptions } from "./cache_store.ts";

/** Times for which a store keeps its entries, unless a `set` says otherwise. */
export interface LifetimeOptions {
  /**
   * Time that a value is fresh, in milliseconds; `Infinity` for ever.
   * @default 300_000
   */
  ttlMs?: number;
  /**
   * Time for which it may be served longer while one caller refreshes it, in
   * milliseconds.
   * @default 0
   */
  staleMs?: number;
  /**
   * The largest share of `ttlMs` by which an entry's own is shortened at
   * random, from 0 to 1, so that what was loaded together doesn't expire
   * together.
   * @default 0
   */
  jitter?: number;
  /**
   * Gives a number from 0 up to 1.
   * @default Math.random
   */
  random?: () => number;
}

/** How they are read. */
export const LIFETIME_OPTIONS = {
  ttlMs: option.timeoutMs(300_000, 1),
  staleMs: option.durationMs(0),
  jitter: readJitter,
  random: option.any(Math.random),
} satisfies OptionRules<LifetimeOptions>;

/** How those of one entry are read; a lifetime is checked as a whole. */
export const ENTRY_OPTIONS = {
  ttlMs: option.optional<number>(),
  staleMs: option.optional<number>(),
  tags: option.optional<readonly string[]>(),
  steal: option.optional<boolean>(),
} satisfies OptionRules<CacheClaimOptions>;

function readJitter(name: string, jitter: unknown = 0): number {
  if (Number(jitter) >= 0 && Number(jitter) <= 1) return jitter as number;
  throw new InvalidOptionError(
    `${name} must be a share from 0 to 1, got ${quote(jitter)}`,
  );
}

/** Times for which one entry is fresh, and then stale, in milliseconds. */
export interface Lifetime {
  readonly freshMs: number;
  readonly staleMs: number;
}

/** Decides how long each entry lives. */
export class Lifetimes {
  readonly #ttlMs: number;
  readonly #staleMs: number;
  readonly #jitter: number;
  readonly #random: () => number;

  constructor({ ttlMs, staleMs, jitter, random }: Required<LifetimeOptions>) {
    checkLifetime(ttlMs, staleMs);
    this.#ttlMs = ttlMs;
    this.#staleMs = staleMs;
    this.#jitter = jitter;
    this.#random = random;
  }

  /** @throws {InvalidOptionError} naming the option, also one that nobody reads */
  of(options?: CacheSetOptions): Lifetime {
    if (options !== undefined) {
      checkKnown("a cache's entry", options, ENTRY_OPTIONS);
    }
    const ttlMs = options?.ttlMs ?? this.#ttlMs;
    const staleMs = options?.staleMs ??
      (ttlMs === Infinity ? 0 : this.#staleMs);
    checkLifetime(ttlMs, staleMs);
    if (this.#jitter === 0 || ttlMs === Infinity) {
      return { freshMs: ttlMs, staleMs };
    }
    return { freshMs: ttlMs * (1 - this.#jitter * this.#random()), staleMs };
  }

  /** Tells how long an entry is fresh whatever the jitter takes, in milliseconds. */
  leastFreshMs({ ttlMs = this.#ttlMs }: CacheSetOptions = {}): number {
    return ttlMs === Infinity ? Infinity : ttlMs * (1 - this.#jitter);
  }
}

/** Refuses a lifetime out of its range. */
export function checkLifetime(ttlMs: number = 1, staleMs: number = 0): void {
  checkTimeoutMs("ttlMs", ttlMs, 1);
  checkDurationMs("staleMs", staleMs);
  if (ttlMs === Infinity && staleMs > 0) {
    throw new InvalidOptionError(
      `staleMs (${staleMs}) has no meaning while ttlMs is Infinity`,
    );
  }
}
