import type { Clock, TimerHandle } from "./clock.ts";

const longestTimerMs = 2 ** 31 - 1;
const ticksPerLimit = 16;

/** An entry that can stand in a {@linkcode TimedQueue}: one queue at a time. */
export abstract class TimedEntry {
  number = 0;
  queue: unknown;
  previous: this | undefined;
  next: this | undefined;
}

/**
 * First in, first out, and told who has been in it for longer than `limitMs`;
 * never too early, and too late by a sixteenth at most.
 *
 * Reading the clock costs more than all the rest of a way through the queue,
 * so entries carry a number instead of a time. A slow tick notes how far the
 * numbers have come; what was in the queue sixteen ticks ago is late.
 */
export class TimedQueue<E extends TimedEntry> {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #tickMs: number;
  readonly #onLate: (entry: E) => void;
  #first: E | undefined;
  #last: E | undefined;
  #size = 0;
  #nextNumber = 0;
  #numbersAtTicks: number[] = [];
  #timer: TimerHandle;
  #watches: boolean;

  /** @param onLate Called once for an entry, which has left the queue by then. */
  constructor(clock: Clock, limitMs: number, onLate: (entry: E) => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#tickMs = Math.min(
      Math.ceil(limitMs / ticksPerLimit),
      longestTimerMs,
    );
    this.#onLate = onLate;
    this.#watches = limitMs !== Infinity;
  }

  get size(): number {
    return this.#size;
  }

  push(entry: E): void {
    entry.queue = this;
    entry.number = this.#nextNumber++;
    entry.previous = this.#last;
    if (this.#last === undefined) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    this.#size++;
    if (this.#timer === undefined && this.#watches) this.#tick();
  }

  /** Takes the oldest entry out. */
  shift(): E | undefined {
    return this.#take(this.#first);
  }

  /** Takes the newest entry out. */
  pop(): E | undefined {
    return this.#take(this.#last);
  }

  #take(entry: E | undefined): E | undefined {
    if (entry !== undefined) this.delete(entry);
    return entry;
  }

  /** Takes an entry out, wherever it stands; one that isn't in is left alone. */
  delete(entry: E): void {
    if (entry.queue !== this) return;
    const { previous, next } = entry;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    entry.queue = entry.previous = entry.next = undefined;
    this.#size--;
  }

  /** Watches no entry any more, neither those in the queue nor those to come. */
  stopWatching(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#watches = false;
  }

  #rest(): void {
    this.#timer = undefined;
    this.#numbersAtTicks = [];
  }

  #tick(): void {
    this.#numbersAtTicks.push(this.#nextNumber);
    this.#timer = this.#clock.setTimeout(
      () => {
        if (!this.#watches) return;
        this.#sendLateOnes();
        if (this.#size > 0) this.#tick();
        else this.#rest();
      },
      this.#tickMs,
      { keepAlive: false },
    );
  }

  #sendLateOnes(): void {
    if (this.#numbersAtTicks.length * this.#tickMs < this.#limitMs) return;
    const firstInTime = this.#numbersAtTicks.shift()!;
    while (this.#first !== undefined && this.#first.number < firstInTime) {
      this.#onLate(this.shift()!);
    }
  }
}
