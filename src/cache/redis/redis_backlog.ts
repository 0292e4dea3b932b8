import type { RedisArgument } from "../../redis/redis_port.ts";

/** The most changes that are remembered while Redis is away. */
const MOST_CHANGES = 10_000;
/** How many are sent at a time. */
const BATCH = 100;

/**
 * What Redis must still forget: entries and tags that were changed while it
 * couldn't be told. Until it has been, it may hold values that are out of date.
 */
export class RedisBacklog {
  readonly #changes = new Map<string, readonly RedisArgument[]>();
  readonly #onAdd: () => void;
  #lost = 0;

  constructor(onAdd: () => void) {
    this.#onAdd = onAdd;
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
    this.#onAdd();
    if (this.#changes.size <= MOST_CHANGES) return;
    const [oldest] = this.#changes.keys();
    this.#changes.delete(oldest);
    this.#lost++;
  }

  /** Redis holds what it should again. */
  remove(subject: string): void {
    if (this.#changes.size > 0) this.#changes.delete(subject);
  }

  /** Sends everything; what `send` rejects stays here. */
  async replay(
    send: (command: readonly RedisArgument[]) => Promise<unknown>,
  ): Promise<void> {
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

  clear(): void {
    this.#changes.clear();
  }
}
