import { sleep } from "../../base/abort.ts";
import type { Clock } from "../../base/clock.ts";
import type {
  CacheClaimOptions,
  CacheClaimOutcome,
  ClaimingCacheStore,
} from "../cache_store.ts";

/** How often one that waits for another's load looks again. */
const SHORTEST_POLL_MS = 5;
const LONGEST_POLL_MS = 50;

/** The end of the wait for a claim: the claim, or the value it was for. */
export type SettledClaim = Exclude<
  CacheClaimOutcome<unknown>,
  { readonly kind: "busy" }
>;

/** How to wait. */
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
