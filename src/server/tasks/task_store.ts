import { type Clock, systemClock, type TimerHandle } from "../../base/clock.ts";
import {
  option,
  type OptionRules,
  readOptions,
} from "../../base/option_rules.ts";
import { MemoryTaskLeases } from "./memory_task_leases.ts";
import type { StoredTask } from "./stored_task.ts";
import type { TaskLeases } from "./task_leases.ts";
import { SharedRoom } from "../../base/shared_room.ts";
import {
  noRoomFor,
  ProtocolErrorCode,
  RefusedError,
} from "../../protocol/protocol_errors.ts";
import { bytesOf } from "../../protocol/value_bytes.ts";
import { isFinal, type Task } from "./task.ts";

/** Milliseconds after which one of the tasks at work may have ended. */
const FULL_RETRY_MS = 1_000;

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
   * Number of tasks that are kept at once. For one more a finished one is forgotten,
   * the oldest of those who have many; of unfinished ones a caller has half at most.
   * @default 10000
   */
  maxTasks?: number;
  /**
   * Bytes that the tasks have, about, with their results. For more, finished ones
   * are forgotten likewise; a task whose own result has more has failed.
   * @default 67108864 (64 MiB)
   */
  maxBytes?: number;
  /**
   * Source of the time.
   * @default systemClock
   */
  clock?: Clock;
}

const MEMORY_OPTIONS = {
  maxTasks: option.integer(10_000, 1),
  maxBytes: option.integer(64 * 1024 * 1024, 1),
  clock: option.any<Clock>(systemClock),
} satisfies OptionRules<MemoryTaskStoreOptions>;

/** A task in the store. */
interface Entry {
  stored: StoredTask;
  readonly account: string;
  bytes: number;
  timer: TimerHandle;
}

/** Keeps tasks in this process, each for its `ttlMs` or until its room is needed. */
export class MemoryTaskStore implements TaskStore, AsyncDisposable {
  /** Leases of the tasks, for several servers in this process. */
  readonly leases: TaskLeases;
  readonly #tasks: Map<string, Entry> = new Map();
  /** Those of the tasks that have ended, the first that did first. */
  readonly #finished: Map<string, Entry> = new Map();
  readonly #unfinished: SharedRoom;
  readonly #held: SharedRoom = new SharedRoom(Infinity);
  readonly #maxTasks: number;
  readonly #maxBytes: number;
  readonly #clock: Clock;
  #bytes = 0;

  /**
   * Makes an empty store.
   *
   * @throws {InvalidOptionError} naming the option
   */
  constructor(options: MemoryTaskStoreOptions = {}) {
    const read = readOptions("MemoryTaskStore", options, MEMORY_OPTIONS);
    const { maxTasks, clock } = read;
    this.#maxTasks = maxTasks;
    this.#maxBytes = read.maxBytes;
    // One more than there may be, so that a store of one task has room for it.
    this.#unfinished = new SharedRoom(maxTasks + 1);
    this.#clock = clock;
    this.leases = new MemoryTaskLeases(this, clock);
  }

  create(stored: StoredTask): Promise<void> {
    const { principal, account = principal, task: { taskId, ttlMs } } = stored;
    if (!this.#unfinished.take(account, 1)) {
      return Promise.reject(noRoomFor("another task"));
    }
    while (this.#tasks.size >= this.#maxTasks && this.#forgetFinished());
    if (this.#tasks.size >= this.#maxTasks) {
      this.#unfinished.give(account, 1);
      return Promise.reject(
        new RefusedError("overloaded", FULL_RETRY_MS),
      );
    }
    const entry: Entry = {
      stored: structuredClone(stored),
      account,
      bytes: 0,
      timer: ttlMs === null ? undefined : this.#clock.setTimeout(
        () => this.#forget(taskId),
        ttlMs,
        { keepAlive: false },
      ),
    };
    this.#tasks.set(taskId, entry);
    this.#held.add(account, 1);
    return Promise.resolve();
  }

  get(taskId: string): Promise<StoredTask | undefined> {
    const entry = this.#tasks.get(taskId);
    return Promise.resolve(entry && structuredClone(entry.stored));
  }

  update(task: Task): Promise<void> {
    const entry = this.#tasks.get(task.taskId);
    if (entry === undefined) return Promise.resolve();
    const bytes = bytesOf(task);
    entry.stored.task = structuredClone(
      bytes <= this.#maxBytes ? task : tooLarge(task, bytes, this.#maxBytes),
    );
    this.#setBytes(entry, bytesOf(entry.stored.task));
    if (isFinal(task.status) && !this.#finished.has(task.taskId)) {
      this.#finished.set(task.taskId, entry);
      this.#unfinished.give(entry.account, 1);
    }
    while (this.#bytes > this.#maxBytes && this.#forgetFinished(task.taskId));
    return Promise.resolve();
  }

  #setBytes(entry: Entry, bytes: number): void {
    this.#bytes += bytes - entry.bytes;
    entry.bytes = bytes;
  }

  /** Forgets the oldest finished task of those who have many, or else of anybody. */
  #forgetFinished(butFor?: string): boolean {
    let oldest: string | undefined;
    for (const [taskId, { account }] of this.#finished) {
      if (taskId === butFor) continue;
      oldest ??= taskId;
      if (!this.#held.isLarge(account)) continue;
      oldest = taskId;
      break;
    }
    if (oldest === undefined) return false;
    this.#forget(oldest);
    return true;
  }

  delete(taskId: string): Promise<void> {
    this.#forget(taskId);
    return Promise.resolve();
  }

  #forget(taskId: string): void {
    const entry = this.#tasks.get(taskId);
    if (entry === undefined) return;
    this.#tasks.delete(taskId);
    if (!this.#finished.delete(taskId)) this.#unfinished.give(entry.account, 1);
    this.#held.give(entry.account, 1);
    this.#setBytes(entry, 0);
    this.#clock.clearTimeout(entry.timer);
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

/** A task whose result there is no room for: better said than silently gone. */
function tooLarge(
  { result: _, inputRequests: __, ...task }: Task,
  bytes: number,
  maxBytes: number,
): Task {
  const message = `The task has ${bytes} bytes, and ${maxBytes} are kept`;
  return {
    ...task,
    status: "failed",
    statusMessage: message,
    error: { code: ProtocolErrorCode.InternalError, message },
  };
}
