import { sleep } from "../../base/abort.ts";
import type { Clock } from "../../base/clock.ts";
import type {
  CacheClaimOptions,
  CacheClaimOutcome,
  CacheHit,
  CacheSetOptions,
  CacheStore,
  ClaimingCacheStore,
} from "../cache_store.ts";
import { claimBehind, Fences } from "../fences.ts";

/** Time after which one that waits for another's load looks again. */
const SHORTEST_POLL_MS = 5;
const LONGEST_POLL_MS = 50;

/** The end of the wait for a claim: the claim, or the value it was for. */
export type SettledClaim = Exclude<
  CacheClaimOutcome<unknown>,
  { readonly kind: "busy" }
>;

/** Gives the store as it is if it knows claims, or behind fences of this process. */
export function claiming(store: CacheStore): ClaimingCacheStore {
  return "claim" in store && "lookup" in store
    ? store as ClaimingCacheStore
    : new FencedStore(store);
}

/** Options of the wait for a claim. */
export interface ObtainOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** Asks for a claim for as long as another process holds it. */
export async function obtainClaim(
  store: ClaimingCacheStore,
  key: string,
  options: CacheClaimOptions,
  { clock, random, signal }: ObtainOptions,
): Promise<SettledClaim> {
  let pollMs = SHORTEST_POLL_MS;
  while (true) {
    const outcome = await store.claim(key, options);
    if (outcome.kind !== "busy") return outcome;
    await sleep(pollMs * (0.5 + random()), { signal, clock });
    pollMs = Math.min(1.5 * pollMs, LONGEST_POLL_MS);
  }
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
    const claim = claimBehind(
      fence,
      (value) => this.set(key, value, options),
    );
    return { kind: "claimed", claim };
  }
}
