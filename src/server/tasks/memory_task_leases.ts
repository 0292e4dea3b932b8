import type { Clock } from "../../base/clock.ts";
import type { StoredTask } from "./stored_task.ts";
import { isFinal, type Task } from "./task.ts";
import type { ClaimedTask, TaskLease, TaskLeases } from "./task_leases.ts";

/** Tasks in memory, where what is called has happened when the call returns. */
export interface TasksAtHand {
  create(stored: StoredTask): Promise<void>;
  get(taskId: string): Promise<StoredTask | undefined>;
  update(task: Task): Promise<void>;
}

/** The lease of one unfinished task. */
interface Entry {
  readonly taskId: string;
  term: number;
  owner: string | undefined;
  until: number;
  attempt: number;
  /** Time when the task is forgotten. */
  readonly endsAt: number | null;
}

/** Leases of tasks that several servers in one process share. */
export class MemoryTaskLeases implements TaskLeases {
  readonly version = 1;
  readonly #tasks: TasksAtHand;
  readonly #clock: Clock;
  readonly #entries: Map<string, Entry> = new Map();

  constructor(tasks: TasksAtHand, clock: Clock) {
    this.#tasks = tasks;
    this.#clock = clock;
  }

  async begin(
    stored: StoredTask,
    owner: string,
    leaseMs: number,
  ): Promise<TaskLease> {
    await this.#tasks.create(stored);
    const { taskId, ttlMs } = stored.task;
    const now = this.#clock.now();
    this.#entries.set(taskId, {
      taskId,
      term: 1,
      owner,
      until: now + leaseMs,
      attempt: 1,
      endsAt: ttlMs === null ? null : now + ttlMs,
    });
    return { taskId, term: 1 };
  }

  async renew(lease: TaskLease, leaseMs: number): Promise<boolean> {
    await this.#look(lease.taskId);
    const entry = this.#held(lease);
    if (entry !== undefined) entry.until = this.#clock.now() + leaseMs;
    return entry !== undefined;
  }

  async update(lease: TaskLease, task: Task): Promise<boolean> {
    const stored = await this.#look(lease.taskId);
    if (this.#held(lease) === undefined) {
      return JSON.stringify(stored?.task) === JSON.stringify(task);
    }
    await this.#write(task);
    return true;
  }

  async end(task: Task): Promise<boolean> {
    await this.#look(task.taskId);
    if (!this.#entries.has(task.taskId)) return false;
    await this.#write(task);
    return true;
  }

  #write(task: Task): Promise<void> {
    if (isFinal(task.status)) this.#entries.delete(task.taskId);
    return this.#tasks.update(task);
  }

  async release(lease: TaskLease): Promise<void> {
    await this.#look(lease.taskId);
    const entry = this.#held(lease);
    if (entry === undefined) return;
    entry.term++;
    entry.owner = undefined;
    entry.until = -Infinity;
  }

  async claim(
    owner: string,
    leaseMs: number,
    max: number,
  ): Promise<ClaimedTask[]> {
    const claimed: ClaimedTask[] = [];
    for (const { taskId } of [...this.#entries.values()]) {
      if (claimed.length === max) break;
      const stored = await this.#look(taskId);
      const entry = this.#entries.get(taskId);
      const now = this.#clock.now();
      if (stored === undefined || entry === undefined) continue;
      if (entry.until > now) continue;
      if (entry.owner !== undefined) entry.attempt++;
      entry.term++;
      entry.owner = owner;
      entry.until = now + leaseMs;
      const { term, attempt, endsAt } = entry;
      const leftMs = endsAt === null ? null : Math.max(0, endsAt - now);
      claimed.push({ stored, lease: { taskId, term }, attempt, leftMs });
    }
    return claimed;
  }

  async owner(taskId: string): Promise<string | undefined> {
    await this.#look(taskId);
    return this.#entries.get(taskId)?.owner;
  }

  #held({ taskId, term }: TaskLease): Entry | undefined {
    const entry = this.#entries.get(taskId);
    return entry?.term === term ? entry : undefined;
  }

  /** The task, whose lease is gone if it is. What is done next must be done at once. */
  async #look(taskId: string): Promise<StoredTask | undefined> {
    const stored = await this.#tasks.get(taskId);
    if (stored === undefined) this.#entries.delete(taskId);
    return stored;
  }
}
