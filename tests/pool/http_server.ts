import type { HttpPoolOptions } from "../../src/pool/http/http_pool_options.ts";
import { hasOpenssl, makeCertificate } from "../support/certificate.ts";

/** A certificate and its key, in PEM. */
interface Certificate {
  cert: string;
  key: string;
}

/** What a test needs to have a pool use one of its transports. */
export interface Way {
  /** For the server; without it the pool uses its own HTTP/1.1, with it `fetch`. */
  tls: Certificate | undefined;
  options: HttpPoolOptions;
}

let certificate: Promise<Certificate> | undefined;

/** Declares a test for each of a pool's transports. */
export function overEachTransport(
  name: string,
  test: (way: Way) => Promise<void>,
): void {
  Deno.test(name, () => test({ tls: undefined, options: {} }));
  Deno.test(`${name} (fetch)`, { ignore: !hasOpenssl }, async () => {
    const tls = await (certificate ??= makeCertificate());
    await test({ tls, options: { caCerts: [tls.cert], http2: false } });
  });
}

/** A web server of the test's own. */
export class TestServer implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** What was asked for, in order: "GET /path". */
  readonly requests: string[] = [];
  /** How many connections were made. */
  get connections(): number {
    return this.#ports.size;
  }
  readonly #ports = new Set<number>();
  readonly #isSecure: boolean;

  constructor(
    handler: (request: Request) => Response | Promise<Response>,
    tls: { cert?: string; key?: string } = {},
  ) {
    this.#isSecure = tls.cert !== undefined;
    this.#server = Deno.serve(
      {
        hostname: "127.0.0.1",
        port: 0,
        onListen: () => {},
        signal: this.#stop.signal,
        ...tls,
      } as
        & Deno.ServeTcpOptions
        & (Deno.TlsCertifiedKeyPem | object),
      (request, { remoteAddr }) => {
        this.#ports.add(remoteAddr.port);
        const { pathname, search } = new URL(request.url);
        this.requests.push(`${request.method} ${pathname}${search}`);
        return handler(request);
      },
    );
  }

  get origin(): string {
    const scheme = this.#isSecure ? "https" : "http";
    return `${scheme}://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#server.finished;
  }
}

/** One connection of a {@linkcode RawServer}, request already read. */
export interface RawConnection {
  request: string;
  write(text: string): Promise<void>;
  close(): void;
}

/** A server that says whatever a test has it say, and counts its connections. */
export class RawServer implements AsyncDisposable {
  readonly #listener: Deno.Listener<Deno.TcpConn | Deno.TlsConn, Deno.NetAddr>;
  readonly #scheme: string;
  readonly #open = new Set<Deno.Conn>();
  readonly #accepting: Promise<void>;
  connections = 0;
  requests = 0;

  constructor(
    answer: (connection: RawConnection) => Promise<void> | void,
    tls?: Certificate,
  ) {
    const address = { hostname: "127.0.0.1", port: 0 };
    this.#listener = tls === undefined
      ? Deno.listen(address)
      : Deno.listenTls({ ...address, ...tls });
    this.#scheme = tls === undefined ? "http" : "https";
    this.#accepting = this.#accept(answer);
  }

  get origin(): string {
    return `${this.#scheme}://127.0.0.1:${this.#listener.addr.port}`;
  }

  async #accept(
    answer: (connection: RawConnection) => Promise<void> | void,
  ): Promise<void> {
    for await (const conn of this.#listener) {
      this.connections++;
      this.#open.add(conn);
      this.#talk(conn, answer).catch(() => {});
    }
  }

  async #talk(
    conn: Deno.Conn,
    answer: (connection: RawConnection) => Promise<void> | void,
  ): Promise<void> {
    const buffer = new Uint8Array(16_384);
    for (;;) {
      const count = await conn.read(buffer);
      if (count === null) return this.#close(conn);
      this.requests++;
      await answer({
        request: new TextDecoder().decode(buffer.subarray(0, count)),
        write: async (text) => {
          await conn.write(new TextEncoder().encode(text));
        },
        close: () => this.#close(conn),
      });
    }
  }

  #close(conn: Deno.Conn): void {
    if (this.#open.delete(conn)) conn.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#open) this.#close(conn);
    await this.#accepting.catch(() => {});
  }
}

/** A port whose accept queue is full: it takes no connection, and refuses none. */
export class ClosedDoor implements AsyncDisposable {
  readonly #listener = Deno.listen({
    hostname: "127.0.0.1",
    port: 0,
    tcpBacklog: 1,
  });
  readonly #inLine: Deno.Conn[] = [];

  get origin(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  /** Lets one in, who waits already. */
  accept(): Promise<Deno.Conn> {
    return this.#listener.accept();
  }

  async fillUp(): Promise<void> {
    const { hostname, port } = this.#listener.addr;
    for (;;) {
      const signal = AbortSignal.timeout(200);
      try {
        this.#inLine.push(await Deno.connect({ hostname, port, signal }));
      } catch {
        return;
      }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#inLine) conn.close();
    return Promise.resolve();
  }
}
