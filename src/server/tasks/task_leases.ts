import type { StoredTask } from "./stored_task.ts";
import type { Task } from "./task.ts";

/** The right of one replica to work at a task, and to say how it stands. */
export interface TaskLease {
  /** Id of the task. */
  readonly taskId: string;
  /** Grows whenever the task changes hands: what an earlier holder writes is refused. */
  readonly term: number;
}

/** A task that was taken over from a replica that is gone. */
export interface ClaimedTask {
  /** The task as it was left. */
  readonly stored: StoredTask;
  /** Lease of the one who took it over. */
  readonly lease: TaskLease;
  /** Number of times that it has been begun, this one included; a hand-over is none. */
  readonly attempt: number;
  /** Milliseconds after which it is forgotten; null for never. */
  readonly leftMs: number | null;
}

/**
 * The part of a {@linkcode TaskStore} that lets a task outlive the replica that
 * runs it. An unfinished task has one lease, for a time that its holder renews. Each
 * operation on a task is one step: none comes between another's look and its deed.
 */
export interface TaskLeases {
  /** Version of this part. */
  readonly version: 1;
  /**
   * Keeps a new task, and gives its lease to `owner`; resolves once `get` on any
   * replica would find it.
   */
  begin(
    stored: StoredTask,
    owner: string,
    leaseMs: number,
  ): Promise<TaskLease>;
  /** Lets a lease last for `leaseMs` from now; tells if it is still the task's. */
  renew(lease: TaskLease, leaseMs: number): Promise<boolean>;
  /**
   * Replaces the task's state, if the lease is still the task's, and tells if so. A
   * final state ends the lease; the same one again is taken as well.
   */
  update(lease: TaskLease, task: Task): Promise<boolean>;
  /** Gives a lease up, for others to claim at once. */
  release(lease: TaskLease): Promise<void>;
  /** Gives a task its final state, whoever has the lease; tells if it was unfinished. */
  end(task: Task): Promise<boolean>;
  /** Takes over at most `max` tasks whose leases have run out or were given up. */
  claim(owner: string, leaseMs: number, max: number): Promise<ClaimedTask[]>;
  /** The owner that has a task's lease; `undefined` for a task that nobody has. */
  owner(taskId: string): Promise<string | undefined>;
}
