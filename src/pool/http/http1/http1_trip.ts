import type { HeaderList, HttpRequest } from "../http_request.ts";
import type { ResponseHead } from "../response_head.ts";
import {
  type Bytes,
  type RoundTrip,
  TripError,
  type TripWatch,
} from "../transport.ts";
import { bodyAfter, type Http1Body } from "./http1_body.ts";
import type { Http1Connection } from "./http1_connection.ts";
import { hasOption, type Http1Head, readHead } from "./http1_head.ts";
import { DecodedBody, isEncoded } from "./decoded_body.ts";

/** The connections of an origin, as an {@linkcode Http1Trip} needs them. */
export interface Http1Connections {
  /** One that is open and that nobody uses. */
  take(): Http1Connection | undefined;
  open(signal: AbortSignal): Promise<Http1Connection>;
  /** Takes one back; the server may have said for how long it keeps it. */
  keep(connection: Http1Connection, keepAlive: string | null): void;
  /** The first lines of a request. */
  headOf(request: HttpRequest, headers: HeaderList): string;
}

/** A round trip on a connection of the pool's own. */
export class Http1Trip implements RoundTrip {
  readonly #connections: Http1Connections;
  readonly #request: HttpRequest;
  readonly #watch: TripWatch;
  #opening: AbortController | undefined;
  #connection: Http1Connection | undefined;
  #head: Http1Head | undefined;
  #body: Http1Body | undefined;
  #decoded: DecodedBody | undefined;
  #upload: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #isAborted = false;
  #headers: HeaderList = [];

  constructor(
    connections: Http1Connections,
    request: HttpRequest,
    watch: TripWatch,
  ) {
    this.#connections = connections;
    this.#request = request;
    this.#watch = watch;
  }

  get hasBody(): boolean {
    return this.#body !== undefined;
  }

  get isOver(): boolean {
    return (this.#decoded ?? this.#body)?.isOver ?? true;
  }

  /**
   * A kept connection may be closed by the server just when the request goes
   * out; it is then sent on another, if that is safe.
   */
  async send(headers: HeaderList): Promise<ResponseHead> {
    this.#headers = headers;
    const text = this.#connections.headOf(this.#request, headers);
    for (;;) {
      if (this.#isAborted) throw new TripError("it was given up", false);
      const kept = this.#connection = this.#connections.take();
      const connection = kept ?? await this.#open();
      try {
        await this.#exchange(connection, text);
        return this.#head!;
      } catch (error) {
        this.#close(error);
        const mayRepeat = kept !== undefined && !this.#isAborted &&
          this.#head === undefined && connection.input.length === 0 &&
          this.#request.idempotent && !this.#request.hasStream;
        if (!mayRepeat) throw asTripError(error);
      }
    }
  }

  read(): Bytes | undefined | Promise<Bytes | undefined> {
    const piece = (this.#decoded ?? this.#body)?.read();
    return piece instanceof Promise
      ? piece.catch((error) => Promise.reject(asTripError(error)))
      : piece;
  }

  abort(reason: unknown): void {
    this.#isAborted = true;
    this.#opening?.abort(reason);
    this.#close(reason);
  }

  release(): void {
    const connection = this.#connection;
    const head = this.#head;
    if (connection === undefined) return;
    const isFree = head !== undefined && (this.#body?.isOver ?? true) &&
      head.keepsConnection && connection.isReusable &&
      !asksToClose(this.#headers);
    if (isFree) this.#connections.keep(connection, head.get("keep-alive"));
    else this.#close(undefined);
  }

  async #open(): Promise<Http1Connection> {
    this.#watch.connecting();
    this.#opening = new AbortController();
    try {
      const { signal } = this.#opening;
      const connection = this.#connection = await this.#connections.open(
        signal,
      );
      if (this.#isAborted) connection.close();
      this.#watch.progressed();
      return connection;
    } catch (error) {
      const { name, message } = error as Error;
      if (name === "NotCapable") throw this.#request.unsendable(message);
      throw new TripError(message, false, error);
    } finally {
      this.#opening = undefined;
    }
  }

  async #exchange(connection: Http1Connection, text: string): Promise<void> {
    const { body, method } = this.#request;
    const sending = body === null || body instanceof Uint8Array
      ? connection.send(text, body ?? undefined, this.#watch)
      : connection.sendStream(
        text,
        this.#upload = body.getReader(),
        this.#watch,
      );
    sending.catch(() => {
      // Where the server has closed, it may have answered before; but what the
      // caller breaks off must not go on.
      if (this.#request.bodyError !== undefined) connection.close();
    });
    const head = this.#head = await readHead(connection.input);
    this.#body = bodyAfter(head, method, connection.input);
    if (this.#body?.isOver === false && isEncoded(head)) {
      this.#decoded = new DecodedBody(this.#body);
    }
  }

  #close(reason: unknown): void {
    this.#connection?.close();
    this.#upload?.cancel(reason).catch(() => {});
  }
}

/** Says if the caller wants the connection closed (RFC 9112, section 9.6). */
function asksToClose(headers: HeaderList): boolean {
  for (const [name, value] of headers) {
    if (name === "connection") return hasOption(value, "close");
  }
  return false;
}

function asTripError(error: unknown): TripError {
  return error instanceof TripError
    ? error
    : new TripError((error as Error).message, true, error);
}
