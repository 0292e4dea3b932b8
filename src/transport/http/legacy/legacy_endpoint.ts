import {
  InvalidRequestError,
  ProtocolError,
  ProtocolErrorCode,
} from "../../../protocol/errors.ts";
import {
  answerFault,
  envelopeFault,
  type IncomingAnswer,
  type IncomingCall,
  isAnswer,
  isObject,
  type JsonObject,
} from "../../../protocol/jsonrpc.ts";
import {
  allowsBatches,
  DEFAULT_LEGACY_REVISION,
  LEGACY_REVISIONS,
  SUPPORTED_REVISIONS,
} from "../../../protocol/revision.ts";
import type { AuthInfo, RequestId } from "../../../protocol/types.ts";
import { BatchReply, collectBatch, MAX_BATCH } from "../../batch_reply.ts";
import type { Engine } from "../../../server/calls/dispatcher.ts";
import type { Reply } from "../../../server/calls/reply.ts";
import { RequestContext } from "../../../server/calls/call.ts";
import type { EventStore } from "./event_store.ts";
import { HttpReply, type HttpReplyStyle } from "../http_reply.ts";
import { refusal } from "../http_response.ts";
import { HttpSession } from "./http_session.ts";
import { ResumableReply } from "./resumable_reply.ts";
import { checkProgressToken } from "../../../server/eras/request_meta.ts";
import { type SessionLimits, SessionStore } from "./session_store.ts";
import { SSE_HEADERS, type SseStream } from "../sse_stream.ts";

/** How the legacy era is served. */
export interface LegacyOptions extends SessionLimits {
  /**
   * Give clients sessions. Without them every request stands for itself, any
   * replica can answer it, and the server can't ask the client anything.
   * @default true
   */
  sessions?: boolean;
  /**
   * Where streams are kept for clients that resume them.
   * @default none: streams are not resumed
   */
  eventStore?: EventStore;
  /** How long a cut-off client should wait before it comes back, in milliseconds. */
  retryMs?: number;
}

/** What says whose session a request is for. */
interface Visit {
  headers: Headers;
  version: string | null;
  authInfo: AuthInfo | undefined;
  resolve(response: Response): void;
}

/** What one POST brings along beside its messages. */
interface Delivery extends Visit {
  request: Request;
  /** The size of the body. */
  bytes: number;
}

/** Serves Streamable HTTP as revisions 2025-03-26 to 2025-11-25 have it. */
export class LegacyEndpoint {
  readonly sessions: SessionStore;
  readonly #engine: Engine;
  readonly #style: HttpReplyStyle;
  readonly #options: LegacyOptions;

  constructor(engine: Engine, style: HttpReplyStyle, options: LegacyOptions) {
    this.#engine = engine;
    this.#style = style;
    this.#options = options;
    this.sessions = new SessionStore(
      options,
      engine.clock,
      ({ session }) => engine.sessionClosed(session),
    );
  }

  get #keepsSessions(): boolean {
    return this.#options.sessions !== false;
  }

  /** Takes what a POST brought: a message, or a batch of them. */
  take(body: unknown, delivery: Delivery): void {
    const messages = Array.isArray(body) ? body : [body];
    const fault = faultOf(messages, Array.isArray(body));
    if (fault !== undefined) {
      delivery.resolve(refusal(400, fault));
      return;
    }
    const first = messages[0] as IncomingCall;
    if (messages.some((each) => each.method === "initialize")) {
      if (messages.length > 1) {
        delivery.resolve(refusal(
          400,
          new InvalidRequestError("only one initialization request is allowed"),
        ));
      } else this.#initialize(first, delivery);
      return;
    }
    const session = this.#admit(delivery);
    if (session === null) return;
    const revision = delivery.version ?? session?.session.revision ??
      DEFAULT_LEGACY_REVISION;
    if (Array.isArray(body) && !allowsBatches(revision)) {
      delivery.resolve(refusal(
        400,
        new InvalidRequestError(`revision ${revision} has no batches`),
      ));
      return;
    }
    this.#deliver(messages, Array.isArray(body), revision, session, delivery);
  }

  #initialize(call: IncomingCall, delivery: Delivery): void {
    const { authInfo, headers, resolve } = delivery;
    if (call.id === undefined) {
      resolve(refusal(400, new InvalidRequestError("initialize needs an id")));
      return;
    }
    if (!this.#keepsSessions) {
      this.#dispatch(call, DEFAULT_LEGACY_REVISION, undefined, delivery);
      return;
    }
    if (headers.get("mcp-session-id") !== null) {
      resolve(
        refusal(400, new InvalidRequestError("Server already initialized")),
      );
      return;
    }
    const session = new HttpSession(
      crypto.randomUUID(),
      this.#engine.identify(authInfo),
      this.#engine.clock,
      this.#options.eventStore,
    );
    if (!this.sessions.add(session)) {
      resolve(refusal(
        503,
        new ProtocolError(
          ProtocolErrorCode.InternalError,
          "Too many sessions: try again later",
        ),
        call.id,
        { "retry-after": "5" },
      ));
      return;
    }
    this.#engine.sessionOpened(session.session);
    this.#dispatch(call, DEFAULT_LEGACY_REVISION, session, {
      ...delivery,
      // A refused initialize leaves no session behind.
      resolve: (response) => {
        if (!session.session.initialized) {
          this.sessions.end(session, "initialize was refused");
        }
        resolve(response);
      },
    });
  }

  /** The session of a request; `null` if the request has been turned away. */
  #admit(
    { headers, version, authInfo, resolve }: Visit,
  ): HttpSession | undefined | null {
    let session: HttpSession | undefined;
    if (this.#keepsSessions) {
      const id = headers.get("mcp-session-id");
      if (id === null) {
        resolve(refusal(
          400,
          serverError("Bad Request: Mcp-Session-Id header is required"),
        ));
        return null;
      }
      session = this.sessions.use(id);
      if (session?.session.principal !== this.#engine.identify(authInfo)) {
        resolve(refusal(404, SESSION_NOT_FOUND));
        return null;
      }
    }
    if (version !== null && !LEGACY_REVISIONS.includes(version)) {
      resolve(refusal(
        400,
        serverError(
          `Bad Request: Unsupported protocol version: ${version} ` +
            `(supported versions: ${SUPPORTED_REVISIONS.join(", ")})`,
        ),
      ));
      return null;
    }
    return session;
  }

  #deliver(
    messages: (IncomingCall | IncomingAnswer)[],
    batched: boolean,
    revision: string,
    session: HttpSession | undefined,
    delivery: Delivery,
  ): void {
    const requests: IncomingCall[] = [];
    for (const message of messages) {
      if (!("method" in message)) session?.session.answer(message);
      else if (message.id !== undefined) requests.push(message);
      else {
        this.#engine.notified(
          message.method,
          message.params ?? {},
          session?.session,
        );
      }
    }
    if (requests.length === 0) {
      delivery.resolve(new Response(null, { status: 202 }));
    } else if (batched) {
      const whole = this.#reply(session, delivery, requests.length);
      const replyOf = whole instanceof ResumableReply
        ? () => whole
        : collectBatch(whole, requests.length);
      for (const request of requests) {
        this.#start(
          request,
          revision,
          session,
          replyOf(),
          delivery.bytes / requests.length,
        );
      }
    } else this.#dispatch(requests[0], revision, session, delivery);
  }

  #dispatch(
    call: IncomingCall,
    revision: string,
    session: HttpSession | undefined,
    delivery: Delivery,
  ): void {
    this.#start(
      call,
      revision,
      session,
      this.#reply(session, delivery, 1),
      delivery.bytes,
    );
  }

  #start(
    { id, method, params = {} }: IncomingCall,
    revision: string,
    session: HttpSession | undefined,
    reply: Reply,
    bytes: number,
  ): void {
    const context = new RequestContext(
      this.#engine,
      "legacy",
      revision,
      method,
      params,
      id as RequestId,
      reply,
      session?.session,
    );
    context.requestBytes = bytes;
    if (reply instanceof HttpReply) reply.watch(context);
    else if (reply instanceof BatchReply) {
      reply.onDisconnect((reason) => context.cancel(reason));
    }
    const fault = refusalOf(context);
    if (fault === undefined) this.#engine.dispatch(context);
    else this.#engine.refuse(context, fault);
  }

  /** How the requests of one POST are answered. */
  #reply(
    session: HttpSession | undefined,
    { request, authInfo, resolve }: Delivery,
    requests: number,
  ): Reply {
    const headers = session && { "mcp-session-id": session.id };
    if (session === undefined || !session.resumes) {
      return new HttpReply(this.#style, request, authInfo, resolve, headers);
    }
    const stream = session.newStream();
    const connection = this.#style.streams.open(RESUMABLE);
    stream.prime(connection, this.#options.retryMs);
    resolve(
      new Response(connection.body, {
        headers: { ...SSE_HEADERS, ...headers },
      }),
    );
    let left = requests;
    return new ResumableReply(stream, session, request, authInfo, () => {
      if (--left === 0) stream.finish();
    });
  }

  /** GET: the standing stream, or the rest of a stream that was cut off. */
  async open(
    headers: Headers,
    version: string | null,
    authInfo: AuthInfo | undefined,
  ): Promise<Response> {
    if (!this.#keepsSessions) return methodNotAllowed("POST");
    if (!headers.get("accept")?.includes("text/event-stream")) {
      return refusal(
        406,
        serverError("Not Acceptable: Client must accept text/event-stream"),
      );
    }
    const { session, response } = this.#enter(headers, version, authInfo);
    if (session === undefined) return response!;
    const lastEventId = headers.get("last-event-id");
    if (lastEventId !== null && this.#options.eventStore !== undefined) {
      return await this.#resume(session, lastEventId);
    }
    if (session.standingOpen) {
      return refusal(
        409,
        serverError("Conflict: Only one SSE stream is allowed per session"),
      );
    }
    return streamResponse(
      session.openStanding(this.#style.streams, this.#options.retryMs),
      session,
    );
  }

  async #resume(
    session: HttpSession,
    lastEventId: string,
  ): Promise<Response> {
    const store = this.#options.eventStore!;
    const streamId = store.getStreamIdForEventId === undefined
      ? await store.replayEventsAfter(lastEventId, {
        send: () => Promise.resolve(),
      })
      : await store.getStreamIdForEventId(lastEventId);
    // Only the session's own streams: an id of another's is as good as unknown.
    const stream = session.resumable.get(streamId ?? "");
    if (stream === undefined) {
      return refusal(400, serverError("Invalid event ID format"));
    }
    if (stream.connected) {
      return refusal(
        409,
        serverError("Conflict: Stream already has an active connection"),
      );
    }
    const connection = this.#style.streams.open(RESUMABLE);
    stream.resume(connection, lastEventId);
    return streamResponse(connection, session);
  }

  /** DELETE: the client ends its session. */
  end(
    headers: Headers,
    version: string | null,
    authInfo: AuthInfo | undefined,
  ): Response {
    if (!this.#keepsSessions) return methodNotAllowed("POST");
    const { session, response } = this.#enter(headers, version, authInfo);
    if (session === undefined) return response!;
    this.sessions.end(session, "the client ended the session");
    return new Response(null, { status: 200 });
  }

  #enter(
    headers: Headers,
    version: string | null,
    authInfo: AuthInfo | undefined,
  ): { session?: HttpSession; response?: Response } {
    let response: Response | undefined;
    const session = this.#admit({
      headers,
      version,
      authInfo,
      resolve: (refused) => {
        response = refused;
      },
    });
    return { session: session ?? undefined, response };
  }

  close(): void {
    this.sessions.close();
  }
}

/** A client that leaves a stream which can be resumed calls nothing off. */
const RESUMABLE = { gone: () => {} };

const SESSION_NOT_FOUND = new ProtocolError(
  ProtocolErrorCode.SessionNotFound,
  "Session not found",
);

/** Legacy clients know this code for whatever goes wrong around a request. */
function serverError(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.ConnectionClosed, message);
}

/** 405, naming the methods there are. */
export function methodNotAllowed(allow: string): Response {
  return refusal(405, serverError("Method not allowed."), null, { allow });
}

function streamResponse(stream: SseStream, session: HttpSession): Response {
  return new Response(stream.body, {
    headers: { ...SSE_HEADERS, "mcp-session-id": session.id },
  });
}

/** What is wrong with the messages of a POST, if anything is. */
function faultOf(
  messages: unknown[],
  batched: boolean,
): ProtocolError | undefined {
  if (messages.length === 0) {
    return new InvalidRequestError("the batch is empty");
  }
  if (messages.length > MAX_BATCH) {
    return new InvalidRequestError(
      `a batch takes at most ${MAX_BATCH} messages`,
    );
  }
  for (const [index, message] of messages.entries()) {
    const fault = isObject(message) && isAnswer(message)
      ? answerFault(message)
      : envelopeFault(message);
    if (fault !== undefined) {
      return new InvalidRequestError(
        batched ? `message ${index}: ${fault}` : fault,
      );
    }
  }
  return undefined;
}

/** Why a request is not let through to its method, if it is not. */
function refusalOf(
  { session, requestId, meta }: RequestContext,
): ProtocolError | undefined {
  if (session?.inFlight.has(requestId)) {
    return new InvalidRequestError(
      `id ${JSON.stringify(requestId)} belongs to a request still in flight`,
    );
  }
  try {
    checkProgressToken(meta ?? {} as JsonObject);
  } catch (error) {
    return error as ProtocolError;
  }
  return undefined;
}
