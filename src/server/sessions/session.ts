import type { Clock, TimerHandle } from "../../base/clock.ts";
import { ClosedError, TimeoutError } from "../../base/errors.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { IncomingAnswer } from "../../protocol/jsonrpc.ts";
import { DEFAULT_LEGACY_REVISION } from "../../protocol/revision.ts";
import type {
  ClientCapabilities,
  Implementation,
  LoggingLevel,
  RequestId,
} from "../../protocol/types.ts";
import type { ClientFacts } from "../eras/era_codec.ts";
import type { AskOptions } from "../server_context.ts";

const DEFAULT_ASK_TIMEOUT_MS = 60_000;

/** What carries a session's messages, where that is known. */
export type SessionNetwork = "http" | "pipe" | undefined;

/** A request of the client's that has no response yet. */
export interface PendingCall {
  readonly method: string;
  cancel(reason: unknown): void;
}

/** What is known of a session when it begins. */
export interface SessionStart {
  readonly clock: Clock;
  /** Unguessable on HTTP, missing where the channel itself is the session. */
  readonly id?: string;
  /** Who opens it. */
  readonly principal: string;
  readonly network?: SessionNetwork;
  /** Sends what belongs to no request. */
  send(text: string): void;
  /** Told once it has ended, from whichever side. */
  ended?(): void;
}

/** A question to the client that has no answer yet. */
interface Question {
  resolve(result: unknown): void;
  reject(reason: unknown): void;
  release(): void;
}

/**
 * What a legacy client and the server know of each other between requests.
 * Nothing of it is shared with another session.
 */
export class Session implements ClientFacts {
  /**
   * Unguessable on HTTP, missing where the channel itself is the session. Some
   * channels know it only once the client has begun to speak.
   */
  id: string | undefined;
  /** Who opened it; a request by anybody else is not let in. */
  readonly principal: string;
  /** What carries its messages. */
  readonly network: SessionNetwork;
  /** When it began, by the server's clock. */
  readonly openedAtMs: number;
  revision: string = DEFAULT_LEGACY_REVISION;
  capabilities: ClientCapabilities = {};
  clientInfo: Implementation | undefined;
  /** Set by `logging/setLevel`; until then everything is sent. */
  logLevel: LoggingLevel | undefined;
  /** Whether `initialize` has been answered. */
  initialized = false;
  /** The resources whose updates the client wants. */
  readonly subscriptions: Set<string> = new Set();
  /** Requests without a response yet, by the key of their ids. */
  readonly inFlight: Map<RequestId | bigint, PendingCall> = new Map();
  /** Elicitation ids that this client has been given. */
  readonly elicitations: Map<string, (text: string) => void> = new Map();

  readonly #clock: Clock;
  readonly #sendStanding: (text: string) => void;
  readonly #ended: (() => void) | undefined;
  readonly #questions: Map<RequestId, Question> = new Map();
  #lastQuestion = 0;
  #closed = false;
  #deaf = false;

  constructor(start: SessionStart) {
    this.#clock = start.clock;
    this.#sendStanding = (text) => start.send(text);
    this.#ended = start.ended;
    this.id = start.id;
    this.principal = start.principal;
    this.network = start.network;
    this.openedAtMs = start.clock.now();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Sends a message that belongs to no request. */
  send(text: string): void {
    if (!this.#closed) this.#sendStanding(text);
  }

  /**
   * Asks the client and waits for its answer.
   *
   * @param via sends on the stream that the question belongs to
   * @throws {TimeoutError | ClosedError | ProtocolError}
   */
  ask(
    method: string,
    params: unknown,
    via: (text: string) => void,
    options: AskOptions = {},
  ): Promise<unknown> {
    if (this.#deaf) return Promise.reject(new ClosedError("the session"));
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const id = `sluice-${++this.#lastQuestion}`;
    return new Promise((resolve, reject) => {
      const release = this.#watch(id, method, options, reject);
      this.#questions.set(id, { resolve, reject, release });
      via(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  /** Sets a question's time-out and follows its signal; returns how to stop both. */
  #watch(
    id: string,
    method: string,
    { signal, timeoutMs, timeout }: AskOptions,
    reject: (reason: unknown) => void,
  ): () => void {
    const limit = timeoutMs ?? timeout ?? DEFAULT_ASK_TIMEOUT_MS;
    const giveUp = (reason: unknown) => {
      this.#questions.get(id)?.release();
      this.#questions.delete(id);
      reject(reason);
    };
    const timer: TimerHandle = this.#clock.setTimeout(
      () => giveUp(new TimeoutError(`the client's answer to ${method}`, limit)),
      limit,
    );
    const onAbort = () => giveUp(signal!.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    return () => {
      this.#clock.clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
  }

  /** Takes the client's answer; one that nobody waits for is dropped. */
  answer({ id, result, error }: IncomingAnswer): void {
    const question = this.#questions.get(id);
    if (question === undefined) return;
    this.#questions.delete(id);
    question.release();
    if (error === undefined) question.resolve(result ?? {});
    else {
      question.reject(
        new ProtocolError(error.code, error.message, error.data),
      );
    }
  }

  /** Fails every question that is still open; the client can't answer any more. */
  refuseQuestions(): void {
    this.#deaf = true;
    for (const question of this.#questions.values()) {
      question.release();
      question.reject(new ClosedError("the session"));
    }
    this.#questions.clear();
  }

  /** Cancels what is in flight and fails what is waited for. */
  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const call of [...this.inFlight.values()]) call.cancel(reason);
    this.refuseQuestions();
    this.inFlight.clear();
    this.subscriptions.clear();
    this.elicitations.clear();
    this.#ended?.();
  }
}
