import { handled } from "../../base/thenable.ts";
import { jsonForm } from "../../protocol/json_value.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";
import {
  isStandardSchema,
  type StandardSchema,
} from "../../protocol/standard_schema.ts";
import type {
  CreateMessageResult,
  InputRequest,
  InputRequiredResult,
} from "../../protocol/types.ts";
import {
  type ElicitInputParams,
  formParams,
  isInputRequiredResult,
} from "../questions/input_required.ts";
import {
  type Asked,
  checkedAnswer,
  type Question,
  requireCapability,
} from "../questions/client_question.ts";
import type { EraCodec } from "../eras/era_codec.ts";
import type { ElicitParams, TaskRun } from "../server_context.ts";
import type { HeldLease } from "./lease_keeper.ts";
import { isFinal, type Task } from "./task.ts";

/** The client that a task belongs to. */
export interface TaskClient extends Asked {
  /** The tool that began it. */
  readonly subject: string | undefined;
  readonly era: Pick<EraCodec, "pageParams">;
}

/** Holds an answer to its question; what that gives hands it over. */
type OpenQuestion = (answer: unknown) => Promise<() => void>;

/** A task at work: its state, its signal, and its open questions. */
export class RunningTask {
  readonly task: Task;
  inputResponses: JsonObject | undefined;
  /** Resolves when the work has ended, one way or another. */
  done: Promise<void> = Promise.resolve();
  /** Right to the task, where replicas share it. */
  lease: HeldLease | undefined = undefined;
  /** True if another replica may run it again. */
  handsOver = false;
  readonly #save: (task: Task) => Promise<void>;
  readonly #client: TaskClient;
  readonly #controller = new AbortController();
  readonly #questions: Map<string, OpenQuestion> = new Map();
  readonly #term: number;
  #asked = 0;
  #lost = false;
  #saved: Promise<void> = Promise.resolve();

  /** @param term how often the task has changed hands */
  constructor(
    task: Task,
    client: TaskClient,
    save: (task: Task) => Promise<void>,
    term: number = 1,
  ) {
    this.task = { ...task };
    this.#client = client;
    this.#save = save;
    this.#term = term;
  }

  get taskId(): string {
    return this.task.taskId;
  }

  /** The tool that began it. */
  get tool(): string | undefined {
    return this.#client.subject;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** True if nothing that the work does changes the task any more. */
  get over(): boolean {
    return this.#lost || isFinal(this.task.status);
  }

  /** Runs the work, again for as long as it answers with questions. */
  async work(work: (task: TaskRun) => unknown): Promise<unknown> {
    const seen = viewOf(this);
    let value = await work(seen);
    while (isInputRequiredResult(value) && !this.signal.aborted) {
      const responses = await this.#askAll(value);
      this.inputResponses = responses;
      value = await work(seen);
    }
    return value;
  }

  async #askAll({ inputRequests }: InputRequiredResult): Promise<JsonObject> {
    const answers = Object.entries(inputRequests ?? {}).map(
      async ([key, request]) => [key, await this.#ask(request, key)],
    );
    return Object.fromEntries(await Promise.all(answers));
  }

  elicit(params: ElicitParams): Promise<never> {
    const asked = params.mode === "url"
      ? this.#client.era.pageParams(params)
      : formParams(params as ElicitInputParams);
    const { requestedSchema } = params as Partial<ElicitInputParams>;
    return this.#ask(
      { method: "elicitation/create", params: asked },
      "elicit",
      isStandardSchema(requestedSchema) ? requestedSchema : undefined,
    ) as Promise<never>;
  }

  sample(
    params: Parameters<TaskRun["sample"]>[0],
  ): Promise<CreateMessageResult> {
    return this.#ask(
      { method: "sampling/createMessage", params },
      "sample",
    ) as Promise<CreateMessageResult>;
  }

  status(message: string): Promise<void> {
    return handled(this.#change({ statusMessage: message }));
  }

  #ask(
    request: Question,
    kind: string,
    form?: StandardSchema,
  ): Promise<unknown> {
    return handled(this.#answerTo(request, kind, form));
  }

  async #answerTo(
    request: Question,
    kind: string,
    form: StandardSchema | undefined,
  ): Promise<unknown> {
    this.signal.throwIfAborted();
    requireCapability(request, this.#client);
    const asked = jsonForm(request) as Question;
    return await this.#put(asked, kind, form);
  }

  /** A key is never used twice in a task's life, so it is numbered. */
  #put(
    request: Question,
    kind: string,
    form: StandardSchema | undefined,
  ): Promise<unknown> {
    const number = ++this.#asked;
    const key = this.#term === 1
      ? `${kind}-${number}`
      : `${kind}-${this.#term}-${number}`;
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(this.signal.reason);
      this.signal.addEventListener("abort", onAbort, { once: true });
      this.#questions.set(key, async (answer) => {
        const checked = await checkedAnswer(request, answer, key, form);
        return () => {
          this.signal.removeEventListener("abort", onAbort);
          resolve(checked);
        };
      });
      this.#change({
        status: "input_required",
        inputRequests: {
          ...this.task.inputRequests,
          [key]: request as InputRequest,
        },
      }).catch(reject);
    });
  }

  /**
   * Hands answers to the questions they belong to; the rest is ignored.
   *
   * @throws {WrongAnswerError} naming the key of an answer that its question
   * does not allow: then none is taken
   */
  async answer(responses: JsonObject): Promise<void> {
    const checked = await Promise.all(
      Object.entries(responses).map(async ([key, answer]) =>
        [key, await this.#questions.get(key)?.(answer)] as const
      ),
    );
    // Others may have been quicker while these were looked at.
    const answered = checked.filter(([key, hand]) =>
      hand !== undefined && this.#questions.delete(key)
    );
    if (answered.length === 0) return;
    const open = { ...this.task.inputRequests };
    for (const [key] of answered) delete open[key];
    await this.#change(
      Object.keys(open).length === 0
        ? { status: "working", inputRequests: undefined }
        : { inputRequests: open },
    );
    for (const [, hand] of answered) hand!();
  }

  async cancel(reason: string): Promise<void> {
    const saved = this.finish({ status: "cancelled", statusMessage: reason });
    this.#controller.abort(new DOMException(reason, "AbortError"));
    await saved;
  }

  /** Stops the work of a task that is not this replica's any more. */
  lose(reason: string): void {
    this.#lost = true;
    this.#controller.abort(new DOMException(reason, "AbortError"));
  }

  /** Says that the work begins anew: what it had asked nobody waits for. */
  async beginAnew(statusMessage: string): Promise<void> {
    await this.#change({
      status: "working",
      statusMessage,
      inputRequests: undefined,
    });
  }

  /** Brings the task to its final state; a later one changes nothing. */
  async finish(outcome: Partial<Task>): Promise<void> {
    await this.#change({ inputRequests: undefined, ...outcome });
  }

  async #change(change: Partial<Task>): Promise<void> {
    if (this.over) return;
    Object.assign(this.task, change, {
      lastUpdatedAt: new Date().toISOString(),
    });
    if (this.task.inputRequests === undefined) delete this.task.inputRequests;
    await this.#saveInTurn({ ...this.task });
  }

  /** A store that is slow must not let an earlier state overtake a later one. */
  #saveInTurn(task: Task): Promise<void> {
    const save = () => this.#save(task);
    return this.#saved = this.#saved.then(save, save);
  }
}

/** What the work sees of its task: nothing that ends or answers it. */
function viewOf(running: RunningTask): TaskRun {
  return {
    taskId: running.taskId,
    signal: running.signal,
    get inputResponses() {
      return running.inputResponses;
    },
    status: (message) => running.status(message),
    elicit: (params: ElicitParams) => running.elicit(params),
    sample: (params) => running.sample(params),
  };
}
