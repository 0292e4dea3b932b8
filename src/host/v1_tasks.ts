import type {
  CallToolResult,
  CreateMessageRequestParams,
  Result,
} from "../protocol/types.ts";
import type { SchemaLike } from "../protocol/schema.ts";
import type { RegisteredTool } from "../server/catalog/tool.ts";
import type {
  ToolArguments,
  ToolConfig,
} from "../server/catalog/tool_config.ts";
import type {
  ElicitParams,
  ServerContext,
  TaskRun,
} from "../server/server_context.ts";
import { isFinal, type TaskStatus } from "../server/tasks/task.ts";

/** A task as the official SDK's v1 shows it to its handlers. */
export interface V1Task {
  /** Id that the task is known by. */
  taskId: string;
  /** State of the task. */
  status: TaskStatus;
  /** Milliseconds for which it is kept; null for ever. */
  ttl: number | null;
  /** ISO 8601. */
  createdAt: string;
  /** ISO 8601. */
  lastUpdatedAt: string;
  /** Interval at which clients should ask, in milliseconds. */
  pollInterval?: number;
  /** State of the work, in words. */
  statusMessage?: string;
}

/** The one task of a call, in the shape of v1's store. */
export interface V1RequestTaskStore {
  /** Begins the task. */
  createTask(
    options: { ttl?: number | null; pollInterval?: number },
  ): Promise<V1Task>;
  /** The task as it stands. */
  getTask(taskId: string): Promise<V1Task>;
  /** Ends the task. */
  storeTaskResult(
    taskId: string,
    status: "completed" | "failed",
    result: Result,
  ): Promise<void>;
  /** Result that {@linkcode storeTaskResult} was given. */
  getTaskResult(taskId: string): Promise<Result>;
  /** Says where the work stands. */
  updateTaskStatus(
    taskId: string,
    status: TaskStatus,
    statusMessage?: string,
  ): Promise<void>;
  /** The task, in a list. */
  listTasks(cursor?: string): Promise<{ tasks: V1Task[]; nextCursor?: string }>;
}

/** Context of {@linkcode V1ToolTaskHandler}'s functions, beside arguments. */
export interface V1TaskContext<Lifespan = unknown>
  extends ServerContext<Lifespan> {
  /** The task's id; empty until it is created. */
  readonly taskId: string;
  /** Store in which the task is kept. */
  readonly taskStore: V1RequestTaskStore;
}

/** A function of a {@linkcode V1ToolTaskHandler}: `(args, ctx)` with a schema, `(ctx)` without. */
export type V1TaskFunction<Input, Lifespan, Output> = [Input] extends
  [undefined] ? (ctx: V1TaskContext<Lifespan>) => Output | Promise<Output>
  : (
    args: ToolArguments<Input>,
    ctx: V1TaskContext<Lifespan>,
  ) => Output | Promise<Output>;

/** A tool whose calls are tasks, as v1 has it. */
export interface V1ToolTaskHandler<Input = undefined, Lifespan = unknown> {
  /** Creates the task and begins its work. */
  createTask: V1TaskFunction<Input, Lifespan, { task: { taskId: string } }>;
  /** Says where the task stands; the engine knows, and doesn't ask. */
  getTask: V1TaskFunction<Input, Lifespan, object>;
  /** Gives the result, once the task has ended. */
  getTaskResult: V1TaskFunction<Input, Lifespan, CallToolResult>;
}

/** `server.experimental.tasks` of v1. */
export interface V1Tasks<Lifespan = unknown> {
  /**
   * Registers a tool whose calls are tasks.
   * @deprecated Use `registerTool` and `ctx.runAsTask`.
   */
  registerToolTask<Input extends SchemaLike | undefined = undefined>(
    name: string,
    config: ToolConfig<Input>,
    handler: V1ToolTaskHandler<Input, Lifespan>,
  ): RegisteredTool;
}

/** Runs the three functions of a v1 task as one piece of work. */
export async function runV1Task(
  handler: V1ToolTaskHandler<SchemaLike>,
  args: Record<string, unknown> | undefined,
  ctx: ServerContext,
  run: TaskRun,
): Promise<CallToolResult> {
  const store = new OneTaskStore(run);
  const call = <Output>(
    step: V1TaskFunction<SchemaLike, unknown, Output>,
    taskId: string,
  ) => {
    const lent = lend(ctx, run, store, taskId);
    return args === undefined
      ? (step as unknown as V1TaskFunction<undefined, unknown, Output>)(lent)
      : step(args, lent);
  };
  const { task } = await call(handler.createTask, "");
  await store.ended;
  return await call(handler.getTaskResult, task.taskId);
}

/** The context of a call for its task, which may outlive the call. */
function lend(
  ctx: ServerContext,
  run: TaskRun,
  taskStore: V1RequestTaskStore,
  taskId: string,
): V1TaskContext {
  const own: Record<PropertyKey, unknown> = {
    taskId,
    taskStore,
    signal: run.signal,
    sendRequest: (
      { method, params }: { method: string; params?: object },
      ...rest: [unknown]
    ) =>
      method === "elicitation/create"
        ? run.elicit(params as ElicitParams)
        : method === "sampling/createMessage"
        ? run.sample(params as CreateMessageRequestParams)
        : ctx.sendRequest({ method, params }, ...rest),
  };
  return new Proxy(ctx, {
    get: (target, key) => {
      if (Object.hasOwn(own, key)) return own[key];
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  }) as V1TaskContext;
}

class OneTaskStore implements V1RequestTaskStore {
  /** Resolves when the task has come to its end. */
  readonly ended: Promise<void>;
  readonly #run: TaskRun;
  readonly #task: V1Task;
  readonly #end: () => void;
  #result: Result = {};

  constructor(run: TaskRun) {
    this.#run = run;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
    run.signal.addEventListener("abort", () => resolve(), { once: true });
    const now = new Date().toISOString();
    this.#task = {
      taskId: run.taskId || crypto.randomUUID(),
      status: "working",
      ttl: null,
      createdAt: now,
      lastUpdatedAt: now,
    };
  }

  createTask(
    { ttl = null, pollInterval }: {
      ttl?: number | null;
      pollInterval?: number;
    },
  ): Promise<V1Task> {
    this.#task.ttl = ttl;
    if (pollInterval !== undefined) this.#task.pollInterval = pollInterval;
    return this.getTask();
  }

  getTask(): Promise<V1Task> {
    return Promise.resolve({ ...this.#task });
  }

  async storeTaskResult(
    taskId: string,
    status: "completed" | "failed",
    result: Result,
  ): Promise<void> {
    this.#result = result;
    await this.updateTaskStatus(taskId, status);
  }

  getTaskResult(): Promise<Result> {
    return Promise.resolve(this.#result);
  }

  async updateTaskStatus(
    _taskId: string,
    status: TaskStatus,
    statusMessage?: string,
  ): Promise<void> {
    if (isFinal(this.#task.status)) return;
    this.#task.status = status;
    this.#task.lastUpdatedAt = new Date().toISOString();
    if (statusMessage !== undefined) {
      this.#task.statusMessage = statusMessage;
      await this.#run.status(statusMessage);
    }
    if (isFinal(status)) this.#end();
  }

  async listTasks(): Promise<{ tasks: V1Task[] }> {
    return { tasks: [await this.getTask()] };
  }
}
