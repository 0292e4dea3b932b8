import type {
  CacheClaimOptions,
  CacheClaimOutcome,
  CacheHit,
  CacheSetOptions,
  CacheStore,
  ClaimingCacheStore,
} from "../cache_store.ts";
import { Fences } from "../fences.ts";

/** The store as it is if it knows claims, or behind fences of this process. */
export function claiming(store: CacheStore): ClaimingCacheStore {
  return "claim" in store && "lookup" in store
    ? store as ClaimingCacheStore
    : new FencedStore(store);
}

/** Gives a plain {@linkcode CacheStore} claims that hold within this process. */
class FencedStore implements ClaimingCacheStore {
  readonly #store: CacheStore;
  readonly #fences = new Fences();

  constructor(store: CacheStore) {
    this.#store = store;
  }

  get(key: string): unknown {
    return this.#store.get(key);
  }

  set(key: string, value: unknown, options?: CacheSetOptions) {
    this.#fences.closeKey(key);
    return this.#store.set(key, value, options);
  }

  delete(key: string) {
    this.#fences.closeKey(key);
    return this.#store.delete(key);
  }

  invalidateTag(tag: string) {
    this.#fences.closeTag(tag);
    return this.#store.invalidateTag(tag);
  }

  async lookup(key: string): Promise<CacheHit<unknown> | undefined> {
    const value = await this.#store.get(key);
    return value === undefined ? undefined : { value, stale: false };
  }

  claim(
    key: string,
    options: CacheClaimOptions = {},
  ): CacheClaimOutcome<unknown> {
    if (options.steal) this.#fences.closeKey(key);
    const fence = this.#fences.add(key, options.tags ?? []);
    const commit = async (value: unknown): Promise<boolean> => {
      fence.remove();
      if (!fence.open) return false;
      await this.set(key, value, options);
      return true;
    };
    const release = (): void => fence.remove();
    return { kind: "claimed", claim: { commit, release } };
  }
}
