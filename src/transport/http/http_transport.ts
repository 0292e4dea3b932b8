import type { Log } from "../../observe/log/log.ts";
import type { GuardedEventStore } from "./legacy/guarded_event_store.ts";
import type { HttpAuth } from "../../auth/http_auth.ts";
import { askedUrlOf, type NetworkPeer } from "../../base/network_peer.ts";
import { isThenable } from "../../base/thenable.ts";
import {
  InvalidRequestError,
  type ProtocolError,
  RefusedError,
} from "../../protocol/protocol_errors.ts";
import { readableId } from "../../protocol/jsonrpc.ts";
import { type Batch, classify, type Message } from "../../protocol/incoming.ts";
import { type Era, isModernRevision } from "../../protocol/revision.ts";
import type { AuthInfo, RequestId } from "../../protocol/types.ts";
import { normalPath } from "../../protocol/uri_form.ts";
import { reportFailure } from "../../observe/log/logger.ts";
import type { Admission } from "../../server/admission/admission.ts";
import type { Intake } from "../../server/calls/intake.ts";
import { Bodies, type BodyTaker } from "./bodies.ts";
import { CallerGate } from "./caller_gate.ts";
import { withCors } from "./cors.ts";
import { EventStreams } from "./event_streams.ts";
import { type EndpointsParts, makeEndpoints } from "./endpoints.ts";
import { HostGate } from "./host_gate.ts";
import { isLoopback } from "../../base/loopback.ts";
import type { HttpExchange } from "./endpoint_exchange.ts";
import { type HeaderReader, headersNow } from "./served_request.ts";
import type { FetchContext, HttpSettings } from "./http_options.ts";
import {
  bodyRefusal,
  forbidden,
  INTERNAL_ERROR,
  refusal,
  refuseForNow,
  rejectionStatus,
} from "./http_response.ts";
import { HttpSsePair } from "./legacy/http_sse_pair.ts";
import type { LegacyEndpoint } from "./legacy/legacy_endpoint.ts";
import { methodNotAllowed } from "./legacy/legacy_refusals.ts";
import type { SessionVisit } from "./legacy/session_visit.ts";
import { checkMediaTypes } from "./media_type.ts";
import { Refusals } from "./refusals.ts";

/** Parts of its server that the endpoint needs. */
export interface HttpTransportParts {
  readonly intake: Intake;
  readonly log: Log;
  /** Tells who is calling, where credentials do. */
  readonly auth: HttpAuth | undefined;
  /** Way to tell a caller that it lacks a scope. */
  readonly challenge: EndpointsParts["challenge"];
  readonly readiness: {
    /** True if responses end their connections. */
    readonly draining: boolean;
    /** True if new requests are turned away. */
    readonly closing: boolean;
  };
  /** Keeps requests to what can be served in time. */
  readonly admission: Pick<Admission, "refusalUnread">;
  /** Parameter that a method's `Mcp-Name` mirrors. */
  readonly methods: { namedBy(method: string): string | undefined };
  /** Way to the other replicas that know a session; `undefined` where there are none. */
  readonly sharing: EndpointsParts["sharing"];
  /** Names the runtime's own span of a request, while somebody takes spans. */
  readonly tracing:
    | { nameHttpSpan(method: string, route: string): void }
    | undefined;
}

/** Endpoint that takes the messages of an era. */
interface Endpoint {
  take(arrived: Message | Batch, exchange: HttpExchange): void;
}

/** The MCP endpoint over HTTP: lets requests in and finds out what they are. */
export class HttpTransport {
  readonly path: string;
  readonly legacy: LegacyEndpoint;
  readonly streams: EventStreams;
  readonly eventStore: GuardedEventStore | undefined;
  readonly refusals: Refusals = new Refusals();
  readonly #parts: HttpTransportParts;
  readonly #gate: HostGate;
  readonly #endpoints: Readonly<Record<Era, Endpoint>>;
  readonly #pair: HttpSsePair | undefined;
  readonly #bodies: Bodies;
  readonly #callers: CallerGate;
  readonly #maxConnections: number;
  /** Number of requests without an answer, or the begin of one. */
  #unanswered = 0;
  /** The last URL that passed the gate: comparing is cheaper than parsing. */
  #goodUrl = "";

  constructor(parts: HttpTransportParts, options: HttpSettings) {
    const { intake, log, methods, auth } = parts;
    this.#parts = parts;
    this.path = options.path;
    this.#gate = new HostGate(options, options.publicUrl);
    this.#bodies = new Bodies(
      intake.clock,
      (sender) => intake.accountOf(sender),
      options,
    );
    this.#maxConnections = options.maxConnections;
    const { authenticate } = options;
    this.#callers = new CallerGate({ auth, authenticate, log });
    this.streams = new EventStreams(
      intake.clock,
      { ...options, tokenSkewMs: auth?.skewMs },
      ({ message }, fields) => log.warning(message, fields),
    );
    const { modern, legacy, eventStore } = makeEndpoints({
      ...parts,
      streams: this.streams,
      refusals: this.refusals,
      namedBy: (method) => methods.namedBy(method),
    }, options);
    this.legacy = legacy;
    this.eventStore = eventStore;
    this.#endpoints = { modern, legacy: this.#counted(legacy) };
    if (options.httpSsePair) {
      this.#pair = new HttpSsePair({
        intake,
        streams: this.streams,
        bodies: this.#bodies,
      });
    }
  }

  /** Takes note of the address that the server listens on. */
  listensOn(hostname: string): void {
    // Who listens beyond the loopback means to be called by other names.
    if (!isLoopback(hostname)) this.#gate.openToAnyHost();
  }

  /** Tells if requests may be addressed to a host. */
  allowsHost(url: URL): boolean {
    return this.#gate.allowsHost(url);
  }

  /** Turns away a request to a host that it may not be addressed to. */
  forbidHost({ hostname }: URL): Response {
    return this.#forbid(
      `Host ${JSON.stringify(hostname)} is not allowed: ` +
        `name it in allowedHosts`,
    );
  }

  /** Answers a request for one of its paths; `undefined` for any other. */
  answer(
    request: Request,
    context: FetchContext | undefined,
    peer?: NetworkPeer,
  ): Response | Promise<Response> | undefined {
    const asked = askedUrlOf(request, peer);
    if (asked !== this.#goodUrl) {
      const url = URL.parse(asked);
      if (url === null) return refusal(400, INVALID_HOST);
      const path = normalPath(url.pathname);
      const isMetadata = this.#callers.servesMetadata(path);
      if (!isMetadata && !this.#serves(path)) return undefined;
      if (!this.allowsHost(url)) return this.forbidHost(url);
      if (isMetadata) return this.#callers.metadata(request);
      const refused = this.#callers.refuseUrl(url);
      if (refused !== undefined) return this.refusals.count(refused);
      if (path === this.path) this.#goodUrl = asked;
    }
    if (this.#unanswered + this.streams.size >= this.#maxConnections) {
      return this.refusals.count(refuseForNow(CROWDED));
    }
    this.#parts.tracing?.nameHttpSpan(
      request.method,
      this.#pair === undefined ? this.path : new URL(request.url).pathname,
    );
    const headers = headersNow(request);
    const origin = headers.get("origin");
    return origin === null
      ? this.#identify(request, headers, context, peer)
      : this.#fromBrowser(request, origin, context, peer);
  }

  #serves(path: string): boolean {
    return path === this.path || this.#pair?.serves(path) === true;
  }

  async #fromBrowser(
    request: Request,
    origin: string,
    context: FetchContext | undefined,
    peer: NetworkPeer | undefined,
  ): Promise<Response> {
    if (!this.#gate.allowsOrigin(origin, new URL(askedUrlOf(request, peer)))) {
      return this.#forbid(
        `Origin ${JSON.stringify(origin)} is not allowed: ` +
          `name it in allowedOrigins`,
      );
    }
    const response = request.method === "OPTIONS"
      ? new Response(null, { status: 204 })
      : await this.#identify(request, request.headers, context, peer);
    return withCors(response, origin, request);
  }

  #identify(
    request: Request,
    headers: HeaderReader,
    context: FetchContext | undefined,
    peer: NetworkPeer | undefined,
  ): Response | Promise<Response> {
    const caller = this.#callers.identify(request, context, peer);
    return isThenable(caller)
      ? this.#counting(caller)
        .then((each) => this.#letIn(request, request.headers, peer, each))
      : this.#letIn(request, headers, peer, caller);
  }

  /** Counts a request among those without an answer while it waits for something. */
  #counting<Result>(waiting: Promise<Result>): Promise<Result> {
    this.#unanswered++;
    return waiting.finally(() => this.#unanswered--);
  }

  #letIn(
    request: Request,
    headers: HeaderReader,
    peer: NetworkPeer | undefined,
    caller: AuthInfo | Response | undefined,
  ): Response | Promise<Response> {
    return caller instanceof Response
      ? this.refusals.count(caller)
      : this.#admit(request, headers, peer, caller);
  }

  #admit(
    request: Request,
    headers: HeaderReader,
    peer: NetworkPeer | undefined,
    authInfo: AuthInfo | undefined,
  ): Response | Promise<Response> {
    const arrivedAt = this.#parts.intake.clock.now();
    const notNow = this.#parts.readiness.closing
      ? SHUTTING_DOWN
      : this.#parts.admission.refusalUnread(arrivedAt, headers, peer);
    if (notNow !== undefined) return this.refusals.count(refuseForNow(notNow));
    if (this.#pair !== undefined) {
      const path = normalPath(new URL(request.url).pathname);
      if (path !== this.path) {
        const answer = this.#pair.handle(request, peer, authInfo);
        return isThenable(answer) ? this.#counting(answer) : answer;
      }
    }
    const version = headers.get("mcp-protocol-version");
    if (request.method !== "POST") {
      const { headers } = request;
      return this.#visit(request.method, { headers, version, authInfo, peer });
    }
    const refused = checkMediaTypes(headers, version);
    if (refused !== undefined) return this.refusals.count(refused);
    this.#unanswered++;
    let answer = undefined as Response | undefined;
    let resolve: (response: Response) => void = (early) => answer = early;
    this.#bodies.read({
      request,
      headers,
      peer,
      version,
      authInfo,
      arrivedAt,
      bytes: 0,
      resolve: (response) => {
        this.#unanswered--;
        resolve(response);
      },
    }, this.#taker);
    // A promise would cost time (bench/http.ts, "echo").
    return answer ?? new Promise((later) => resolve = later);
  }

  /** Only legacy clients come with anything but POST. */
  async #visit(method: string, visit: SessionVisit): Promise<Response> {
    const { version } = visit;
    const modern = version !== null && isModernRevision(version);
    const answer = modern
      ? methodNotAllowed("POST")
      : this.legacy.visit(method, visit);
    const response = isThenable(answer) ? await this.#counting(answer) : answer;
    return this.refusals.count(response);
  }

  readonly #taker: BodyTaker<HttpExchange> = {
    take: (body, bytes, exchange) => {
      exchange.bytes = bytes;
      try {
        this.#take(body, exchange);
      } catch (error) {
        // A bug of ours must not leave the client waiting.
        reportFailure(this.#parts.log, "HTTP request", error);
        this.#refuse(exchange, 500, INTERNAL_ERROR, readableId(body));
      }
    },
    fail: (failure, { resolve }) => {
      // A listener that shuts down cuts bodies off that are on their way.
      const refused = this.#parts.readiness.closing
        ? refuseForNow(SHUTTING_DOWN)
        : bodyRefusal(failure);
      resolve(this.refusals.count(refused));
    },
  };

  /** Counts what an endpoint turns away. */
  #counted(endpoint: Endpoint): Endpoint {
    return {
      take: (arrived, exchange) =>
        endpoint.take(arrived, {
          ...exchange,
          resolve: (response) =>
            exchange.resolve(this.refusals.count(response)),
        }),
    };
  }

  #take(body: unknown, exchange: HttpExchange): void {
    // It may have been long in coming.
    if (this.#parts.readiness.closing) {
      this.#refuseForNow(exchange, readableId(body));
      return;
    }
    const arrived = classify(body, exchange.version);
    const fault = this.#faultOf(arrived, body);
    if (fault !== undefined) {
      this.#refuse(exchange, rejectionStatus(fault), fault, readableId(body));
    } else this.#endpoints[arrived.era].take(arrived, exchange);
  }

  /** Fault of a body whoever it is for, if it has one. */
  #faultOf(
    arrived: Message | Batch,
    body: unknown,
  ): ProtocolError | undefined {
    if (arrived.kind === "malformed") {
      return new InvalidRequestError(arrived.fault);
    }
    try {
      this.#parts.intake.checkPayload(body);
    } catch (error) {
      return error as ProtocolError;
    }
    return undefined;
  }

  #refuse(
    { resolve }: HttpExchange,
    ...refused: Parameters<typeof refusal>
  ): void {
    resolve(this.refusals.count(refusal(...refused)));
  }

  #refuseForNow({ resolve }: HttpExchange, id: RequestId | null): void {
    resolve(this.refusals.count(refuseForNow(SHUTTING_DOWN, id)));
  }

  #forbid(message: string): Response {
    return this.refusals.count(forbidden(message));
  }

  close(): void {
    this.legacy.close();
    this.#pair?.close();
    this.#bodies.close();
  }
}

const INVALID_HOST = new InvalidRequestError("the Host header is invalid");

const SHUTTING_DOWN = new RefusedError("draining", 1_000);

const CROWDED = new RefusedError(
  "overloaded",
  1_000,
  "Refused: there are too many connections",
);
