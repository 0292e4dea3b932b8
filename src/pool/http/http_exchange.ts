import type { Clock, TimerHandle } from "../../base/clock.ts";
import { type HttpConnect, HttpConnectWatch } from "./connect_watch.ts";
import { HttpFailedError, HttpTimeoutError } from "./http_errors.ts";
import type { HttpRequest } from "./http_request.ts";
import { sendInSpan } from "./http_span.ts";

/** How much of a body is read before anyone asks for it. */
const readAheadBytes = 64 * 1024;

const bodilessStatuses = new Set([204, 205, 304]);

/** Whether a response announces a body of no more than what is read ahead. */
function isSmall({ headers }: Response): boolean {
  const length = headers.get("content-length");
  return length !== null && Number(length) <= readAheadBytes &&
    !headers.has("content-encoding");
}

/** What an {@linkcode HttpExchange} needs. */
export interface HttpExchangeOptions {
  request: HttpRequest;
  /** How often its call has sent a request before. */
  resends: number;
  /** Ends it, also while the body is read. */
  signal: AbortSignal;
  fetch: typeof globalThis.fetch;
  readTimeoutMs: number;
  connectTimeoutMs: number;
  /** Given when the origin should be watched for accepting a connection. */
  connect?: HttpConnect;
  clock: Clock;
  /** Called once, after the last byte or the failure. */
  onEnd: () => void;
}

/** One request to one origin and its response, to the last byte of the body. */
export class HttpExchange {
  readonly #options: HttpExchangeOptions;
  readonly #controller = new AbortController();
  readonly #onAbort: () => void;
  #readTimer: TimerHandle;
  #ended = false;

  constructor(options: HttpExchangeOptions) {
    const { signal } = options;
    this.#options = options;
    this.#onAbort = () => this.#abort(signal.reason);
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /**
   * Sends the request. The exchange goes on until the response's body has been
   * read, cancelled or aborted.
   *
   * @throws {HttpFailedError} when no answer came.
   * @throws {HttpTimeoutError} when none came in time.
   */
  async send(): Promise<Response> {
    const { request, resends, fetch } = this.#options;
    const { url, method, body } = request;
    const { signal } = this.#controller;
    using _watch = this.#watchConnect();
    this.#startReadTimer();
    try {
      const response = await sendInSpan(
        request,
        resends,
        (headers) =>
          fetch(url, { method, headers, body, signal, redirect: "manual" }),
      );
      return isSmall(response)
        ? await this.#readNow(response)
        : this.#guard(response);
    } catch (error) {
      this.#end();
      throw this.#failure(error);
    } finally {
      this.#stopReadTimer();
    }
  }

  /** The response, with its body already here: much cheaper than a stream. */
  async #readNow(response: Response): Promise<Response> {
    const bytes = await response.bytes();
    this.#end();
    return this.#withBody(
      response,
      bodilessStatuses.has(response.status) ? null : bytes,
    );
  }

  /** The response, with a body that is watched over and says when it ends. */
  #guard(response: Response): Response {
    if (response.body !== null) {
      return this.#withBody(response, this.#guardBody(response.body));
    }
    this.#end();
    return response;
  }

  #withBody(
    { status, statusText, headers }: Response,
    body: BodyInit | null,
  ): Response {
    const response = new Response(body, { status, statusText, headers });
    return Object.defineProperty(response, "url", {
      value: this.#options.request.url.href,
    });
  }

  /**
   * Reads a little ahead, so that a small body ends its exchange even if nobody
   * reads it.
   */
  #guardBody(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        this.#startReadTimer();
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          this.#end();
          controller.close();
        } catch (error) {
          this.#end();
          throw this.#failure(error);
        } finally {
          this.#stopReadTimer();
        }
      },
      cancel: async (reason) => {
        this.#end();
        await reader.cancel(reason);
      },
    }, new ByteLengthQueuingStrategy({ highWaterMark: readAheadBytes }));
  }

  #watchConnect(): HttpConnectWatch | undefined {
    const { request, connect, connectTimeoutMs, clock } = this.#options;
    if (connect === undefined || connectTimeoutMs === Infinity) return;
    return new HttpConnectWatch(
      connect,
      request.url,
      connectTimeoutMs,
      clock,
      () =>
        this.#abort(
          new HttpTimeoutError(request.url.href, "connect", connectTimeoutMs),
        ),
    );
  }

  #startReadTimer(): void {
    const { request, readTimeoutMs, clock } = this.#options;
    if (readTimeoutMs === Infinity) return;
    this.#readTimer = clock.setTimeout(() => {
      this.#abort(
        new HttpTimeoutError(request.url.href, "read", readTimeoutMs),
      );
    }, readTimeoutMs);
  }

  #stopReadTimer(): void {
    this.#options.clock.clearTimeout(this.#readTimer);
  }

  /** What to tell the caller: why it was aborted, if it was. */
  #failure(error: unknown): unknown {
    const { signal } = this.#controller;
    if (signal.aborted) return signal.reason;
    const { method, url } = this.#options.request;
    const cause = (error as Error).cause ?? error;
    const detail = (cause as Error).message ?? String(cause);
    return new HttpFailedError(
      url.href,
      `${method} ${url} failed: ${detail}`,
      !detail.includes("client error (Connect)"),
      error,
    );
  }

  #abort(reason: unknown): void {
    this.#controller.abort(reason);
    this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const { signal, onEnd } = this.#options;
    signal.removeEventListener("abort", this.#onAbort);
    onEnd();
  }
}
