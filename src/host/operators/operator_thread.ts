import { Worker } from "node:worker_threads";
import type { OperatorDesk } from "../../admin/operator_desk.ts";
import { backoffMs } from "../../base/backoff.ts";
import { systemClock, type TimerHandle } from "../../base/clock.ts";
import { threadScript } from "../../base/thread_script.ts";
import { thrownText } from "../../base/thrown.ts";
import type { Log } from "../../observe/log/log.ts";
import { Heartbeat } from "../../observe/watch/heartbeat.ts";
import { operatorEntry } from "./operator_entry.ts";
import type {
  OperatorAddress,
  OperatorSetup,
  OperatorThreadData,
  SentQuestion,
  ServerMessage,
  ThreadMessage,
} from "./operator_messages.ts";

/** What is served on the operators' port, and where. */
export interface OperatorThreadOptions extends OperatorAddress {
  readonly desk: Pick<OperatorDesk, "answer">;
  readonly setup: OperatorSetup;
  readonly log: Log;
  /** The thread's module. */
  readonly module?: string;
}

/** The wait before a thread that has ended is followed by another. */
const BACKOFF = { firstMs: 200, maxMs: 10_000, random: Math.random };

/** A thread that lived so long had come up well, in milliseconds. */
const GOOD_LIFE_MS = 60_000;

/** Time that the thread has to end its answers, in milliseconds. */
const CLOSING_MS = 1_000;

/**
 * A thread that serves operators on a port of their own, followed by another if
 * it ends before its time. It doesn't keep the process alive.
 */
export class OperatorThread implements AsyncDisposable {
  readonly #options: OperatorThreadOptions;
  readonly #heartbeat: Heartbeat = new Heartbeat();
  #port: number;
  #worker: Worker | undefined;
  #failures = 0;
  #restart: TimerHandle;
  #closing = false;

  private constructor(options: OperatorThreadOptions) {
    this.#options = options;
    this.#port = options.port;
  }

  /**
   * Starts the thread; resolves once it listens.
   *
   * @throws {Deno.errors.AddrInUse} naming the address
   */
  static async open(options: OperatorThreadOptions): Promise<OperatorThread> {
    const thread = new OperatorThread(options);
    try {
      await thread.#start();
      return thread;
    } catch (error) {
      await thread[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#port;
  }

  /** Ends the answers under way, and the thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    systemClock.clearTimeout(this.#restart);
    if (this.#worker !== undefined) await this.#end(this.#worker);
    this.#heartbeat[Symbol.dispose]();
  }

  async #end(worker: Worker): Promise<void> {
    const closed = Promise.withResolvers<void>();
    worker.on("exit", () => closed.resolve());
    worker.on("message", (message: ThreadMessage) => {
      if (message === "closed") closed.resolve();
    });
    worker.ref();
    send(worker, "close");
    const timer = systemClock.setTimeout(closed.resolve, CLOSING_MS);
    await closed.promise;
    systemClock.clearTimeout(timer);
    await worker.terminate();
  }

  async #start(): Promise<void> {
    const { module = operatorEntry, setup, hostname, tls } = this.#options;
    const workerData: OperatorThreadData = {
      sluiceOperators: {
        setup,
        hostname,
        tls,
        port: this.#port,
        heartbeat: this.#heartbeat.cell,
      },
    };
    const listening = Promise.withResolvers<void>();
    const worker = startWorker(module, workerData);
    let failure: unknown = "it ended";
    worker.on("error", (error: unknown) => failure = error);
    worker.on("exit", () => {
      this.#worker = undefined;
      listening.reject(noThread(failure));
    });
    worker.on(
      "message",
      (message: ThreadMessage) => this.#take(message, worker, listening),
    );
    this.#worker = worker;
    await listening.promise;
    const begunAt = systemClock.now();
    worker.on("exit", () => {
      if (systemClock.now() - begunAt > GOOD_LIFE_MS) this.#failures = 0;
      this.#follow(failure);
    });
    worker.unref();
  }

  #take(
    message: ThreadMessage,
    worker: Worker,
    listening: PromiseWithResolvers<void>,
  ): void {
    if (message === "closed") return;
    if ("listening" in message) {
      this.#port = message.listening;
      listening.resolve();
    } else if ("failure" in message) {
      listening.reject(this.#refused(message));
      void worker.terminate();
    } else if ("record" in message) {
      const { level, message: text, fields } = message.record;
      this.#options.log[level](text, fields);
    } else void this.#answer(worker, message);
  }

  #refused(
    { failure, inUse }: { failure: string; inUse: boolean },
  ): Error {
    const text = `operatorPort: ${failure}`;
    return inUse ? new Deno.errors.AddrInUse(text) : new Error(text);
  }

  /** Lets another thread follow one that has ended. */
  #follow(failure: unknown): void {
    if (this.#closing) return;
    const waitMs = backoffMs(++this.#failures, BACKOFF);
    this.#options.log.error(
      `the operators' thread failed: ${thrownText(failure)}`,
      { restartsInMs: Math.round(waitMs) },
    );
    this.#restart = systemClock.setTimeout(
      () => void this.#start().catch((error) => this.#follow(error)),
      waitMs,
      { keepAlive: false },
    );
  }

  async #answer(worker: Worker, question: SentQuestion): Promise<void> {
    const { id, name, request, ...about } = question;
    try {
      const value = await this.#options.desk.answer(name, {
        ...about,
        request: request && new Request(request.url, request),
      });
      if (value instanceof Response) sendResponse(worker, id, value);
      else send(worker, { id, json: JSON.stringify(value) });
    } catch (error) {
      send(worker, { id, failure: thrownText(error) });
    }
  }
}

/** @throws {Error} if a permission is missing */
function startWorker(module: string, workerData: OperatorThreadData): Worker {
  try {
    return new Worker(threadScript(module), { workerData });
  } catch (error) {
    throw noThread(error);
  }
}

function noThread(cause: unknown): Error {
  const why = thrownText(cause);
  return new Error(`operatorPort takes a thread: ${why}`, { cause });
}

function sendResponse(worker: Worker, id: number, response: Response): void {
  const { status, headers, body } = response;
  const answer = { id, response: { status, headers: [...headers], body } };
  send(worker, answer, body === null ? [] : [body]);
}

function send(
  worker: Worker,
  message: ServerMessage,
  transferred: unknown[] = [],
): void {
  // Node's types know of no streams that can be transferred.
  worker.postMessage(message, transferred as []);
}
