import type { Log } from "../../observe/log/log.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";
import { ProtocolError, RefusedError } from "../../protocol/protocol_errors.ts";
import type { AuthInfo } from "../../protocol/types.ts";
import type { Call } from "../calls/call.ts";
import type { Reply } from "../calls/reply.ts";
import type { TaskRun } from "../server_context.ts";
import { callerOf, ResumedReply } from "./resumed_call.ts";
import type { RunningTask } from "./running_task.ts";
import type { TaskRestart } from "./stored_task.ts";
import { failureOf, type Task } from "./task.ts";
import type { ClaimedTask, TaskLeases } from "./task_leases.ts";
import type { TaskHold } from "./task_runner.ts";

/** Calls of this server that are made again for their tasks. */
export interface RepeatedCalls {
  /** A tool, if there is one of that name here. */
  tool(name: string): { readonly maxAttempts: number | undefined } | undefined;
  /** Makes the call; it waits for `dispatch`. */
  open(restart: TaskRestart, reply: Reply): Call;
  dispatch(call: Call): void;
}

/** Parts that taking tasks over takes. */
export interface TaskTakeoverParts {
  readonly calls: RepeatedCalls;
  readonly leases: TaskLeases;
  readonly log: Log;
  /** Identity of a caller, as tasks know it. */
  identify(authInfo: AuthInfo | undefined): string;
  publish(task: Task): void;
  /** Makes a task that runs here. */
  taskOf(
    task: Task,
    call: Call,
    hold: TaskHold,
  ): RunningTask;
  /** Runs its work, for as long as the task has. */
  run(
    running: RunningTask,
    work: () => unknown,
    call: Call,
    leftMs: number | null,
  ): void;
}

/** A call made again for its task. */
interface Resumption {
  readonly running: RunningTask;
  readonly outcome: PromiseWithResolvers<unknown>;
  /** True once the call has gone on as its task. */
  begun: boolean;
}

const GONE = "the replica that ran it is gone";

/** Goes on with tasks whose replicas are gone: runs them again, or fails them. */
export class TaskTakeover {
  readonly #parts: TaskTakeoverParts;
  readonly #resumptions: WeakMap<Call, Resumption> = new WeakMap();

  constructor(parts: TaskTakeoverParts) {
    this.#parts = parts;
  }

  /** @throws {UnavailableError} */
  async adopt(claimed: ClaimedTask, since: number): Promise<void> {
    const { calls, leases, log, publish } = this.#parts;
    const { stored: { task, restart }, attempt, lease } = claimed;
    const fields = { task: task.taskId, tool: restart?.params.name, attempt };
    const why = this.#whyNotAgain(claimed);
    if (why !== undefined) {
      const failed = failureOf(task, why);
      if (!await leases.update(lease, failed)) return;
      log.warning(`a task has failed: ${why}`, fields);
      publish(failed);
    } else if (calls.tool(restart!.params.name as string) === undefined) {
      // Another release has it, perhaps, and finds the task once this lease is over.
      log.warning("a task can't be run again here: no such tool", fields);
    } else {
      log.info("a task is run again", fields);
      await this.#resume(claimed, restart!, since);
    }
  }

  #whyNotAgain({ stored, attempt }: ClaimedTask): string | undefined {
    const { principal, restart } = stored;
    if (restart === undefined) return GONE;
    if (attempt > restart.maxAttempts) {
      return `${GONE}, and it was the last of ${restart.maxAttempts} attempts`;
    }
    return this.#parts.identify(callerOf(restart)) === principal
      ? undefined
      : `${GONE}, and who began it can't be told without the token`;
  }

  async #resume(
    { stored: { task }, lease, attempt, leftMs }: ClaimedTask,
    restart: TaskRestart,
    since: number,
  ): Promise<void> {
    const { calls, taskOf, run } = this.#parts;
    const reply = new ResumedReply(
      callerOf(restart),
      (answer) => this.#answered(call, answer),
    );
    const call: Call = calls.open(restart, reply);
    const running = taskOf(task, call, {
      ...{ lease, since, handsOver: true },
    });
    const outcome = Promise.withResolvers<unknown>();
    running.signal.addEventListener("abort", () => {
      const { reason } = running.signal;
      outcome.reject(reason);
      call.cancel(reason);
    }, { once: true });
    this.#resumptions.set(call, { running, outcome, begun: false });
    run(running, () => outcome.promise, call, leftMs);
    await running.beginAnew(`attempt ${attempt}: it is run again`);
    if (!running.over) calls.dispatch(call);
  }

  /**
   * The task that a call is made again for; its work begins with that.
   *
   * @throws {DOMException} if the task is over already
   */
  goOn(call: Call, work: (task: TaskRun) => unknown): Task | undefined {
    const resumption = this.#resumptions.get(call);
    if (resumption === undefined || resumption.begun) return undefined;
    const { running, outcome } = resumption;
    running.signal.throwIfAborted();
    resumption.begun = true;
    outcome.resolve(Promise.try(() => running.work(work)));
    return running.task;
  }

  /** Takes the answer to a call that did not go on as a task: it is the outcome. */
  #answered(call: Call, answer: JsonObject | ProtocolError): void {
    const { running, outcome, begun } = this.#resumptions.get(call)!;
    if (begun) return;
    if (answer instanceof RefusedError) {
      // It may be tried again, by whoever finds it once the lease is over.
      running.lease!.drop();
      running.lose(answer.message);
    } else if (answer instanceof ProtocolError) outcome.reject(answer);
    else {
      outcome.resolve(running.finish({ status: "completed", result: answer }));
    }
  }
}
