import type { Clock, TimerHandle } from "../../base/clock.ts";
import { ClosedError, TimeoutError } from "../../base/errors.ts";
import { ProtocolError } from "../../protocol/protocol_errors.ts";
import {
  type IncomingAnswer,
  isObject,
  type JsonObject,
  notificationText,
  requestText,
} from "../../protocol/jsonrpc.ts";
import { DEFAULT_LEGACY_REVISION } from "../../protocol/revision.ts";
import type {
  ClientCapabilities,
  Implementation,
  LoggingLevel,
  RequestId,
} from "../../protocol/types.ts";
import type { SharedRoom } from "../../base/shared_room.ts";
import type { ClientFacts } from "../eras/era_codec.ts";
import type { AskOptions, Progress } from "../server_context.ts";
import { FollowedResources } from "./followed_resources.ts";
import type { SessionKeeper } from "./session_keeper.ts";
import { SessionRoom } from "./session_room.ts";

const DEFAULT_ASK_TIMEOUT_MS = 60_000;

/** Number of pages one client may have open; the oldest is forgotten first. */
const MAX_ELICITATIONS = 1_000;

/** Network that carries a session's messages, where that is known. */
export type SessionNetwork = "http" | "pipe" | undefined;

/** A request of the client's that has no response yet. */
export interface PendingCall {
  readonly method: string;
  cancel(reason: unknown): void;
}

/** Facts known of a session when it begins. */
export interface SessionStart {
  readonly clock: Clock;
  /** Unguessable on HTTP, missing where the channel itself is the session. */
  readonly id?: string;
  /** Identity of the caller who opens it. */
  readonly principal: string;
  /** Account that what is kept for it counts for. */
  readonly account: string;
  /** Room for what is kept for clients. */
  readonly room: SharedRoom;
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
  /** Account that what is kept for it counts for. */
  readonly account: string;
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

  /** Room that what is kept for it takes. */
  readonly room: SessionRoom;
  /** Resources that its client follows. */
  readonly followed: FollowedResources;

  readonly #clock: Clock;
  readonly keeper: SessionKeeper | undefined;
  readonly #sendStanding: (text: string) => void;
  readonly #sendNotice: (text: string) => void;
  readonly #ended: (() => void) | undefined;
  /** Made when there is the first: most sessions have none (bench/sessions.ts). */
  #questions: Map<RequestId, Question> | undefined;
  /** Elicitation ids that this client has been given, and how to reach it. */
  #elicitations: Map<string, (text: string) => void> | undefined;
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
    this.account = start.account;
    this.room = new SessionRoom(start.room, start.account);
    this.followed = new FollowedResources(this.room, start.keeper);
    this.network = start.network;
    this.openedAtMs = start.clock.now();
  }

  get closed(): boolean {
    return this.#closed;
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
      (this.#questions ??= new Map()).set(id, {
        resolve,
        reject,
        release,
        progressed,
      });
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
      this.#questions?.get(id)?.release();
      this.#questions?.delete(id);
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
    const question = this.#questions?.get(progressToken as RequestId);
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
    const elicitations = this.#elicitations ??= new Map();
    elicitations.delete(id);
    elicitations.set(id, via);
    if (elicitations.size <= MAX_ELICITATIONS) return;
    const [oldest] = elicitations.keys();
    elicitations.delete(oldest);
  }

  /** Tells the client that its user is done with a page, if it has been given its id. */
  completeElicitation(id: string): void {
    this.#elicitations?.get(id)?.(
      notificationText("notifications/elicitation/complete", {
        elicitationId: id,
      }),
    );
    this.#elicitations?.delete(id);
  }

  /** Takes the client's answer; says whether somebody waits for it. */
  answer({ id, result, error }: IncomingAnswer): boolean {
    const question = this.#questions?.get(id);
    if (question === undefined) return false;
    this.#questions?.delete(id);
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
    for (const question of this.#questions?.values() ?? []) {
      question.release();
      question.reject(new ClosedError("the session"));
    }
    this.#questions?.clear();
  }

  /** Cancels what is in flight and fails what is waited for. */
  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const call of [...this.inFlight.values()]) call.cancel(reason);
    this.refuseQuestions();
    this.inFlight.clear();
    this.followed.clear();
    this.room.close();
    this.#elicitations?.clear();
    this.#ended?.();
  }
}

function withProgressToken(params: unknown, progressToken: string): JsonObject {
  const given = isObject(params) ? params : {};
  const meta = isObject(given._meta) ? given._meta : {};
  return { ...given, _meta: { ...meta, progressToken } };
}
