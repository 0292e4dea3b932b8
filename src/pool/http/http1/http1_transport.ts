import type { Clock, TimerHandle } from "../../../base/clock.ts";
import type { HeaderList, HttpRequest } from "../http_request.ts";
import type { RoundTrip, Transport, TripWatch } from "../transport.ts";
import type { TcpConnect } from "../tcp_connector.ts";
import { acceptedEncodings } from "./decoded_body.ts";
import { Http1Connection } from "./http1_connection.ts";
import { type Http1Connections, Http1Trip } from "./http1_trip.ts";

/** The way in which an {@linkcode Http1Transport} connects. */
export interface Http1TransportOptions {
  connect: TcpConnect;
  /** The time that an unused connection is kept, in milliseconds. */
  keepAliveMs: number;
  clock: Clock;
}

/** Headers that say how a message is cut, which is not the caller's affair. */
const framingHeaders = new Set(["content-length", "transfer-encoding"]);

/** The path of a URL that needs no parsing. */
const plainPath = /^\/[\w\-~!$&'()*+,;=:@/%?]*$/;
const dotSegment = /\/\.|\/%2e/i;

/**
 * HTTP/1.1 (RFC 9112) on connections of the pool's own, to one origin without
 * TLS: a third of what the runtime's `fetch` costs (bench/http_pool.ts), and it
 * is known what has been sent.
 */
export class Http1Transport implements Transport, Http1Connections {
  readonly #origin: string;
  readonly #url: URL;
  readonly #options: Http1TransportOptions;
  /** Last in, first out, so that the first has lain longest. */
  readonly #idle: Http1Connection[] = [];
  #timer: TimerHandle;
  #isClosed = false;
  #lastHeaders: HeaderList | undefined;
  #lastLines = "";

  constructor(origin: string, options: Http1TransportOptions) {
    this.#origin = origin;
    this.#url = new URL(origin);
    this.#options = options;
  }

  begin(request: HttpRequest, watch: TripWatch): RoundTrip {
    return new Http1Trip(this, request, watch);
  }

  take(): Http1Connection | undefined {
    const nowMs = this.#options.clock.now();
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return undefined;
      if (connection.keptUntilMs > nowMs) {
        connection.wake();
        return connection;
      }
      connection.close();
    }
  }

  async open(signal: AbortSignal): Promise<Http1Connection> {
    const socket = await this.#options.connect(this.#url, signal);
    socket.setNoDelay();
    return new Http1Connection(socket, (gone) => {
      const index = this.#idle.indexOf(gone);
      if (index !== -1) this.#idle.splice(index, 1);
    });
  }

  keep(connection: Http1Connection, keepAlive: string | null): void {
    const { clock, keepAliveMs } = this.#options;
    const keptMs = Math.min(keepAliveMs, announcedMs(keepAlive));
    if (this.#isClosed || keptMs <= 0) return connection.close();
    connection.keptUntilMs = clock.now() + keptMs;
    this.#idle.push(connection);
    connection.rest();
    this.#timer ??= this.#sweepIn(keptMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#timer);
    for (const connection of this.#idle.splice(0)) connection.close();
  }

  headOf(request: HttpRequest, headers: HeaderList): string {
    const { method, body } = request;
    const length = body instanceof Uint8Array
      ? `content-length: ${body.length}\r\n`
      : body !== null
      ? "transfer-encoding: chunked\r\n"
      : method === "POST" || method === "PUT" || method === "PATCH"
      ? "content-length: 0\r\n"
      : "";
    return `${method} ${this.#targetOf(request)} HTTP/1.1\r\n` +
      `${this.#linesOf(headers)}${length}\r\n`;
  }

  #targetOf({ href }: HttpRequest): string {
    const path = href.slice(this.#origin.length);
    if (plainPath.test(path) && !dotSegment.test(path)) return path;
    const url = new URL(href);
    url.hash = "";
    return url.href.slice(this.#origin.length);
  }

  /** Most requests have the pool's own headers and no others. */
  #linesOf(headers: HeaderList): string {
    if (headers === this.#lastHeaders) return this.#lastLines;
    // A part of what is compressed can't be decompressed.
    const isForRange = headers.some(([name]) => name === "range");
    const all = new Map([
      ["host", this.#url.host],
      ["user-agent", navigator.userAgent],
      ["accept", "*/*"],
      ["accept-language", "*"],
      ["accept-encoding", isForRange ? "identity" : acceptedEncodings],
      ...headers,
    ]);
    let lines = "";
    for (const [name, value] of all) {
      if (!framingHeaders.has(name)) lines += `${name}: ${value}\r\n`;
    }
    this.#lastHeaders = headers;
    return this.#lastLines = lines;
  }

  #sweepIn(delayMs: number): TimerHandle {
    const sweep = () => {
      const nowMs = this.#options.clock.now();
      let nextMs = Infinity;
      for (const connection of [...this.#idle]) {
        if (connection.keptUntilMs > nowMs) {
          nextMs = Math.min(nextMs, connection.keptUntilMs);
        } else {
          this.#idle.splice(this.#idle.indexOf(connection), 1);
          connection.close();
        }
      }
      this.#timer = nextMs === Infinity
        ? undefined
        : this.#sweepIn(nextMs - nowMs);
    };
    return this.#options.clock.setTimeout(sweep, delayMs, { keepAlive: false });
  }
}

/**
 * The time for which a server says it keeps a connection, less a second, so that
 * a request doesn't meet its end. Servers that say so, say it in `Keep-Alive`.
 */
function announcedMs(keepAlive: string | null): number {
  const [, seconds] = /\btimeout=(\d+)/i.exec(keepAlive ?? "") ?? [];
  return seconds === undefined ? Infinity : Number(seconds) * 1_000 - 1_000;
}
