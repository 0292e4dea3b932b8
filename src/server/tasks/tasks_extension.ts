import type { Clock } from "../../base/clock.ts";
import { waitAtMost } from "../../base/deadline.ts";
import {
  InvalidParamsError,
  ProtocolError,
} from "../../protocol/protocol_errors.ts";
import { jsonForm } from "../../protocol/json_value.ts";
import { nearestJson } from "../../protocol/nearest_json.ts";
import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import { ClosedError } from "../../base/errors.ts";
import { checkInteger } from "../../base/options.ts";
import type { Call, TaskTerms } from "../calls/call.ts";
import type {
  Extension,
  ExtensionHost,
  ExtensionMethod,
  ExtensionTopic,
  ToolInCall,
} from "../extension.ts";
import { TASKS_EXTENSION } from "../../protocol/revision.ts";
import type { AuthInfo } from "../../protocol/types.ts";
import { failureText } from "../calls/failure_text.ts";
import { accountOf } from "../identity/account.ts";
import { hasScopes, requireScopes } from "../identity/guard.ts";
import { InlineRun } from "./inline_run.ts";
import { reportFailure } from "../../observe/log/logger.ts";
import { RunningTask } from "./running_task.ts";
import type { ServerContext, TaskRun } from "../server_context.ts";
import { type CreateTaskResult, isFinal, type Task } from "./task.ts";
import { MemoryTaskStore, type TaskStore } from "./task_store.ts";
import { errorResult } from "../catalog/tool_result.ts";

/** Settings for how tasks are kept and polled. */
export interface TaskOptions {
  /**
   * Store in which tasks are kept.
   * @default a MemoryTaskStore
   */
  store?: TaskStore;
  /**
   * Milliseconds for which a task is kept, its work included; null for ever.
   * @default 3600000
   */
  ttlMs?: number | null;
  /**
   * Interval at which clients should ask, in milliseconds.
   * @default 1000
   */
  pollIntervalMs?: number;
}

/** Parts of their server that tasks need. */
export interface TasksExtensionOptions extends TaskOptions {
  readonly clock: Clock;
  /** Identity of a caller: a task belongs to whoever began it. */
  identify(authInfo: AuthInfo | undefined): string;
  /** Tells if the server takes no new work. */
  closing(): boolean;
  /** True if there are tasks at all. */
  readonly active: boolean;
}

const TASK_IDS = "taskIds";

/** The extension `io.modelcontextprotocol/tasks`: work that outlives its request. */
export class TasksExtension implements Extension {
  readonly id = TASKS_EXTENSION;
  readonly eras = ["modern"] as const;
  readonly active: boolean;
  readonly methods: Readonly<Record<string, ExtensionMethod>> = {
    "tasks/get": (params, ctx) => this.#get(params, ctx),
    "tasks/update": (params, ctx) => this.#update(params, ctx),
    "tasks/cancel": (params, ctx) => this.#cancel(params, ctx),
  };
  readonly namedBy = {
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
  };
  readonly topics: Readonly<Record<string, ExtensionTopic>> = {
    [TASK_IDS]: (ids, ctx) => this.#watchable(ids, ctx),
  };
  readonly #options: TasksExtensionOptions;
  readonly #store: TaskStore;
  readonly #ttlMs: number | null;
  readonly #pollIntervalMs: number;
  readonly #running: Map<string, RunningTask> = new Map();
  #host!: ExtensionHost;

  constructor(options: TasksExtensionOptions) {
    const { store, clock, ttlMs = 3_600_000, pollIntervalMs = 1_000 } = options;
    this.#options = options;
    this.active = options.active;
    this.#store = store ?? new MemoryTaskStore({ clock });
    this.#ttlMs = checkTtlMs("tasks.ttlMs", ttlMs);
    this.#pollIntervalMs = checkInteger(
      "tasks.pollIntervalMs",
      pollIntervalMs,
      1,
    );
  }

  attach(host: ExtensionHost): void {
    this.#host = host;
  }

  /** Number of tasks at work here. */
  get running(): number {
    return this.#running.size;
  }

  readonly beforeTool = (
    { execution }: ToolInCall,
    ctx: ServerContext,
  ): void => {
    if (execution?.taskSupport === "required") this.#host.require(ctx);
  };

  /** Begins `work` as a task, or runs it at once for a client without tasks. */
  async start(
    call: Call,
    work: (task: TaskRun) => unknown,
    { ttlMs = this.#ttlMs, pollIntervalMs = this.#pollIntervalMs }: TaskTerms,
  ): Promise<unknown> {
    const { context } = call;
    // Only a tool's call may be answered with a task.
    if (
      !this.active || call.method !== "tools/call" || !this.#host.knows(context)
    ) {
      return await work(new InlineRun(context));
    }
    if (this.#options.closing()) throw new ClosedError("the server");
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
      principal: call.caller,
      account: accountOf(call.caller, call.reply.peer),
      ...(call.needs && { scopes: call.needs }),
    });
    // What the client is told is the task as created, however fast the work is.
    const created: CreateTaskResult = { resultType: "task", ...task } as
      & Task
      & CreateTaskResult;
    this.#run(
      new RunningTask(task, call, (each) => this.#changed(each)),
      work,
      call,
    );
    return created;
  }

  #run(
    running: RunningTask,
    work: (task: TaskRun) => unknown,
    call: Call,
  ): void {
    const { taskId, ttlMs } = running.task;
    const { clock } = this.#options;
    this.#running.set(taskId, running);
    const timer = ttlMs === null ? undefined : clock.setTimeout(
      () => this.#callOff(running, "the task's time is over"),
      ttlMs,
      { keepAlive: false },
    );
    running.done = Promise.try(() => running.work(work))
      .then((value) => call.completer?.complete(value, call) ?? value)
      .then(asJson)
      .then(
        (result) => running.finish({ status: "completed", result }),
        (error) => this.#failed(running, call, error),
      )
      .catch((error) => call.host.report("task", error, call))
      .finally(() => {
        clock.clearTimeout(timer);
        this.#running.delete(taskId);
      });
  }

  /** An error of the tool's own completes the task; one of the protocol fails it. */
  async #failed(
    running: RunningTask,
    call: Call,
    error: unknown,
  ): Promise<void> {
    // What work that was called off has left to say interests nobody.
    if (isFinal(running.task.status)) return;
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

  async #changed(task: Task): Promise<void> {
    await this.#store.update(task);
    this.#host.publish(TASK_IDS, task.taskId, {
      method: "notifications/tasks",
      params: { ...task },
    });
  }

  async #get(params: JsonObject, ctx: ServerContext): Promise<JsonObject> {
    return { ...await this.#find(params, ctx) };
  }

  async #update(params: JsonObject, ctx: ServerContext): Promise<JsonObject> {
    const { taskId } = await this.#find(params, ctx);
    const { inputResponses } = params;
    if (!isObject(inputResponses)) {
      throw new InvalidParamsError(
        "Invalid params: inputResponses must be an object",
      );
    }
    await this.#running.get(taskId)?.answer(inputResponses);
    return {};
  }

  async #cancel(params: JsonObject, ctx: ServerContext): Promise<JsonObject> {
    const { taskId } = await this.#find(params, ctx);
    await this.#running.get(taskId)?.cancel("cancelled by the client");
    return {};
  }

  /** The task that a request names, if it is the caller's. */
  async #find({ taskId }: JsonObject, ctx: ServerContext): Promise<Task> {
    this.#host.require(ctx);
    if (typeof taskId !== "string") {
      throw new InvalidParamsError("Invalid params: taskId must be a string");
    }
    const stored = await this.#store.get(taskId);
    if (stored?.principal !== this.#options.identify(ctx.authInfo)) {
      throw new InvalidParamsError(`Invalid params: unknown task ${taskId}`);
    }
    requireScopes(ctx.caller, stored.scopes ?? []);
    return stored.task;
  }

  /** Those of some tasks that are the caller's. */
  async #watchable(
    ids: readonly string[],
    ctx: ServerContext,
  ): Promise<string[]> {
    this.#host.require(ctx);
    const caller = this.#options.identify(ctx.authInfo);
    const stored = await Promise.all(ids.map((id) => this.#store.get(id)));
    return ids.filter((_, index) =>
      stored[index]?.principal === caller &&
      hasScopes(ctx.caller, stored[index].scopes ?? [])
    );
  }

  async #callOff(running: RunningTask, reason: string): Promise<void> {
    try {
      await running.cancel(reason);
    } catch (error) {
      reportFailure(this.#host.log, "task", error);
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
    const { clock } = this.#options;
    await waitAtMost(Promise.all(ended), graceMs, { clock });
    await (this.#store as Partial<AsyncDisposable>)[Symbol.asyncDispose]?.();
  }
}

function checkTtlMs(name: string, ttlMs: number | null): number | null {
  return ttlMs === null ? null : checkInteger(name, ttlMs, 1);
}

/** The result as it will be sent: better refused now than at every poll. */
function asJson(result: unknown): JsonObject {
  return jsonForm(result) as JsonObject;
}
