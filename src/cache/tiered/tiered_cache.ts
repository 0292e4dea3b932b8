import type { Clock } from "../../base/clock.ts";
import { waitAtMost } from "../../base/deadline.ts";
import { ClosedError } from "../../base/errors.ts";
import type { HealthCheckable } from "../../observe/health/health_checkable.ts";
import type { HealthResult } from "../../observe/health/health_check.ts";
import { instruments } from "../../observe/metrics/instruments.ts";
import { cacheKind } from "../cache_kind.ts";
import type {
  CacheClaim,
  CacheClaimOptions,
  CacheClaimOutcome,
  CacheHit,
  CacheSetOptions,
  ClaimingCacheStore,
  MaybePromise,
} from "../cache_store.ts";
import type { ChangeChannel } from "../redis/change_channel.ts";
import { CoarseTime } from "../coarse_time.ts";
import { type Fence, Fences } from "../fences.ts";
import { MemoryCache } from "../memory/memory_cache.ts";
import { RedisCache } from "../redis/redis_cache.ts";
import {
  type LocalEntry,
  localOptions,
  type TieredCacheOptions,
  type TieredCacheStats,
  tieredSettings,
  tieredValues,
} from "./tiered_cache_options.ts";

/**
 * Memory in front of Redis, the same in every process: each change is told to
 * the others through Redis, and drops what they hold of it in memory.
 *
 * That every change has been heard of is proven by heartbeats. Without proof,
 * because Redis or the way to it is broken, from here or from another process,
 * memory serves a value for no longer than `maxStaleMs` after it was known to be
 * current, and after that the value comes from Redis, as Redis has it, or is a
 * miss. A process that crashed is waited for like that for ten times as long;
 * one that closed isn't. When changes may have been missed, memory is emptied.
 * Once it is closed its methods throw a {@linkcode ClosedError}.
 *
 * @example
 * ```ts
 * import { cached, TieredCache } from "@sluice/mcp";
 *
 * await using cache = await TieredCache.connect({
 *   local: { maxEntries: 10_000 },
 *   remote: { url: "redis://127.0.0.1:6379", prefix: "rates" },
 * });
 * await using findRate = cached(
 *   (currency: string) => Promise.resolve({ currency, rate: 1.1 }),
 *   { name: "rate", cache, ttlMs: 60_000 },
 * );
 * await findRate("EUR");
 * ```
 */
export class TieredCache<V = unknown>
  implements ClaimingCacheStore<V>, HealthCheckable, AsyncDisposable {
  readonly #name: string;
  readonly #local: MemoryCache<LocalEntry<V>>;
  readonly #remote: RedisCache<V>;
  readonly #ownsRemote: boolean;
  readonly #channel: ChangeChannel;
  readonly #maxStaleMs: number;
  readonly #localTtlMs: number;
  readonly #clock: Clock;
  readonly #time: CoarseTime;
  readonly #fences = new Fences();
  readonly #untrack: () => void;
  readonly #reads = new Map<string, Promise<CacheHit<V> | undefined>>();
  #localHits = 0;
  #remoteHits = 0;
  #misses = 0;
  #changesHeard = 0;
  #flushes = 0;
  #closed = false;

  /**
   * Connects in the background; {@linkcode ready} says when it has.
   * @throws {InvalidOptionError} for an option out of its range.
   */
  constructor(options: TieredCacheOptions) {
    const { name, clock, maxStaleMs, localTtlMs } = tieredSettings(options);
    const { remote } = options;
    this.#name = name;
    this.#maxStaleMs = maxStaleMs;
    this.#localTtlMs = localTtlMs;
    this.#clock = clock;
    this.#time = new CoarseTime(clock);
    this.#local = instruments.withdraw(new MemoryCache(localOptions(options)));
    this.#ownsRemote = !(remote instanceof RedisCache);
    this.#remote = remote instanceof RedisCache
      ? remote as RedisCache<V>
      : new RedisCache({ name, clock, ...remote });
    this.#channel = this.#listen();
    this.#untrack = instruments.track(
      cacheKind,
      { name, type: "tiered" },
      this,
      tieredValues,
    );
  }

  /**
   * Makes a cache and waits until it is {@linkcode ready}.
   * @throws {InvalidOptionError} for an option out of its range.
   */
  static async connect<V = unknown>(
    options: TieredCacheOptions,
  ): Promise<TieredCache<V>> {
    const cache = new TieredCache<V>(options);
    await cache.ready();
    return cache;
  }

  /**
   * Waits until Redis is there and changes are heard of, for its
   * `connectTimeoutMs` and then `maxStaleMs` at most, and says whether they
   * are.
   */
  async ready(signal?: AbortSignal): Promise<boolean> {
    if (!await this.#remote.ready(signal)) return false;
    await waitAtMost(this.#channel.ready, this.#maxStaleMs, {
      clock: this.#clock,
      signal,
    });
    return this.#isProven(this.#time.now());
  }

  /**
   * Unhealthy while Redis doesn't answer; degraded while changes that others
   * make may go unheard.
   */
  async checkHealth(signal?: AbortSignal): Promise<HealthResult> {
    if (this.#closed) return { status: "unhealthy", message: "it is closed" };
    const found = await this.#remote.checkHealth(signal);
    if (found.status !== "healthy" || this.#isProven(this.#time.now())) {
      return found;
    }
    return { status: "degraded", message: "changes of others may go unheard" };
  }

  /** Without Redis everything is a miss, which is slower but no failure. */
  get healthCritical(): boolean {
    return false;
  }

  /**
   * The value, or `undefined`: at once from memory, else from Redis. Of a stale
   * entry one caller among all processes is told a miss, to refresh it.
   */
  get(key: string): MaybePromise<V | undefined> {
    const entry = this.#fromMemory(key);
    return entry === undefined ? this.#getRemote(key) : entry.value;
  }

  /** The entry, fresh or stale, without taking a turn to refresh it. */
  lookup(key: string): MaybePromise<CacheHit<V> | undefined> {
    const entry = this.#fromMemory(key);
    if (entry !== undefined) return entry;
    return this.#fromRemote(key);
  }

  /**
   * Keeps a value in Redis, then in memory, in place of any older one and its
   * tags, and says whether Redis took it; other processes drop theirs then. One
   * that Redis didn't take is known to this process alone, for `maxStaleMs`, and
   * the others keep what they had until Redis can be told to forget it.
   * @throws {CacheKeyError} for a key that isn't a string.
   * @throws {CacheValueError} for a value the format can't say.
   * @throws {InvalidOptionError} for a lifetime out of its range.
   */
  async set(
    key: string,
    value: V,
    options?: CacheSetOptions,
  ): Promise<boolean> {
    this.#forget(key);
    const fence = this.#fences.add(key, options?.tags ?? []);
    const knownAt = this.#time.now();
    try {
      const isKept = await this.#remote.set(key, value, options);
      if (fence.open) this.#keep(key, value, knownAt, options);
      return isKept;
    } finally {
      fence.remove();
    }
  }

  /**
   * Forgets one entry, here and in every process; says whether one is known to
   * have been in Redis.
   */
  async delete(key: string): Promise<boolean> {
    this.#forget(key);
    const deleted = await this.#remote.delete(key);
    if (!this.#closed) this.#forget(key);
    return deleted;
  }

  /**
   * Forgets every entry whose latest `set` named this tag, here and in every
   * process.
   */
  async invalidateTag(tag: string): Promise<void> {
    this.#forgetTag(tag);
    await this.#remote.invalidateTag(tag);
    if (!this.#closed) this.#forgetTag(tag);
  }

  /** Asks for the right to load an entry, among all processes. */
  async claim(
    key: string,
    options: CacheClaimOptions = {},
  ): Promise<CacheClaimOutcome<V>> {
    this.#checkOpen();
    const fence = this.#fences.add(key, options.tags ?? []);
    const outcome = await this.#remote.claim(key, options);
    if (outcome.kind === "claimed") {
      const claim = this.#claimBehind(fence, key, options, outcome.claim);
      return { kind: "claimed", claim };
    }
    fence.remove();
    return outcome;
  }

  /** A snapshot of the counters. */
  get stats(): TieredCacheStats {
    return {
      name: this.#name,
      localHits: this.#localHits,
      remoteHits: this.#remoteHits,
      misses: this.#misses,
      coherent: this.#isProven(this.#time.now()),
      changesHeard: this.#changesHeard,
      flushes: this.#flushes,
      local: this.#local.stats,
      remote: this.#remote.stats,
    };
  }

  /** Closes the memory tier, and the Redis tier unless it was handed in. */
  async close(): Promise<void> {
    this.#untrack();
    this.#closed = true;
    this.#fences.closeAll();
    this.#local.close();
    this.#time.stop();
    await this.#channel.close();
    if (this.#ownsRemote) await this.#remote.close();
  }

  /** The same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #listen(): ChangeChannel {
    try {
      return this.#remote.watch({
        onKeys: (keys) => this.#onKeys(keys),
        onTag: (tag) => this.#onTag(tag),
        onGap: () => this.#onGap(),
      }, this.#maxStaleMs / 4);
    } catch (error) {
      if (this.#ownsRemote) this.#remote.close();
      throw error;
    }
  }

  #fromMemory(key: string): LocalEntry<V> | undefined {
    const entry = this.#local.get(key);
    if (entry === undefined) return undefined;
    const now = this.#time.now();
    const known = !this.#channel.isPeerLate &&
      now - entry.knownAt <= this.#maxStaleMs;
    if (!known && !this.#isProven(now)) return undefined;
    this.#localHits++;
    return entry;
  }

  #isProven(now: number): boolean {
    return now - this.#channel.provenAt <= this.#maxStaleMs;
  }

  async #getRemote(key: string): Promise<V | undefined> {
    const hit = await this.#fromRemote(key);
    return hit?.stale ? await this.#remote.get(key) : hit?.value;
  }

  async #fromRemote(key: string): Promise<CacheHit<V> | undefined> {
    const hit = await this.#read(key);
    if (hit === undefined) this.#misses++;
    else this.#remoteHits++;
    return hit;
  }

  /** Those who miss one key at the same time share a read. */
  #read(key: string): Promise<CacheHit<V> | undefined> {
    const shared = this.#reads.get(key);
    if (shared !== undefined) return shared;
    const read = this.#readAndKeep(key).finally(() => {
      if (this.#reads.get(key) === read) this.#reads.delete(key);
    });
    this.#reads.set(key, read);
    return read;
  }

  async #readAndKeep(key: string): Promise<CacheHit<V> | undefined> {
    const fence = this.#fences.add(key);
    const knownAt = this.#time.now();
    try {
      const entry = await this.#remote.read(key);
      if (entry !== undefined && !entry.stale && fence.open) {
        const { freshForMs: ttlMs, tags, value } = entry;
        this.#keep(key, value, knownAt, { ttlMs, tags });
      }
      return entry;
    } finally {
      fence.remove();
    }
  }

  /** In memory nothing is kept longer than it is fresh in Redis. */
  #keep(
    key: string,
    value: V,
    knownAt: number,
    options: CacheSetOptions = {},
  ): void {
    if (this.#closed) return;
    const freshMs = this.#remote.leastFreshMs(options);
    const ttlMs = Math.min(freshMs, this.#localTtlMs);
    if (ttlMs < 1) return;
    const entry = { value, stale: false, knownAt } as const;
    this.#local.set(key, entry, { ttlMs, tags: options.tags });
  }

  #claimBehind(
    fence: Fence,
    key: string,
    options: CacheSetOptions,
    claim: CacheClaim<V>,
  ): CacheClaim<V> {
    return {
      commit: async (value) => {
        const knownAt = this.#time.now();
        try {
          const kept = await claim.commit(value);
          if (kept && fence.open) {
            this.#forget(key);
            this.#keep(key, value, knownAt, options);
          }
          return kept;
        } finally {
          fence.remove();
        }
      },
      release: () => {
        fence.remove();
        return claim.release();
      },
    };
  }

  #forget(key: string): void {
    this.#fences.closeKey(key);
    this.#reads.delete(key);
    this.#local.delete(key);
  }

  #forgetTag(tag: string): void {
    this.#fences.closeTag(tag);
    this.#reads.clear();
    this.#local.invalidateTag(tag);
  }

  #onKeys(keys: readonly string[]): void {
    this.#changesHeard++;
    for (const key of keys) this.#forget(key);
  }

  #onTag(tag: string): void {
    this.#changesHeard++;
    this.#forgetTag(tag);
  }

  #onGap(): void {
    this.#flushes++;
    this.#fences.closeAll();
    this.#reads.clear();
    this.#local.clear();
  }

  #checkOpen(): void {
    if (this.#closed) throw new ClosedError(`the cache "${this.#name}"`);
  }
}
