import { InvalidOptionError } from "../../base/errors.ts";
import type { Clock } from "../../base/clock.ts";
import { ConnectWatch, type HttpConnect } from "./connect_watch.ts";
import {
  HttpError,
  HttpFailedError,
  HttpStatusError,
  HttpTimeoutError,
  shownUrl,
} from "./http_errors.ts";
import type { Connections } from "./http_client.ts";
import type { Visit } from "./http_origin.ts";
import type { HttpRequest } from "./http_request.ts";
import { sendInSpan } from "./http_span.ts";
import {
  asBytes,
  asText,
  type BodyForm,
  readUpTo,
  type UseOfBody,
} from "./response_body.ts";

/** The part of a body that is read before anyone asks for it. */
const readAheadBytes = 64 * 1024;

/** The part of an unwanted body that is read, and for how long. */
const drainBytes = 64 * 1024;
const drainMs = 1_000;

/** The part of a body that goes into an error. */
const excerptBytes = 1_024;

const bodilessStatuses = new Set([101, 204, 205, 304]);

/** Everything an {@linkcode HttpExchange} needs. */
export interface HttpExchangeOptions {
  request: HttpRequest;
  /** Counts the requests that its call has sent before. */
  resends: number;
  client: Connections | undefined;
  clock: Clock;
  /** Told when the server is to say something, when it needn't, and of the end. */
  call: { expectSign(): number; expectNothing(): void; end(): void };
  /** The request's place at its origin. */
  visit: Visit;
  /** Tries connections; without it none are tried. */
  connect: HttpConnect | undefined;
  connectTimeoutMs: number;
}

/** One request to one origin and its response, to the last byte of the body. */
export class HttpExchange {
  readonly #options: HttpExchangeOptions;
  readonly #controller = new AbortController();
  #response: Response | undefined;
  #ended = false;

  constructor(options: HttpExchangeOptions) {
    this.#options = options;
  }

  get response(): Response {
    return this.#response!;
  }

  /**
   * Sends the request. The exchange goes on until one of the methods below has
   * done with the response.
   *
   * @throws {HttpFailedError} when no answer came.
   * @throws {HttpTimeoutError} when none came in time.
   */
  async send(): Promise<Response> {
    const { call, visit: { origin } } = this.#options;
    const watch = origin.isWarm(call.expectSign())
      ? undefined
      : this.#watchConnect();
    try {
      const response = this.#response = await this.#fetch();
      origin.hear(call.expectSign());
      return response;
    } catch (error) {
      throw this.#fail(error);
    } finally {
      watch?.stop();
    }
  }

  /**
   * Reads all of a successful response's body.
   *
   * @throws {HttpStatusError} when the status is no success.
   * @throws {HttpError} when the body is larger than `maxBytes`.
   */
  read<T>(maxBytes: number, form: BodyForm<T>): Promise<T> {
    const { request } = this.#options;
    const { href } = request;
    const { ok, status, headers } = this.response;
    if (!ok) {
      return this.#readUpTo(excerptBytes, (bytes) => {
        const excerpt = asText.ofBytes(bytes);
        throw new HttpStatusError(href, status, headers, excerpt);
      });
    }
    return this.#readWhole(maxBytes, form, (bytes, isComplete) => {
      if (isComplete) return form.ofBytes(bytes);
      throw new HttpError(
        "SLUICE_HTTP_BODY_TOO_LARGE",
        href,
        `${request.shownUrl} answered with more than ${maxBytes} bytes`,
      );
    });
  }

  /**
   * Gets rid of a body that nobody wants: reads what little there is of it, so
   * that its connection can be used again, or else cancels it.
   */
  async discard(): Promise<void> {
    const { clock } = this.#options;
    const timer = clock.setTimeout(() => this.#controller.abort(), drainMs);
    try {
      await readUpTo(this.response, drainBytes, () => {}, () => {});
    } catch {
      // a body that nobody wants may break
    } finally {
      clock.clearTimeout(timer);
      this.#end();
    }
  }

  /**
   * The response for a caller who reads it when it likes: with a small body
   * already here, much cheaper than a stream, or with one that is watched over.
   */
  async toResponse(): Promise<Response> {
    const { status, body, headers } = this.response;
    if (body === null) {
      this.#end();
      return this.response;
    }
    if (bodilessStatuses.has(status)) {
      await this.discard();
      return this.#withBody(null);
    }
    if (announcesSmall(headers, readAheadBytes)) {
      return this.#withBody(
        await this.#readWhole(readAheadBytes, asBytes, asBytes.ofBytes),
      );
    }
    this.#options.visit.judge(status);
    return this.#withBody(this.#guard(body));
  }

  /** Ends it at once. */
  abort(reason: unknown): void {
    this.#controller.abort(reason);
    this.#end(reason);
  }

  #fetch(): Promise<Response> {
    const { request, resends, client } = this.#options;
    const { signal } = this.#controller;
    const redirect = "manual";
    return sendInSpan(request, resends, (headers) => {
      const { href, method, body } = request;
      // Each member costs; a GET needs no more.
      const init = method === "GET" && body === null
        ? { headers, signal, redirect, client }
        : { headers, signal, redirect, client, method, body };
      return fetch(href, init as RequestInit);
    });
  }

  /**
   * Not for what may do harm when it is repeated: the watch can be wrong where
   * connections are refused while the request is at work.
   */
  #watchConnect(): ConnectWatch | undefined {
    const { request, connect, connectTimeoutMs, clock } = this.#options;
    const { idempotent, href } = request;
    if (connect === undefined || !idempotent) return undefined;
    return new ConnectWatch(connect, new URL(href), {
      timeoutMs: connectTimeoutMs,
      clock,
      onTimeout: () =>
        this.abort(new HttpTimeoutError(href, "connect", connectTimeoutMs)),
    });
  }

  /** Reads a small body at once, where its pieces needn't be watched. */
  #readWhole<T>(
    maxBytes: number,
    form: BodyForm<T>,
    use: UseOfBody<T>,
  ): Promise<T> {
    const { response } = this;
    const { origin } = this.#options.visit;
    return origin.sendsSmallBodiesWhole &&
        announcesSmall(response.headers, maxBytes)
      ? this.#consume(form.ofResponse(response))
      : this.#readUpTo(maxBytes, use);
  }

  #readUpTo<T>(maxBytes: number, use: UseOfBody<T>): Promise<T> {
    const { call, visit: { origin } } = this.#options;
    let pieces = 0;
    const onPiece = () => {
      pieces++;
      call.expectSign();
    };
    return this.#consume(
      readUpTo(this.response, maxBytes, onPiece, (bytes, isComplete) => {
        origin.notePieces(pieces);
        return use(bytes, isComplete);
      }),
    );
  }

  async #consume<T>(reading: Promise<T>): Promise<T> {
    try {
      const read = await reading;
      this.#end();
      return read;
    } catch (error) {
      if (!(error instanceof HttpError)) {
        this.#options.visit.origin.notePieces(Infinity);
      }
      throw this.#fail(error);
    }
  }

  /** Some servers send a status that can't be given to `Response`. */
  #withBody(body: BodyInit | null): Response {
    const { status, statusText, headers } = this.response;
    const isUsual = status >= 200 && status <= 599;
    const init = { statusText, headers, status: isUsual ? status : 200 };
    return Object.defineProperties(new Response(body, init), {
      url: { value: new URL(this.#options.request.href).href },
      status: { value: status },
      ok: { value: this.response.ok },
    });
  }

  /**
   * Reads a little ahead, so that a small body ends its exchange even if nobody
   * reads it.
   */
  #guard(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const { call } = this.#options;
    const reader = body.getReader();
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        call.expectSign();
        try {
          const { done, value } = await reader.read();
          if (!done) {
            call.expectNothing();
            return controller.enqueue(value);
          }
          this.#end();
          controller.close();
        } catch (error) {
          throw this.#fail(error);
        }
      },
      cancel: async (reason) => {
        this.#end();
        await reader.cancel(reason);
      },
    }, new ByteLengthQueuingStrategy({ highWaterMark: readAheadBytes }));
  }

  #fail(error: unknown): unknown {
    const failure = this.#explain(error);
    this.#end(failure);
    return failure;
  }

  /** The error for the caller: why it was aborted, if it was. */
  #explain(error: unknown): unknown {
    const { request } = this.#options;
    const { signal } = this.#controller;
    if (signal.aborted) return signal.reason;
    if (error instanceof HttpError) return error;
    if (request.bodyError !== undefined) return request.bodyError.error;
    const { cause, message } = error as Error;
    const isUnanswered = this.#response === undefined;
    const what = `${request.method} ${request.shownUrl}`;
    // Deno and Node give what the network did as the cause of a TypeError; one
    // without a cause comes of the request itself, before it was sent.
    if (isUnanswered && cause === undefined) {
      return new InvalidOptionError(`${what} can't be sent: ${message}`);
    }
    const told = (cause as Error | undefined)?.message ?? message;
    const detail = withoutQuery(told, request);
    return new HttpFailedError(
      request.href,
      `${what} failed: ${detail}`,
      !isUnanswered || !detail.includes("client error (Connect)"),
      detail === told ? error : new Error(detail),
    );
  }

  #end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    const { visit, call } = this.#options;
    try {
      visit.judge(this.#response?.status, error);
    } finally {
      visit.leave();
      call.end();
    }
  }
}

/**
 * Says if a response announces a body of no more than so many bytes, and than
 * is read ahead, and nothing that makes its length mean something else.
 */
function announcesSmall(headers: Headers, maxBytes: number): boolean {
  const length = headers.get("content-length");
  return length !== null &&
    Number(length) <= Math.min(maxBytes, readAheadBytes) &&
    !headers.has("content-encoding") && !headers.has("transfer-encoding");
}

/** The runtime's words on a request, without the query that it quotes. */
function withoutQuery(text: string, { href }: HttpRequest): string {
  const url = new URL(href);
  url.hash = "";
  return text.replaceAll(url.href, shownUrl(url.href));
}
