import type { WatchedWork } from "../../src/observe/watch/block_suspects.ts";
import { Watchdog } from "../../src/observe/watch/watchdog.ts";
import type { WatchdogOptions } from "../../src/observe/watch/watchdog.ts";
import type { BlockReport } from "../../src/observe/watch/block_report.ts";
import { eventually } from "../support/eventually.ts";

type Handler = () => unknown;

/** Handlers under a watchdog, told of their calls as a server would. */
export class WatchedCalls implements AsyncDisposable {
  readonly reports: BlockReport[] = [];
  readonly watchdog: Watchdog;
  readonly #running: Set<WatchedWork> = new Set();
  readonly #handlers: Record<string, Handler>;

  constructor(
    handlers: Record<string, Handler>,
    options: Partial<WatchdogOptions> = {},
  ) {
    this.#handlers = handlers;
    this.watchdog = new Watchdog({
      inProgress: () => this.#running,
      handlerOf: (name) => handlers[name],
      onBlock: (report) => this.reports.push(report),
      // Whatever else the machine is at.
      cpuTimeMs: () => performance.now(),
      ...options,
    });
    this.watchdog.start();
  }

  async call(name: string): Promise<void> {
    const begunAt = performance.now();
    const outcome = this.#handlers[name]();
    this.watchdog.ran(name, begunAt, performance.now());
    if (!(outcome instanceof Promise)) return;
    const work = { name, begunAt };
    this.#running.add(work);
    await outcome;
    this.#running.delete(work);
    this.watchdog.ended(name, begunAt, performance.now());
  }

  /** The reports of blocks that this work can have done; a busy machine adds others. */
  of(name: string): BlockReport[] {
    return this.reports.filter(({ inProgress }) => inProgress.includes(name));
  }

  /** Waits for such a report. */
  async report(name: string, index: number): Promise<BlockReport> {
    await eventually(() => this.of(name).length > index);
    return this.of(name)[index];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.watchdog.close();
  }
}

/** Keeps the thread busy. */
export function burn(ms: number): number {
  const end = performance.now() + ms;
  let rounds = 0;
  while (performance.now() < end) rounds++;
  return rounds;
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
