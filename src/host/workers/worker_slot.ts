import { backoffMs } from "../../base/backoff.ts";
import { systemClock, type TimerHandle } from "../../base/clock.ts";
import { thrownText } from "../../base/thrown.ts";
import type { Log } from "../../observe/log/log.ts";
import type { SupervisedWorker } from "./supervised_worker.ts";

/** What keeps a worker in its place. */
export interface WorkerSlotOptions {
  readonly name: string;
  /** Starts a process. */
  readonly start: (name: string) => SupervisedWorker;
  readonly log: Log;
  /** Told if workers of this name end over and over. */
  readonly giveUp: (reason: string) => void;
  /** The time that a worker has to end in good order, in milliseconds. */
  readonly endsWithinMs: number;
}

/** The wait before a worker that has ended is followed by another. */
const BACKOFF = { firstMs: 200, maxMs: 10_000, random: Math.random };

/** A worker that lived so long had come up well, in milliseconds. */
const GOOD_LIFE_MS = 10_000;

/** Failures in a row after which there will be no other outcome. */
const MAX_FAILURES = 5;

/** One of the workers: a process, and after it has ended another. */
export class WorkerSlot {
  readonly name: string;
  readonly #options: WorkerSlotOptions;
  #current: SupervisedWorker | undefined;
  #starting: SupervisedWorker | undefined;
  /** Those that have a successor, until they are gone. */
  readonly #leaving: Map<SupervisedWorker, Promise<void>> = new Map();
  #succeeding: Promise<void> | undefined;
  #failures = 0;
  #restart: TimerHandle;
  #closing = false;
  /** How often a worker has followed one that failed. */
  restarts = 0;

  constructor(options: WorkerSlotOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** The worker that serves; `undefined` while there is none. */
  get worker(): SupervisedWorker | undefined {
    return this.#current;
  }

  /**
   * Starts a worker, and then ends the one before, if there is one; resolves once
   * that is gone. One that is being started already may be of an older program.
   *
   * @throws {Error} if it ends before it serves; the one before stays
   */
  async renew(): Promise<void> {
    await this.#succeeding?.catch(() => {});
    if (this.#closing) return;
    await this.#succeed();
    await Promise.all(this.#leaving.values());
  }

  /** Starts a worker in place of the one before, unless one is being started. */
  #succeed(): Promise<void> {
    return this.#succeeding ??= this.#startOne()
      .finally(() => this.#succeeding = undefined);
  }

  async #startOne(): Promise<void> {
    const successor = this.#starting = this.#options.start(this.name);
    try {
      await successor.listening;
    } finally {
      this.#starting = undefined;
    }
    systemClock.clearTimeout(this.#restart);
    const former = this.#current;
    this.#current = successor;
    const begunAt = systemClock.now();
    void successor.gone.then((how) => this.#lost(successor, how, begunAt));
    // Nobody waits for it here: the successor may need one long before it is gone.
    if (former !== undefined) this.#dismiss(former);
  }

  /** Ends its processes in good order. */
  async close(): Promise<void> {
    this.#closing = true;
    systemClock.clearTimeout(this.#restart);
    const all = [this.#starting, this.#current]
      .filter((each) => each !== undefined);
    await Promise.all([
      ...all.map((each) => this.#end(each)),
      ...this.#leaving.values(),
    ]);
  }

  #dismiss(worker: SupervisedWorker): void {
    const left = this.#end(worker)
      .then(() => void this.#leaving.delete(worker));
    this.#leaving.set(worker, left);
  }

  async #end(worker: SupervisedWorker): Promise<void> {
    const { name, log, endsWithinMs } = this.#options;
    const how = await worker.close(endsWithinMs);
    if (how === undefined) return;
    log.warning(`worker ${name} did not end in good order: ${how}`);
  }

  #lost(worker: SupervisedWorker, how: string, begunAt: number): void {
    if (worker !== this.#current) return;
    this.#current = undefined;
    if (systemClock.now() - begunAt > GOOD_LIFE_MS) this.#failures = 0;
    this.#follow(how);
  }

  /** Lets another worker follow one that has ended. */
  #follow(how: string): void {
    if (this.#closing) return;
    const { name, log, giveUp } = this.#options;
    if (++this.#failures >= MAX_FAILURES) {
      giveUp(`worker ${name} failed ${MAX_FAILURES} times in a row: ${how}`);
      return;
    }
    const waitMs = backoffMs(this.#failures, BACKOFF);
    log.error(`worker ${name} failed: ${how}`, {
      restartsInMs: Math.round(waitMs),
    });
    this.#restart = systemClock.setTimeout(() => {
      this.restarts++;
      this.#succeed().catch((error) => this.#follow(thrownText(error)));
    }, waitMs);
  }
}
