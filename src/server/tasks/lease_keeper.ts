import { sleep } from "../../base/abort.ts";
import type { Clock, TimerHandle } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { Task } from "./task.ts";
import type { TaskLease, TaskLeases } from "./task_leases.ts";

/** Time before a store that could not be reached is asked again, in milliseconds. */
const RETRY_MS = 200;

/** Number of renewals in the time of a lease. */
export const BEATS = 3;

/** Options of a {@linkcode LeaseKeeper}. */
export interface LeaseKeeperOptions {
  readonly leases: TaskLeases;
  readonly leaseMs: number;
  readonly clock: Clock;
}

/** Keeps the leases that this replica has from running out. */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #held: Set<HeldLease> = new Set();
  readonly #closing: AbortController = new AbortController();
  #timer: TimerHandle;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  /**
   * Keeps a lease until it is dropped.
   *
   * @param since when it was asked for: the store counts from later on
   * @param onLost told, at the latest when others may have it, that it is lost
   */
  hold(
    lease: TaskLease,
    since: number,
    onLost: (why: string) => void,
  ): HeldLease {
    const held = new HeldLease(lease, {
      ...this.#options,
      lose: (why) => {
        this.#held.delete(held);
        onLost(why);
      },
      drop: () => this.#held.delete(held),
      untilAvailable: (run) => this.untilAvailable(run),
    });
    this.#held.add(held);
    held.wind(since);
    this.#timer ??= this.#beatLater();
    return held;
  }

  #beatLater(): TimerHandle {
    const { clock, leaseMs } = this.#options;
    return clock.setTimeout(() => this.#beat(), leaseMs / BEATS, {
      keepAlive: false,
    });
  }

  #beat(): void {
    for (const each of this.#held) void each.renew();
    this.#timer = this.#held.size === 0 ? undefined : this.#beatLater();
  }

  /**
   * Does what needs the store, again for as long as that can't be reached.
   *
   * @throws what the store refuses with, or the reason that this ends for
   */
  async untilAvailable<Result>(run: () => Promise<Result>): Promise<Result> {
    const { clock } = this.#options;
    const { signal } = this.#closing;
    for (;;) {
      try {
        return await run();
      } catch (error) {
        if (!(error instanceof UnavailableError)) throw error;
        await sleep(RETRY_MS, { clock, signal });
      }
    }
  }

  /** Lets every lease run out, and waits for the store no longer. */
  close(reason: Error): void {
    for (const each of [...this.#held]) each.drop();
    this.#options.clock.clearTimeout(this.#timer);
    this.#closing.abort(reason);
  }
}

/** Parts that a lease is held with. */
interface HeldLeaseParts extends LeaseKeeperOptions {
  lose(why: string): void;
  drop(): void;
  untilAvailable<Result>(run: () => Promise<Result>): Promise<Result>;
}

/** One lease of this replica's. */
export class HeldLease {
  readonly #lease: TaskLease;
  readonly #parts: HeldLeaseParts;
  #over = false;
  #timer: TimerHandle;

  constructor(lease: TaskLease, parts: HeldLeaseParts) {
    this.#lease = lease;
    this.#parts = parts;
  }

  /** Counts the time of the lease from a moment on. */
  wind(since: number): void {
    const { clock, leaseMs } = this.#parts;
    clock.clearTimeout(this.#timer);
    this.#timer = clock.setTimeout(
      () => this.#lose("its lease could not be renewed in time"),
      Math.max(0, since + leaseMs - clock.now()),
      { keepAlive: false },
    );
  }

  async renew(): Promise<void> {
    const { clock, leases, leaseMs } = this.#parts;
    const since = clock.now();
    try {
      const renewed = await leases.renew(this.#lease, leaseMs);
      if (this.#over) return;
      if (renewed) this.wind(since);
      else this.#lose(TAKEN);
    } catch {
      // The next beat tries again; if none gets through the lease is lost.
    }
  }

  /** Writes the task's state; tells if it was still this replica's to write. */
  async update(task: Task): Promise<boolean> {
    const { leases } = this.#parts;
    const updated = await this.#parts.untilAvailable(() =>
      leases.update(this.#lease, task)
    );
    if (!updated) this.#lose(TAKEN);
    return updated;
  }

  /** Gives it to whoever claims it first. @throws {UnavailableError} */
  async release(): Promise<void> {
    this.drop();
    await this.#parts.leases.release(this.#lease);
  }

  /** Renews it no more. */
  drop(): void {
    this.#over = true;
    this.#parts.clock.clearTimeout(this.#timer);
    this.#parts.drop();
  }

  #lose(why: string): void {
    if (this.#over) return;
    this.drop();
    this.#parts.lose(why);
  }
}

const TAKEN = "another replica has taken it over, or the store has lost it";
