import {
  InvalidRequestError,
  ProtocolError,
  ProtocolErrorCode,
} from "../../../protocol/protocol_errors.ts";
import type { RequestMessage } from "../../../protocol/incoming.ts";
import type { Intake } from "../../../server/calls/intake.ts";
import { refusal } from "../http_response.ts";
import type { EventStore } from "./event_store.ts";
import { HttpSession } from "./http_session.ts";
import { legacyError, unsupportedVersion } from "./legacy_refusals.ts";
import type { SessionVisit } from "./session_visit.ts";
import { type SessionLimits, SessionStore } from "./session_store.ts";

/** Lets requests into their sessions, and nobody else's. */
export class SessionDoor {
  readonly #intake: Intake;
  readonly #store: SessionStore;
  readonly #eventStore: EventStore | undefined;

  constructor(
    intake: Intake,
    options: SessionLimits & { eventStore?: EventStore },
  ) {
    this.#intake = intake;
    this.#eventStore = options.eventStore;
    this.#store = new SessionStore(options, intake.clock);
  }

  /** Opens a session for an `initialize`, or says why not. */
  open(
    { id }: RequestMessage,
    visit: SessionVisit,
  ): HttpSession | Response {
    // A client that still names a session that is gone begins anew.
    if (this.#find(visit) !== undefined) {
      return refusal(
        400,
        new InvalidRequestError("Server already initialized"),
        id,
      );
    }
    const session = new HttpSession(this.#intake, visit, this.#eventStore);
    if (this.#store.add(session)) return session;
    session.close("there are too many sessions");
    return refusal(
      503,
      new ProtocolError(
        ProtocolErrorCode.InternalError,
        "Too many sessions: try again later",
      ),
      id,
      { "retry-after": "5" },
    );
  }

  /** The session of a request, or why it is turned away. */
  admit(visit: SessionVisit): HttpSession | Response {
    if (visit.headers.get("mcp-session-id") === null) {
      return refusal(
        400,
        legacyError("Bad Request: Mcp-Session-Id header is required"),
      );
    }
    const session = this.#find(visit);
    if (session === undefined) return refusal(404, SESSION_NOT_FOUND);
    return unsupportedVersion(visit.version, this.#intake.revisions) ?? session;
  }

  /** The session that a request names, if it is the caller's own. */
  #find({ headers, authInfo }: SessionVisit): HttpSession | undefined {
    const id = headers.get("mcp-session-id");
    const session = id === null ? undefined : this.#store.use(id);
    return session?.session.principal === this.#intake.identify(authInfo)
      ? session
      : undefined;
  }

  /** Notes that a session is worked with. */
  markUsed(session: HttpSession): void {
    this.#store.markUsed(session);
  }

  end(session: HttpSession, reason: string): void {
    this.#store.end(session, reason);
  }

  close(): void {
    this.#store.close();
  }
}

const SESSION_NOT_FOUND = new ProtocolError(
  ProtocolErrorCode.SessionNotFound,
  "Session not found",
);
