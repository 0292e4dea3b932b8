import type { Clock, TimerHandle } from "../base/clock.ts";
import type { SseStream } from "./sse_stream.ts";

/** One timer for the beats of all open streams. */
export class KeepAlive {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #streams: Set<SseStream> = new Set();
  #timer: TimerHandle;

  /** @param intervalMs `Infinity` for no beats at all */
  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** How many streams are open. */
  get size(): number {
    return this.#streams.size;
  }

  add(stream: SseStream): void {
    this.#streams.add(stream);
    if (this.#streams.size === 1) this.#wind();
  }

  delete(stream: SseStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) this.#clock.clearTimeout(this.#timer);
  }

  #wind(): void {
    if (this.#intervalMs === Infinity) return;
    this.#timer = this.#clock.setTimeout(
      () => {
        for (const stream of [...this.#streams]) stream.beat();
        if (this.#streams.size > 0) this.#wind();
      },
      this.#intervalMs,
      { keepAlive: false },
    );
  }
}
