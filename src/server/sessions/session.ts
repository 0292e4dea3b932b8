import { deadline } from "../../base/deadline.ts";
import type { Clock } from "../../base/clock.ts";
import { ClosedError, type TimeoutError } from "../../base/errors.ts";
import { ProtocolError } from "../../protocol/protocol_errors.ts";
import { type IncomingAnswer, requestText } from "../../protocol/jsonrpc.ts";
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
  /** The resources whose updates the client wants, in the normal form of their URIs. */
  readonly subscriptions: Set<string> = new Set();
  /** Requests without a response yet, by the key of their ids. */
  readonly inFlight: Map<RequestId | bigint, PendingCall> = new Map();
  /** Elicitation ids that this client has been given. */
  readonly elicitations: Map<string, (text: string) => void> = new Map();

  readonly #clock: Clock;
  readonly #sendStanding: (text: string) => void;
  readonly #ended: (() => void) | undefined;
  readonly #questions: Map<RequestId, PromiseWithResolvers<unknown>> =
    new Map();
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
   * @throws {TimeoutError | ClosedError | ProtocolError | JsonValueError}
   */
  ask(
    method: string,
    params: unknown,
    via: (text: string) => void,
    options: AskOptions = {},
  ): Promise<unknown> {
    if (this.#deaf) return Promise.reject(new ClosedError("the session"));
    const { signal, timeoutMs, timeout } = options;
    const limitMs = timeoutMs ?? timeout ?? DEFAULT_ASK_TIMEOUT_MS;
    const id = `sluice-${++this.#lastQuestion}`;
    const question = Promise.withResolvers<unknown>();
    return deadline(
      () => {
        const text = requestText(id, method, params);
        this.#questions.set(id, question);
        via(text);
        return question.promise;
      },
      limitMs,
      { name: `the client's answer to ${method}`, signal, clock: this.#clock },
    ).finally(() => this.#questions.delete(id));
  }

  /** Takes the client's answer; one that nobody waits for is dropped. */
  answer({ id, result, error }: IncomingAnswer): void {
    const question = this.#questions.get(id);
    if (question === undefined) return;
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
