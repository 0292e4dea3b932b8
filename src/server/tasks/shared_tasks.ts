import type { Clock, TimerHandle } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import type { Log } from "../../observe/log/log.ts";
import { reportFailure } from "../../observe/log/logger.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";
import { InvalidParamsError } from "../../protocol/protocol_errors.ts";
import { BEATS, type HeldLease, LeaseKeeper } from "./lease_keeper.ts";
import type { RunningTask } from "./running_task.ts";
import { WrongAnswerError } from "../questions/wrong_answer.ts";
import type { StoredTask } from "./stored_task.ts";
import type { Task } from "./task.ts";
import type { ClaimedTask, TaskLease, TaskLeases } from "./task_leases.ts";

/** Subject under which replicas speak of tasks. */
const TASK = "task";

/** Number of tasks that are taken over at once. */
const MAX_CLAIMED = 16;

/** What replicas say to each other of tasks. */
type News =
  | { readonly what: "ended"; readonly taskId: string }
  | {
    readonly what: "answers";
    readonly taskId: string;
    readonly answers: JsonObject;
  }
  | { readonly what: "released" };

/** Parts that sharing tasks takes. */
export interface SharedTasksParts {
  readonly leases: TaskLeases;
  readonly leaseMs: number;
  readonly cluster: Pick<Cluster, "member" | "on" | "say" | "tell" | "hand">;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  /** Tells if this replica may take tasks over. */
  takesOver(): boolean;
  /** Goes on with a task whose replica is gone; its lease began at `since`. */
  adopt(claimed: ClaimedTask, since: number): Promise<void>;
  /** The task, if it runs here. */
  running(taskId: string): RunningTask | undefined;
}

/** What replicas have in common of their tasks: leases, news of them, and orphans. */
export class SharedTasks {
  readonly #parts: SharedTasksParts;
  readonly #keeper: LeaseKeeper;
  #timer: TimerHandle;
  #searching: Promise<void> | undefined;
  #stopped = false;

  constructor(parts: SharedTasksParts) {
    this.#parts = parts;
    this.#keeper = new LeaseKeeper(parts);
    parts.cluster.on(TASK, (body) => this.#hear(body as News));
    this.#searchLater();
  }

  /** Keeps a new task. @throws {UnavailableError} */
  async begin(stored: StoredTask): Promise<TaskLease> {
    const { leases, leaseMs, cluster } = this.#parts;
    return await leases.begin(stored, cluster.member, leaseMs);
  }

  /** Keeps a lease that began at `since` until it is dropped. */
  hold(
    lease: TaskLease,
    since: number,
    onLost: (why: string) => void,
  ): HeldLease {
    return this.#keeper.hold(lease, since, onLost);
  }

  /** Does what needs the store, again for as long as that can't be reached. */
  untilAvailable<Result>(run: () => Promise<Result>): Promise<Result> {
    return this.#keeper.untilAvailable(run);
  }

  /** Gives a task its final state; tells if it had none. @throws {UnavailableError} */
  async end(task: Task): Promise<boolean> {
    const { leases, cluster } = this.#parts;
    const { taskId } = task;
    const owner = await leases.owner(taskId);
    if (!await leases.end(task)) return false;
    if (owner !== undefined && owner !== cluster.member) {
      // Who doesn't hear of it finds out when it renews its lease.
      cluster.tell(owner, TASK, { what: "ended", taskId } satisfies News)
        .catch(() => {});
    }
    return true;
  }

  /**
   * Hands a client's answers to the replica that asked.
   *
   * @throws {UnavailableError}
   * @throws {InvalidParamsError} if that replica refuses them
   */
  async answer(taskId: string, answers: JsonObject): Promise<void> {
    const { leases, cluster } = this.#parts;
    const owner = await leases.owner(taskId);
    if (owner === undefined || owner === cluster.member) throw unreachable();
    const news: News = { what: "answers", taskId, answers };
    const taken = await cluster.hand(owner, TASK, news);
    if (typeof taken === "string") throw new InvalidParamsError(taken);
    if (!taken) throw unreachable();
  }

  /** Gives a task to whichever replica claims it first. */
  async release(lease: HeldLease): Promise<void> {
    try {
      await lease.release();
      await this.#parts.cluster.say(TASK, { what: "released" } satisfies News);
    } catch (error) {
      // Its lease runs out.
      reportFailure(this.#parts.log, "handing a task over", error);
    }
  }

  #hear(news: News): unknown {
    switch (news.what) {
      case "ended":
        return this.#parts.running(news.taskId)?.lose("cancelled");
      case "answers":
        return this.#take(news);
      case "released":
        return this.#search();
    }
  }

  /** Tells if the task is here to take them, or why it does not. */
  async #take(
    { taskId, answers }: News & { what: "answers" },
  ): Promise<boolean | string> {
    const task = this.#parts.running(taskId);
    if (task?.over !== false) return false;
    try {
      await task.answer(answers);
      return true;
    } catch (error) {
      if (error instanceof WrongAnswerError) return error.message;
      throw error;
    }
  }

  #searchLater(): void {
    const { clock, leaseMs, random } = this.#parts;
    clock.clearTimeout(this.#timer);
    if (this.#stopped) return;
    // Replicas that started together must not search together.
    this.#timer = clock.setTimeout(
      () => this.#search(),
      leaseMs / BEATS * (0.5 + random()),
      { keepAlive: false },
    );
  }

  /** Takes over tasks whose leases have run out or were given up. */
  #search(): void {
    this.#searching ??= this.#claimAll().finally(() => {
      this.#searching = undefined;
      this.#searchLater();
    });
  }

  async #claimAll(): Promise<void> {
    try {
      while (await this.#claim() > 0);
    } catch (error) {
      if (error instanceof UnavailableError || this.#stopped) return;
      reportFailure(this.#parts.log, "taking tasks over", error);
    }
  }

  async #claim(): Promise<number> {
    const { adopt, leases, leaseMs, cluster, clock } = this.#parts;
    if (!this.#takesOver) return 0;
    const since = clock.now();
    const claimed = await leases.claim(cluster.member, leaseMs, MAX_CLAIMED);
    for (const each of claimed) {
      if (this.#takesOver) await adopt(each, since);
      else await leases.release(each.lease);
    }
    return claimed.length;
  }

  get #takesOver(): boolean {
    return !this.#stopped && this.#parts.takesOver();
  }

  /** Takes nothing over any more; resolves once nothing is being taken over. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#parts.clock.clearTimeout(this.#timer);
    await this.#searching;
  }

  /** Lets go of every lease that is still held. */
  close(reason: Error): void {
    this.#keeper.close(reason);
  }
}

/** Error for what must reach the replica that runs a task, and can't. */
export function unreachable(): UnavailableError {
  return new UnavailableError(
    "the replica that runs the task",
    "it is gone, or about to hand the task over",
  );
}
