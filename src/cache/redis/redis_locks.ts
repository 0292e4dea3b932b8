import type { Clock } from "../../base/clock.ts";
import type {
  CacheClaim,
  CacheClaimOptions,
  CacheSetOptions,
} from "../cache_store.ts";
import type { Lifetimes } from "../lifetimes.ts";
import { type RedisCircuit, unavailable } from "./redis_link.ts";
import { freeClaim, RedisClaim } from "./redis_claim.ts";
import { newVersion, type RedisEntries } from "./redis_entries.ts";
import { evalScript, type RedisKeys } from "./redis_keys.ts";
import * as scripts from "./redis_scripts.ts";

/** What {@linkcode RedisLocks} works with. */
export interface RedisLocksOptions {
  readonly circuit: RedisCircuit;
  readonly keys: RedisKeys;
  readonly entries: RedisEntries;
  readonly lifetimes: Lifetimes;
  readonly leaseMs: number;
  readonly clock: Clock;
}

/** Decides which process loads an entry. */
export class RedisLocks<V> {
  readonly #options: RedisLocksOptions;
  readonly #claims = new Set<RedisClaim<V>>();

  constructor(options: RedisLocksOptions) {
    this.#options = options;
  }

  /** `undefined` while another one has the claim. */
  async claim(
    key: string,
    options: CacheClaimOptions,
  ): Promise<CacheClaim<V> | undefined> {
    const { circuit, leaseMs, lifetimes } = this.#options;
    const { freshMs, staleMs } = lifetimes.of(options);
    const ttlMs = freshMs + staleMs;
    const token = newVersion();
    const versions = await circuit.send(
      evalScript(scripts.CLAIM, this.#keysOf(key, options), [
        token,
        String(leaseMs),
        options.steal ? "1" : "0",
        ttlMs === Infinity ? "" : String(Math.ceil(ttlMs)),
      ]),
    );
    if (versions === unavailable) return freeClaim;
    return Array.isArray(versions)
      ? this.#claimed(key, token, options, versions)
      : undefined;
  }

  /** Says whether it is this caller's turn to refresh a stale entry. */
  async takeTurn(key: string): Promise<boolean> {
    const { circuit, keys, leaseMs } = this.#options;
    const lock = keys.lock(key);
    const command = ["SET", lock, newVersion(), "NX", "PX", String(leaseMs)];
    return await circuit.send(command) === "OK";
  }

  /** Keeps up no claim any more. */
  close(): void {
    for (const claim of this.#claims) claim.end();
  }

  #claimed(
    key: string,
    token: string,
    options: CacheSetOptions,
    versions: readonly string[],
  ): CacheClaim<V> {
    const { circuit, clock, keys, leaseMs } = this.#options;
    const lock = [keys.lock(key)];
    const renew = evalScript(scripts.RENEW, lock, [token, String(leaseMs)]);
    const release = evalScript(scripts.RELEASE, lock, [token]);
    const claim = new RedisClaim<V>({
      commit: (value) => this.#commit(key, token, value, options, versions),
      renew: async () => await circuit.send(renew) !== 0,
      release: async () => void await circuit.send(release),
      onEnd: () => this.#claims.delete(claim),
    }, { leaseMs, clock });
    this.#claims.add(claim);
    return claim;
  }

  async #commit(
    key: string,
    token: string,
    value: V,
    options: CacheSetOptions,
    versions: readonly string[],
  ): Promise<boolean> {
    const { circuit, entries, keys } = this.#options;
    const draft = entries.draft(value, options);
    const reply = await circuit.send(
      evalScript(scripts.COMMIT, this.#keysOf(key, options), [
        token,
        entries.stored(draft, options.tags ?? [], versions),
        draft.ttlMs,
        keys.channel,
        entries.change("k", key),
        ...versions,
      ]),
    );
    return reply !== 0;
  }

  #keysOf(key: string, { tags = [] }: CacheSetOptions): string[] {
    const { keys } = this.#options;
    return [keys.entry(key), keys.lock(key), ...keys.tags(tags)];
  }
}
