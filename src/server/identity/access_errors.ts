import {
  ProtocolError,
  ProtocolErrorCode,
} from "../../protocol/protocol_errors.ts";

/**
 * `-32003`: the caller lacks a scope. Over HTTP its status is 403, or 401 where
 * nobody is known to call, and its challenge names the scopes that would do.
 */
export class InsufficientScopeError extends ProtocolError {
  /** The class, by name. */
  override readonly name = "InsufficientScopeError";
  /** All scopes that the request needs. */
  readonly scopes: readonly string[];

  /** Names all scopes that the request needs, granted ones included. */
  constructor(scopes: readonly string[]) {
    super(
      ProtocolErrorCode.InsufficientScope,
      `Insufficient scope: this needs ${scopes.join(" ")}`,
      { requiredScopes: scopes },
    );
    this.scopes = scopes;
  }
}

/** `-32004`: a predicate of the author's (`allow`) turns the caller away. */
export class AccessDeniedError extends ProtocolError {
  /** The class, by name. */
  override readonly name = "AccessDeniedError";

  /** Names what the caller may not use. */
  constructor(what: string) {
    super(
      ProtocolErrorCode.AccessDenied,
      `Access denied: ${what} is not for this caller`,
    );
  }
}
