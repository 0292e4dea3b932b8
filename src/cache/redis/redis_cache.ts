import { waitAtMost } from "../../base/deadline.ts";
import { ClosedError, InvalidOptionError } from "../../base/errors.ts";
import type { HealthCheckable } from "../../observe/health/health_checkable.ts";
import type { HealthResult } from "../../observe/health/health_check.ts";
import { instruments } from "../../observe/metrics/instruments.ts";
import { type RedisSource, redisSource } from "../../redis/redis_clients.ts";
import { checkKey } from "../cache_key.ts";
import { cacheKind, type CacheValues } from "../cache_kind.ts";
import type {
  CacheClaimOptions,
  CacheClaimOutcome,
  CacheHit,
  CacheSetOptions,
  ClaimingCacheStore,
} from "../cache_store.ts";
import { Lifetimes } from "../lifetimes.ts";
import { ChangeChannel, type ChangeListener } from "./change_channel.ts";
import { RedisBacklog } from "./redis_backlog.ts";
import {
  type RedisCacheOptions,
  type RedisCacheStats,
  type RedisEntry,
  type RedisSettings,
  redisSettings,
} from "./redis_cache_options.ts";
import { redisCodec } from "./redis_codec.ts";
import { type FoundEntry, newVersion, RedisEntries } from "./redis_entries.ts";
import { RedisKeys } from "./redis_keys.ts";
import { RedisLink, unavailable } from "./redis_link.ts";
import { RedisLocks } from "./redis_locks.ts";
import { evalScript, TRIAL } from "./redis_scripts.ts";

/** Number of entries that `setMany` sends at once. */
const BATCH = 100;

/**
 * A cache in Redis, shared by every process that uses the same prefix.
 *
 * Redis may die, hang or be slow: an operation then is a miss, after
 * `timeoutMs` at most, and after some of these Redis is left alone until it
 * answers again. Nothing here rejects on its account. What should have been
 * forgotten meanwhile is forgotten before Redis is used again. Once it is
 * closed its methods throw a {@linkcode ClosedError}.
 *
 * @example
 * ```ts
 * import { RedisCache } from "@sluice/mcp";
 *
 * await using cache = await RedisCache.connect<string>({
 *   url: "redis://127.0.0.1:6379",
 *   prefix: "users",
 *   ttlMs: 60_000,
 * });
 * await cache.set("1", "Ada", { tags: ["people"] });
 * await cache.getMany(["1", "2"]); // ["Ada", undefined]
 * ```
 */
export class RedisCache<V = unknown>
  implements ClaimingCacheStore<V>, HealthCheckable, AsyncDisposable {
  readonly #settings: RedisSettings;
  readonly #source: RedisSource;
  readonly #keys: RedisKeys;
  readonly #lifetimes: Lifetimes;
  readonly #link: RedisLink;
  readonly #backlog: RedisBacklog;
  readonly #entries: RedisEntries;
  readonly #locks: RedisLocks<V>;
  readonly #channels = new Set<ChangeChannel>();
  readonly #id = newVersion();
  readonly #untrack: () => void;
  #closed = false;
  #hits = 0;
  #staleHits = 0;
  #misses = 0;
  #sets = 0;

  /**
   * Connects in the background; until then everything is a miss.
   * @throws {InvalidOptionError} for an option out of its range, and without a
   * `url` or a `client`.
   */
  constructor(options: RedisCacheOptions) {
    const settings = this.#settings = redisSettings(options);
    this.#source = redisSource(settings);
    const lifetimes = this.#lifetimes = new Lifetimes(settings);
    const keys = this.#keys = new RedisKeys(settings.prefix);
    const backlog = this.#backlog = this.#makeBacklog();
    const link = this.#link = new RedisLink({
      ...settings,
      commands: this.#source.commands,
      onRecover: (port) => backlog.replay((command) => port.command(command)),
    });
    const codec = redisCodec(settings.format);
    const id = this.#id;
    const parts = { ...settings, link, keys, codec, lifetimes, backlog, id };
    this.#entries = new RedisEntries(parts);
    this.#locks = new RedisLocks({ ...parts, entries: this.#entries });
    this.#untrack = instruments.track(
      cacheKind,
      { name: settings.name, type: "redis" },
      this,
      shownOf,
    );
  }

  /**
   * Makes a cache and waits until Redis is there, for `connectTimeoutMs` at
   * most: a Redis that isn't is no error.
   * @throws {InvalidOptionError} for an option out of its range, and without a
   * `url` or a `client`.
   */
  static async connect<V = unknown>(
    options: RedisCacheOptions,
  ): Promise<RedisCache<V>> {
    const cache = new RedisCache<V>(options);
    await cache.ready();
    return cache;
  }

  /**
   * Waits until Redis is there, for `connectTimeoutMs` at most, and says
   * whether it is.
   */
  async ready(signal?: AbortSignal): Promise<boolean> {
    const { clock, connectTimeoutMs } = this.#settings;
    await waitAtMost(this.#link.ready, connectTimeoutMs, { clock, signal });
    return this.#link.closed;
  }

  /** Tells whether Redis answers within `timeoutMs` now. */
  async ping(): Promise<boolean> {
    this.#checkOpen();
    return await this.#link.send(["PING"]) !== unavailable;
  }

  /**
   * Unhealthy while Redis is not used, or doesn't answer before the signal
   * aborts; degraded while it refuses what a cache must do, as one that may not
   * write, or that has the keys elsewhere. An answer later than `timeoutMs` is a
   * miss for a caller, but no reason to call Redis dead.
   */
  async checkHealth(signal?: AbortSignal): Promise<HealthResult> {
    if (this.#closed) return { status: "unhealthy", message: "it is closed" };
    const trial = evalScript(TRIAL, [this.#keys.trial], []);
    return await this.#link.checkHealth(trial, signal);
  }

  /** Without Redis everything is a miss, which is slower but no failure. */
  get healthCritical(): boolean {
    return false;
  }

  /**
   * The value, or `undefined`: also while Redis is away or late. Of a stale
   * entry one caller among all processes is told a miss, to refresh it.
   */
  async get(key: string): Promise<V | undefined> {
    this.#check(key);
    const found = await this.#entries.find(key);
    if (found?.stale && await this.#locks.takeTurn(key)) {
      this.#misses++;
      return undefined;
    }
    return this.#count(found)?.value;
  }

  /** Many entries with few commands; in the order of the keys. */
  async getMany(keys: readonly string[]): Promise<(V | undefined)[]> {
    for (const key of keys) this.#check(key);
    return await Promise.all(keys.map((key) => this.get(key)));
  }

  /** The entry, fresh or stale, without taking a turn to refresh it. */
  async lookup(key: string): Promise<CacheHit<V> | undefined> {
    this.#check(key);
    return this.#count(await this.#entries.find(key));
  }

  /**
   * Like {@linkcode lookup}, with what is left of the entry's life and its
   * tags.
   */
  async read(key: string): Promise<RedisEntry<V> | undefined> {
    this.#check(key);
    const [found, leftMs] = await Promise.all([
      this.#entries.find(key),
      this.#entries.leftMs(key),
    ]);
    const hit = this.#count(found);
    if (hit === undefined) return undefined;
    const { f: freshUntil, t: versions = {} } = found?.marks ?? {};
    const freshForMs = freshUntil === undefined
      ? leftMs
      : freshUntil - this.#settings.wallClock();
    return { ...hit, freshForMs, tags: Object.keys(versions) };
  }

  /**
   * Keeps a value, in place of any older one and its tags, and says whether it
   * did. While Redis is away nothing is kept, and the older value is forgotten
   * when it is back.
   * @throws {CacheKeyError} for a key that isn't a string.
   * @throws {CacheValueError} for a value the format can't say.
   * @throws {InvalidOptionError} for a lifetime out of its range.
   */
  async set(
    key: string,
    value: V,
    options?: CacheSetOptions,
  ): Promise<boolean> {
    return await this.setMany([[key, value]], options);
  }

  /**
   * Keeps many entries in few round trips, all in the same way, and says whether
   * all of them are kept.
   * @throws as {@linkcode set}, before anything is written.
   */
  async setMany(
    entries: Iterable<readonly [key: string, value: V]>,
    options?: CacheSetOptions,
  ): Promise<boolean> {
    const drafts = Array.from(entries, ([key, value]) => {
      this.#check(key);
      return { key, draft: this.#entries.draft(value, options) };
    });
    const tags = options?.tags ?? [];
    let areKept = true;
    for (let i = 0; i < drafts.length; i += BATCH) {
      const batch = drafts.slice(i, i + BATCH);
      this.#sets += batch.length;
      const kept = await Promise.all(
        batch.map(({ key, draft }) => this.#entries.write(key, draft, tags)),
      );
      areKept &&= kept.every(Boolean);
    }
    return areKept;
  }

  /**
   * Forgets one entry, if need be when Redis is back; says whether one is known
   * to have been there.
   */
  async delete(key: string): Promise<boolean> {
    this.#check(key);
    return await this.#entries.remove(key);
  }

  /**
   * Forgets every entry whose latest `set` named this tag, if need be when
   * Redis is back.
   */
  async invalidateTag(tag: string): Promise<void> {
    this.#checkOpen();
    await this.#entries.invalidateTag(tag);
  }

  /**
   * Asks for the right to load an entry, among all processes. The claim holds
   * for as long as its owner lives and doesn't end it. While Redis is away
   * everyone gets one, and what they commit isn't kept.
   */
  async claim(
    key: string,
    options: CacheClaimOptions = {},
  ): Promise<CacheClaimOutcome<V>> {
    this.#check(key);
    const [claim, found] = await Promise.all([
      this.#locks.claim(key, options),
      options.steal ? undefined : this.#entries.find(key),
    ]);
    if (found !== undefined && !found.stale) {
      await claim?.release();
      return { kind: "hit", hit: hitOf(found) };
    }
    return claim === undefined ? { kind: "busy" } : { kind: "claimed", claim };
  }

  /**
   * Tells of every change that others make to entries with this prefix, for as
   * long as the channel is open.
   * @throws {InvalidOptionError} for a client that can't open a second
   * connection.
   */
  watch(listener: ChangeListener, heartbeatMs: number): ChangeChannel {
    this.#checkOpen();
    const { opener } = this.#source;
    if (opener === undefined) {
      throw new InvalidOptionError(
        "client can't open a second connection to listen with: give a url, " +
          "or a client of node-redis or ioredis",
      );
    }
    const channel = new ChangeChannel({
      ...this.#settings,
      open: opener,
      channel: this.#keys.channel,
      peers: this.#keys.peers,
      inbox: this.#keys.inbox(newVersion()),
      id: this.#id,
      send: (command) => this.#link.send(command),
      heartbeatMs,
      listener,
    });
    this.#channels.add(channel);
    return channel;
  }

  /** Tells how long an entry set like this is fresh at least, in milliseconds. */
  leastFreshMs(options?: CacheSetOptions): number {
    return this.#lifetimes.leastFreshMs(options);
  }

  /** A snapshot of the counters. */
  get stats(): RedisCacheStats {
    return {
      name: this.#settings.name,
      ...this.#link.stats,
      hits: this.#hits,
      staleHits: this.#staleHits,
      misses: this.#misses,
      sets: this.#sets,
      pendingChanges: this.#backlog.size,
      lostChanges: this.#backlog.lost,
    };
  }

  /** Ends its connections, though not a client that was handed in. */
  async close(): Promise<void> {
    this.#untrack();
    this.#closed = true;
    this.#backlog.stop();
    this.#locks.close();
    const leaving = Array.from(this.#channels, (channel) => channel.close());
    if (leaving.length > 0) await Promise.all(leaving);
    this.#link.close();
  }

  /** The same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #count(found: FoundEntry | undefined): CacheHit<V> | undefined {
    if (found === undefined) {
      this.#misses++;
      return undefined;
    }
    this.#hits++;
    if (found.stale) this.#staleHits++;
    return hitOf(found);
  }

  /** While Redis isn't used the backlog is left to its recovery. */
  #makeBacklog(): RedisBacklog {
    return new RedisBacklog({
      ...this.#settings,
      retryMs: this.#settings.probeMs,
      canSend: () => this.#link.closed,
      send: async (command) => {
        const reply = await this.#link.send(command);
        if (reply === unavailable) throw new Error("not told");
      },
    });
  }

  #check(key: string): void {
    this.#checkOpen();
    checkKey(key);
  }

  #checkOpen(): void {
    if (this.#closed) {
      throw new ClosedError(`the cache "${this.#settings.name}"`);
    }
  }
}

/** Figures for operators, beside the circuit. */
function shownOf({ stats }: { readonly stats: RedisCacheStats }): CacheValues {
  const { hits, staleHits, misses, sets } = stats;
  return {
    hits,
    stale_hits: staleHits,
    misses,
    sets,
    pending_changes: stats.pendingChanges,
    lost_changes: stats.lostChanges,
  };
}

function hitOf<V>({ value, stale }: FoundEntry): CacheHit<V> {
  return { value: value as V, stale };
}
