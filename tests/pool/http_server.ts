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

  constructor(
    handler: (request: Request) => Response | Promise<Response>,
    tls: { cert?: string; key?: string } = {},
  ) {
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
    return `http://127.0.0.1:${this.#server.addr.port}`;
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
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.TcpConn>();
  readonly #accepting: Promise<void>;
  connections = 0;
  requests = 0;

  constructor(answer: (connection: RawConnection) => Promise<void> | void) {
    this.#accepting = this.#accept(answer);
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
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
    conn: Deno.TcpConn,
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

  #close(conn: Deno.TcpConn): void {
    if (this.#open.delete(conn)) conn.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#open) this.#close(conn);
    await this.#accepting.catch(() => {});
  }
}
