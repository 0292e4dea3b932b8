import { within } from "./wire.ts";

const encoder = new TextEncoder();

/** A client that says exactly what it is told to, byte by byte. */
export class RawSocket implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly #decoder = new TextDecoder();
  #open = true;
  /** Everything received so far. */
  received = "";

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  static async open(port: number): Promise<RawSocket> {
    return new RawSocket(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async write(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? encoder.encode(data) : data;
    for (let at = 0; at < bytes.length;) {
      at += await this.#connection.write(bytes.subarray(at));
    }
  }

  /** Reads until a text has come, or to the end. */
  async readUntil(text: string): Promise<string> {
    const buffer = new Uint8Array(64 * 1024);
    while (!this.received.includes(text)) {
      const count = await within(this.#connection.read(buffer));
      if (count === null) break;
      this.received += this.#decoder.decode(buffer.subarray(0, count), {
        stream: true,
      });
    }
    return this.received;
  }

  readToEnd(): Promise<string> {
    return this.readUntil("\u0000 nothing says this");
  }

  /** Closes without a word, as a client that crashes. */
  drop(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.drop();
  }
}

/** One exchange: sends a text, reads to the end of the connection. */
export async function exchange(
  port: number,
  request: string,
): Promise<{ status: number; body: string }> {
  using socket = await RawSocket.open(port);
  // A server that refuses early may close while there is still something to send.
  const writing = socket.write(request).catch(() => {});
  const text = await socket.readToEnd().catch(() => socket.received);
  socket.drop();
  await writing;
  const [head, ...body] = text.split("\r\n\r\n");
  return {
    status: Number(head.split(" ")[1] ?? 0),
    body: body.join("\r\n\r\n"),
  };
}

/** An HTTP/1.1 request as text; a body goes with its length unless told otherwise. */
export function httpText(
  { line = "POST /mcp HTTP/1.1", host = "localhost", headers = {}, body = "" }:
    {
      line?: string;
      host?: string | null;
      headers?: Record<string, string | null>;
      body?: string;
    },
): string {
  const whole: Record<string, string | null> = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
    "Content-Length": String(encoder.encode(body).length),
    ...headers,
  };
  const lines = Object.entries(whole).filter((each) => each[1] !== null)
    .map(([name, value]) => `${name}: ${value}`);
  const hostLine = host === null ? [] : [`Host: ${host}`];
  return [line, ...hostLine, ...lines, "", body].join("\r\n");
}
