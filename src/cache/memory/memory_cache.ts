import { CacheValueError, ClosedError } from "../../base/errors.ts";
import { readOptions } from "../../base/option_rules.ts";
import { checkInteger, quote } from "../../base/options.ts";
import { instruments } from "../../observe/metrics/instruments.ts";
import { MEMORY_CACHE_OPTIONS } from "./memory_cache_options.ts";
import { checkKey } from "../cache_key.ts";
import { cacheKind, type CacheValues, heldValues } from "../cache_kind.ts";
import type {
  CacheClaimOptions,
  CacheClaimOutcome,
  CacheHit,
  CacheSetOptions,
  ClaimingCacheStore,
} from "../cache_store.ts";
import { CoarseTime } from "../coarse_time.ts";
import { claimBehind, Fences } from "../fences.ts";
import { Lifetimes } from "../lifetimes.ts";
import { LruEntry, LruMap } from "./lru_map.ts";
import type {
  MemoryCacheOptions,
  MemoryCacheStats,
} from "./memory_cache_options.ts";
import { TagIndex } from "./tag_index.ts";

/** The most entries a JavaScript Map can hold. */
const MOST_ENTRIES = 2 ** 24;
/** A time that never comes; unlike Infinity a small whole number. */
const FOR_EVER = -1;

/**
 * A cache in this process: least recently used entries go first, by number and
 * by bytes. Once it is closed its methods throw a {@linkcode ClosedError}.
 *
 * @example
 * ```ts
 * import { MemoryCache } from "@sluice/mcp";
 *
 * await using cache = new MemoryCache<string>({ maxEntries: 500, ttlMs: 60_000 });
 * cache.set("user:1", "Ada", { tags: ["users"] });
 * cache.get("user:1"); // "Ada"
 * cache.invalidateTag("users");
 * cache.get("user:1"); // undefined
 * ```
 */
export class MemoryCache<V = unknown>
  implements ClaimingCacheStore<V>, AsyncDisposable {
  readonly #name: string;
  readonly #entries: LruMap<Entry<V>>;
  readonly #lifetimes: Lifetimes;
  readonly #maxBytes: number;
  readonly #sizeOf: (value: V, key: string) => number;
  readonly #leaseMs: number;
  readonly #time: CoarseTime;
  readonly #tags = new TagIndex();
  readonly #fences = new Fences();
  readonly #untrack: () => void;
  #closed = false;
  #hits = 0;
  #staleHits = 0;
  #misses = 0;
  #sets = 0;
  #evictions = 0;
  #expirations = 0;
  #rejected = 0;

  /**
   * Empty at first.
   * @throws {InvalidOptionError} for an option out of its range.
   */
  constructor(options: MemoryCacheOptions<V> = {}) {
    const read = readOptions("MemoryCache", options, MEMORY_CACHE_OPTIONS);
    const { name, maxBytes, maxEntries } = read;
    this.#lifetimes = new Lifetimes(read);
    this.#name = name;
    this.#maxBytes = maxBytes;
    this.#sizeOf = read.sizeOf as (value: V, key: string) => number;
    this.#leaseMs = read.leaseMs;
    this.#time = new CoarseTime(read.clock);
    checkBounds(maxEntries, maxBytes);
    this.#entries = new LruMap({
      maxEntries: Math.min(maxEntries, MOST_ENTRIES),
      maxSize: maxBytes,
      onRemove: ({ key, tags }, evicted) => {
        if (tags !== undefined) this.#tags.remove(key, tags);
        if (evicted) this.#evictions++;
      },
    });
    this.#untrack = instruments.track(
      cacheKind,
      { name, type: "memory" },
      this,
      shownOf,
    );
  }

  /**
   * The value, or `undefined`. When an entry goes stale its first caller is
   * told a miss, and has `leaseMs` to refresh it; the others get the stale
   * value.
   */
  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined && this.#isFresh(entry)) {
      this.#hits++;
      return entry.value;
    }
    return this.#getStale(key, entry);
  }

  /** The entry, fresh or stale, without taking a turn to refresh it. */
  lookup(key: string): CacheHit<V> | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined && this.#isFresh(entry)) {
      this.#hits++;
      return entry;
    }
    const stale = this.#staleEntry(key, entry);
    if (stale === undefined) {
      this.#misses++;
      return undefined;
    }
    return this.#serveStale(stale);
  }

  /**
   * Keeps a value, in place of any older one and its tags, and lets the least
   * recently used entries go if there is no room.
   * @throws {CacheKeyError} for a key that isn't a string.
   * @throws {CacheValueError} when `sizeOf` gives no size for the value.
   * @throws {InvalidOptionError} for a lifetime out of its range.
   */
  set(key: string, value: V, options?: CacheSetOptions): void {
    this.#checkOpen();
    checkKey(key);
    const { freshMs, staleMs } = this.#lifetimes.of(options);
    this.#fences.closeKey(key);
    const size = this.#measure(key, value);
    if (size > this.#maxBytes) {
      this.#rejected++;
      this.#entries.delete(key);
      return;
    }
    const tags = options?.tags?.length ? options.tags : undefined;
    const freshUntil = freshMs === Infinity
      ? FOR_EVER
      : Math.ceil(this.#time.now() + freshMs);
    const staleUntil = Math.ceil(freshUntil + staleMs);
    this.#entries.add(
      new Entry(key, size, value, freshUntil, staleUntil, tags),
    );
    if (tags !== undefined) this.#tags.add(key, tags);
    this.#sets++;
  }

  /**
   * Forgets one entry; says whether there was one. A load under way isn't kept.
   */
  delete(key: string): boolean {
    this.#checkOpen();
    this.#fences.closeKey(key);
    return this.#entries.delete(key);
  }

  /**
   * Forgets every entry whose latest `set` named this tag. Loads under way that
   * name it aren't kept.
   */
  invalidateTag(tag: string): void {
    this.#checkOpen();
    this.#fences.closeTag(tag);
    for (const key of this.#tags.keysOf(tag)) this.#entries.delete(key);
  }

  /** Forgets everything. */
  clear(): void {
    this.#fences.closeAll();
    this.#entries.clear();
  }

  /** Never `busy`: in one process {@linkcode cached} shares loads by itself. */
  claim(
    key: string,
    options: CacheClaimOptions = {},
  ): Exclude<CacheClaimOutcome<V>, { kind: "busy" }> {
    this.#checkOpen();
    checkKey(key);
    if (options.steal) this.#fences.closeKey(key);
    else {
      const entry = this.#entries.peek(key);
      if (entry !== undefined && this.#isFresh(entry)) {
        return { kind: "hit", hit: entry };
      }
    }
    const fence = this.#fences.add(key, options.tags ?? []);
    const claim = claimBehind<V>(
      fence,
      (value) => this.set(key, value, options),
    );
    return { kind: "claimed", claim };
  }

  /** A snapshot of the counters. */
  get stats(): MemoryCacheStats {
    return {
      name: this.#name,
      entries: this.#entries.length,
      bytes: this.#entries.totalSize,
      hits: this.#hits,
      staleHits: this.#staleHits,
      misses: this.#misses,
      sets: this.#sets,
      evictions: this.#evictions,
      expirations: this.#expirations,
      rejected: this.#rejected,
    };
  }

  /** Forgets everything and takes no more calls. */
  close(): void {
    this.#untrack();
    this.#closed = true;
    this.clear();
    this.#time.stop();
  }

  /** The same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #isFresh({ freshUntil }: Entry<V>): boolean {
    return freshUntil === FOR_EVER || this.#time.now() < freshUntil;
  }

  /** The first caller after the entry went stale is told a miss, to refresh it. */
  #getStale(key: string, found: Entry<V> | undefined): V | undefined {
    const entry = this.#staleEntry(key, found);
    if (entry === undefined || this.#takeTurn(entry)) {
      this.#misses++;
      return undefined;
    }
    return this.#serveStale(entry).value;
  }

  #staleEntry(key: string, entry: Entry<V> | undefined): Entry<V> | undefined {
    this.#checkOpen();
    checkKey(key);
    if (entry === undefined || this.#time.now() < entry.staleUntil) {
      return entry;
    }
    this.#expirations++;
    this.#entries.delete(key);
    return undefined;
  }

  #takeTurn(entry: Entry<V>): boolean {
    const now = this.#time.now();
    if (now < entry.turnUntil) return false;
    entry.turnUntil = now + this.#leaseMs;
    return true;
  }

  #serveStale(entry: Entry<V>): CacheHit<V> {
    this.#hits++;
    this.#staleHits++;
    return { value: entry.value, stale: true };
  }

  #measure(key: string, value: V): number {
    if (this.#maxBytes === Infinity) return 0;
    const size = this.#sizeOf(value, key);
    if (size >= 0) return Math.max(1, Math.ceil(2 * key.length + size));
    throw new CacheValueError(
      `sizeOf must give a number of bytes, got ${quote(size)}`,
    );
  }

  #checkOpen(): void {
    if (this.#closed) throw new ClosedError(`the cache "${this.#name}"`);
  }
}

/** Doubles as the hit it gives while it is fresh, to spare making one. */
class Entry<V> extends LruEntry implements CacheHit<V> {
  readonly stale = false;
  /** Until when a caller of `get` is busy refreshing it. */
  turnUntil = -Infinity;

  constructor(
    key: string,
    size: number,
    readonly value: V,
    readonly freshUntil: number,
    readonly staleUntil: number,
    readonly tags: readonly string[] | undefined,
  ) {
    super(key, size);
  }
}

function shownOf({ stats }: { readonly stats: MemoryCacheStats }): CacheValues {
  const { hits, staleHits, misses, sets } = stats;
  return { hits, stale_hits: staleHits, misses, sets, ...heldValues(stats) };
}

/** Without a limit in bytes there must be one in entries. */
function checkBounds(maxEntries: number, maxBytes: number): void {
  if (maxBytes !== Infinity) checkInteger("maxBytes", maxBytes, 1);
  if (maxEntries !== Infinity || maxBytes === Infinity) {
    checkInteger("maxEntries", maxEntries, 1, MOST_ENTRIES);
  }
}
