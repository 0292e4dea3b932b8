import { InvalidParamsError } from "../protocol/errors.ts";
import {
  isObject,
  type JsonObject,
  toProtocolError,
} from "../protocol/jsonrpc.ts";
import type {
  CreateMessageResult,
  ElicitResult,
  InputRequest,
  InputRequiredResult,
} from "../protocol/types.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { checkDurationMs } from "../base/options.ts";
import type { Engine } from "./engine.ts";
import {
  type ElicitInputParams,
  formParams,
  isInputRequiredResult,
} from "./input_required.ts";
import type { RequestContext } from "./request_context.ts";
import type { TaskRun } from "./server_context.ts";
import { knowsTasks, requireTasks, taskTopic } from "./subscriptions.ts";
import { type CreateTaskResult, isFinal, type Task } from "./task.ts";
import { MemoryTaskStore, type TaskStore } from "./task_store.ts";
import { errorResult } from "./tool_result.ts";

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
    this.#ttlMs = ttlMs === null
      ? null
      : checkDurationMs("tasks.ttlMs", ttlMs, 1);
    this.#pollIntervalMs = checkDurationMs(
      "tasks.pollIntervalMs",
      pollIntervalMs,
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
    if (!knowsTasks(context)) return await work(new InlineRun(context));
    const now = new Date().toISOString();
    const task: Task = {
      taskId: crypto.randomUUID(),
      status: "working",
      createdAt: now,
      lastUpdatedAt: now,
      ttlMs,
      pollIntervalMs,
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
    this.#running.set(taskId, running);
    const timer = ttlMs === null ? undefined : this.#engine.clock.setTimeout(
      () => running.cancel("the task's time is over"),
      ttlMs,
      { keepAlive: false },
    );
    Promise.try(() => running.work(work))
      .then((value) => this.#complete(context, value))
      .then(
        (result) => running.finish({ status: "completed", result }),
        (error) => this.#failed(running, error),
      )
      .finally(() => {
        this.#engine.clock.clearTimeout(timer);
        this.#running.delete(taskId);
      });
  }

  async #complete(
    context: RequestContext,
    value: unknown,
  ): Promise<JsonObject> {
    const tool = this.#engine.toolOf(context);
    return await (tool?.complete(value, context) ?? value) as JsonObject;
  }

  /** An error of the tool's own completes the task; one of the protocol fails it. */
  async #failed(running: RunningTask, error: unknown): Promise<void> {
    if (!(error instanceof ProtocolError) && error instanceof Error) {
      this.#engine.reportFailure("task", error, { taskId: running.taskId });
      const text = this.#engine.options.maskErrors
        ? "The task failed"
        : error.message;
      await running.finish({
        status: "completed",
        result: errorResult(text) as JsonObject,
      });
      return;
    }
    const { code, message, data } = toProtocolError(
      error,
      this.#engine.options.maskErrors,
    );
    await running.finish({
      status: "failed",
      error: { code, message, ...(data !== undefined && { data }) },
    });
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

  /** Calls every task off and waits until their states are stored. */
  async close(): Promise<void> {
    await Promise.all(
      Array.from(
        this.#running.values(),
        (each) => each.cancel("the server is shutting down"),
      ),
    );
    await (this.#store as Partial<AsyncDisposable>)[Symbol.asyncDispose]?.();
  }
}

/** A task at work: its state, its signal, and its open questions. */
class RunningTask implements TaskRun {
  readonly task: Task;
  inputResponses: JsonObject | undefined;
  readonly #save: (task: Task) => Promise<void>;
  readonly #controller = new AbortController();
  readonly #questions: Map<string, (answer: JsonObject) => void> = new Map();
  #asked = 0;

  constructor(task: Task, save: (task: Task) => Promise<void>) {
    this.task = { ...task };
    this.#save = save;
  }

  get taskId(): string {
    return this.task.taskId;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Runs the work, again for as long as it answers with questions. */
  async work(work: (task: TaskRun) => unknown): Promise<unknown> {
    let value = await work(this);
    while (isInputRequiredResult(value) && !this.signal.aborted) {
      const responses = await this.#askAll(value);
      this.inputResponses = responses;
      value = await work(this);
    }
    return value;
  }

  async #askAll({ inputRequests }: InputRequiredResult): Promise<JsonObject> {
    const answers = Object.entries(inputRequests ?? {}).map(
      async ([key, request]) => [key, await this.#ask(request, key)],
    );
    return Object.fromEntries(await Promise.all(answers));
  }

  elicit(params: Parameters<TaskRun["elicit"]>[0]): Promise<ElicitResult> {
    const asked = params.mode === "url"
      ? params
      : formParams(params as ElicitInputParams);
    return this.#ask(
      { method: "elicitation/create", params: asked } as InputRequest,
      "elicit",
    ) as Promise<ElicitResult>;
  }

  sample(
    params: Parameters<TaskRun["sample"]>[0],
  ): Promise<CreateMessageResult> {
    return this.#ask(
      { method: "sampling/createMessage", params } as InputRequest,
      "sample",
    ) as Promise<CreateMessageResult>;
  }

  async status(message: string): Promise<void> {
    await this.#change({ statusMessage: message });
  }

  /** A key is never used twice in a task's life, so it is numbered. */
  #ask(request: InputRequest, kind: string): Promise<unknown> {
    if (this.signal.aborted) return Promise.reject(this.signal.reason);
    const key = `${kind}-${++this.#asked}`;
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(this.signal.reason);
      this.signal.addEventListener("abort", onAbort, { once: true });
      this.#questions.set(key, (answer) => {
        this.signal.removeEventListener("abort", onAbort);
        resolve(answer);
      });
      this.#change({
        status: "input_required",
        inputRequests: { ...this.task.inputRequests, [key]: request },
      }).catch(reject);
    });
  }

  /** Hands answers to the questions they belong to; the rest is ignored. */
  async answer(responses: JsonObject): Promise<void> {
    const answered: [(answer: JsonObject) => void, JsonObject][] = [];
    const open = { ...this.task.inputRequests };
    for (const [key, answer] of Object.entries(responses)) {
      const question = this.#questions.get(key);
      if (question === undefined || !isObject(answer)) continue;
      this.#questions.delete(key);
      delete open[key];
      answered.push([question, answer]);
    }
    if (answered.length === 0) return;
    await this.#change(
      Object.keys(open).length === 0
        ? { status: "working", inputRequests: undefined }
        : { inputRequests: open },
    );
    for (const [question, answer] of answered) question(answer);
  }

  async cancel(reason: string): Promise<void> {
    await this.finish({ status: "cancelled", statusMessage: reason });
    this.#controller.abort(new DOMException(reason, "AbortError"));
  }

  /** Brings the task to its final state; a later one changes nothing. */
  async finish(outcome: Partial<Task>): Promise<void> {
    await this.#change({ inputRequests: undefined, ...outcome });
  }

  async #change(change: Partial<Task>): Promise<void> {
    if (isFinal(this.task.status)) return;
    Object.assign(this.task, change, {
      lastUpdatedAt: new Date().toISOString(),
    });
    if (this.task.inputRequests === undefined) delete this.task.inputRequests;
    await this.#save({ ...this.task });
  }
}

/** The same work for a client that has to wait for it. */
class InlineRun implements TaskRun {
  readonly taskId = "";
  readonly #context: RequestContext;

  constructor(context: RequestContext) {
    this.#context = context;
  }

  get signal(): AbortSignal {
    return this.#context.signal;
  }

  status(message: string): Promise<void> {
    this.#context.log.info(message);
    return Promise.resolve();
  }

  elicit(params: Parameters<TaskRun["elicit"]>[0]): Promise<ElicitResult> {
    return this.#context.elicit(params);
  }

  sample(
    params: Parameters<TaskRun["sample"]>[0],
  ): ReturnType<TaskRun["sample"]> {
    return this.#context.sample(params);
  }
}
