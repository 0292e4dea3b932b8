import type { Clock, TimerHandle } from "../../base/clock.ts";
import type { RedisArgument } from "../../redis/redis_port.ts";
import type {
  CacheClaim,
  CacheClaimOptions,
  CacheSetOptions,
} from "../cache_store.ts";
import {
  newVersion,
  type RedisEntries,
  type RedisEntriesOptions,
} from "./redis_entries.ts";
import { unavailable } from "./redis_link.ts";
import * as scripts from "./redis_scripts.ts";

/** Parts that {@linkcode RedisLocks} works with. */
export interface RedisLocksOptions extends RedisEntriesOptions {
  readonly entries: RedisEntries;
  readonly leaseMs: number;
  readonly clock: Clock;
}

/** The claim to give while Redis is away: nobody is in the way. */
const freeClaim: CacheClaim<unknown> = {
  commit: () => true,
  release: () => {},
};

/** Decides which process loads an entry. */
export class RedisLocks<V> {
  readonly #options: RedisLocksOptions;
  readonly #leases = new Set<Lease>();

  constructor(options: RedisLocksOptions) {
    this.#options = options;
  }

  /** `undefined` while another one has the claim. */
  async claim(
    key: string,
    options: CacheClaimOptions,
  ): Promise<CacheClaim<V> | undefined> {
    const { leaseMs, lifetimes } = this.#options;
    const { freshMs, staleMs } = lifetimes.of(options);
    const ttlMs = freshMs + staleMs;
    const token = newVersion();
    const versions = await this.#send(
      key,
      token,
      scripts.evalScript(scripts.CLAIM, this.#keysOf(key, options), [
        token,
        String(leaseMs),
        options.steal ? "1" : "0",
        ttlMs === Infinity ? "" : String(Math.ceil(ttlMs)),
      ]),
      this.#options.link.closed,
    );
    if (versions === unavailable) return freeClaim;
    return Array.isArray(versions)
      ? this.#claimed(key, token, options, versions)
      : undefined;
  }

  /** Says whether it is this caller's turn to refresh a stale entry. */
  async takeTurn(key: string): Promise<boolean> {
    const { link, keys, leaseMs } = this.#options;
    const token = newVersion();
    const lock = keys.lock(key);
    const command = ["SET", lock, token, "NX", "PX", String(leaseMs)];
    return await this.#send(key, token, command, link.closed) === "OK";
  }

  /** Keeps up no claim any more. */
  close(): void {
    for (const lease of this.#leases) lease.end();
  }

  #claimed(
    key: string,
    token: string,
    options: CacheSetOptions,
    versions: readonly string[],
  ): CacheClaim<V> {
    const { link, clock, keys, leaseMs } = this.#options;
    const lock = [keys.lock(key)];
    const renewal = [token, String(leaseMs)];
    const renew = scripts.evalScript(scripts.RENEW, lock, renewal);
    const lease = new Lease(
      async () => await link.send(renew) !== 0,
      leaseMs / 3,
      clock,
    );
    this.#leases.add(lease);
    const end = (): void => {
      lease.end();
      this.#leases.delete(lease);
    };
    return {
      commit: (value) => {
        end();
        return this.#commit(key, token, value, options, versions);
      },
      release: async () => {
        end();
        await this.#send(key, token, this.#release(key, token));
      },
    };
  }

  async #commit(
    key: string,
    token: string,
    value: V,
    options: CacheSetOptions,
    versions: readonly string[],
  ): Promise<boolean> {
    const { entries, keys } = this.#options;
    const draft = entries.draft(value, options);
    const reply = await this.#send(
      key,
      token,
      scripts.evalScript(scripts.COMMIT, this.#keysOf(key, options), [
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

  /**
   * Sends what takes or ends a lock. If no answer comes Redis may hold the lock
   * for nobody, and is told to release it as soon as it answers.
   */
  async #send(
    key: string,
    token: string,
    command: readonly RedisArgument[],
    mayBeHeld = true,
  ): Promise<unknown> {
    const { link, backlog } = this.#options;
    const reply = await link.send(command);
    if (reply === unavailable && mayBeHeld) {
      backlog.add(`lock ${token}`, this.#release(key, token));
    }
    return reply;
  }

  #release(key: string, token: string): RedisArgument[] {
    const lock = this.#options.keys.lock(key);
    return scripts.evalScript(scripts.RELEASE, [lock], [token]);
  }

  #keysOf(key: string, { tags = [] }: CacheSetOptions): string[] {
    const { keys } = this.#options;
    return [keys.entry(key), keys.lock(key), ...keys.tags(tags)];
  }
}

/** Renews a lock in Redis for as long as the load takes, or the lock is held. */
class Lease {
  readonly #renew: () => Promise<boolean>;
  readonly #renewMs: number;
  readonly #clock: Clock;
  #timer: TimerHandle;
  #ended = false;

  constructor(renew: () => Promise<boolean>, renewMs: number, clock: Clock) {
    this.#renew = renew;
    this.#renewMs = renewMs;
    this.#clock = clock;
    this.#renewLater();
  }

  /** Lets it run out. */
  end(): void {
    this.#ended = true;
    this.#clock.clearTimeout(this.#timer);
  }

  #renewLater(): void {
    this.#timer = this.#clock.setTimeout(
      async () => {
        if (await this.#renew() && !this.#ended) this.#renewLater();
      },
      this.#renewMs,
      { keepAlive: false },
    );
  }
}
