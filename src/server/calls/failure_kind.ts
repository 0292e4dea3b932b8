import {
  QueueFullError,
  RateLimitedError,
  TimeoutError,
  UnavailableError,
} from "../../base/errors.ts";
import {
  ProtocolError,
  ProtocolErrorCode,
  type RefusalReason,
  RefusedError,
  ResourceNotFoundError,
  ResultTooBigError,
} from "../../protocol/protocol_errors.ts";

/** Name of what went wrong with a request, for metrics and logs. */
export type FailureKind =
  | "tool_error"
  | "invalid_arguments"
  | "timeout"
  | RefusalReason
  | "cancelled"
  | "parse_error"
  | "invalid_request"
  | "method_not_found"
  | "invalid_params"
  | "resource_not_found"
  | "internal_error"
  | "result_too_big"
  | "header_mismatch"
  | "missing_capability"
  | "insufficient_scope"
  | "access_denied"
  | "unsupported_version"
  | "url_elicitation_required"
  | "other";

const KIND_OF_CODE: ReadonlyMap<number, FailureKind> = new Map([
  [ProtocolErrorCode.ParseError, "parse_error"],
  [ProtocolErrorCode.InvalidRequest, "invalid_request"],
  [ProtocolErrorCode.MethodNotFound, "method_not_found"],
  [ProtocolErrorCode.InvalidParams, "invalid_params"],
  [ProtocolErrorCode.InternalError, "internal_error"],
  [ProtocolErrorCode.ResourceNotFound, "resource_not_found"],
  [ProtocolErrorCode.HeaderMismatch, "header_mismatch"],
  [
    ProtocolErrorCode.MissingRequiredClientCapability,
    "missing_capability",
  ],
  [ProtocolErrorCode.UnsupportedProtocolVersion, "unsupported_version"],
  [ProtocolErrorCode.InsufficientScope, "insufficient_scope"],
  [ProtocolErrorCode.AccessDenied, "access_denied"],
  [ProtocolErrorCode.UrlElicitationRequired, "url_elicitation_required"],
]);

/**
 * The kind of an error that a request failed with.
 *
 * @param unexpected what an error of the author's own counts as
 */
export function failureKindOf(
  error: unknown,
  unexpected: FailureKind,
): FailureKind {
  if (error instanceof TimeoutError) return "timeout";
  if (error instanceof QueueFullError || error instanceof RateLimitedError) {
    return "overloaded";
  }
  if (error instanceof UnavailableError) return "unavailable";
  if (error instanceof RefusedError) return error.data.reason;
  if (error instanceof ResultTooBigError) return "result_too_big";
  if (error instanceof ResourceNotFoundError) return "resource_not_found";
  return error instanceof ProtocolError
    ? KIND_OF_CODE.get(error.code) ?? "other"
    : unexpected;
}
