import type { Clock, TimerHandle } from "../../base/clock.ts";
import type { CacheClaim } from "../cache_store.ts";

/** What a {@linkcode RedisClaim} does in Redis. */
export interface RedisClaimActions<V> {
  /** Keeps the value if the lock is still held; says whether it did. */
  commit(value: V): Promise<boolean>;
  /** Extends the lease; says whether the lock is still held. */
  renew(): Promise<boolean>;
  release(): Promise<void>;
  /** Called when the claim is no longer kept up. */
  onEnd(): void;
}

/** A lock in Redis whose lease is renewed for as long as the load takes. */
export class RedisClaim<V> implements CacheClaim<V> {
  readonly #actions: RedisClaimActions<V>;
  readonly #clock: Clock;
  readonly #renewMs: number;
  #timer: TimerHandle;
  #ended = false;

  constructor(
    actions: RedisClaimActions<V>,
    { leaseMs, clock }: { readonly leaseMs: number; readonly clock: Clock },
  ) {
    this.#actions = actions;
    this.#clock = clock;
    this.#renewMs = leaseMs / 3;
    this.#renewLater();
  }

  commit(value: V): Promise<boolean> {
    this.end();
    return this.#actions.commit(value);
  }

  release(): Promise<void> {
    this.end();
    return this.#actions.release();
  }

  /** Lets the lease run out. */
  end(): void {
    this.#ended = true;
    this.#clock.clearTimeout(this.#timer);
    this.#actions.onEnd();
  }

  #renewLater(): void {
    this.#timer = this.#clock.setTimeout(() => this.#renew(), this.#renewMs, {
      keepAlive: false,
    });
  }

  async #renew(): Promise<void> {
    const held = await this.#actions.renew();
    if (held && !this.#ended) this.#renewLater();
  }
}

/** The claim to give while Redis is away: nobody is in the way. */
export const freeClaim: CacheClaim<unknown> = {
  commit: () => true,
  release: () => {},
};
