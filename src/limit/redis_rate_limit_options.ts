import { type Clock, systemClock } from "../base/clock.ts";
import { InvalidOptionError } from "../base/errors.ts";
import { option, type OptionRules, readOptions } from "../base/option_rules.ts";
import { quote } from "../base/options.ts";
import type { RedisDriver } from "../redis/redis_clients.ts";
import { stderrWarn } from "../observe/log/stderr_log.ts";

/** Options of a {@linkcode RedisRateLimitStore}. */
export interface RedisRateLimitStoreOptions {
  /**
   * Name in metrics.
   * @default "redis_rate_limit_store"
   */
  name?: string;
  /**
   * Goes before every key.
   * @default "sluice:rate:"
   */
  prefix?: string;
  /**
   * Package by which `connect` opens its connection.
   * @default "redis"
   */
  driver?: RedisDriver;
  /**
   * Time that Redis may take to answer, in milliseconds.
   * @default 50
   */
  timeoutMs?: number;
  /**
   * Behaviour while Redis is down or slow: `"local"` lets each process limit
   * on its own, `"throw"` passes the error on.
   * @default "local"
   */
  whenDown?: "local" | "throw";
  /**
   * Share of each limit that this process allows on its own while Redis is down
   * or slow, above 0 and at most 1: with 1 divided by the number of processes
   * they don't allow more together than they do through Redis. At least one unit
   * is allowed.
   * @default 1
   */
  localShare?: number;
  /**
   * After a failure Redis is left alone for so long, in milliseconds.
   * @default 1_000
   */
  retryAfterMs?: number;
  /** Told when Redis fails after it worked, and (without an error) when it works again. */
  onStateChange?: (error?: unknown) => void;
  /**
   * Told once whenever this process begins to limit on its own because Redis is
   * away, and once when limits are shared again.
   * @default lines of `stderrLog`
   */
  log?: (message: string) => void;
  /**
   * True if time is Redis's own, which all processes share, or `wallClock`'s.
   * @default true
   */
  useServerTime?: boolean;
  /**
   * Source of the time of waits, and limits while Redis is down.
   * @default systemClock
   */
  clock?: Clock;
  /**
   * Milliseconds since 1970: what processes that share keys agree on when
   * `useServerTime` is off.
   * @default Date.now
   */
  wallClock?: () => number;
}

const STORE_OPTIONS = {
  name: option.any("redis_rate_limit_store"),
  prefix: option.any("sluice:rate:"),
  driver: option.word("redis", ["redis", "@db/redis"]),
  timeoutMs: option.durationMs(50, 1),
  whenDown: option.word("local", ["local", "throw"]),
  localShare: readShare,
  retryAfterMs: option.durationMs(1_000),
  onStateChange: option.any<(error?: unknown) => void>(() => {}),
  log: option.any<(message: string) => void>(stderrWarn),
  useServerTime: option.any(true),
  clock: option.any<Clock>(systemClock),
  wallClock: option.any(Date.now),
} satisfies OptionRules<RedisRateLimitStoreOptions>;

/** Statistics of a {@linkcode RedisRateLimitStore}. */
export interface RedisRateLimitStoreStats {
  /** Its `name` option, to tell its figures from another's. */
  name: string;
  /** True while Redis is left alone after a failure. */
  down: boolean;
  /** Number of calls to Redis that failed or took too long. */
  failures: number;
  /** Number of times Redis failed after it had worked. */
  outages: number;
  /** Number of decisions made in this process instead. */
  localDecisions: number;
}

/** Fills the defaults in and refuses what makes no sense. */
export function redisRateLimitSettings(
  options: RedisRateLimitStoreOptions,
): Required<RedisRateLimitStoreOptions> {
  return readOptions("RedisRateLimitStore", options, STORE_OPTIONS);
}

function readShare(name: string, share: unknown = 1): number {
  if (Number(share) > 0 && Number(share) <= 1) return share as number;
  throw new InvalidOptionError(
    `${name} must be above 0 and at most 1, got ${quote(share)}`,
  );
}
