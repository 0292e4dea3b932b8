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
  HeaderMismatch: -32020,
  MissingRequiredClientCapability: -32021,
  UnsupportedProtocolVersion: -32022,
  UrlElicitationRequired: -32042,
} as const;

/**
 * An error that goes to the client as a JSON-RPC error, with its code, its
 * message and its data: from resources, prompts, middleware and methods of your
 * own. A tool's errors are for the model to read, so there it becomes an
 * `isError` result like any other; only a missing capability and a required page
 * keep their codes.
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

/** `-32603`: the caller has more kept here than there is room for. */
export class NoRoomError extends ProtocolError {
  /** The class, by name. */
  override readonly name = "NoRoomError";

  /** Names what there is no room for. */
  constructor(what: string) {
    super(
      ProtocolErrorCode.InternalError,
      `There is no room for ${what} of this caller: end some, or try again later`,
    );
  }
}

/** `-32601`: there is no such method here. */
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

  /** Names the URI, in the data too. */
  constructor(uri: string) {
    super(
      ProtocolErrorCode.InvalidParams,
      `Resource not found: ${uri}`,
      { uri },
    );
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
