import {
  HeaderMismatchError,
  MethodNotFoundError,
  ProtocolError,
  ProtocolErrorCode,
  RefusedError,
  retryAfterSeconds,
  UnsupportedProtocolVersionError,
} from "../../protocol/protocol_errors.ts";
import { errorText } from "../../protocol/jsonrpc.ts";
import type { RequestId } from "../../protocol/types.ts";
import {
  type BodyError,
  BodyLateError,
  BodyRefusedError,
  BodyTooLargeError,
} from "./body.ts";

/** The one form of answer that Deno has a fast path for. */
const JSON_INIT: ResponseInit = {
  headers: { "content-type": "application/json" },
};

/** A JSON answer with status 200 and no header but its type. */
export function jsonResponse(body: BodyInit): Response {
  return new Response(body, JSON_INIT);
}

/** A JSON answer with a status or headers of its own. */
export function jsonResponseWith(
  body: BodyInit,
  status: number,
  headers: Record<string, string> = {},
): Response {
  return new Response(body, {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** Headers with more of them: those of one name make a list. */
export function withHeaders(
  headers: Readonly<Record<string, string>> = {},
  more: Readonly<Record<string, string>>,
): Record<string, string> {
  const all = { ...headers };
  for (const [name, value] of Object.entries(more)) {
    all[name] = Object.hasOwn(all, name) ? `${all[name]}, ${value}` : value;
  }
  return all;
}

const EVENTS_INIT: ResponseInit = {
  headers: { "content-type": "text/event-stream" },
};

/**
 * Events that are all there already. Nothing in between can hold them up, so it
 * need not be told not to, and one header is cheaper than three (bench/http.ts,
 * "progress").
 */
export function eventsResponse(
  body: BodyInit,
  headers: Record<string, string> | undefined,
): Response {
  return new Response(
    body,
    headers === undefined
      ? EVENTS_INIT
      : { headers: { "content-type": "text/event-stream", ...headers } },
  );
}

/** Error that a client is told of a fault of the server's own. */
export const INTERNAL_ERROR: ProtocolError = new ProtocolError(
  ProtocolErrorCode.InternalError,
  "Internal error",
);

/** A refusal before a request was understood. */
export function refusal(
  status: number,
  error: ProtocolError,
  id: RequestId | null = null,
  headers: Record<string, string> = {},
): Response {
  return jsonResponseWith(refusalText(id, error), status, headers);
}

/** Length up to which a refusal says what a client had said; past it, it says less. */
const MAX_REFUSAL = 16_384;
const MAX_SAID = 1_024;

/** What a client doesn't read of a refusal is held for it: it must not be much. */
function refusalText(id: RequestId | null, error: ProtocolError): string {
  const text = errorText(id, error);
  if (text.length <= MAX_REFUSAL) return text;
  const isLong = typeof id === "string" && id.length > MAX_SAID;
  return errorText(isLong ? null : id, shorter(error));
}

function shorter(error: ProtocolError): ProtocolError {
  const { code, message } = error;
  if (error instanceof RefusedError) return error;
  return message.length <= MAX_SAID
    ? new ProtocolError(code, message)
    : new ProtocolError(code, `${message.slice(0, MAX_SAID).toWellFormed()}…`);
}

/** 403. */
export function forbidden(why: string): Response {
  const error = new ProtocolError(
    ProtocolErrorCode.InvalidRequest,
    `Forbidden: ${why}`,
  );
  return refusal(403, error);
}

/** A refusal of a body that could not be read, or not be taken. */
export function bodyRefusal(failure: BodyError): Response {
  if (failure instanceof BodyRefusedError) {
    return refuseForNow(failure.refused, failure.requestId);
  }
  return refusal(
    rejectionStatus(failure),
    failure,
    failure.requestId,
    // What is yet to come of it would be taken for the next request.
    failure instanceof BodyLateError ? { connection: "close" } : undefined,
  );
}

/** Tells a client when to come back with what was refused. */
export function refusedResponse(
  error: RefusedError,
  text: string,
  headers?: Record<string, string>,
): Response {
  return jsonResponseWith(text, error.status, {
    ...headers,
    "retry-after": retryAfterSeconds(error.data.retryAfterMs),
  });
}

/** Turns away a request that could be served later. */
export function refuseForNow(
  error: RefusedError,
  id: RequestId | null = null,
): Response {
  return refusedResponse(error, refusalText(id, error));
}

/** The status of an error found in reading or checking a request. */
export function rejectionStatus(error: ProtocolError): number {
  if (error instanceof BodyTooLargeError) return 413;
  if (error instanceof BodyLateError) return 408;
  return error.code === ProtocolErrorCode.MethodNotFound ? 404 : 400;
}

/**
 * The status of an error that a modern request's method ended with: most travel
 * under 200, as results do (specification 2026-07-28, Streamable HTTP). A handler
 * may pass another server's error on, whose code says nothing of this request.
 */
export function modernStatus(error: ProtocolError): number {
  if (error instanceof MethodNotFoundError) return 404;
  return error instanceof HeaderMismatchError ||
      error instanceof UnsupportedProtocolVersionError ||
      error.code === ProtocolErrorCode.MissingRequiredClientCapability
    ? 400
    : 200;
}
