import { type Clock, systemClock, type TimerHandle } from "../../base/clock.ts";
import { checkInteger } from "../../base/options.ts";
import { MemoryTaskLeases } from "./memory_task_leases.ts";
import type { StoredTask } from "./stored_task.ts";
import type { Task } from "./task.ts";
import type { TaskLeases } from "./task_leases.ts";

/**
 * Store of tasks. One that several replicas share lets any of them
 * answer for a task; the work itself stays where it began, unless it has leases.
 */
export interface TaskStore {
  /** Resolves once `get` on any replica would find the task. */
  create(stored: StoredTask): Promise<void>;
  /** The task, or `undefined` if it is unknown or its time is over. */
  get(taskId: string): Promise<StoredTask | undefined>;
  /** Replaces the task's state. */
  update(task: Task): Promise<void>;
  /** Forgets the task, if it is there. */
  delete(taskId: string): Promise<void>;
  /**
   * Leases of the tasks, for a server with a `bus`.
   * @default none: a task ends with its replica, and nobody is told
   */
  readonly leases?: TaskLeases;
}

/** Settings for how a {@linkcode MemoryTaskStore} keeps its tasks. */
export interface MemoryTaskStoreOptions {
  /**
   * Number of tasks that are kept at once; one more is refused.
   * @default 10000
   */
  maxTasks?: number;
  /**
   * Source of the time.
   * @default systemClock
   */
  clock?: Clock;
}

/** Keeps tasks in this process, each for its `ttlMs`. */
export class MemoryTaskStore implements TaskStore, AsyncDisposable {
  /** Leases of the tasks, for several servers in this process. */
  readonly leases: TaskLeases;
  readonly #tasks: Map<string, StoredTask> = new Map();
  readonly #timers: Map<string, TimerHandle> = new Map();
  readonly #maxTasks: number;
  readonly #clock: Clock;

  /**
   * Makes an empty store.
   *
   * @throws {InvalidOptionError} naming the option
   */
  constructor(
    { maxTasks = 10_000, clock = systemClock }: MemoryTaskStoreOptions = {},
  ) {
    this.#maxTasks = checkInteger("maxTasks", maxTasks, 1);
    this.#clock = clock;
    this.leases = new MemoryTaskLeases(this, clock);
  }

  create(stored: StoredTask): Promise<void> {
    if (this.#tasks.size >= this.#maxTasks) {
      return Promise.reject(
        new RangeError(`no room for another task: ${this.#maxTasks} are kept`),
      );
    }
    const { taskId, ttlMs } = stored.task;
    this.#tasks.set(taskId, structuredClone(stored));
    if (ttlMs !== null) {
      this.#timers.set(
        taskId,
        this.#clock.setTimeout(() => this.#forget(taskId), ttlMs, {
          keepAlive: false,
        }),
      );
    }
    return Promise.resolve();
  }

  get(taskId: string): Promise<StoredTask | undefined> {
    const stored = this.#tasks.get(taskId);
    return Promise.resolve(stored && structuredClone(stored));
  }

  update(task: Task): Promise<void> {
    const stored = this.#tasks.get(task.taskId);
    if (stored !== undefined) stored.task = structuredClone(task);
    return Promise.resolve();
  }

  delete(taskId: string): Promise<void> {
    this.#forget(taskId);
    return Promise.resolve();
  }

  #forget(taskId: string): void {
    this.#tasks.delete(taskId);
    this.#clock.clearTimeout(this.#timers.get(taskId));
    this.#timers.delete(taskId);
  }

  /** Number of tasks that are kept. */
  get size(): number {
    return this.#tasks.size;
  }

  /** Forgets every task. */
  [Symbol.asyncDispose](): Promise<void> {
    for (const taskId of [...this.#tasks.keys()]) this.#forget(taskId);
    return Promise.resolve();
  }
}
