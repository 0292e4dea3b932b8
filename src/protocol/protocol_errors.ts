import type { ClientCapabilities, ElicitRequestURLParams } from "./types.ts";

/**
 * The codes of JSON-RPC 2.0 and of MCP (specification 2026-07-28, basic, "Error
 * Codes"). `ResourceNotFound` and `UrlElicitationRequired` belong to the legacy
 * era only.
 */
export const ProtocolErrorCode = {
  ParseError: -32700,
  InvalidRequest: -32600,
  MethodNotFound: -32601,
  InvalidParams: -32602,
  InternalError: -32603,
  ConnectionClosed: -32000,
  SessionNotFound: -32001,
  ResourceNotFound: -32002,
  InsufficientScope: -32003,
  AccessDenied: -32004,
  Refused: -32005,
  HeaderMismatch: -32020,
  MissingRequiredClientCapability: -32021,
  UnsupportedProtocolVersion: -32022,
  UrlElicitationRequired: -32042,
} as const;

/**
 * An error that goes to the client as a JSON-RPC error, with its code, its
 * message and its data: from resources, prompts, middleware and methods of your
 * own. A tool's errors are for the model to read, so there it becomes an
 * `isError` result like any other; only a missing capability, a wrong answer of a
 * modern client's, a required page and a refusal keep their codes.
 *
 * @example
 * ```ts
 * import { ProtocolError, ProtocolErrorCode } from "@sluice/mcp";
 *
 * const error = new ProtocolError(
 *   ProtocolErrorCode.InvalidParams,
 *   "page must be at least 1",
 *   { page: 0 },
 * );
 * ```
 */
export class ProtocolError extends Error {
  /** The class, by name. */
  override readonly name: string = "ProtocolError";
  /** One of {@linkcode ProtocolErrorCode}, or a code of your own. */
  readonly code: number;
  /** Anything else that the client should know; must be JSON. */
  readonly data?: unknown;

  /** The message and the data go to the client as they are. */
  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.code = code;
    if (data !== undefined) this.data = data;
  }
}

/** `-32600`: the message is no JSON-RPC, or not one for here and now. */
export class InvalidRequestError extends ProtocolError {
  /** The class, by name. */
  override readonly name = "InvalidRequestError";

  /** Says why, after "Invalid Request". */
  constructor(why: string) {
    super(ProtocolErrorCode.InvalidRequest, `Invalid Request: ${why}`);
  }
}

/** `-32602`: the request's parameters are wrong. */
export class InvalidParamsError extends ProtocolError {
  /** The class, by name. */
  override readonly name = "InvalidParamsError";

  /** The message should name the parameter. */
  constructor(message: string, data?: unknown) {
    super(ProtocolErrorCode.InvalidParams, message, data);
  }
}

/**
 * `-32601`: there is no such method here. Over HTTP a modern client gets 404; any
 * other error of this code, such as one passed on, is 200.
 */
export class MethodNotFoundError extends ProtocolError {
  /** The class, by name. */
  override readonly name = "MethodNotFoundError";

  /** Names the method. */
  constructor(method: string) {
    super(
      ProtocolErrorCode.MethodNotFound,
      `Method not found: ${method}`,
    );
  }
}

/** `-32602`: no resource has this URI. */
export class ResourceNotFoundError extends ProtocolError {
  /** The class, by name. */
  override readonly name = "ResourceNotFoundError";
  /** The URI that nothing is at. */
  readonly uri: string;

  /** Names the URI, in the data too. */
  constructor(uri: string) {
    super(
      ProtocolErrorCode.InvalidParams,
      `Resource not found: ${uri}`,
      { uri },
    );
    this.uri = uri;
  }
}

/** `-32020`: the HTTP headers say something else than the body, or are missing. */
export class HeaderMismatchError extends ProtocolError {
  /** The class, by name. */
  override readonly name = "HeaderMismatchError";

  /** The message should name the header. */
  constructor(message: string) {
    super(ProtocolErrorCode.HeaderMismatch, `Header mismatch: ${message}`);
  }
}

/** `-32021`: the request needs something that the client did not declare. */
export class MissingRequiredClientCapabilityError extends ProtocolError {
  /** The class, by name. */
  override readonly name = "MissingRequiredClientCapabilityError";

  /** Names the capabilities as a client would declare them. */
  constructor(requiredCapabilities: ClientCapabilities) {
    super(
      ProtocolErrorCode.MissingRequiredClientCapability,
      `Missing required client capability: ${
        capabilityNames(requiredCapabilities).join(", ")
      }`,
      { requiredCapabilities },
    );
  }
}

/** `-32022`: the request names a revision that is not spoken here. */
export class UnsupportedProtocolVersionError extends ProtocolError {
  /** The class, by name. */
  override readonly name = "UnsupportedProtocolVersionError";

  /** Names what is spoken here instead. */
  constructor(requested: string, supported: readonly string[]) {
    super(
      ProtocolErrorCode.UnsupportedProtocolVersion,
      `Unsupported protocol version: ${requested}`,
      { supported, requested },
    );
  }
}

/** Ways in which a call with an idempotency key can fail for its key's sake. */
export type IdempotencyFault =
  | "key_malformed"
  | "key_ambiguous"
  | "key_reused"
  | "outcome_unknown"
  | "store_unavailable";

const IDEMPOTENCY_FAULTS: Readonly<Record<IdempotencyFault, string>> = {
  key_malformed:
    "Invalid params: an idempotency key must have 1 to 255 visible " +
    "characters of ASCII",
  key_ambiguous:
    "Invalid params: the header Idempotency-Key and _meta name two " +
    "keys",
  key_reused:
    "Invalid params: this idempotency key was used with other arguments",
  outcome_unknown: "a call with this idempotency key began, and what came of " +
    "it is not known: look before calling again, with a new key",
  store_unavailable:
    "idempotency keys can't be looked up at the moment: the call has not begun, " +
    "try again",
};

/**
 * A call was not run for the sake of its idempotency key: `-32602` if that is
 * no good, or belongs to other arguments, `-32603` otherwise. `data.reason` says which it is.
 */
export class IdempotencyError extends ProtocolError {
  /** The class, by name. */
  override readonly name = "IdempotencyError";

  /** The reason is for programs; each has a message of its own. */
  constructor(reason: IdempotencyFault) {
    super(
      reason.startsWith("key_")
        ? ProtocolErrorCode.InvalidParams
        : ProtocolErrorCode.InternalError,
      IDEMPOTENCY_FAULTS[reason],
      { reason },
    );
  }
}

/** `-32603`: an answer has more bytes than `maxResultBytes`; both are in `data`. */
export class ResultTooBigError extends ProtocolError {
  /** The class, by name. */
  override readonly name = "ResultTooBigError";

  /**
   * Names what is too big.
   *
   * @param what what was answered, such as the name of a tool
   */
  constructor(what: string, bytes: number, maxResultBytes: number) {
    super(
      ProtocolErrorCode.InternalError,
      `the result of ${what} has ${bytes} bytes, and maxResultBytes is ` +
        `${maxResultBytes}: ask for less at a time`,
      { bytes, maxResultBytes },
    );
  }
}

/**
 * `-32042` in the legacy era: the user must open these pages before the request
 * can succeed. Toward a modern client it becomes an `input_required` result.
 */
export class UrlElicitationRequiredError extends ProtocolError {
  /** The class, by name. */
  override readonly name = "UrlElicitationRequiredError";
  /** The pages, each with the id that its completion will name. */
  readonly elicitations: ElicitRequestURLParams[];

  /** Each page has an id of its own. */
  constructor(
    elicitations: ElicitRequestURLParams[],
    message: string = `URL elicitation${
      elicitations.length > 1 ? "s" : ""
    } required`,
  ) {
    super(ProtocolErrorCode.UrlElicitationRequired, message, { elicitations });
    this.elicitations = elicitations;
  }
}

/**
 * Reason to refuse what could be served later: the server has too much to do
 * (`"overloaded"`), is about to end (`"draining"`) or has lost what its replicas
 * share (`"unavailable"`), or this caller has asked too
 * often (`"rate_limited"`) or for too much at once (`"caller_share"`).
 */
export type RefusalReason =
  | "overloaded"
  | "draining"
  | "unavailable"
  | "rate_limited"
  | "caller_share";

/** The HTTP status and the text of each reason. */
const REFUSALS: Readonly<
  Record<RefusalReason, { status: number; text: string }>
> = {
  overloaded: { status: 503, text: "the server is overloaded" },
  draining: { status: 503, text: "the server is shutting down" },
  unavailable: { status: 503, text: "what the server needs can't be reached" },
  rate_limited: { status: 429, text: "the caller's rate limit is used up" },
  caller_share: { status: 429, text: "the caller has too much under way" },
};

/** Data of a refusal, as it goes over the wire. */
export interface RefusalData {
  /** Why. */
  reason: RefusalReason;
  /** Milliseconds after which it may be tried again. */
  retryAfterMs: number;
}

/**
 * `-32005`: nothing is wrong with the request, and nothing of it was done; it may
 * be sent again after `retryAfterMs`. Over HTTP its status is 503 where the server
 * has too much to do or is about to end, and 429 where this caller has; the header
 * `Retry-After` says when to come back, in seconds.
 *
 * @example
 * ```ts
 * import { McpServer, RefusedError } from "@sluice/mcp";
 *
 * const server = new McpServer({ name: "reports", version: "1.0.0" });
 * let printing = 0;
 * server.registerTool("print", {}, () => {
 *   if (printing > 3) throw new RefusedError("overloaded", 5_000);
 *   return "on its way";
 * });
 * ```
 */
export class RefusedError extends ProtocolError {
  /** The class, by name. */
  override readonly name = "RefusedError";
  /** The reason and the time to wait. */
  declare readonly data: RefusalData;

  /**
   * Says why, unless the message does.
   *
   * @param retryAfterMs milliseconds after which to try again
   */
  constructor(
    reason: RefusalReason,
    retryAfterMs: number,
    message: string = `Refused: ${REFUSALS[reason].text}`,
  ) {
    super(ProtocolErrorCode.Refused, message, { reason, retryAfterMs });
  }

  /** The HTTP status: 503 or 429. */
  get status(): number {
    return REFUSALS[this.data.reason].status;
  }
}

/** A time to wait as `Retry-After` says it: whole seconds, at least one. */
export function retryAfterSeconds(retryAfterMs: number): string {
  return String(Math.max(1, Math.ceil(retryAfterMs / 1_000)));
}

/**
 * A thrown {@linkcode UrlElicitationRequiredError}, of this library or of the
 * official SDK; `undefined` for anything else.
 */
export function asUrlElicitationRequired(
  error: unknown,
): UrlElicitationRequiredError | undefined {
  if (error instanceof UrlElicitationRequiredError) return error;
  if (!(error instanceof Error)) return undefined;
  const { code, data } = error as { code?: unknown; data?: unknown };
  const elicitations = (data as { elicitations?: unknown } | null | undefined)
    ?.elicitations;
  return code === ProtocolErrorCode.UrlElicitationRequired &&
      Array.isArray(elicitations)
    ? new UrlElicitationRequiredError(elicitations, error.message)
    : undefined;
}

/** Capabilities as words, such as `sampling.tools`. */
export function capabilityNames(capabilities: object): string[] {
  return Object.entries(capabilities).flatMap(([name, value]) => {
    const parts = typeof value === "object" && value !== null
      ? Object.keys(value)
      : [];
    return parts.length === 0 ? [name] : parts.map((part) => `${name}.${part}`);
  });
}

/** Milliseconds after which a caller may ask again whose share is used up. */
const ROOM_RETRY_MS = 1_000;

/** Refusal of what there is no room for in a caller's share. */
export function noRoomFor(what: string): RefusedError {
  return new RefusedError(
    "caller_share",
    ROOM_RETRY_MS,
    `Refused: there is no room for ${what} of this caller: end some, or try ` +
      `again later`,
  );
}
