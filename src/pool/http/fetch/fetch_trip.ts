import { shownUrl } from "../http_errors.ts";
import type { HeaderList, HttpRequest } from "../http_request.ts";
import type { ResponseHead } from "../response_head.ts";
import { type Bytes, type RoundTrip, TripError } from "../transport.ts";
import type { HttpClient } from "./http_client.ts";

const pieceBytes = 16 * 1024;

/** The part of a transport that a {@linkcode FetchTrip} needs. */
export interface FetchTripHooks {
  /** Watches over the making of a connection, if that is to be watched. */
  watchConnect(): { stop(): void } | undefined;
  /** Told that the origin answered. */
  heard(): void;
}

/** A round trip by the runtime's `fetch`. */
export class FetchTrip implements RoundTrip {
  readonly #client: HttpClient;
  readonly #request: HttpRequest;
  readonly #hooks: FetchTripHooks;
  readonly #controller = new AbortController();
  #response: Response | undefined;
  #reader: ReadableStreamBYOBReader | undefined;
  #buffer: Bytes | undefined;
  #isRead = false;

  constructor(
    client: HttpClient,
    request: HttpRequest,
    hooks: FetchTripHooks,
  ) {
    this.#client = client;
    this.#request = request;
    this.#hooks = hooks;
  }

  get hasBody(): boolean {
    return this.#response!.body !== null;
  }

  get isOver(): boolean {
    return this.#isRead || !this.hasBody;
  }

  async send(headers: HeaderList): Promise<ResponseHead> {
    const watch = this.#hooks.watchConnect();
    try {
      const response = this.#response = await this.#fetch(headers);
      this.#hooks.heard();
      return new FetchHead(response);
    } catch (error) {
      throw this.#explain(error);
    } finally {
      watch?.stop();
    }
  }

  async read(): Promise<Bytes | undefined> {
    this.#reader ??= this.#response!.body!.getReader({ mode: "byob" });
    const buffer = this.#buffer ?? new Uint8Array(pieceBytes);
    try {
      const { done, value } = await this.#reader.read(buffer);
      this.#isRead = done;
      if (value === undefined) return undefined;
      this.#buffer = new Uint8Array(value.buffer as ArrayBuffer);
      return done ? undefined : value;
    } catch (error) {
      throw this.#explain(error);
    }
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  release(): void {
    if (this.#response === undefined || this.isOver) return;
    const { body } = this.#response;
    (this.#reader ?? body)?.cancel().catch(() => {});
  }

  #fetch(headers: HeaderList): Promise<Response> {
    const { href, method } = this.#request;
    const { signal } = this.#controller;
    const redirect = "manual";
    const body = this.#body;
    const client = body === null && !this.#request.idempotent
      ? this.#client.single
      : this.#client.kept;
    // Each member costs; a GET needs no more.
    const init = method === "GET" && body === null
      ? { headers, signal, redirect, client }
      : { headers, signal, redirect, client, method, body };
    return fetch(href, init as RequestInit);
  }

  /**
   * The body in a form that isn't sent twice. Deno sends a request a second time,
   * on its own account, when the server closes a reused connection instead of
   * answering, unless its body is a Blob or a stream; and a Blob has a length.
   * Nothing but an empty body says "content-length: 0", so that one has a
   * connection of its own.
   */
  get #body(): BodyInit | null {
    const { body, idempotent } = this.#request;
    if (idempotent || !(body instanceof Uint8Array)) return body;
    return body.length === 0 ? null : new Blob([body]);
  }

  /**
   * Deno and Node give what the network did as the cause of a TypeError; one
   * without a cause comes of the request itself, before it was sent.
   */
  #explain(error: unknown): unknown {
    const { cause, message } = error as Error;
    const isUnanswered = this.#response === undefined;
    if (isUnanswered && cause === undefined) {
      return this.#request.unsendable(message);
    }
    const told = (cause as Error | undefined)?.message ?? message;
    const detail = withoutQuery(told, this.#request.href);
    return new TripError(
      detail,
      !isUnanswered || !detail.includes("client error (Connect)"),
      detail === told ? error : new Error(detail),
    );
  }
}

/** The head of what `fetch` returned. */
class FetchHead implements ResponseHead {
  constructor(private readonly response: Response) {}

  get status(): number {
    return this.response.status;
  }

  get statusText(): string {
    return this.response.statusText;
  }

  get(name: string): string | null {
    return this.response.headers.get(name);
  }

  toHeaders(): Headers {
    return this.response.headers;
  }
}

/** The runtime's words on a request, without the query that it quotes. */
function withoutQuery(text: string, href: string): string {
  const url = new URL(href);
  url.hash = "";
  return text.replaceAll(url.href, shownUrl(url.href));
}
