import { FLAGS, type WorkerNews } from "./worker_messages.ts";
import type {
  WorkerContext,
  WorkerLog,
  WorkerLogLevel,
} from "./worker_function.ts";

/** Messages that may be under way to the owner; beyond them, some are left out. */
const MAX_UNHEARD = 256;

/** The worker's side of one call: what its function sees, and what it says. */
export class WorkerCallContext implements WorkerContext {
  readonly #send: (news: WorkerNews) => void;
  readonly #flags: Int32Array | undefined;
  readonly #controller = new AbortController();
  readonly #waiting: PromiseWithResolvers<void>[] = [];
  #sent = 0;
  #heard = 0;
  readonly signal: AbortSignal;
  readonly log: WorkerLog;
  readonly progress: WorkerContext["progress"];

  constructor(
    send: (news: WorkerNews) => void,
    flags: Int32Array | undefined,
  ) {
    this.#send = send;
    this.#flags = flags;
    this.signal = flags === undefined
      ? this.#controller.signal
      : this.#watchfulSignal();
    this.progress = (...progress) => this.tell({ kind: "progress", progress });
    const at = (level: WorkerLogLevel) => (data: unknown, logger?: string) =>
      void this.tell({ kind: "log", level, data, logger });
    this.log = {
      debug: at("debug"),
      info: at("info"),
      notice: at("notice"),
      warning: at("warning"),
      error: at("error"),
    };
  }

  /** Says something; resolves once the owner has heard it. */
  tell(news: WorkerNews): Promise<void> {
    if (this.#sent - this.#heardNow >= MAX_UNHEARD) return Promise.resolve();
    try {
      this.#send(news);
    } catch (error) {
      // A log line must not cost the call.
      if (news.kind !== "log") throw error;
      this.#send({ ...news, data: textOf(news.data) });
    }
    this.#sent++;
    const heard = Promise.withResolvers<void>();
    this.#waiting.push(heard);
    return heard.promise;
  }

  /** The owner has heard one more. */
  heard(): void {
    this.#heard++;
    this.#waiting.shift()?.resolve();
  }

  abort(reason: Error): void {
    this.#controller.abort(reason);
    for (const heard of this.#waiting.splice(0)) heard.resolve();
  }

  /** A loop lets no message in, but it can look at shared memory. */
  get #heardNow(): number {
    return this.#flags === undefined
      ? this.#heard
      : Atomics.load(this.#flags, FLAGS.heard);
  }

  /** A signal that looks whether the caller has gone, as no event tells a loop. */
  #watchfulSignal(): AbortSignal {
    const { signal } = this.#controller;
    const look = () => {
      const aborted = Atomics.load(this.#flags!, FLAGS.aborted) !== 0;
      if (aborted && !this.#controller.signal.aborted) {
        this.abort(new DOMException("the caller has gone", "AbortError"));
      }
    };
    const isAborted = Object.getOwnPropertyDescriptor(
      AbortSignal.prototype,
      "aborted",
    )!.get!;
    let looking = false;
    return Object.defineProperties(signal, {
      aborted: {
        get: () => {
          if (!looking) {
            looking = true;
            look();
            looking = false;
          }
          return isAborted.call(signal);
        },
      },
      throwIfAborted: {
        value: () => {
          if (signal.aborted) throw signal.reason;
        },
      },
    });
  }
}

function textOf(data: unknown): string {
  try {
    return String(data);
  } catch {
    return "something that can't be shown";
  }
}
