import {
  ProtocolError,
  ProtocolErrorCode,
} from "../../../protocol/protocol_errors.ts";
import type { Clock } from "../../../base/clock.ts";
import type { AuthInfo } from "../../../protocol/types.ts";
import type { SessionVisit } from "./session_visit.ts";
import type { EventStreams } from "../event_streams.ts";
import { refusal } from "../http_response.ts";
import { SSE_HEADERS, type SseStream } from "../sse_stream.ts";
import type { EventStore } from "./event_store.ts";
import type { HttpSession } from "./http_session.ts";
import { legacyError } from "./legacy_refusals.ts";
import type { ResumableStream } from "./resumable_stream.ts";

/** Settings for how streams are resumed. */
export interface ResumeOptions {
  readonly eventStore?: EventStore;
  readonly retryMs?: number;
}

/** Streams a GET opens: a session's standing one, or the rest of a cut one. */
export class StandingStreams {
  readonly #streams: EventStreams;
  readonly #clock: Clock;
  readonly #options: ResumeOptions;

  constructor(
    { streams, clock }: { streams: EventStreams; clock: Clock },
    options: ResumeOptions,
  ) {
    this.#streams = streams;
    this.#clock = clock;
    this.#options = options;
  }

  /** Opens a stream that can be resumed: a client that leaves it calls nothing off. */
  connect(
    { session: { account } }: HttpSession,
    authInfo: AuthInfo | undefined,
  ): SseStream {
    return this.#streams.open({ account, gone: () => {} }, authInfo);
  }

  open(
    session: HttpSession,
    { headers, authInfo }: SessionVisit,
  ): Response | Promise<Response> {
    const { eventStore, retryMs } = this.#options;
    const lastEventId = headers.get("last-event-id");
    if (lastEventId !== null && eventStore !== undefined) {
      return this.#resume(session, lastEventId, eventStore, authInfo);
    }
    return streamResponse(
      session.openStanding(this.#streams, retryMs, authInfo),
      session,
    );
  }

  async #resume(
    session: HttpSession,
    lastEventId: string,
    store: EventStore,
    authInfo: AuthInfo | undefined,
  ): Promise<Response> {
    let streamId: string;
    let stream: ResumableStream | undefined;
    try {
      streamId = await streamOf(lastEventId, store) ?? "";
      stream = await session.resumableHere(streamId);
    } catch {
      return refusal(503, STORE_FAILED, null, { "retry-after": "1" });
    }
    const connection = this.connect(session, authInfo);
    if (stream !== undefined) stream.resume(connection, lastEventId);
    else if (
      session.link?.goOn(streamId, lastEventId, {
        store,
        clock: this.#clock,
        connection,
      }) !== true
    ) {
      connection.close();
      // Only the session's own streams: an id of another's is as good as unknown.
      return refusal(400, legacyError("Invalid event ID format"));
    }
    return streamResponse(connection, session);
  }
}

function streamResponse(stream: SseStream, session: HttpSession): Response {
  return new Response(stream.body, {
    headers: { ...SSE_HEADERS, "mcp-session-id": session.id },
  });
}

async function streamOf(
  eventId: string,
  store: EventStore,
): Promise<string | undefined> {
  return store.getStreamIdForEventId === undefined
    ? await store.replayEventsAfter(eventId, { send: () => Promise.resolve() })
    : await store.getStreamIdForEventId(eventId);
}

const STORE_FAILED = new ProtocolError(
  ProtocolErrorCode.InternalError,
  "The event store has failed: try again later",
);
