import type { Clock } from "../../base/clock.ts";
import { waitAtMost } from "../../base/deadline.ts";
import { ClosedError } from "../../base/errors.ts";
import {
  option,
  type OptionRules,
  type ReadOptions,
} from "../../base/option_rules.ts";
import { checkInteger } from "../../base/options.ts";
import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import { InvalidParamsError } from "../../protocol/protocol_errors.ts";
import { TASKS_EXTENSION } from "../../protocol/revision.ts";
import type { AuthInfo } from "../../protocol/types.ts";
import type { Call } from "../calls/call.ts";
import type {
  Extension,
  ExtensionHost,
  ExtensionMethod,
  ExtensionTopic,
  ToolInCall,
} from "../extension.ts";
import { accountOf } from "../identity/account.ts";
import { hasScopes, requireScopes } from "../identity/guard.ts";
import type { ServerContext, TaskRun, TaskTerms } from "../server_context.ts";
import { InlineRun } from "./inline_run.ts";
import { restartOf } from "./resumed_call.ts";
import type { RunningTask } from "./running_task.ts";
import {
  SharedTasks,
  type SharedTasksParts,
  unreachable,
} from "./shared_tasks.ts";
import type { StoredTask } from "./stored_task.ts";
import { endOf, handleOf, isFinal, type Task } from "./task.ts";
import type { TaskLeases } from "./task_leases.ts";
import { TaskRunner } from "./task_runner.ts";
import { MemoryTaskStore, type TaskStore } from "./task_store.ts";
import { type RepeatedCalls, TaskTakeover } from "./task_takeover.ts";

/** Settings for how tasks are kept and polled. */
export interface TaskOptions {
  /**
   * Store in which tasks are kept. One that replicas share is not closed with the
   * server.
   * @default Redis, where there is `redis`; otherwise a MemoryTaskStore
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
  /**
   * Milliseconds for which a replica that can't reach the store keeps its tasks,
   * and after which those of one that is gone are failed or run again elsewhere.
   * @default 30000
   */
  leaseMs?: number;
}

/** How they are read. */
export const TASK_OPTIONS = {
  store: option.methods<TaskStore>("create", "get", "update"),
  ttlMs: (name, given = 3_600_000) => checkTtlMs(name, given as number | null),
  pollIntervalMs: option.integer(1_000, 1),
  leaseMs: option.integer(30_000, 1),
} satisfies OptionRules<TaskOptions>;

/** Other replicas of the server, and calls that are made again for tasks of theirs. */
export interface TaskReplicas extends RepeatedCalls {
  readonly cluster: SharedTasksParts["cluster"];
  /** Tells if this replica serves already. */
  serves(): boolean;
}

/** Parts of their server that tasks need. */
export interface TasksExtensionOptions
  extends ReadOptions<typeof TASK_OPTIONS> {
  readonly clock: Clock;
  /** Identity of a caller: a task belongs to whoever began it. */
  identify(authInfo: AuthInfo | undefined): string;
  /** Tells if the server takes no new work. */
  closing(): boolean;
  /** True if there are tasks at all. */
  readonly active: boolean;
  /** `undefined` where this process is the whole server. */
  readonly replicas: TaskReplicas | undefined;
}

const TASK_IDS = "taskIds";

const CANCELLED = "cancelled by the client";

/** What followers of a task are told. */
interface TaskNotice {
  method: string;
  params: JsonObject;
}

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
  /** What replicas have in common, if there are some and the store has leases. */
  #shared: SharedTasks | undefined;
  #takeover: TaskTakeover | undefined;
  #runner!: TaskRunner;
  #host!: ExtensionHost;

  constructor(options: TasksExtensionOptions) {
    const { active, store, clock } = options;
    this.#options = options;
    this.active = active;
    this.#store = store ?? new MemoryTaskStore({ clock });
  }

  attach(host: ExtensionHost): void {
    this.#host = host;
    const { replicas, clock } = this.#options;
    const { leases } = this.#store;
    if (this.active && replicas !== undefined && leases?.version === 1) {
      this.#share(replicas, leases);
    }
    this.#runner = new TaskRunner({
      ...{ clock, log: host.log, store: this.#store, shared: this.#shared },
      publish: (task) => this.#publish(task),
    });
  }

  /** Has tasks outlive this replica, and takes over those of others. */
  #share(replicas: TaskReplicas, leases: TaskLeases): void {
    const { clock, closing, identify } = this.#options;
    const { log } = this.#host;
    const takeover = this.#takeover = new TaskTakeover({
      ...{ calls: replicas, leases, log, identify },
      publish: (task) => this.#publish(task),
      taskOf: (...given) => this.#runner.taskOf(...given),
      run: (...given) => this.#runner.run(...given),
    });
    this.#shared = new SharedTasks({
      ...{ leases, leaseMs: this.#options.leaseMs, clock, log },
      cluster: replicas.cluster,
      random: Math.random,
      takesOver: () => replicas.serves() && !closing(),
      adopt: (claimed, since) => takeover.adopt(claimed, since),
      running: (taskId) => this.#runner.get(taskId),
    });
  }

  /** Number of tasks at work here. */
  get running(): number {
    return this.#runner.size;
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
    {
      ttlMs = this.#options.ttlMs,
      pollIntervalMs = this.#options.pollIntervalMs,
    }: TaskTerms,
  ): Promise<unknown> {
    const { context } = call;
    // Only a tool's call may be answered with a task.
    if (
      !this.active || call.method !== "tools/call" || !this.#host.knows(context)
    ) {
      return await work(new InlineRun(context));
    }
    const resumed = this.#takeover?.goOn(call, work);
    if (resumed !== undefined) return handleOf(resumed);
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
    const running = await this.#runner.create(call, {
      task,
      principal: call.caller,
      account: accountOf(call.caller, call.reply.peer),
      ...(call.needs && { scopes: call.needs }),
      ...this.#restartOf(call),
    });
    // What the client is told is the task as created, however fast the work is.
    const created = handleOf(task);
    this.#runner.run(running, () => running.work(work), call, task.ttlMs);
    return created;
  }

  #restartOf(call: Call): Pick<StoredTask, "restart"> {
    const { subject } = call;
    const tool = this.#shared && subject !== undefined
      ? this.#options.replicas!.tool(subject)
      : undefined;
    return tool?.maxAttempts === undefined
      ? {}
      : { restart: restartOf(call, tool.maxAttempts) };
  }

  #publish(task: Task): void {
    this.#host.publish(TASK_IDS, task.taskId, noticeOf(task));
  }

  /** State of a task for those who follow it, and may have missed some. */
  async current(
    topic: string,
    taskId: string,
  ): Promise<TaskNotice | undefined> {
    if (topic !== TASK_IDS || this.#shared === undefined) return undefined;
    const stored = await this.#shared.untilAvailable(() =>
      this.#store.get(taskId)
    );
    return stored && noticeOf(stored.task);
  }

  async #get(params: JsonObject, ctx: ServerContext): Promise<JsonObject> {
    return { ...await this.#find(params, ctx) };
  }

  async #update(params: JsonObject, ctx: ServerContext): Promise<JsonObject> {
    const { taskId, status } = await this.#find(params, ctx);
    const { inputResponses } = params;
    if (!isObject(inputResponses)) {
      throw new InvalidParamsError(
        "Invalid params: inputResponses must be an object",
      );
    }
    const running = this.#runner.get(taskId);
    if (running?.over === false) await running.answer(inputResponses);
    else if (!isFinal(status)) {
      if (this.#shared === undefined) throw unreachable();
      await this.#shared.answer(taskId, inputResponses);
    }
    return {};
  }

  async #cancel(params: JsonObject, ctx: ServerContext): Promise<JsonObject> {
    const task = await this.#find(params, ctx);
    const running = this.#runner.get(task.taskId);
    if (this.#shared !== undefined) await this.#cancelEverywhere(task, running);
    else if (running !== undefined) await running.cancel(CANCELLED);
    else if (!isFinal(task.status)) throw unreachable();
    return {};
  }

  async #cancelEverywhere(
    task: Task,
    running: RunningTask | undefined,
  ): Promise<void> {
    const cancelled = endOf(task, {
      status: "cancelled",
      statusMessage: CANCELLED,
    });
    if (!await this.#shared!.end(cancelled)) return;
    running?.lose(CANCELLED);
    this.#publish(cancelled);
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

  /**
   * Calls every task off and waits for the work to end: it may hold what the
   * lifespan is about to close. What another replica may run is handed over.
   *
   * @param graceMs how long work that ignores its signal is waited for
   */
  async close(graceMs: number): Promise<void> {
    const { clock } = this.#options;
    const stopped = this.#shared?.stop() ?? Promise.resolve();
    await Promise.all([
      waitAtMost(stopped, graceMs, { clock }),
      this.#runner.close(graceMs),
    ]);
    this.#shared?.close(new ClosedError("the server"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What replicas share is not for one of them to close.
    if (this.#shared !== undefined) return;
    await (this.#store as Partial<AsyncDisposable>)[Symbol.asyncDispose]?.();
  }
}

function checkTtlMs(name: string, ttlMs: number | null): number | null {
  return ttlMs === null ? null : checkInteger(name, ttlMs, 1);
}

function noticeOf(task: Task): TaskNotice {
  return { method: "notifications/tasks", params: { ...task } };
}
