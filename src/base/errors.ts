/**
 * Every error that Sluice raises on its own account, by its stable code. The
 * wire's JSON-RPC errors have a table of their own in `protocol/errors.ts`.
 */
export const errorTable = {
  SLUICE_INVALID_OPTION: "An option was refused when something was made.",
  SLUICE_CLOSED: "Something was used after it had been closed.",
  SLUICE_TIMEOUT: "An operation took longer than it was given.",
  SLUICE_QUEUE_FULL: "More callers were waiting than are allowed to.",
  SLUICE_RATE_LIMITED: "A caller's turn would not have come in time.",
  SLUICE_LEASE_RELEASED: "A pool's item was used after it had been released.",
  SLUICE_POSTGRES: "PostgreSQL refused a statement.",
  SLUICE_POSTGRES_CONNECTION: "A connection to PostgreSQL failed or was lost.",
  SLUICE_POSTGRES_PARAMETER: "A query parameter has no form in PostgreSQL.",
} as const;

/** A stable code from {@linkcode errorTable}. */
export type SluiceErrorCode = keyof typeof errorTable;

/** What all of Sluice's own errors have in common: a stable `code`. */
export class SluiceError extends Error {
  override readonly name: string = "SluiceError";
  /** Stable across versions; branch on this, not on the message. */
  readonly code: SluiceErrorCode;

  constructor(code: SluiceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An option was refused; the message quotes the value and says what is taken. */
export class InvalidOptionError extends SluiceError {
  override readonly name = "InvalidOptionError";

  constructor(message: string) {
    super("SLUICE_INVALID_OPTION", message);
  }
}

/** Something was used after `close()`. */
export class ClosedError extends SluiceError {
  override readonly name = "ClosedError";

  constructor(what: string) {
    super("SLUICE_CLOSED", `${what} is closed and takes no more work`);
  }
}

/** An operation took longer than it was given. */
export class TimeoutError extends SluiceError {
  override readonly name = "TimeoutError";
  /** What was allowed, in milliseconds. */
  readonly timeoutMs: number;

  constructor(what: string, timeoutMs: number, options?: ErrorOptions) {
    super(
      "SLUICE_TIMEOUT",
      `${what} took longer than ${timeoutMs} ms`,
      options,
    );
    this.timeoutMs = timeoutMs;
  }
}

/** More callers were waiting than are allowed to; try again later. */
export class QueueFullError extends SluiceError {
  override readonly name = "QueueFullError";
  /** How many may wait at once. */
  readonly maxWaiting: number;

  constructor(what: string, maxWaiting: number) {
    super(
      "SLUICE_QUEUE_FULL",
      `${what} already has ${maxWaiting} callers waiting`,
    );
    this.maxWaiting = maxWaiting;
  }
}

/** A caller's turn would not have come in the time it was willing to wait. */
export class RateLimitedError extends SluiceError {
  override readonly name = "RateLimitedError";
  /** When to come back, in milliseconds from now. */
  readonly retryAfterMs: number;

  constructor(what: string, retryAfterMs: number) {
    super(
      "SLUICE_RATE_LIMITED",
      `${what} allows no more for ${retryAfterMs} ms`,
    );
    this.retryAfterMs = retryAfterMs;
  }
}
