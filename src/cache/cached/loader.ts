import type { Clock } from "../../base/clock.ts";
import {
  CacheValueError,
  ClosedError,
  InvalidOptionError,
} from "../../base/errors.ts";
import { readOptions } from "../../base/option_rules.ts";
import { instruments } from "../../observe/metrics/instruments.ts";
import { cacheKind, type CacheValues, heldValues } from "../cache_kind.ts";
import type {
  CacheClaim,
  CacheHit,
  ClaimingCacheStore,
} from "../cache_store.ts";
import {
  CACHED_OPTIONS,
  type CachedOptions,
  type CachedSettings,
  type CachedStats,
} from "./cached_options.ts";
import { type CallSignals, findSignals } from "./call_signals.ts";
import { claiming, obtainClaim, type SettledClaim } from "./claims.ts";
import { Flight } from "./flight.ts";
import { KeyMemo } from "./key_memo.ts";
import { claimName } from "./shared_names.ts";
import { checkLifetime } from "../lifetimes.ts";
import { MemoryCache } from "../memory/memory_cache.ts";

/** Number of times that a load is repeated whose value was invalidated under way. */
const MOST_LOADS = 3;

/** One call of a cached function. */
interface Call<A> {
  readonly key: string;
  readonly args: A;
  readonly signals: CallSignals | undefined;
}

/** Machinery behind a function made by `cached`. */
export class Loader<A extends readonly unknown[], R> {
  readonly #fn: (...args: A) => R | PromiseLike<R>;
  readonly #options: CachedSettings<A>;
  readonly #name: string;
  readonly #keys: KeyMemo;
  readonly #store: ClaimingCacheStore;
  readonly #own: MemoryCache | undefined;
  readonly #errors: MemoryCache<{ readonly error: unknown }> | undefined;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #log: (message: string) => void;
  readonly #flights = new Map<string, Flight<R>>();
  readonly #refreshes = new Map<string, Flight<R>>();
  /** Of values that were invalidated on the way: nobody joins them any more. */
  readonly #outdated = new Set<Flight<R>>();
  readonly #counts = {
    hits: 0,
    staleHits: 0,
    misses: 0,
    coalesced: 0,
    negativeHits: 0,
    loads: 0,
    failures: 0,
    uncacheable: 0,
  };
  readonly #untrack: () => void;
  #closed = false;

  constructor(
    fn: (...args: A) => R | PromiseLike<R>,
    options: CachedOptions<A>,
  ) {
    const read = readOptions("cached", options, CACHED_OPTIONS);
    const { negativeTtlMs, cache, clock } = read;
    checkLifetime(read.ttlMs, read.staleMs);
    this.#fn = fn;
    this.#options = read as CachedSettings<A>;
    this.#name = nameOf(fn, options);
    this.#keys = new KeyMemo(cache === undefined ? "" : `${this.#name}:`);
    this.#clock = clock;
    this.#random = read.random;
    this.#log = read.log;
    if (cache === undefined) {
      this.#own = instruments.withdraw(
        new MemoryCache({ name: this.#name, clock }),
      );
    }
    this.#store = claiming(cache ?? this.#own!);
    if (negativeTtlMs > 0) {
      this.#errors = instruments.withdraw(
        new MemoryCache({ ttlMs: negativeTtlMs, clock }),
      );
    }
    this.#untrack = instruments.track(
      cacheKind,
      { name: this.#name, type: "cached" },
      this,
      Loader.#shownOf,
    );
  }

  call(args: A): Promise<R> {
    try {
      const signals = findSignals(args);
      signals?.signal.throwIfAborted();
      const key = this.#key(args, signals);
      const flight = this.#flights.size > 0
        ? this.#flights.get(key)
        : undefined;
      if (flight !== undefined) return this.#join(flight, signals);
      const hit = this.#store.lookup(key);
      if (hit === undefined || hit instanceof Promise) {
        return this.#find({ key, args, signals }, hit);
      }
      if (hit.stale) this.#refreshBehind({ key, args, signals });
      return Promise.resolve(this.#serve(hit));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async peek(args: A): Promise<R | undefined> {
    const hit = await this.#store.lookup(this.keyOf(args));
    return hit?.value as R | undefined;
  }

  refresh(args: A): Promise<R> {
    try {
      const signals = findSignals(args);
      signals?.signal.throwIfAborted();
      const key = this.#key(args, signals);
      const flight = this.#refreshes.get(key);
      if (flight !== undefined) return this.#join(flight, signals);
      return this.#refresh({ key, args, signals }, true).join(signals?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async invalidate(args: A): Promise<void> {
    const key = this.keyOf(args);
    this.#errors?.delete(key);
    this.#supersede(key);
    await this.#store.delete(key);
  }

  async invalidateTag(tag: string): Promise<void> {
    this.#errors?.invalidateTag(tag);
    for (const flights of [this.#flights, this.#refreshes]) {
      for (const [key, flight] of flights) {
        if (flight.hasTag(tag)) this.#supersede(key);
      }
    }
    await this.#store.invalidateTag(tag);
  }

  keyOf(args: A): string {
    return this.#key(args, findSignals(args));
  }

  get stats(): CachedStats {
    return {
      name: this.#name,
      ...this.#counts,
      inFlight: this.#flights.size + this.#refreshes.size,
    };
  }

  /** Figures for operators: its calls, and the cache that is its own. */
  static #shownOf<A extends readonly unknown[], R>(
    loader: Loader<A, R>,
  ): CacheValues {
    const { hits, misses, coalesced, loads, uncacheable } = loader.#counts;
    return {
      hits,
      stale_hits: loader.#counts.staleHits,
      misses,
      coalesced,
      negative_hits: loader.#counts.negativeHits,
      loads,
      load_errors: loader.#counts.failures,
      uncacheable,
      loading: loader.stats.inFlight,
      ...(loader.#own && heldValues(loader.#own.stats)),
    };
  }

  close(): Promise<void> {
    this.#untrack();
    this.#closed = true;
    const reason = this.#closedError();
    for (const flights of [this.#flights, this.#refreshes, this.#outdated]) {
      for (const flight of flights.values()) flight.abort(reason);
      flights.clear();
    }
    this.#errors?.close();
    this.#own?.close();
    return Promise.resolve();
  }

  #key(args: A, signals: CallSignals | undefined): string {
    if (this.#closed) throw this.#closedError();
    const { key } = this.#options;
    return this.#keys.keyOf(
      key === undefined ? signals?.identity ?? args : [key(...args)],
    );
  }

  #join(flight: Flight<R>, signals: CallSignals | undefined): Promise<R> {
    this.#counts.coalesced++;
    return flight.join(signals?.signal);
  }

  #serve(hit: CacheHit<unknown>): R {
    this.#counts.hits++;
    if (hit.stale) this.#counts.staleHits++;
    return hit.value as R;
  }

  /** Finishes a lookup, and loads what it doesn't find. */
  #find(
    call: Call<A>,
    lookup: Promise<CacheHit<unknown> | undefined> | undefined,
  ): Promise<R> {
    const flight = this.#start(this.#flights, call, async (flight) => {
      const hit = await lookup;
      flight.signal.throwIfAborted();
      if (hit?.stale) this.#refreshBehind(call);
      if (hit !== undefined) return this.#serve(hit);
      this.#counts.misses++;
      this.#throwRemembered(call);
      const refresh = this.#refreshes.get(call.key);
      return refresh === undefined
        ? await this.#load(call, flight, false)
        : await refresh.join(flight.signal);
    });
    return flight.join(call.signals?.signal);
  }

  #refresh(call: Call<A>, steal: boolean): Flight<R> {
    return this.#start(
      this.#refreshes,
      call,
      (flight) => this.#load(call, flight, steal),
    );
  }

  /** Nobody waits for this one, so that only `close` aborts it. */
  #refreshBehind(call: Call<A>): void {
    if (this.#refreshes.has(call.key) || this.#remembered(call)) return;
    this.#refresh(call, false);
  }

  #start(
    flights: Map<string, Flight<R>>,
    { key, args }: Call<A>,
    work: (flight: Flight<R>) => Promise<R>,
  ): Flight<R> {
    const onEnd = (): void => {
      if (flights.get(key) === flight) flights.delete(key);
      else this.#outdated.delete(flight);
    };
    const flight: Flight<R> = new Flight(work, {
      tagsOf: () => this.#tagsOf(args),
      onEnd,
    });
    flights.set(key, flight);
    return flight;
  }

  /** Loads a value that nobody else is loading, or takes the one they loaded. */
  async #load(call: Call<A>, flight: Flight<R>, steal: boolean): Promise<R> {
    for (let loads = 1;; loads++) {
      const outcome = await this.#claim(call, flight, steal && loads === 1);
      if (outcome.kind === "hit") return outcome.hit.value as R;
      const value = await this.#callFunction(call, flight, outcome.claim);
      const kept = await this.#keep(value, flight, outcome.claim);
      if (kept || loads === MOST_LOADS) return value;
    }
  }

  #claim(
    { key }: Call<A>,
    { signal, tags }: Flight<R>,
    steal: boolean,
  ): Promise<SettledClaim> {
    const { ttlMs, staleMs } = this.#options;
    return obtainClaim(this.#store, key, { ttlMs, staleMs, tags, steal }, {
      clock: this.#clock,
      random: this.#random,
      signal,
    });
  }

  /** When all callers have left others may load, whatever the function does. */
  async #callFunction(
    { key, args, signals }: Call<A>,
    flight: Flight<R>,
    claim: CacheClaim<unknown>,
  ): Promise<R> {
    this.#counts.loads++;
    const { signal } = flight;
    const withSignal = signals?.replaced(signal) ?? args;
    const giveUp = (): void => {
      Promise.try(() => claim.release()).catch(() => {});
    };
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      signal.throwIfAborted();
      const value = await this.#fn(...withSignal as unknown as A);
      if (!flight.superseded) this.#errors?.delete(key);
      return value;
    } catch (error) {
      this.#counts.failures++;
      await claim.release();
      if (!flight.superseded) {
        this.#errors?.set(key, { error }, { tags: flight.tags });
      }
      throw error;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  /** Says whether the value is settled: kept, or never to be kept. */
  async #keep(
    value: R,
    flight: Flight<R>,
    claim: CacheClaim<unknown>,
  ): Promise<boolean> {
    if (flight.superseded) {
      await claim.release();
      return true;
    }
    try {
      return await claim.commit(value);
    } catch (error) {
      if (!(error instanceof CacheValueError)) throw error;
      this.#reportUncacheable(error);
      await claim.release();
      return true;
    }
  }

  #supersede(key: string): void {
    for (const flights of [this.#flights, this.#refreshes]) {
      const flight = flights.get(key);
      if (flight === undefined) continue;
      flight.supersede();
      flights.delete(key);
      this.#outdated.add(flight);
    }
  }

  #remembered({ key }: Call<A>): { readonly error: unknown } | undefined {
    return this.#errors?.get(key);
  }

  #throwRemembered(call: Call<A>): void {
    const remembered = this.#remembered(call);
    if (remembered === undefined) return;
    this.#counts.negativeHits++;
    throw remembered.error;
  }

  #reportUncacheable({ message }: CacheValueError): void {
    if (this.#counts.uncacheable++ > 0) return;
    this.#log(`cached function "${this.#name}": ${message}`);
  }

  #tagsOf(args: A): readonly string[] {
    const { tags = [] } = this.#options;
    return typeof tags === "function" ? tags(...args) : tags;
  }

  #closedError(): ClosedError {
    return new ClosedError(`the cached function "${this.#name}"`);
  }
}

function nameOf<A extends readonly unknown[]>(
  fn: { readonly name: string },
  { name, cache }: CachedOptions<A>,
): string {
  const taken = name ?? fn.name;
  if (cache === undefined) return taken || "cached";
  if (taken === "") {
    throw new InvalidOptionError(
      "name must be given for a function without one that shares a cache",
    );
  }
  if (name === undefined) claimName(cache, fn);
  return taken;
}
