import { thrownText } from "../../base/thrown.ts";
import { type StoreMakers, WorkerHub } from "../../cluster/worker_hub.ts";
import { MemoryRateLimitStore } from "../../limit/memory_rate_limit_store.ts";
import type { Log } from "../../observe/log/log.ts";
import { MemorySessionStore } from "../../server/sessions/session_store.ts";
import { MemoryTaskStore } from "../../server/tasks/task_store.ts";
import type { ProgramCommand } from "./program_command.ts";
import { SupervisedWorker } from "./supervised_worker.ts";
import type { HeldStore } from "./this_worker.ts";
import { WorkerSlot } from "./worker_slot.ts";

/** What a supervisor looks after. */
export interface SupervisorOptions {
  readonly count: number;
  /** The port that the workers share. */
  readonly port: number;
  readonly command: ProgramCommand;
  readonly env: Readonly<Record<string, string>>;
  readonly maxSilenceMs: number;
  readonly endsWithinMs: number;
  readonly log: Log;
}

const STORES: StoreMakers<HeldStore> = {
  sessions: () => new MemorySessionStore(),
  rateLimits: () => new MemoryRateLimitStore({ name: "workers" }),
  tasks: () => new MemoryTaskStore(),
  taskLeases: (held) => (held("tasks") as MemoryTaskStore).leases,
};

/** Processes that serve one port together, each followed by another when it ends. */
export class Supervisor {
  readonly slots: readonly WorkerSlot[];
  /** Rejects if workers end over and over. */
  readonly failed: Promise<never>;
  readonly #log: Log;
  readonly #hub: WorkerHub = new WorkerHub(STORES);
  #reloading: Promise<void> | undefined;
  /** True if workers are to be replaced that may run an older program. */
  #outdated = false;
  #closing = false;

  constructor({ count, log, endsWithinMs, ...worker }: SupervisorOptions) {
    this.#log = log;
    const failed = Promise.withResolvers<never>();
    this.failed = failed.promise;
    const start = (name: string) => {
      const started = new SupervisedWorker({ name, ...worker });
      void started.gone.then(this.#hub.connect(started.link));
      return started;
    };
    this.slots = Array.from({ length: count }, (_, i) =>
      new WorkerSlot({
        name: String(i + 1),
        start,
        log,
        endsWithinMs,
        giveUp: (reason) => failed.reject(new Error(reason)),
      }));
  }

  /**
   * Starts all workers; resolves once all serve.
   *
   * @throws {Error} if one ends before it serves; the others are ended
   */
  async start(): Promise<void> {
    try {
      await Promise.all(this.slots.map(async (slot) => {
        await slot.renew().catch((error) => {
          throw new Error(
            `worker ${slot.name} could not start: ${thrownText(error)}`,
            { cause: error },
          );
        });
      }));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /**
   * Replaces the workers one after another; each serves until its successor does.
   * Once more if it is called meanwhile: the program may have changed since.
   */
  reload(): Promise<void> {
    this.#outdated = true;
    return this.#reloading ??= this.#reload()
      .finally(() => this.#reloading = undefined);
  }

  async #reload(): Promise<void> {
    while (this.#outdated && !this.#closing) await this.#replaceAll();
  }

  async #replaceAll(): Promise<void> {
    this.#outdated = false;
    this.#log.info("the workers are replaced, one after another");
    for (const slot of this.slots) {
      if (this.#closing) return;
      try {
        await slot.renew();
      } catch (error) {
        if (!this.#closing) {
          this.#log.error(
            `worker ${slot.name} is not replaced, nor are those after it: ` +
              thrownText(error),
          );
        }
        return;
      }
    }
    this.#log.info("the workers are replaced");
  }

  /** Ends all workers in good order. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.slots.map((slot) => slot.close()));
  }
}
