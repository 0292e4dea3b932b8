import type { Clock } from "../../base/clock.ts";
import { HttpError, HttpFailedError, HttpStatusError } from "./http_errors.ts";
import type { Visit } from "./http_origin.ts";
import type { HttpRequest } from "./http_request.ts";
import { sendInSpan } from "./http_span.ts";
import { asBytes, asText, readUpTo, type UseOfBody } from "./response_body.ts";
import type { ResponseHead } from "./response_head.ts";
import {
  type Bytes,
  type RoundTrip,
  TripError,
  type TripWatch,
} from "./transport.ts";
import type { UploadWatch } from "./upload.ts";

/** The part of a body that is read before anyone asks for it. */
const readAheadBytes = 64 * 1024;

/** The part of an unwanted body that is read, and for how long. */
const drainBytes = 64 * 1024;
const drainMs = 1_000;

/** The part of a body that goes into an error. */
const excerptBytes = 1_024;

const bodilessStatuses = new Set([101, 204, 205, 304]);

/** The part of a call that an {@linkcode HttpExchange} tells of its progress. */
export interface ExchangingCall {
  expectConnection(): void;
  expectSign(): void;
  expectNothing(): void;
  end(): void;
}

/** Everything an {@linkcode HttpExchange} needs. */
export interface HttpExchangeOptions {
  request: HttpRequest;
  /** Counts the requests that its call has sent before. */
  resends: number;
  clock: Clock;
  call: ExchangingCall;
  /** The request's place at its origin. */
  visit: Visit;
}

/** One request to one origin and its response, to the last byte of the body. */
export class HttpExchange implements TripWatch, UploadWatch {
  readonly #options: HttpExchangeOptions;
  readonly #trip: RoundTrip;
  #head: ResponseHead | undefined;
  /** The body, if it was read before it was known whether anybody wants it. */
  #drained: Bytes | undefined;
  #aborted: { reason: unknown } | undefined;
  #ended = false;

  constructor(options: HttpExchangeOptions) {
    this.#options = options;
    this.#trip = options.visit.origin.transport.begin(options.request, this);
  }

  /**
   * Sends the request. The exchange goes on until one of the methods below has
   * done with the response.
   *
   * @throws {HttpFailedError} when no answer came.
   * @throws {HttpTimeoutError} when none came in time.
   */
  async send(): Promise<ResponseHead> {
    const { request, resends, call } = this.#options;
    call.expectSign();
    request.watchUpload(this);
    try {
      this.#head = await sendInSpan(
        request,
        resends,
        (headers) => this.#trip.send(headers),
      );
      call.expectSign();
      return this.#head;
    } catch (error) {
      throw this.#fail(error);
    }
  }

  connecting(): void {
    this.#options.call.expectConnection();
  }

  progressed(): void {
    if (this.#head === undefined) this.#options.call.expectSign();
  }

  waits(): void {
    if (this.#head === undefined) this.#options.call.expectNothing();
  }

  /**
   * Reads all of a successful response's body.
   *
   * @throws {HttpStatusError} when the status is no success.
   * @throws {HttpError} when the body is larger than `maxBytes`.
   */
  read<T>(maxBytes: number, form: UseOfBody<T>): Promise<T> {
    const { request } = this.#options;
    const { href } = request;
    const { status } = this.#head!;
    if (!isSuccess(status)) {
      return this.#readUpTo(excerptBytes, (bytes) => {
        const headers = this.#head!.toHeaders();
        throw new HttpStatusError(href, status, headers, asText(bytes));
      });
    }
    return this.#readUpTo(maxBytes, (bytes, isComplete) => {
      if (isComplete) return form(bytes, isComplete);
      throw new HttpError(
        "SLUICE_HTTP_BODY_TOO_LARGE",
        href,
        `${request.shownUrl} answered with more than ${maxBytes} bytes`,
      );
    });
  }

  /**
   * Gets a body out of the way that hardly anybody wants: reads what little there
   * is of it, so that its connection can be used again, or else cancels it.
   *
   * @returns whether all of it was read; then the response is still to be had.
   */
  async drain(): Promise<boolean> {
    const { clock } = this.#options;
    const timer = clock.setTimeout(() => this.#trip.abort(undefined), drainMs);
    try {
      this.#drained = await readUpTo(
        this.#trip,
        drainBytes,
        () => {},
        (bytes, isComplete) => isComplete ? asBytes(bytes) : undefined,
      );
    } catch {
      // a body that nobody wants may break
    } finally {
      clock.clearTimeout(timer);
      this.#end();
    }
    return this.#drained !== undefined;
  }

  /**
   * The response for a caller who reads it when it likes: with a small body
   * already here, much cheaper than a stream, or with one that is watched over.
   */
  async toResponse(): Promise<Response> {
    const head = this.#head!;
    if (!this.#trip.hasBody) {
      this.#end();
      return this.#withBody(null);
    }
    if (bodilessStatuses.has(head.status)) {
      await this.drain();
      return this.#withBody(null);
    }
    if (this.#drained !== undefined) return this.#withBody(this.#drained);
    if (announcesSmall(head)) {
      return this.#withBody(await this.#readUpTo(readAheadBytes, asBytes));
    }
    this.#options.visit.judge(head.status);
    return this.#withBody(this.#guard());
  }

  /** Ends it at once. */
  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#trip.abort(reason);
    this.#end(reason);
  }

  async #readUpTo<T>(maxBytes: number, use: UseOfBody<T>): Promise<T> {
    const { call } = this.#options;
    const drained = this.#drained;
    if (drained !== undefined) {
      return use(drained.subarray(0, maxBytes), drained.length <= maxBytes);
    }
    try {
      const onPiece = () => call.expectSign();
      const read = await readUpTo(this.#trip, maxBytes, onPiece, use);
      this.#end();
      return read;
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Some servers send a status that can't be given to `Response`. */
  #withBody(body: BodyInit | null): Response {
    const { status, statusText } = this.#head!;
    const isUsual = status >= 200 && status <= 599;
    const response = new Response(body, {
      statusText,
      headers: this.#head!.toHeaders(),
      status: isUsual ? status : 200,
    });
    const { href, isRedirected } = this.#options.request;
    return Object.defineProperties(response, {
      url: { value: withoutFragment(href) },
      redirected: { value: isRedirected },
      status: { value: status },
      ok: { value: isSuccess(status) },
    });
  }

  /**
   * Reads a little ahead, so that a small body ends its exchange even if nobody
   * reads it.
   */
  #guard(): ReadableStream<Uint8Array> {
    const { call } = this.#options;
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        call.expectSign();
        try {
          const piece = await this.#trip.read();
          if (piece !== undefined) {
            call.expectNothing();
            return controller.enqueue(piece.slice());
          }
          this.#end();
          controller.close();
        } catch (error) {
          throw this.#fail(error);
        }
      },
      cancel: () => this.#end(),
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
    if (this.#aborted !== undefined) return this.#aborted.reason;
    if (!(error instanceof TripError)) return error;
    if (request.bodyError !== undefined) return request.bodyError.error;
    return new HttpFailedError(
      request.href,
      `${request.method} ${request.shownUrl} failed: ${error.message}`,
      error.sent,
      error.cause ?? error,
    );
  }

  #end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    const { visit, call } = this.#options;
    try {
      visit.judge(this.#head?.status, error);
    } finally {
      this.#trip.release();
      visit.leave();
      call.end();
    }
  }
}

function withoutFragment(href: string): string {
  const url = new URL(href);
  url.hash = "";
  return url.href;
}

function isSuccess(status: number): boolean {
  return status >= 200 && status <= 299;
}

/**
 * Says if a response announces a body of no more than is read ahead, and nothing
 * that makes its length mean something else.
 */
function announcesSmall(head: ResponseHead): boolean {
  const length = head.get("content-length");
  return length !== null && Number(length) <= readAheadBytes &&
    head.get("content-encoding") === null &&
    head.get("transfer-encoding") === null;
}
