/** Reason for which a credential is refused, in the words of RFC 6750 and RFC 9449. */
export type AuthErrorCode =
  | "invalid_request"
  | "invalid_token"
  | "invalid_dpop_proof";

/**
 * A credential is refused, or can't be checked. Its message goes to the client
 * and the log, and holds nothing of the credential.
 */
export class AuthRefusal extends Error {
  /** The class, by name. */
  override readonly name = "AuthRefusal";
  /** The HTTP status: 400, 401, 429 or 503. */
  readonly status: number;
  /** The challenge's `error`, if there is anything to say. */
  readonly code: AuthErrorCode | undefined;
  /** Milliseconds after which it may be tried again. */
  readonly retryAfterMs: number | undefined;

  /** The message goes to the client. */
  constructor(
    status: number,
    message: string,
    { code, retryAfterMs }: { code?: AuthErrorCode; retryAfterMs?: number } =
      {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The request can't be understood: 400. */
export function malformed(message: string): AuthRefusal {
  return new AuthRefusal(400, message, { code: "invalid_request" });
}

/** The credential is known for a bad one: 401. */
export function invalidToken(message: string): AuthRefusal {
  return new AuthRefusal(401, message, { code: "invalid_token" });
}
