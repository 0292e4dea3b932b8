import type { Clock } from "../../base/clock.ts";
import type { NetworkPeer } from "../../base/network_peer.ts";
import type { SharedRoom } from "../../base/shared_room.ts";
import {
  InvalidRequestError,
  type ProtocolError,
} from "../../protocol/protocol_errors.ts";
import type {
  AnswerMessage,
  NotificationMessage,
  RequestMessage,
} from "../../protocol/incoming.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";
import { checkPayload, type PayloadLimits } from "../../protocol/payload.ts";
import type { Era } from "../../protocol/revision.ts";
import type { AuthInfo } from "../../protocol/types.ts";
import { idKey } from "../../protocol/whole_number.ts";
import { accountOf } from "../identity/account.ts";
import type { EraCodec } from "../eras/era_codec.ts";
import { Session, type SessionStart } from "../sessions/session.ts";
import { Call, type CallHost } from "./call.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Notifications } from "./notifications.ts";
import type { Reply } from "./reply.ts";

/** Knowledge that a transport has of a request beside its message. */
export interface Arrival {
  readonly message: RequestMessage;
  /** The revision that the transport names; otherwise that of the era or the session. */
  readonly revision?: string;
  readonly reply: Reply;
  readonly session: Session | undefined;
  /** The size of the message; 0 where nobody has counted. */
  readonly bytes: number;
  /** Time when it came in, if the transport knows it. */
  readonly arrivedAt?: number;
}

/** Parts that the intake works with. */
export interface IntakeParts {
  readonly clock: Clock;
  readonly eras: Readonly<Record<Era, EraCodec>>;
  readonly host: CallHost;
  readonly dispatcher: Dispatcher;
  readonly notifications: Notifications;
  readonly sessions: Set<Session>;
  /** Room for what is kept for clients. */
  readonly room: SharedRoom;
  readonly limits: PayloadLimits;
  /** The revisions that are spoken. */
  readonly revisions: readonly string[];
  /** Told of what came for nobody. */
  unexpected(what: string): void;
  /** Told of a session that has ended. */
  sessionEnded(session: Session): void;
}

/** The one way in: what every transport hands its messages to. */
export class Intake {
  readonly clock: Clock;
  readonly #eras: IntakeParts["eras"];
  /** The revisions that are spoken. */
  readonly revisions: readonly string[];
  /** Told of the first request of an era in which no client says that it is ready. */
  greet: ((call: Call) => void) | undefined;
  readonly #parts: IntakeParts;

  constructor(parts: IntakeParts) {
    this.clock = parts.clock;
    this.#eras = parts.eras;
    this.revisions = parts.revisions;
    this.#parts = parts;
  }

  /** Identity of a caller, as sessions know it. */
  identify(authInfo: AuthInfo | undefined): string {
    return this.#parts.host.identify(authInfo);
  }

  /** Account that a caller's use of shared room counts for. */
  accountOf(
    { authInfo, peer }: Pick<Reply, "authInfo" | "peer">,
  ): string {
    return accountOf(this.identify(authInfo), peer);
  }

  /** Begins a legacy client's session. */
  openSession(
    start: Omit<SessionStart, "clock" | "room" | "account">,
    peer?: NetworkPeer,
  ): Session {
    const session = new Session({
      ...start,
      clock: this.clock,
      room: this.#parts.room,
      account: accountOf(start.principal, peer),
    });
    this.#parts.sessions.add(session);
    return session;
  }

  /** Ends a session and forgets it. */
  closeSession(session: Session, reason: string): void {
    session.close(reason);
    if (this.#parts.sessions.delete(session)) {
      this.#parts.sessionEnded(session);
    }
  }

  /** Makes a call of a request; it waits for {@linkcode submit} or {@linkcode dispatch}. */
  open(
    { message, revision, reply, session, bytes, arrivedAt }: Arrival,
  ): Call {
    const era = this.#eras[message.era];
    const call = new Call(this.#parts.host, {
      era,
      revision: revision ?? era.revision(session),
      method: message.method,
      params: message.params,
      id: message.id,
      reply,
      session,
      bytes,
      arrivedAt,
    });
    if (this.greet !== undefined && era.asksByResult) {
      const { greet } = this;
      this.greet = undefined;
      greet(call);
    }
    return call;
  }

  /** Runs a call whose request has been checked. */
  dispatch(call: Call): void {
    this.#parts.dispatcher.dispatch(call);
  }

  /** Runs a call if its request is as it must be; otherwise its answer says why not. */
  submit(call: Call): void {
    try {
      this.#check(call);
    } catch (error) {
      this.refuse(call, error as ProtocolError);
      return;
    }
    this.#parts.dispatcher.dispatch(call);
  }

  /** Answers a call that is not let through to its method. */
  refuse(call: Call, error: ProtocolError): void {
    this.#parts.dispatcher.refuse(call, error);
  }

  #check({ era, params, requestId, session }: Call): void {
    if (session?.inFlight.has(idKey(requestId))) {
      throw new InvalidRequestError(
        `id ${JSON.stringify(requestId)} belongs to a request still in flight`,
      );
    }
    era.checkRequest(params);
  }

  /** @throws {ProtocolError} for what is too deep or holds too much */
  checkPayload(value: unknown): void {
    checkPayload(value, this.#parts.limits);
  }

  /** Resolves once it has been passed on, if it must be. @throws {UnavailableError} */
  notify(
    { method, params }: NotificationMessage,
    session: Session | undefined,
  ): Promise<void> | undefined {
    return this.#parts.notifications.take(method, params, session);
  }

  /** @throws {UnavailableError} if whoever waits for it can't be told */
  async answer(
    { answer }: AnswerMessage,
    session: Session | undefined,
  ): Promise<void> {
    if (session?.answer(answer) === true) return;
    if (await session?.keeper?.answer(answer)) return;
    this.#parts.unexpected(
      `an answer came to a request that nobody waits for: ${answer.id}`,
    );
  }

  /** Takes what another replica passes on of a session that is here as well. */
  takePassedOn(method: string, params: JsonObject, session: Session): void {
    this.#parts.notifications.takeHere(method, params, session);
  }
}
