/** A value, or the promise of one: what a store may answer with. */
export type MaybePromise<T> = T | Promise<T>;

/** Options of one entry, where it differs from the store's own settings. */
export interface CacheSetOptions {
  /**
   * Time that the value is fresh, in milliseconds; `Infinity` for ever.
   * @default the store's `ttlMs`
   */
  ttlMs?: number;
  /**
   * Time for which it may be served longer while one caller refreshes it, in
   * milliseconds.
   * @default the store's `staleMs`
   */
  staleMs?: number;
  /**
   * Names under which the entry can be invalidated together with others.
   * @default []
   */
  tags?: readonly string[];
}

/**
 * Operations that every cache of Sluice has, and all that a cache of your own
 * must do to be used in their place. Keys are strings ({@linkcode cacheKey}
 * makes one from anything). A miss is `undefined`. A store that lives in memory
 * may answer at once; `await` takes both.
 *
 * @example
 * ```ts
 * import { type CacheStore, MemoryCache } from "@sluice/mcp";
 *
 * async function greeting(cache: CacheStore<string>): Promise<string> {
 *   const known = await cache.get("greeting");
 *   if (known !== undefined) return known;
 *   await cache.set("greeting", "hello", { ttlMs: 60_000, tags: ["texts"] });
 *   return "hello";
 * }
 * await using cache = new MemoryCache<string>();
 * await greeting(cache);
 * ```
 */
export interface CacheStore<V = unknown> {
  /**
   * The value, or `undefined`. Of an entry past its `ttlMs` but within its
   * `staleMs` one caller is told a miss, so that it refreshes the entry; the
   * others are served the stale value meanwhile.
   */
  get(key: string): MaybePromise<V | undefined>;
  /**
   * Keeps a value, in place of any older one and its tags. A store that others
   * share says `false` if it couldn't: then nobody else knows of the value.
   */
  set(
    key: string,
    value: V,
    options?: CacheSetOptions,
  ): MaybePromise<boolean | void>;
  /** Forgets one entry; says whether one is known to have been there. */
  delete(key: string): MaybePromise<boolean>;
  /** Forgets every entry whose latest `set` named this tag. */
  invalidateTag(tag: string): MaybePromise<void>;
}

/** Entry that {@linkcode ClaimingCacheStore.lookup} found. */
export interface CacheHit<V> {
  /** Value that was kept; in memory the very same object. */
  readonly value: V;
  /** Past its `ttlMs`: usable, but due to be refreshed. */
  readonly stale: boolean;
}

/** Options of a claim: how the value will be kept, and how to claim it. */
export interface CacheClaimOptions extends CacheSetOptions {
  /**
   * Load even though a fresh value is there or another caller is loading; the
   * other's claim is void from now on.
   * @default false
   */
  steal?: boolean;
}

/** The right to load one entry. End it with `commit` or `release`. */
export interface CacheClaim<V> {
  /**
   * Keeps the loaded value, unless the entry was set, deleted or invalidated
   * since the claim was made: then the value may be out of date, it isn't kept,
   * and the answer is `false`.
   */
  commit(value: V): MaybePromise<boolean>;
  /** Gives the claim up, so that another caller may load. */
  release(): MaybePromise<void>;
}

/** The answer to a claim: a fresh value, the claim, or "someone else has it". */
export type CacheClaimOutcome<V> =
  | { readonly kind: "hit"; readonly hit: CacheHit<V> }
  | { readonly kind: "claimed"; readonly claim: CacheClaim<V> }
  | { readonly kind: "busy" };

/**
 * A store that also tells stale from fresh and coordinates loads: what
 * {@linkcode cached} uses, where it is there, to load each value once and never
 * to keep one that was invalidated while it was being loaded.
 */
export interface ClaimingCacheStore<V = unknown> extends CacheStore<V> {
  /** The entry, fresh or stale, without taking a turn to refresh it. */
  lookup(key: string): MaybePromise<CacheHit<V> | undefined>;
  /** Asks for the right to load an entry. */
  claim(
    key: string,
    options?: CacheClaimOptions,
  ): MaybePromise<CacheClaimOutcome<V>>;
}
