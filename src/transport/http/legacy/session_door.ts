import {
  InvalidRequestError,
  ProtocolError,
  ProtocolErrorCode,
  RefusedError,
} from "../../../protocol/protocol_errors.ts";
import type { RequestMessage } from "../../../protocol/incoming.ts";
import { MODERN_REVISION } from "../../../protocol/revision.ts";
import { isThenable } from "../../../base/thenable.ts";
import type { RequestId } from "../../../protocol/types.ts";
import type { Intake } from "../../../server/calls/intake.ts";
import type { KeptSession } from "../../../server/sessions/session_store.ts";
import { refusal, refuseForNow } from "../http_response.ts";
import type { EventStore } from "./event_store.ts";
import { HttpSession } from "./http_session.ts";
import {
  legacyError,
  UNAVAILABLE,
  unsupportedVersion,
} from "./legacy_refusals.ts";
import { LiveSessions, type SessionLimits } from "./live_sessions.ts";
import type { SessionVisit } from "./session_visit.ts";
import type { SharedBetween } from "./shared_session.ts";
import { SharedSessions } from "./shared_sessions.ts";

/** Whose a session is, and the replica that opened it. */
type Opened = Pick<KeptSession, "principal"> & { home: string | undefined };

/** A session, or why a request is not let into it. */
export type Admitted = HttpSession | Response;

/** Parts that let requests in. */
export interface SessionDoorParts {
  readonly intake: Intake;
  readonly options: Required<SessionLimits> & { eventStore?: EventStore };
  /** What other replicas have in common with this one; `undefined` where there are none. */
  readonly sharing: SharedBetween | undefined;
}

/** Lets requests into their sessions, and nobody else's. */
export class SessionDoor {
  readonly #intake: Intake;
  readonly #live: LiveSessions;
  readonly #shared: SharedSessions | undefined;
  readonly #eventStore: EventStore | undefined;
  /** Sessions that were begun elsewhere and are being made known here. */
  readonly #adopting: Map<string, Promise<Admitted>> = new Map();

  constructor({ intake, options, sharing }: SessionDoorParts) {
    this.#intake = intake;
    this.#eventStore = options.eventStore;
    this.#live = new LiveSessions(options, intake.clock);
    this.#shared = sharing && new SharedSessions({
      ...sharing,
      clock: intake.clock,
      idleMs: options.sessionIdleMs,
      peek: (id) => this.#live.peek(id),
      all: () => this.#live.all(),
      forget: (session) =>
        this.#live.end(session, "the session has ended at another replica"),
      leave: (session, reason) => this.#live.leave(session, reason),
      takePassedOn: (method, params, session) =>
        intake.takePassedOn(method, params, session),
    });
  }

  /** Opens a session for an `initialize`, or says why not. */
  open(
    { id }: RequestMessage,
    visit: SessionVisit,
  ): Admitted | Promise<Admitted> {
    // A client that still names a session that is gone begins anew.
    const named = visit.headers.get("mcp-session-id");
    const known = named === null ? undefined : this.#find(named, visit);
    return isThenable(known)
      ? known.then((each) => this.#open(id, visit, each))
      : this.#open(id, visit, known);
  }

  #open(
    id: RequestId,
    { authInfo, peer }: SessionVisit,
    known: Admitted | undefined,
  ): Admitted {
    if (known instanceof Response) return known;
    if (known !== undefined) {
      return refusal(
        400,
        new InvalidRequestError("Server already initialized"),
        id,
      );
    }
    const session = this.#make(
      crypto.randomUUID(),
      {
        principal: this.#intake.identify(authInfo),
        home: this.#shared?.home,
      },
      peer,
    );
    return this.#live.add(session) ? session : this.#tooMany(session, id);
  }

  #make(
    id: string,
    { principal, home }: Opened,
    peer: SessionVisit["peer"],
  ): HttpSession {
    const shared = this.#shared;
    return new HttpSession(this.#intake, {
      id,
      principal,
      peer,
      eventStore: this.#eventStore,
      ...(shared !== undefined && home !== undefined && {
        link: (session) => shared.link(session, id, home),
      }),
    });
  }

  #tooMany(session: HttpSession, id: RequestId | null): Response {
    session.close("there are too many sessions");
    return refuseForNow(TOO_MANY, id);
  }

  /** Keeps a session that has begun, for the other replicas. @throws {UnavailableError} */
  begun(session: HttpSession): Promise<void> | undefined {
    return this.#shared?.keep(session);
  }

  /** The session of a request, or why it is turned away. */
  admit(visit: SessionVisit): Admitted | Promise<Admitted> {
    const id = visit.headers.get("mcp-session-id");
    if (id === null) {
      return refusal(
        400,
        legacyError(
          "Bad Request: Mcp-Session-Id header is required: send initialize " +
            "first, or for a call without a session the header " +
            `MCP-Protocol-Version: ${MODERN_REVISION}`,
        ),
      );
    }
    const found = this.#find(id, visit);
    return isThenable(found)
      ? found.then((each) => this.#letIn(each, visit))
      : this.#letIn(found, visit);
  }

  #letIn(found: Admitted | undefined, { version }: SessionVisit): Admitted {
    if (found === undefined) return refusal(404, SESSION_NOT_FOUND);
    if (found instanceof Response) return found;
    return unsupportedVersion(version, this.#intake.revisions) ?? found;
  }

  /** The session of an id, if it is the caller's own. */
  #find(
    id: string,
    visit: SessionVisit,
  ): Admitted | undefined | Promise<Admitted | undefined> {
    if (this.#shared !== undefined) {
      return this.#findShared(id, visit, this.#shared);
    }
    const principal = this.#intake.identify(visit.authInfo);
    const session = this.#live.use(id);
    return session?.session.principal === principal ? session : undefined;
  }

  async #findShared(
    id: string,
    { authInfo, peer }: SessionVisit,
    shared: SharedSessions,
  ): Promise<Admitted | undefined> {
    const principal = this.#intake.identify(authInfo);
    try {
      const kept = await shared.find(id);
      const live = this.#live.use(id);
      if (kept === undefined) {
        if (live !== undefined) this.#live.end(live, "the session is over");
        return undefined;
      }
      if (kept.principal !== principal) return undefined;
      // Without a turn between: of two that come at once one adopts it.
      return await (this.#adopting.get(id) ?? live ??
        this.#adopt(id, kept, peer));
    } catch (error) {
      if (error instanceof RefusedError) return refuseForNow(error);
      // A session goes on where it is known; never a 404, which would end it.
      const live = this.#live.use(id);
      return live?.session.principal === principal
        ? live
        : refuseForNow(UNAVAILABLE);
    }
  }

  #adopt(
    id: string,
    kept: KeptSession,
    peer: SessionVisit["peer"],
  ): Promise<Admitted> {
    const adopting = this.#takeOver(this.#make(id, kept, peer), kept)
      .finally(() => this.#adopting.delete(id));
    this.#adopting.set(id, adopting);
    return adopting;
  }

  async #takeOver(session: HttpSession, kept: KeptSession): Promise<Admitted> {
    // Known here before the rest of it is read: so no change is missed.
    if (!this.#live.add(session)) return this.#tooMany(session, null);
    try {
      await this.#shared!.adopt(session, kept);
    } catch (error) {
      this.#live.leave(session, "the session could not be read");
      throw error;
    }
    return session;
  }

  /** Notes that a session is worked with. */
  markUsed(session: HttpSession): void {
    this.#live.markUsed(session);
  }

  /** Lets go of a session that never began. */
  forget(session: HttpSession): void {
    this.#live.end(session, "initialize was refused");
  }

  /** Ends a session for good. @throws {UnavailableError} if others know it still */
  async end(session: HttpSession, reason: string): Promise<void> {
    this.#live.end(session, reason);
    await this.#shared?.end(session.id);
  }

  close(): void {
    this.#shared?.close();
    this.#live.close();
  }
}

const TOO_MANY = new RefusedError(
  "overloaded",
  5_000,
  "Refused: there are too many sessions",
);

const SESSION_NOT_FOUND = new ProtocolError(
  ProtocolErrorCode.SessionNotFound,
  "Session not found",
);
