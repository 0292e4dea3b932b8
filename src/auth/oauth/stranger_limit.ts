import { countedAddress } from "../../base/ip_address.ts";
import type { NewTokensLimit } from "./oauth_options.ts";

/** Share of its limit that an address has used, and when that was so. */
interface Used {
  units: number;
  at: number;
}

/** The most addresses that are remembered; the longest silent goes first. */
const MAX_ADDRESSES = 10_000;

/**
 * Bounds what addresses may cost with tokens that nobody has seen yet. A token is
 * counted before it is checked, so that none gets past however many come at once,
 * and given back once it has proved good: a proxy that many speak through is not
 * held up by them.
 */
export class StrangerLimit {
  readonly #limit: number;
  readonly #intervalMs: number;
  readonly #now: () => number;
  readonly #used: Map<string, Used> = new Map();

  constructor({ limit, intervalMs }: NewTokensLimit, now: () => number) {
    this.#limit = limit;
    this.#intervalMs = intervalMs;
    this.#now = now;
  }

  /** Counts a token; returns in how many milliseconds to come back, 0 for now. */
  take(address: string): number {
    const used = this.#usedBy(countedAddress(address));
    const excess = used.units + 1 - this.#limit;
    if (excess > 0) return Math.ceil(excess * this.#intervalMs / this.#limit);
    used.units++;
    return 0;
  }

  /** Counts it no longer: it was good. */
  giveBack(address: string): void {
    const counted = countedAddress(address);
    const used = this.#usedBy(counted);
    used.units = Math.max(0, used.units - 1);
    if (used.units === 0) this.#used.delete(counted);
  }

  #usedBy(address: string): Used {
    const at = this.#now();
    const { units, at: before } = this.#used.get(address) ?? { units: 0, at };
    const forgiven = (at - before) * this.#limit / this.#intervalMs;
    const used = { units: Math.max(0, units - forgiven), at };
    this.#used.delete(address);
    this.#used.set(address, used);
    if (this.#used.size > MAX_ADDRESSES) {
      this.#used.delete(this.#used.keys().next().value!);
    }
    return used;
  }
}
