import { InvalidOptionError } from "../base/errors.ts";
import {
  checkFunction,
  checkInteger,
  checkWord,
  quote,
} from "../base/options.ts";
import {
  InvalidRequestError,
  ProtocolError,
  ProtocolErrorCode,
} from "../protocol/errors.ts";
import {
  envelopeFault,
  type IncomingCall,
  isAnswer,
  isObject,
  readableId,
} from "../protocol/jsonrpc.ts";
import { checkPayload, type PayloadLimits } from "../protocol/payload.ts";
import { isModernRevision, metaKey } from "../protocol/revision.ts";
import type { AuthInfo } from "../protocol/types.ts";
import type { Engine } from "../server/engine.ts";
import { BodyParseError, cameMangled, readFailure, readJson } from "./body.ts";
import { withCors } from "./cors.ts";
import { Gate } from "./gate.ts";
import { isLoopback } from "../base/loopback.ts";
import { modernStatus, refusal, rejectionStatus } from "./http_response.ts";
import type { FetchContext, HttpOptions } from "./http_options.ts";
import { EventStreams } from "./event_streams.ts";
import { HttpSsePair } from "./http_sse_pair.ts";
import { checkMediaTypes } from "./media_type.ts";
import { LegacyEndpoint, methodNotAllowed } from "./legacy_endpoint.ts";
import { ModernEndpoint } from "./modern_endpoint.ts";
import { Refusals } from "./refusals.ts";

/** The MCP endpoint over HTTP: lets requests in and finds out their era. */
export class HttpTransport {
  readonly path: string;
  readonly legacy: LegacyEndpoint;
  readonly streams: EventStreams;
  readonly refusals: Refusals = new Refusals();
  readonly #engine: Engine;
  readonly #gate: Gate;
  readonly #modern: ModernEndpoint;
  readonly #pair: HttpSsePair | undefined;
  readonly #maxBodyBytes: number;
  readonly #limits: PayloadLimits;
  readonly #authenticate: HttpOptions["authenticate"];
  /** The last URL that passed the gate: comparing is cheaper than parsing. */
  #goodUrl = "";

  constructor(engine: Engine, options: HttpOptions = {}) {
    this.#engine = engine;
    this.path = checkPath(options.path ?? "/mcp");
    this.#gate = new Gate(options);
    this.#maxBodyBytes = checkInteger(
      "maxBodyBytes",
      options.maxBodyBytes ?? 4 * 1024 * 1024,
      1,
    );
    this.#limits = {
      maxDepth: engine.options.maxDepth,
      maxElements: engine.options.maxToolInputElements,
    };
    this.#authenticate = checkFunction("authenticate", options.authenticate);
    this.streams = new EventStreams(
      engine.clock,
      options,
      ({ message }, fields) => engine.log.warning(message, fields),
    );
    const style = {
      clock: engine.clock,
      streams: this.streams,
      streamAlways: checkWord(
        "responseMode",
        options.responseMode ?? "auto",
        ["auto", "sse"],
      ) === "sse",
    };
    this.#modern = new ModernEndpoint(engine, {
      ...style,
      // Nobody is left to read it.
      abandonedStatus: 499,
      status: modernStatus,
    }, this.refusals);
    this.legacy = new LegacyEndpoint(
      engine,
      // Its client is still there, and takes this for silence.
      { ...style, abandonedStatus: 202, status: () => 200 },
      options,
    );
    if (options.httpSsePair) {
      this.#pair = new HttpSsePair(engine, this.streams, this.#maxBodyBytes);
    }
  }

  /** Takes note of the address that the server listens on. */
  listensOn(hostname: string): void {
    // Who listens beyond the loopback means to be called by other names.
    if (!isLoopback(hostname)) this.#gate.openToAnyHost();
  }

  /** Whether requests may be addressed to a host. */
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

  /** Whether a path is one of this transport's. */
  serves(pathname: string): boolean {
    return pathname === this.path || this.#pair?.serves(pathname) === true;
  }

  /** Whether a request is for the endpoint at a URL that has passed before. */
  knows(url: string): boolean {
    return url === this.#goodUrl;
  }

  /** Answers a request for one of this transport's paths, whose URL is new. */
  handle(
    request: Request,
    context: FetchContext | undefined,
  ): Response | Promise<Response> {
    const url = new URL(request.url);
    if (!this.allowsHost(url)) return this.forbidHost(url);
    if (url.pathname === this.path) this.#goodUrl = request.url;
    return this.handleKnown(request, context);
  }

  /** Answers a request whose URL has passed before. */
  handleKnown(
    request: Request,
    context: FetchContext | undefined,
  ): Response | Promise<Response> {
    const { headers } = request;
    this.#engine.tracing?.nameHttpSpan(
      request.method,
      this.#pair === undefined ? this.path : new URL(request.url).pathname,
    );
    // `has` makes Deno (2.9) list the headers, which it would do after the answer
    // anyway; from then on each `get` is a look into that list (bench/http.ts, "echo").
    if (headers.has("origin")) {
      return this.#fromBrowser(request, headers.get("origin")!, context);
    }
    return this.#route(request, headers, context);
  }

  async #fromBrowser(
    request: Request,
    origin: string,
    context: FetchContext | undefined,
  ): Promise<Response> {
    if (!this.#gate.allowsOrigin(origin, new URL(request.url))) {
      return this.#forbid(
        `Origin ${JSON.stringify(origin)} is not allowed: ` +
          `name it in allowedOrigins`,
      );
    }
    const response = request.method === "OPTIONS"
      ? new Response(null, { status: 204 })
      : await this.#route(request, request.headers, context);
    return withCors(response, origin, request);
  }

  #route(
    request: Request,
    headers: Headers,
    context: FetchContext | undefined,
  ): Response | Promise<Response> {
    const authInfo = context?.authInfo;
    if (authInfo !== undefined || this.#authenticate === undefined) {
      return this.#admitted(request, headers, authInfo);
    }
    return this.#authenticated(request, headers);
  }

  async #authenticated(
    request: Request,
    headers: Headers,
  ): Promise<Response> {
    let outcome: AuthInfo | Response | undefined;
    try {
      outcome = checkAuth(await this.#authenticate!(request));
    } catch (error) {
      // Who can't be told apart is not let in.
      this.#engine.reportFailure("authenticate", error, {});
      return this.refusals.count(refusal(500, INTERNAL_ERROR));
    }
    return outcome instanceof Response
      ? this.refusals.count(outcome)
      : await this.#admitted(request, headers, outcome);
  }

  #admitted(
    request: Request,
    headers: Headers,
    authInfo: AuthInfo | undefined,
  ): Response | Promise<Response> {
    if (this.#engine.closing) {
      return this.refusals.count(
        refusal(503, SHUTTING_DOWN, null, RETRY_SOON),
      );
    }
    if (this.#pair !== undefined) {
      const { pathname } = new URL(request.url);
      if (pathname !== this.path) return this.#pair.handle(request, authInfo);
    }
    return request.method === "POST"
      ? this.#post(request, headers, authInfo)
      : this.#visit(request.method, headers, authInfo);
  }

  /** Only legacy clients come with anything but POST. */
  async #visit(
    method: string,
    headers: Headers,
    authInfo: AuthInfo | undefined,
  ): Promise<Response> {
    return this.refusals.count(await this.#visited(method, headers, authInfo));
  }

  #visited(
    method: string,
    headers: Headers,
    authInfo: AuthInfo | undefined,
  ): Response | Promise<Response> {
    const version = headers.get("mcp-protocol-version");
    if (version !== null && isModernRevision(version)) {
      return methodNotAllowed("POST");
    }
    switch (method) {
      case "GET":
        return this.legacy.open(headers, version, authInfo);
      case "DELETE":
        return this.legacy.end(headers, version, authInfo);
      default:
        return methodNotAllowed("GET, POST, DELETE");
    }
  }

  /** One promise for the whole exchange (bench/http.ts, "echo"). */
  #post(
    request: Request,
    headers: Headers,
    authInfo: AuthInfo | undefined,
  ): Response | Promise<Response> {
    const version = headers.get("mcp-protocol-version");
    const refused = checkMediaTypes(headers, version);
    if (refused !== undefined) return this.refusals.count(refused);
    const declared = headers.get("content-length");
    let bytes = Number(declared);
    const onCounted = declared === null
      ? (counted: number) => bytes = counted
      : undefined;
    return new Promise((resolve) => {
      readJson(request, declared, this.#maxBodyBytes, onCounted).then(
        (body) => {
          try {
            this.#take(
              body,
              request,
              headers,
              version,
              declared,
              bytes,
              authInfo,
              resolve,
            );
          } catch (error) {
            // A bug of ours must not leave the client waiting.
            this.#engine.reportFailure("HTTP request", error, {});
            this.#refuse(resolve, 500, INTERNAL_ERROR, readableId(body));
          }
        },
        (error) => {
          // A listener that shuts down cuts bodies off that are on their way.
          if (this.#engine.closing) {
            this.#refuse(resolve, 503, SHUTTING_DOWN, null, RETRY_SOON);
            return;
          }
          const failure = readFailure(error);
          this.#refuse(resolve, rejectionStatus(failure), failure);
        },
      );
    });
  }

  #take(
    body: unknown,
    request: Request,
    headers: Headers,
    version: string | null,
    declared: string | null,
    bytes: number,
    authInfo: AuthInfo | undefined,
    resolve: (response: Response) => void,
  ): void {
    const modern = isModern(body, version);
    const fault = this.#faultOf(body, modern, declared);
    if (fault !== undefined) {
      this.#refuse(resolve, rejectionStatus(fault), fault, readableId(body));
    } else if (modern) {
      this.#modern.take(
        body as IncomingCall,
        request,
        headers,
        version,
        bytes,
        authInfo,
        resolve,
      );
    } else {
      this.legacy.take(body, {
        request,
        headers,
        version,
        bytes,
        authInfo,
        resolve: (response) => resolve(this.refusals.count(response)),
      });
    }
  }

  /** What is wrong with a body whoever it is for, if anything is. */
  #faultOf(
    body: unknown,
    modern: boolean,
    declared: string | null,
  ): ProtocolError | undefined {
    if (modern || (isObject(body) && !isAnswer(body))) {
      const fault = envelopeFault(body);
      if (fault !== undefined) return new InvalidRequestError(fault);
    }
    try {
      const replaced = checkPayload(body, this.#limits);
      if (
        replaced && declared !== null && cameMangled(body, Number(declared))
      ) {
        return new BodyParseError("the body is not valid UTF-8");
      }
    } catch (error) {
      return error as ProtocolError;
    }
    return undefined;
  }

  #refuse(
    resolve: (response: Response) => void,
    ...refused: Parameters<typeof refusal>
  ): void {
    resolve(this.refusals.count(refusal(...refused)));
  }

  #forbid(message: string): Response {
    return this.refusals.count(refusal(
      403,
      new ProtocolError(
        ProtocolErrorCode.InvalidRequest,
        `Forbidden: ${message}`,
      ),
    ));
  }

  close(): void {
    this.legacy.close();
    this.#pair?.close();
  }
}

const SHUTTING_DOWN = new ProtocolError(
  ProtocolErrorCode.InternalError,
  "The server is shutting down",
);

const RETRY_SOON = { "retry-after": "1" };

const INTERNAL_ERROR = new ProtocolError(
  ProtocolErrorCode.InternalError,
  "Internal error",
);

/** The operator's paths, which the endpoint must not hide. */
const TAKEN_PATHS = /^\/(health|metrics|dashboard|debug)(\/|$)/;

function checkPath(path: string): string {
  if (TAKEN_PATHS.test(path)) {
    throw new InvalidOptionError(
      `path must not be one of the operator's own, got ${quote(path)}`,
    );
  }
  if (typeof path === "string" && /^\/[^?#\s]*$/.test(path)) return path;
  throw new InvalidOptionError(
    `path must begin with "/" and hold no query, got ${quote(path)}`,
  );
}

/** @throws {TypeError} for what is neither a caller, nor a response, nor nothing */
function checkAuth(outcome: unknown): AuthInfo | Response | undefined {
  if (outcome === undefined || outcome instanceof Response) return outcome;
  if (isObject(outcome)) return outcome as unknown as AuthInfo;
  throw new TypeError(
    `it must return who is calling, a response or undefined, got ${
      quote(outcome)
    }`,
  );
}

/** The body decides: a request of the modern era says its revision in `_meta`. */
function isModern(body: unknown, version: string | null): boolean {
  const params = isObject(body) ? body.params : undefined;
  const meta = isObject(params) ? params._meta : undefined;
  if (isObject(meta) && meta[metaKey.protocolVersion] !== undefined) {
    return true;
  }
  return version !== null && isModernRevision(version);
}
