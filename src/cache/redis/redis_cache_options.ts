import {
  option,
  type OptionRules,
  type ReadOptions,
  readOptions,
} from "../../base/option_rules.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import { stderrWarn } from "../../observe/log/stderr_log.ts";
import type { RedisClient, RedisDriver } from "../../redis/redis_clients.ts";
import type { CacheHit } from "../cache_store.ts";
import { LIFETIME_OPTIONS, type LifetimeOptions } from "../lifetimes.ts";
import type { RedisFormat } from "./redis_codec.ts";
import type { RedisCircuitStats } from "./redis_link.ts";

/** Options of a {@linkcode RedisCache}. */
export interface RedisCacheOptions extends LifetimeOptions {
  /**
   * Address of Redis: `redis://[[user]:password@]host[:port][/database]`, or
   * `rediss:` for TLS. Needed without `client`, and not taken beside it.
   */
  url?: string;
  /**
   * The package that connects to `url`.
   * @default "redis"
   */
  driver?: RedisDriver;
  /** A client that is connected already; it stays open when the cache closes. */
  client?: RedisClient;
  /**
   * Name in its statistics and log messages.
   * @default "redis"
   */
  name?: string;
  /**
   * Beginning of its keys in Redis; caches with the same prefix share their
   * entries. In a cluster it needs a hash tag, as in "{cache}".
   * @default "sluice"
   */
  prefix?: string;
  /**
   * `json` for any value that comes back from JSON as it was (a Date, a Map and
   * the like are refused), `bytes` for a Uint8Array.
   * @default "json"
   */
  format?: RedisFormat;
  /**
   * Time that an operation may take, in milliseconds; after that it is a miss.
   * @default 5
   */
  timeoutMs?: number;
  /**
   * Number of operations in a row that must fail before Redis is left alone.
   * @default 5
   */
  failureThreshold?: number;
  /**
   * Time before Redis is tried again, in milliseconds.
   * @default 250
   */
  probeMs?: number;
  /**
   * Time that connecting, or a probe, may take, in milliseconds.
   * @default 2_000
   */
  connectTimeoutMs?: number;
  /**
   * Time for which a claim to load a value holds without a sign of life from
   * its owner, in milliseconds; and how long the caller of `get` who was told
   * that a stale entry is a miss has to refresh it.
   * @default 5_000
   */
  leaseMs?: number;
  /**
   * Told once whenever Redis goes or comes back.
   * @default lines of `stderrLog`
   */
  log?: (message: string) => void;
  /**
   * Source of the time.
   * @default systemClock
   */
  clock?: Clock;
  /**
   * The time in milliseconds since 1970, by which processes tell each other how
   * long a value is fresh.
   * @default Date.now
   */
  wallClock?: () => number;
}

/** How the options are read: of those beside, the ones left out are for others to read. */
const REDIS_CACHE_OPTIONS = {
  ...LIFETIME_OPTIONS,
  url: option.optional<string>(),
  driver: option.optional<RedisDriver>(),
  client: option.optional<RedisClient>(),
  name: option.any("redis"),
  prefix: option.name("sluice"),
  format: option.word("json", ["json", "bytes"]),
  timeoutMs: option.durationMs(5, 1),
  failureThreshold: option.integer(5, 1),
  probeMs: option.durationMs(250, 1),
  connectTimeoutMs: option.durationMs(2_000, 1),
  leaseMs: option.integer(5_000, 1),
  log: option.any<(message: string) => void>(stderrWarn),
  clock: option.any<Clock>(systemClock),
  wallClock: option.any(Date.now),
} satisfies OptionRules<RedisCacheOptions>;

/** An entry as {@linkcode RedisCache.read} gives it. */
export interface RedisEntry<V> extends CacheHit<V> {
  /** Time that it is still fresh, in milliseconds. */
  readonly freshForMs: number;
  /** Tags that its latest `set` named. */
  readonly tags: readonly string[];
}

/** A snapshot of what a {@linkcode RedisCache} has done. */
export interface RedisCacheStats extends RedisCircuitStats {
  /** Its `name` option, to tell its figures from another's. */
  readonly name: string;
  /** Reads that were given a value. */
  readonly hits: number;
  /** Of the hits, those that served a stale value. */
  readonly staleHits: number;
  /** Reads that were given none, also because Redis was away or late. */
  readonly misses: number;
  /** Values that were to be kept, whether or not Redis took them. */
  readonly sets: number;
  /** Changes that Redis hasn't been told of yet. */
  readonly pendingChanges: number;
  /** Changes that were too many to remember until Redis came back. */
  readonly lostChanges: number;
}

/** The options with their defaults. */
export type RedisSettings = ReadOptions<typeof REDIS_CACHE_OPTIONS>;

/** Fills the defaults in and refuses what is out of range. */
export function redisSettings(options: RedisCacheOptions): RedisSettings {
  return readOptions("RedisCache", options ?? {}, REDIS_CACHE_OPTIONS);
}
