import { waitAtMost } from "../../base/wait_at_most.ts";
import { InvalidParamsError } from "../../protocol/errors.ts";
import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { ClosedError } from "../../base/errors.ts";
import { checkInteger } from "../../base/options.ts";
import { thrownText } from "../../base/thrown.ts";
import type { Engine } from "../calls/dispatcher.ts";
import { InlineRun } from "./inline_run.ts";
import type { RequestContext } from "../calls/call.ts";
import { requestFields } from "../calls/call_log.ts";
import { RunningTask } from "./running_task.ts";
import type { TaskRun } from "../server_context.ts";
import {
  knowsTasks,
  requireTasks,
  taskTopic,
} from "../changes/subscriptions.ts";
import { type CreateTaskResult, isFinal, type Task } from "./task.ts";
import { MemoryTaskStore, type TaskStore } from "./task_store.ts";
import { errorResult } from "../catalog/tool_result.ts";

/** How tasks are kept and polled. */
export interface TaskOptions {
  /**
   * Where tasks are kept.
   * @default a MemoryTaskStore
   */
  store?: TaskStore;
  /**
   * Milliseconds for which a task is kept, its work included; null for ever.
   * @default 3600000
   */
  ttlMs?: number | null;
  /**
   * How often clients should ask, in milliseconds.
   * @default 1000
   */
  pollIntervalMs?: number;
}

/** The extension `io.modelcontextprotocol/tasks`: work that outlives its request. */
export class TaskManager {
  readonly #engine: Engine;
  readonly #store: TaskStore;
  readonly #ttlMs: number | null;
  readonly #pollIntervalMs: number;
  readonly #running: Map<string, RunningTask> = new Map();

  constructor(
    engine: Engine,
    { store, ttlMs = 3_600_000, pollIntervalMs = 1_000 }: TaskOptions,
  ) {
    this.#engine = engine;
    this.#store = store ?? new MemoryTaskStore({ clock: engine.clock });
    this.#ttlMs = checkTtlMs("tasks.ttlMs", ttlMs);
    this.#pollIntervalMs = checkInteger(
      "tasks.pollIntervalMs",
      pollIntervalMs,
      1,
    );
  }

  /** How many tasks are at work here. */
  get running(): number {
    return this.#running.size;
  }

  /** Begins `work` as a task, or runs it at once for a client without tasks. */
  async start(
    context: RequestContext,
    work: (task: TaskRun) => unknown,
    { ttlMs = this.#ttlMs, pollIntervalMs = this.#pollIntervalMs }: {
      ttlMs?: number | null;
      pollIntervalMs?: number;
    },
  ): Promise<unknown> {
    // Only a tool's call may be answered with a task.
    if (context.method !== "tools/call" || !knowsTasks(context)) {
      return await work(new InlineRun(context));
    }
    if (this.#engine.closing) throw new ClosedError("the server");
    const now = new Date().toISOString();
    const task: Task = {
      taskId: crypto.randomUUID(),
      status: "working",
      createdAt: now,
      lastUpdatedAt: now,
      ttlMs: checkTtlMs("ttlMs", ttlMs),
      pollIntervalMs: checkInteger("pollIntervalMs", pollIntervalMs, 1),
    };
    await this.#store.create({
      task,
      principal: this.#engine.identify(context.authInfo),
    });
    // What the client is told is the task as created, however fast the work is.
    const created: CreateTaskResult = { resultType: "task", ...task } as
      & Task
      & CreateTaskResult;
    this.#run(
      new RunningTask(task, (each) => this.#changed(each)),
      work,
      context,
    );
    return created;
  }

  #run(
    running: RunningTask,
    work: (task: TaskRun) => unknown,
    context: RequestContext,
  ): void {
    const { taskId, ttlMs } = running.task;
    const tool = this.#engine.toolOf(context);
    this.#running.set(taskId, running);
    const timer = ttlMs === null ? undefined : this.#engine.clock.setTimeout(
      () => this.#callOff(running, "the task's time is over"),
      ttlMs,
      { keepAlive: false },
    );
    running.done = Promise.try(() => running.work(work))
      .then((value) => tool?.complete(value, context) ?? value)
      .then(asJson)
      .then(
        (result) => running.finish({ status: "completed", result }),
        (error) => this.#failed(running, context, error),
      )
      .catch((error) => this.#report(context, error))
      .finally(() => {
        this.#engine.clock.clearTimeout(timer);
        this.#running.delete(taskId);
      });
  }

  /** An error of the tool's own completes the task; one of the protocol fails it. */
  async #failed(
    running: RunningTask,
    context: RequestContext,
    error: unknown,
  ): Promise<void> {
    // What work that was called off has left to say interests nobody.
    if (isFinal(running.task.status)) return;
    if (error instanceof ProtocolError) {
      const { code, message, data } = error;
      return await running.finish({
        status: "failed",
        statusMessage: message,
        error: { code, message, ...(data !== undefined && { data }) },
      });
    }
    this.#report(context, error);
    const text = this.#engine.options.maskErrors
      ? "The task failed"
      : thrownText(error);
    await running.finish({
      status: "completed",
      result: errorResult(text) as JsonObject,
    });
  }

  /** Without the task's id: whoever knows it may read the result. */
  #report(context: RequestContext, error: unknown): void {
    this.#engine.reportFailure("task", error, requestFields(context));
  }

  async #changed(task: Task): Promise<void> {
    await this.#store.update(task);
    this.#engine.subscriptions.publish(
      taskTopic(task.taskId),
      "notifications/tasks",
      { ...task },
    );
  }

  /** `tasks/get` */
  async get(context: RequestContext): Promise<JsonObject> {
    return { ...await this.#find(context) };
  }

  /** `tasks/update` */
  async update(context: RequestContext): Promise<JsonObject> {
    const { taskId } = await this.#find(context);
    const { inputResponses } = context.params;
    if (!isObject(inputResponses)) {
      throw new InvalidParamsError(
        "Invalid params: inputResponses must be an object",
      );
    }
    await this.#running.get(taskId)?.answer(inputResponses);
    return {};
  }

  /** `tasks/cancel` */
  async cancel(context: RequestContext): Promise<JsonObject> {
    const { taskId } = await this.#find(context);
    await this.#running.get(taskId)?.cancel("cancelled by the client");
    return {};
  }

  /** The task that a request names, if it is the caller's. */
  async #find(context: RequestContext): Promise<Task> {
    requireTasks(context);
    const { taskId } = context.params;
    if (typeof taskId !== "string") {
      throw new InvalidParamsError("Invalid params: taskId must be a string");
    }
    const stored = await this.#store.get(taskId);
    if (stored?.principal !== this.#engine.identify(context.authInfo)) {
      throw new InvalidParamsError(`Invalid params: unknown task ${taskId}`);
    }
    return stored.task;
  }

  /** Whether the caller may follow a task. */
  async mayWatch(context: RequestContext, taskId: string): Promise<boolean> {
    const stored = await this.#store.get(taskId);
    return stored?.principal === this.#engine.identify(context.authInfo);
  }

  async #callOff(running: RunningTask, reason: string): Promise<void> {
    try {
      await running.cancel(reason);
    } catch (error) {
      this.#engine.reportFailure("task", error, {});
    }
  }

  /**
   * Calls every task off and waits for the work to end: it may hold what the
   * lifespan is about to close.
   *
   * @param graceMs how long work that ignores its signal is waited for
   */
  async close(graceMs: number): Promise<void> {
    const ended = Array.from(this.#running.values(), async (each) => {
      await this.#callOff(each, "the server is shutting down");
      await each.done;
    });
    const { clock } = this.#engine;
    await waitAtMost(Promise.all(ended), { limitMs: graceMs, clock });
    await (this.#store as Partial<AsyncDisposable>)[Symbol.asyncDispose]?.();
  }
}

function checkTtlMs(name: string, ttlMs: number | null): number | null {
  return ttlMs === null ? null : checkInteger(name, ttlMs, 1);
}

/** The result as it will be sent: better refused now than at every poll. */
function asJson(result: unknown): JsonObject {
  return JSON.parse(JSON.stringify(result));
}
