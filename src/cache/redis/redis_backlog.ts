import type { Clock, TimerHandle } from "../../base/clock.ts";
import type { RedisArgument } from "../../redis/redis_port.ts";

/** The most changes that are remembered while Redis is away. */
const MOST_CHANGES = 10_000;
/** Number of changes that are sent at a time. */
const BATCH = 100;

/** Sends one change; rejects if Redis wasn't told. */
export type SendChange = (
  command: readonly RedisArgument[],
) => Promise<unknown>;

/** Options of a {@linkcode RedisBacklog}. */
export interface RedisBacklogOptions {
  readonly send: SendChange;
  /** Tells whether there is any use in sending now. */
  readonly canSend: () => boolean;
  /** Time before it is tried again, in milliseconds. */
  readonly retryMs: number;
  readonly clock: Clock;
}

/**
 * Changes that Redis must still be told of: entries and tags that were changed
 * while it couldn't be told. Until it has been, it may hold values that are out
 * of date.
 */
export class RedisBacklog {
  readonly #changes = new Map<string, readonly RedisArgument[]>();
  readonly #options: RedisBacklogOptions;
  #timer: TimerHandle;
  #lost = 0;
  #stopped = false;

  constructor(options: RedisBacklogOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#changes.size;
  }

  /** Changes that were too many to remember. */
  get lost(): number {
    return this.#lost;
  }

  add(subject: string, command: readonly RedisArgument[]): void {
    this.#changes.delete(subject);
    this.#changes.set(subject, command);
    this.#sendLater();
    if (this.#changes.size <= MOST_CHANGES) return;
    const [oldest] = this.#changes.keys();
    this.#changes.delete(oldest);
    this.#lost++;
  }

  /** Forgets a change: Redis holds what it should again. */
  remove(subject: string): void {
    if (this.#changes.size > 0) this.#changes.delete(subject);
  }

  /** Sends everything; what `send` rejects stays here. */
  async replay(send: SendChange): Promise<void> {
    while (this.#changes.size > 0) {
      const batch = [...this.#changes].slice(0, BATCH);
      await Promise.all(batch.map(async ([subject, command]) => {
        await send(command);
        if (this.#changes.get(subject) === command) {
          this.#changes.delete(subject);
        }
      }));
    }
  }

  /** Leaves no timer behind. */
  stop(): void {
    this.#stopped = true;
    this.#options.clock.clearTimeout(this.#timer);
  }

  #sendLater(): void {
    if (this.#stopped) return;
    const { clock, retryMs, canSend, send } = this.#options;
    clock.clearTimeout(this.#timer);
    this.#timer = clock.setTimeout(
      () => {
        if (canSend()) this.replay(send).catch(() => this.#sendLater());
      },
      retryMs,
      { keepAlive: false },
    );
  }
}
