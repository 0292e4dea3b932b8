import type { Clock } from "../../base/clock.ts";
import { waitAtMost } from "../../base/deadline.ts";
import { ClosedError, UnavailableError } from "../../base/errors.ts";
import { handled } from "../../base/thenable.ts";
import type { Log } from "../../observe/log/log.ts";
import { reportFailure } from "../../observe/log/logger.ts";
import { jsonForm } from "../../protocol/json_value.ts";
import { nearestJson } from "../../protocol/nearest_json.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";
import { ProtocolError, RefusedError } from "../../protocol/protocol_errors.ts";
import type { Call } from "../calls/call.ts";
import { failureText } from "../calls/failure_text.ts";
import { errorResult } from "../catalog/tool_result.ts";
import type { HeldLease } from "./lease_keeper.ts";
import { RunningTask } from "./running_task.ts";
import type { SharedTasks } from "./shared_tasks.ts";
import type { StoredTask } from "./stored_task.ts";
import { failureOf, type Task } from "./task.ts";
import type { TaskLease } from "./task_leases.ts";
import type { TaskStore } from "./task_store.ts";

/** Time after which a store that is away may be back, in milliseconds. */
const RETRY_MS = 1_000;

const SHUTDOWN = "the server is shutting down";

/** Parts that running tasks takes. */
export interface TaskRunnerParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: TaskStore;
  /** What replicas have in common; `undefined` where nothing is. */
  readonly shared: SharedTasks | undefined;
  publish(task: Task): void;
}

/** Right to run a task that other replicas may have next. */
export interface TaskHold {
  readonly lease: TaskLease;
  /** When it was asked for. */
  readonly since: number;
  /** True if another replica may run the task again. */
  readonly handsOver: boolean;
}

/** The tasks at work in this process. */
export class TaskRunner {
  readonly #parts: TaskRunnerParts;
  readonly #running: Map<string, RunningTask> = new Map();
  #closed = false;

  constructor(parts: TaskRunnerParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#running.size;
  }

  /** The task, if it is at work here. */
  get(taskId: string): RunningTask | undefined {
    return this.#running.get(taskId);
  }

  /** Keeps a new task. @throws {RefusedError} if replicas share it, and their store is away */
  async create(call: Call, stored: StoredTask): Promise<RunningTask> {
    const { task, restart } = stored;
    const { clock, shared, store } = this.#parts;
    const since = clock.now();
    const lease = await (shared?.begin(stored) ?? store.create(stored))
      .catch((error) => this.#notCreated(task, error));
    if (this.#closed) {
      await store.delete(task.taskId);
      throw new ClosedError("the server");
    }
    const handsOver = restart !== undefined;
    return this.taskOf(
      task,
      call,
      lease ? { lease, since, handsOver } : undefined,
    );
  }

  /** What the client is told was not begun must not be begun by anybody later. */
  #notCreated({ taskId }: Task, error: unknown): never {
    if (!(error instanceof UnavailableError)) throw error;
    const { shared, store } = this.#parts;
    if (shared !== undefined) {
      handled(shared.untilAvailable(() => store.delete(taskId)));
    }
    throw new RefusedError("unavailable", RETRY_MS);
  }

  /** A task to run here, as far as its lease allows. */
  taskOf(task: Task, call: Call, hold?: TaskHold): RunningTask {
    const running: RunningTask = new RunningTask(
      task,
      call,
      (each) => this.#changed(each, running.lease),
      hold?.lease.term,
    );
    if (hold !== undefined) {
      running.handsOver = hold.handsOver;
      running.lease = this.#parts.shared!.hold(
        hold.lease,
        hold.since,
        (why) => this.#lose(running, why),
      );
    }
    return running;
  }

  /** Runs the work of a task, for as long as the task has. */
  run(
    running: RunningTask,
    work: () => unknown,
    call: Call,
    leftMs: number | null,
  ): void {
    const { taskId } = running;
    const { clock } = this.#parts;
    this.#running.set(taskId, running);
    const timer = leftMs === null ? undefined : clock.setTimeout(
      () => {
        // By now the store has forgotten it.
        running.lease?.drop();
        running.lease = undefined;
        void this.#callOff(running, "the task's time is over");
      },
      leftMs,
      { keepAlive: false },
    );
    running.done = Promise.try(work)
      .then((value) => call.completer?.complete(value, call) ?? value)
      .then(asJson)
      .then(
        (result) => running.finish({ status: "completed", result }),
        (error) => this.#failed(running, call, error),
      )
      .catch((error) => call.host.report("task", error, call))
      .finally(() => {
        clock.clearTimeout(timer);
        running.lease?.drop();
        // It may have come back to this replica since.
        if (this.#running.get(taskId) === running) this.#running.delete(taskId);
      });
  }

  /** An error of the tool's own completes the task; one of the protocol fails it. */
  async #failed(
    running: RunningTask,
    call: Call,
    error: unknown,
  ): Promise<void> {
    // What work that was called off has left to say interests nobody.
    if (running.over) return;
    if (error instanceof ProtocolError) {
      const { code, message, data } = error;
      return await running.finish({
        status: "failed",
        statusMessage: message,
        error: {
          code,
          message,
          ...(data !== undefined && { data: nearestJson(data) }),
        },
      });
    }
    call.host.report("task", error, call);
    const text = call.host.maskErrors
      ? "The task failed"
      : failureText(error, call.host.revealUrls);
    await running.finish({
      status: "completed",
      result: errorResult(text) as JsonObject,
    });
  }

  async #changed(task: Task, lease: HeldLease | undefined): Promise<void> {
    if (lease === undefined) await this.#parts.store.update(task);
    else if (!await lease.update(task)) return;
    this.#parts.publish(task);
  }

  /** Stops work at a task that this replica has no right to any more. */
  #lose(running: RunningTask, why: string): void {
    if (running.over) return;
    running.lose(why);
    const { taskId, task } = running;
    const { shared, store } = this.#parts;
    this.#parts.log.warning(`a task is no longer this replica's: ${why}`, {
      task: taskId,
    });
    handled(shared!.untilAvailable(async () => {
      if (await store.get(taskId) !== undefined) return;
      this.#parts.publish(failureOf(task, "the store of tasks has lost it"));
    }));
  }

  async #callOff(running: RunningTask, reason: string): Promise<void> {
    try {
      await running.cancel(reason);
    } catch (error) {
      reportFailure(this.#parts.log, "task", error);
    }
  }

  /**
   * Calls every task off and waits for the work to end: it may hold what the
   * lifespan is about to close.
   *
   * @param graceMs how long work that ignores its signal is waited for
   */
  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    const ended = Array.from(this.#running.values(), async (each) => {
      if (each.handsOver && !each.over) await this.#handOver(each, graceMs);
      else await this.#callOff(each, SHUTDOWN);
      await each.done;
    });
    const { clock, log } = this.#parts;
    if (await waitAtMost(Promise.all(ended), graceMs, { clock })) return;
    const left = [...this.#running.values()];
    log.warning(
      `tasks were left behind after ${graceMs} ms of grace: ${left.length}`,
      {
        tasks: left.length,
        graceMs,
        names: [...new Set(left.map(({ tool }) => tool))],
      },
    );
  }

  /** Has another replica run a task, as soon as this one has left off. */
  async #handOver(running: RunningTask, graceMs: number): Promise<void> {
    const { clock, shared } = this.#parts;
    running.lose(SHUTDOWN);
    await waitAtMost(running.done, graceMs, { clock });
    await shared!.release(running.lease!);
  }
}

/** The result as it will be sent: better refused now than at every poll. */
function asJson(result: unknown): JsonObject {
  return jsonForm(result) as JsonObject;
}
