import {
  SluiceError,
  type SluiceErrorCode,
  TimeoutError,
} from "../../base/errors.ts";

/** The codes of {@linkcode HttpError}. */
export type HttpErrorCode = Extract<SluiceErrorCode, `SLUICE_HTTP_${string}`>;

/** An HTTP request came to nothing. */
export class HttpError extends SluiceError {
  /** The class, by name. */
  override readonly name: string = "HttpError";
  /** The URL that failed, as {@linkcode HttpTimeoutError.url}. */
  readonly url: string;

  /** Says what became of `url`; `options.cause` is the error beneath, if any. */
  constructor(
    code: HttpErrorCode,
    url: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
    this.url = shownUrl(url);
  }
}

/** No answer came, or not all of it: refused, reset, dropped, malformed. */
export class HttpFailedError extends HttpError {
  /** The class, by name. */
  override readonly name = "HttpFailedError";
  /** True if a connection was made, so that the server may have seen the request. */
  readonly sent: boolean;

  /** `cause` is what the runtime threw, or what was wrong with the answer. */
  constructor(url: string, message: string, sent: boolean, cause?: unknown) {
    super("SLUICE_HTTP_FAILED", url, message, { cause });
    this.sent = sent;
  }
}

/** A part of a request's way took too long. */
export class HttpTimeoutError extends TimeoutError {
  /** The class, by name. */
  override readonly name = "HttpTimeoutError";
  /** Waiting for its turn, being connected, waiting for the server, or all of it. */
  readonly phase: "queue" | "connect" | "read" | "total";
  /**
   * The URL that took too long: after redirects, not the first; without its
   * query, which may hold a key or somebody's data.
   */
  readonly url: string;

  /** Names the part of the way and what it was given, in milliseconds. */
  constructor(
    url: string,
    phase: "queue" | "connect" | "read" | "total",
    timeoutMs: number,
  ) {
    super(`${shownUrl(url)} (${phase} time)`, timeoutMs);
    this.url = shownUrl(url);
    this.phase = phase;
  }
}

/** The server answered with a status that is not a success. */
export class HttpStatusError extends HttpError {
  /** The class, by name. */
  override readonly name = "HttpStatusError";
  /** The status code (RFC 9110, section 15). */
  readonly status: number;
  /** The headers of the response. */
  readonly headers: Headers;
  /** The beginning of the body. */
  readonly bodyText: string;

  /** Takes of the response its status, its headers and how its body begins. */
  constructor(
    url: string,
    status: number,
    headers: Headers,
    bodyText: string,
  ) {
    super(
      "SLUICE_HTTP_STATUS",
      url,
      `${shownUrl(url)} answered with status ${status}`,
    );
    this.status = status;
    this.headers = headers;
    this.bodyText = bodyText;
  }
}

/** The origin failed so often lately that it is being left alone. */
export class HttpCircuitOpenError extends HttpError {
  /** The class, by name. */
  override readonly name = "HttpCircuitOpenError";

  /** Names the origin, and the URL that it was not asked for. */
  constructor(url: string, origin: string) {
    super(
      "SLUICE_HTTP_CIRCUIT_OPEN",
      url,
      `${origin} failed too often and is left alone for a while`,
    );
  }
}

/** A URL as errors may show it: without query, fragment and credentials. */
export function shownUrl(url: string): string {
  const [beginning] = url.split(/[?#]/, 1);
  return beginning.replace(/^([^:/@]*:)?\/*[^/]*@/, "$1//");
}
