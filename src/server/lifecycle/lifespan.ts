import type { Clock } from "../../base/clock.ts";
import { ClosedError } from "../../base/errors.ts";
import type { Log } from "../../observe/log/log.ts";

/**
 * Opens what the server needs for as long as it runs, and returns what handlers
 * see as `ctx.lifespan`. What is put on the stack is closed in reverse order
 * once the last request has finished, and also if the opening fails half-way.
 */
export type LifespanFunction<Value> = (
  stack: AsyncDisposableStack,
) => Value | Promise<Value>;

/** The state of a server's lifespan: opened once, closed once. */
export class Lifespan {
  value: unknown;
  readonly #open: LifespanFunction<unknown> | undefined;
  readonly #whileOpen: (value: unknown) => Disposable;
  readonly #stack: AsyncDisposableStack = new AsyncDisposableStack();
  #opening: Promise<void> | undefined;
  readonly #mounted: Lifespan[] = [];
  #ready: boolean;
  #closed = false;

  /** @param whileOpen called with the value; what it returns is disposed of before all else */
  constructor(
    open: LifespanFunction<unknown> | undefined,
    whileOpen: (value: unknown) => Disposable,
  ) {
    this.#open = open;
    this.#whileOpen = whileOpen;
    this.#ready = open === undefined;
  }

  /** True if requests can be served without waiting. */
  get ready(): boolean {
    return this.#ready &&
      (this.#mounted.length === 0 || this.#mounted.every(({ ready }) => ready));
  }

  /** True once it has been asked to open, if only by a server that listens. */
  get started(): boolean {
    return this.#opening !== undefined;
  }

  /** Opens another server's lifespan together with this one, and before it. */
  mount(other: Lifespan): void {
    this.#mounted.push(other);
  }

  /** Tells if another's opens with this one. */
  mounts(other: Lifespan): boolean {
    return this.#mounted.some((each) => each === other || each.mounts(other));
  }

  /** Opens the lifespan, once; a failed opening is tried again by the next call. */
  async start(): Promise<void> {
    for (const mounted of this.#mounted) await mounted.start();
    await this.#startOwn();
  }

  #startOwn(): Promise<void> {
    if (this.#closed) return Promise.reject(new ClosedError("the server"));
    if (this.#opening === undefined) {
      const opening = this.#opening = this.#start();
      opening.catch(() => this.#opening = undefined);
    }
    return this.#opening;
  }

  async #start(): Promise<void> {
    if (this.#open === undefined) return;
    const stack = new AsyncDisposableStack();
    try {
      this.value = await this.#open(stack);
    } catch (error) {
      await stack.disposeAsync();
      throw error;
    }
    this.#stack.use(stack);
    this.#stack.use(this.#whileOpen(this.value));
    this.#ready = true;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#opening?.catch(() => {});
    this.#ready = false;
    await this.#stack.disposeAsync();
  }
}

/** Has a lifespan tell what it took to open: that is no call's doing. */
export function tellingIfSlow<Value>(
  open: LifespanFunction<Value>,
  { clock, slowMs, log }: { clock: Clock; slowMs: number; log: Log },
): LifespanFunction<Value> {
  return async (stack) => {
    const begunAt = clock.now();
    const value = await open(stack);
    const tookMs = Math.round(clock.now() - begunAt);
    if (tookMs > slowMs) {
      log.warning(`the lifespan is slow: it took ${tookMs} ms to open`, {
        tookMs,
        slowMs,
      });
    }
    return value;
  };
}
