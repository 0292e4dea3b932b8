import { keyText } from "./key_text.ts";
import { thrownText } from "./thrown.ts";

/**
 * Every error that Sluice raises on its own account, by its stable code. The
 * wire's JSON-RPC errors have a table of their own in `protocol/errors.ts`.
 */
export const errorTable = {
  SLUICE_JSON_VALUE: "A value has no form in JSON.",
  SLUICE_INVALID_OPTION: "An option was refused when something was made.",
  SLUICE_CLOSED: "Something was used after it had been closed.",
  SLUICE_ALREADY_SERVING: "A server was asked to listen a second time.",
  SLUICE_TIMEOUT: "An operation took longer than it was given.",
  SLUICE_QUEUE_FULL: "More callers were waiting than are allowed to.",
  SLUICE_RATE_LIMITED: "A caller's turn would not have come in time.",
  SLUICE_UNAVAILABLE: "What the replicas of a server share can't be reached.",
  SLUICE_SLOW_CLIENT: "A client read its event stream too slowly.",
  SLUICE_LEASE_RELEASED: "A pool's item was used after it had been released.",
  SLUICE_WORKER: "A worker could not be started, or ended on its way.",
  SLUICE_POSTGRES: "PostgreSQL refused a statement.",
  SLUICE_POSTGRES_CONNECTION: "A connection to PostgreSQL failed or was lost.",
  SLUICE_POSTGRES_PARAMETER: "A query parameter has no form in PostgreSQL.",
  SLUICE_COMMIT_UNKNOWN: "A transaction's COMMIT got no answer.",
  SLUICE_TRANSACTION_OVER: "A transaction was used after its end.",
  SLUICE_CACHE_KEY: "Something was used as a cache key that can't be one.",
  SLUICE_CACHE_VALUE: "A value can't be kept in this cache.",
  SLUICE_BATCH_RESULTS: "A batch loader's results don't fit its keys.",
  SLUICE_BATCH_KEY_MISSING: "A batch loader's results leave a key out.",
  SLUICE_HTTP_FAILED: "No answer came to an HTTP request, or not all of it.",
  SLUICE_HTTP_STATUS: "An HTTP server answered with no success.",
  SLUICE_HTTP_CIRCUIT_OPEN: "An HTTP origin failed too often lately.",
  SLUICE_HTTP_URL_REFUSED: "A URL is none that may be fetched.",
  SLUICE_HTTP_REDIRECT: "An HTTP redirect can't be followed.",
  SLUICE_HTTP_BODY_TOO_LARGE: "An HTTP response was larger than allowed.",
  SLUICE_HTTP_NOT_JSON: "An HTTP response was not the JSON it should be.",
  SLUICE_HEALTH_RESULT:
    "A health check answered with something that says nothing.",
  SLUICE_PROFILER_UNAVAILABLE: "V8's profiler can't be used here.",
  SLUICE_ONE_FILE: "A program bundled into one file was to start a thread.",
  SLUICE_NO_TOKEN: "A provider gave no access token.",
  SLUICE_INVALID_SKILL: "A skill breaks a rule and can't be served.",
} as const;

/** A stable code from {@linkcode errorTable}. */
export type SluiceErrorCode = keyof typeof errorTable;

/** Base of all of Sluice's own errors, with a stable `code`. */
export class SluiceError extends Error {
  /** The class, by name. */
  override readonly name: string = "SluiceError";
  /** Stable across versions; branch on this, not on the message. */
  readonly code: SluiceErrorCode;

  /** For the errors of what stands on Sluice; its own have a class each. */
  constructor(code: SluiceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An option was refused; the message quotes the value and says what is taken. */
export class InvalidOptionError extends SluiceError {
  /** The class, by name. */
  override readonly name = "InvalidOptionError";

  /** The message quotes the value and says what is taken. */
  constructor(message: string) {
    super("SLUICE_INVALID_OPTION", message);
  }
}

/** Something was used after `close()`. */
export class ClosedError extends SluiceError {
  /** The class, by name. */
  override readonly name = "ClosedError";

  /** Names what is closed. */
  constructor(what: string) {
    super("SLUICE_CLOSED", `${what} is closed and takes no more work`);
  }
}

/** A server was asked to listen while it does so already. */
export class AlreadyServingError extends SluiceError {
  /** The class, by name. */
  override readonly name = "AlreadyServingError";

  /** Says what to do instead. */
  constructor() {
    super(
      "SLUICE_ALREADY_SERVING",
      "the server listens already: call serve once, or make another server",
    );
  }
}

/** An operation took longer than it was given. */
export class TimeoutError extends SluiceError {
  /** The class, by name. */
  override readonly name: string = "TimeoutError";
  /** Time that was allowed, in milliseconds. */
  readonly timeoutMs: number;

  /** Names the operation and what it was given, in milliseconds. */
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
  /** The class, by name. */
  override readonly name = "QueueFullError";
  /** Number of callers that may wait at once. */
  readonly maxWaiting: number;

  /** Names what the callers wait for, and how many may. */
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
  /** The class, by name. */
  override readonly name = "RateLimitedError";
  /** Time to come back, in milliseconds from now. */
  readonly retryAfterMs: number;

  /** Names the limiter, and when to come back, in milliseconds from now. */
  constructor(what: string, retryAfterMs: number) {
    super(
      "SLUICE_RATE_LIMITED",
      `${what} allows no more for ${retryAfterMs} ms`,
    );
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * A client read its event stream too slowly and was cut off. A handler meets it
 * as the reason of its `ctx.signal`.
 */
export class SlowClientError extends SluiceError {
  /** The class, by name. */
  override readonly name = "SlowClientError";

  /** Says what the client did not keep up with. */
  constructor(why: string) {
    super(
      "SLUICE_SLOW_CLIENT",
      `the client reads its event stream too slowly: ${why}`,
    );
  }
}

/**
 * What the replicas of a server share can't be reached now: nothing is known to
 * be wrong with what was asked, and it may be asked again.
 */
export class UnavailableError extends SluiceError {
  /** The class, by name. */
  override readonly name = "UnavailableError";

  /** Names what can't be reached, and why. */
  constructor(what: string, why: string, options?: ErrorOptions) {
    super("SLUICE_UNAVAILABLE", `${what} can't be reached: ${why}`, options);
  }
}

/** Something can't be (part of) a cache key. */
export class CacheKeyError extends SluiceError {
  /** The class, by name. */
  override readonly name = "CacheKeyError";

  /** The message says what the key was, or which part of it won't do. */
  constructor(message: string) {
    super("SLUICE_CACHE_KEY", message);
  }
}

/** A value can't be kept in this cache; the message says why. */
export class CacheValueError extends SluiceError {
  /** The class, by name. */
  override readonly name = "CacheValueError";

  /** The message says why; `cause` is what the encoder threw, if it did. */
  constructor(message: string, options?: ErrorOptions) {
    super("SLUICE_CACHE_VALUE", message, options);
  }
}

/** A health check answered with something that is no result. */
export class InvalidHealthResultError extends SluiceError {
  /** The class, by name. */
  override readonly name = "InvalidHealthResultError";

  /** Names the check, and quotes what it answered. */
  constructor(check: string, outcome: unknown) {
    super(
      "SLUICE_HEALTH_RESULT",
      `the health check "${check}" must answer with a status, a boolean or ` +
        `nothing, got ${keyText(outcome)}`,
    );
  }
}

/** A batch loader returned something that can't be mapped back to its keys. */
export class BatchResultsError extends SluiceError {
  /** The class, by name. */
  override readonly name = "BatchResultsError";

  /**
   * Names the batcher, and how many keys its loader was given.
   *
   * @param results How many there were; none if it wasn't an array or a Map. Or
   * what was wrong with one of them.
   */
  constructor(
    what: string,
    keys: number,
    results?: number | string,
    options?: ErrorOptions,
  ) {
    super(
      "SLUICE_BATCH_RESULTS",
      `the loader of ${what} was given ${keys} keys and returned ${
        typeof results === "number"
          ? `${results} results`
          : results ?? "neither an array nor a Map"
      }`,
      options,
    );
  }
}

/** A batch loader's results, given by key, leave this caller's key out. */
export class BatchKeyMissingError extends SluiceError {
  /** The class, by name. */
  override readonly name = "BatchKeyMissingError";
  /** The key, as the caller gave it. */
  readonly key: unknown;

  /**
   * Names the batcher, and the key that its loader left out; `cause` is what the
   * loader returned instead, if that was an Error.
   */
  constructor(what: string, key: unknown, options?: ErrorOptions) {
    super(
      "SLUICE_BATCH_KEY_MISSING",
      `the loader of ${what}, asked for ${
        keyText(key)
      }, returned nothing for it${
        options === undefined ? "" : `, but ${thrownText(options.cause)}`
      }`,
      options,
    );
    this.key = key;
  }
}

/** V8's profiler can't be used here; the message says what is missing. */
export class ProfilerUnavailableError extends SluiceError {
  /** The class, by name. */
  override readonly name = "ProfilerUnavailableError";

  /** Says why; `cause` is what the runtime threw, if it did. */
  constructor(why: string, options?: ErrorOptions) {
    super(
      "SLUICE_PROFILER_UNAVAILABLE",
      `V8's profiler can't be used: ${why}`,
      options,
    );
  }
}

/** A program that is bundled into one file was to start a thread, or a process of a worker's. */
export class OneFileError extends SluiceError {
  /** The class, by name. */
  override readonly name = "OneFileError";

  /** Says how to bundle it. */
  constructor() {
    super(
      "SLUICE_ONE_FILE",
      "A program that is bundled into one file can start no threads or worker " +
        "processes: bundle it by deno bundle --code-splitting --outdir …",
    );
  }
}

/**
 * Refuses what a thread would begin with if that is in one file with this module,
 * and so with the whole program, which would begin again there.
 *
 * @throws {OneFileError}
 */
export function demandOwnFile(module: string): void {
  if (module === import.meta.url) throw new OneFileError();
}
