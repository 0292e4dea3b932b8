import type { Clock, TimerHandle } from "../../base/clock.ts";
import { ClosedError, TimeoutError } from "../../base/errors.ts";
import {
  InvalidParamsError,
  ProtocolError,
} from "../../protocol/protocol_errors.ts";
import {
  type IncomingAnswer,
  isObject,
  type JsonObject,
  notificationText,
  requestText,
} from "../../protocol/jsonrpc.ts";
import { DEFAULT_LEGACY_REVISION } from "../../protocol/revision.ts";
import { normalUri } from "../../protocol/uri_form.ts";
import type {
  ClientCapabilities,
  Implementation,
  LoggingLevel,
  RequestId,
} from "../../protocol/types.ts";
import type { ClientFacts } from "../eras/era_codec.ts";
import type { AskOptions, Progress } from "../server_context.ts";

const DEFAULT_ASK_TIMEOUT_MS = 60_000;

/** Number of pages one client may have open; the oldest is forgotten first. */
const MAX_ELICITATIONS = 1_000;

/** Number of resources that a client may follow on one session, or one stream. */
export const MAX_FOLLOWED = 1_000;

/** Length of a URI that a client may follow. */
export const MAX_FOLLOWED_LENGTH = 8_192;

/** Network that carries a session's messages, where that is known. */
export type SessionNetwork = "http" | "pipe" | undefined;

/** A request of the client's that has no response yet. */
export interface PendingCall {
  readonly method: string;
  cancel(reason: unknown): void;
}

/** Tells the other replicas of a session what they must know of it. */
export interface SessionKeeper {
  /** Name of this replica: a question's id has it, so that the answer finds its way. */
  readonly member: string;
  /** Keeps what has changed. @throws {UnavailableError} */
  follow(uri: string): Promise<void>;
  /** Keeps what has changed. @throws {UnavailableError} */
  unfollow(uri: string): Promise<void>;
  /** Keeps what has changed. @throws {UnavailableError} */
  setLogLevel(level: LoggingLevel): Promise<void>;
  /** Hands an answer to the replica that asked; tells if that waits for it. @throws {UnavailableError} */
  answer(answer: IncomingAnswer): Promise<boolean>;
  /** Passes on what a client says of a request that isn't here. */
  passOn(method: string, params: JsonObject): void;
}

/** Facts known of a session when it begins. */
export interface SessionStart {
  readonly clock: Clock;
  /** Unguessable on HTTP, missing where the channel itself is the session. */
  readonly id?: string;
  /** Identity of the caller who opens it. */
  readonly principal: string;
  readonly network?: SessionNetwork;
  /** Sends what belongs to no request. */
  send(text: string): void;
  /**
   * Sends a notice that every replica has.
   * @default as `send` does
   */
  notice?(text: string): void;
  /** `undefined` where no other replica knows the session. */
  readonly keeper?: SessionKeeper;
  /** Told once it has ended, from whichever side. */
  ended?(): void;
}

/** A question to the client that has no answer yet. */
interface Question {
  resolve(result: unknown): void;
  reject(reason: unknown): void;
  release(): void;
  /** Takes what the client reports on its way to the answer. */
  progressed(progress: Progress): void;
}

/**
 * Knowledge that a legacy client and the server have of each other between
 * requests. Nothing of it is shared with another session.
 */
export class Session implements ClientFacts {
  /**
   * Unguessable on HTTP, missing where the channel itself is the session. Some
   * channels know it only once the client has begun to speak.
   */
  id: string | undefined;
  /** Identity of its opener; a request by anybody else is not let in. */
  readonly principal: string;
  /** Network that carries its messages. */
  readonly network: SessionNetwork;
  /** Time when it began, by the server's clock. */
  readonly openedAtMs: number;
  revision: string = DEFAULT_LEGACY_REVISION;
  capabilities: ClientCapabilities = {};
  clientInfo: Implementation | undefined;
  /** Set by `logging/setLevel`; until then everything is sent. */
  logLevel: LoggingLevel | undefined;
  /** True if `initialize` has been answered. */
  initialized = false;
  /** Requests without a response yet, by the key of their ids. */
  readonly inFlight: Map<RequestId | bigint, PendingCall> = new Map();

  readonly #clock: Clock;
  readonly keeper: SessionKeeper | undefined;
  readonly #sendStanding: (text: string) => void;
  readonly #sendNotice: (text: string) => void;
  readonly #ended: (() => void) | undefined;
  /** In the normal form of their URIs. */
  readonly #followed: Set<string> = new Set();
  readonly #questions: Map<RequestId, Question> = new Map();
  /** Elicitation ids that this client has been given, and how to reach it. */
  readonly #elicitations: Map<string, (text: string) => void> = new Map();
  #lastQuestion = 0;
  #closed = false;
  #deaf = false;

  constructor(start: SessionStart) {
    this.#clock = start.clock;
    this.keeper = start.keeper;
    this.#sendStanding = (text) => start.send(text);
    this.#sendNotice = (text) => (start.notice ?? start.send)(text);
    this.#ended = start.ended;
    this.id = start.id;
    this.principal = start.principal;
    this.network = start.network;
    this.openedAtMs = start.clock.now();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Notes that the client wants to hear of a resource's updates.
   *
   * @throws {InvalidParamsError} for what is too long, or one too many
   * @throws {UnavailableError} if the other replicas can't be told
   */
  async follow(uri: string): Promise<void> {
    this.checkFollows(uri);
    const followed = normalUri(uri);
    await this.keeper?.follow(followed);
    this.hears(followed, true);
  }

  /** Takes note of what another replica, or the store, says of a resource. */
  hears(followed: string, wanted: boolean): void {
    if (wanted) this.#followed.add(followed);
    else this.#followed.delete(followed);
  }

  /** @throws {InvalidParamsError} if the client may not follow one more resource */
  checkFollows(uri: string): void {
    if (uri.length > MAX_FOLLOWED_LENGTH) {
      throw new InvalidParamsError(
        `Invalid params: uri must have at most ${MAX_FOLLOWED_LENGTH} characters`,
      );
    }
    if (this.#followed.size >= MAX_FOLLOWED && !this.follows(normalUri(uri))) {
      throw new InvalidParamsError(
        `Invalid params: uri is one too many: a session follows at most ` +
          `${MAX_FOLLOWED} resources`,
      );
    }
  }

  /** The resources that the client follows, in the normal form of their URIs. */
  get followed(): Iterable<string> {
    return this.#followed;
  }

  /** Tells if the client wants to hear of what has this URI, in its normal form. */
  follows(uri: string): boolean {
    return this.#followed.has(uri);
  }

  /** @throws {UnavailableError} if the other replicas can't be told */
  async unfollow(uri: string): Promise<void> {
    const followed = normalUri(uri);
    await this.keeper?.unfollow(followed);
    this.hears(followed, false);
  }

  /** @throws {UnavailableError} if the other replicas can't be told */
  async setLogLevel(level: LoggingLevel): Promise<void> {
    await this.keeper?.setLogLevel(level);
    this.logLevel = level;
  }

  /** Sends a notice that every replica of the server sends to its clients. */
  notice(text: string): void {
    if (!this.#closed) this.#sendNotice(text);
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
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const id = this.#questionId();
    return new Promise((resolve, reject) => {
      const asked = options.onprogress === undefined
        ? params
        : withProgressToken(params, id);
      const text = requestText(id, method, asked);
      const { release, progressed } = this.#watch(id, method, options, reject);
      this.#questions.set(id, { resolve, reject, release, progressed });
      via(text);
    });
  }

  #questionId(): string {
    const number = ++this.#lastQuestion;
    return this.keeper === undefined
      ? `sluice-${number}`
      : `sluice-${this.keeper.member}-${number}`;
  }

  /** Sets a question's time-out and follows its signal, until that is released. */
  #watch(
    id: string,
    method: string,
    options: AskOptions,
    reject: (reason: unknown) => void,
  ): Pick<Question, "release" | "progressed"> {
    const { signal, timeoutMs, timeout, maxTotalTimeout } = options;
    const limit = timeoutMs ?? timeout ?? DEFAULT_ASK_TIMEOUT_MS;
    const giveUp = (reason: unknown) => {
      this.#questions.get(id)?.release();
      this.#questions.delete(id);
      reject(reason);
    };
    const setTimer = (limitMs: number): TimerHandle =>
      this.#clock.setTimeout(
        () =>
          giveUp(new TimeoutError(`the client's answer to ${method}`, limitMs)),
        limitMs,
      );
    let timer = setTimer(limit);
    const last = maxTotalTimeout === undefined
      ? undefined
      : setTimer(maxTotalTimeout);
    const onAbort = () => giveUp(signal!.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    return {
      release: () => {
        this.#clock.clearTimeout(timer);
        if (last !== undefined) this.#clock.clearTimeout(last);
        signal?.removeEventListener("abort", onAbort);
      },
      progressed: (progress) => {
        if (options.resetTimeoutOnProgress) {
          this.#clock.clearTimeout(timer);
          timer = setTimer(limit);
        }
        options.onprogress?.(progress);
      },
    };
  }

  /** Takes how far the client has got with a question, if it was asked here. */
  progressed({ progressToken, ...progress }: JsonObject): boolean {
    const question = this.#questions.get(progressToken as RequestId);
    question?.progressed(progress as unknown as Progress);
    return question !== undefined;
  }

  /**
   * Notes that the client has been given the id of a page.
   *
   * @param via sends on the stream that the page was named on
   */
  giveElicitation(
    id: string,
    via: (text: string) => void = (text) => this.send(text),
  ): void {
    this.#elicitations.delete(id);
    this.#elicitations.set(id, via);
    if (this.#elicitations.size <= MAX_ELICITATIONS) return;
    const [oldest] = this.#elicitations.keys();
    this.#elicitations.delete(oldest);
  }

  /** Tells the client that its user is done with a page, if it has been given its id. */
  completeElicitation(id: string): void {
    this.#elicitations.get(id)?.(
      notificationText("notifications/elicitation/complete", {
        elicitationId: id,
      }),
    );
    this.#elicitations.delete(id);
  }

  /** Takes the client's answer; says whether somebody waits for it. */
  answer({ id, result, error }: IncomingAnswer): boolean {
    const question = this.#questions.get(id);
    if (question === undefined) return false;
    this.#questions.delete(id);
    question.release();
    if (error === undefined) question.resolve(result ?? {});
    else {
      question.reject(
        new ProtocolError(error.code, error.message, error.data),
      );
    }
    return true;
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
    this.#followed.clear();
    this.#elicitations.clear();
    this.#ended?.();
  }
}

function withProgressToken(params: unknown, progressToken: string): JsonObject {
  const given = isObject(params) ? params : {};
  const meta = isObject(given._meta) ? given._meta : {};
  return { ...given, _meta: { ...meta, progressToken } };
}
