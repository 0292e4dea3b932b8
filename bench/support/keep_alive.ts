/** One kept connection that sends requests as bytes, one after another: as cheap as a client in Deno gets. */

const decoder = new TextDecoder();

/** An answer over HTTP/1.1. */
export interface HttpAnswer {
  status: number;
  /** The status line and the headers. */
  head: string;
  body: string;
}

/** A connection to the loopback that is opened again when the server has closed it between two requests. */
export class KeepAlive implements Disposable {
  readonly #port: number;
  #connection: Deno.TcpConn | undefined;
  #bytes = new Uint8Array(65_536);

  constructor(port: number) {
    this.#port = port;
  }

  /**
   * Sends a whole request and waits for its whole answer.
   *
   * @throws {Error} when the connection ends in the middle of the answer.
   */
  async send(request: Uint8Array<ArrayBuffer>): Promise<HttpAnswer> {
    this.#connection ??= await Deno.connect({
      hostname: "127.0.0.1",
      port: this.#port,
    });
    for (let sent = 0; sent < request.length;) {
      sent += await this.#connection.write(request.subarray(sent));
    }
    return await this.#receive(this.#connection);
  }

  async #receive(connection: Deno.TcpConn): Promise<HttpAnswer> {
    let size = 0;
    let text = "";
    let bodyAt = -1;
    let isWhole = (_text: string) => false;
    while (bodyAt < 0 || !isWhole(text)) {
      if (size === this.#bytes.length) this.#grow();
      const read = await connection.read(this.#bytes.subarray(size));
      if (read === null) {
        this[Symbol.dispose]();
        throw new Error(`the connection ended after ${size} bytes: ${text}`);
      }
      size += read;
      text = decoder.decode(this.#bytes.subarray(0, size));
      if (bodyAt < 0) {
        bodyAt = text.indexOf("\r\n\r\n") + 4;
        if (bodyAt < 4) bodyAt = -1;
        else isWhole = endOf(text.slice(0, bodyAt));
      }
    }
    const head = text.slice(0, bodyAt);
    if (/^connection: close/im.test(head)) this[Symbol.dispose]();
    const body = text.slice(bodyAt);
    return {
      status: Number(head.slice(9, 12)),
      head,
      body: isChunked(head) ? joinChunks(body) : body,
    };
  }

  #grow(): void {
    const larger = new Uint8Array(2 * this.#bytes.length);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }

  [Symbol.dispose](): void {
    this.#connection?.close();
    this.#connection = undefined;
  }
}

/** Says whether a text that begins with the head is the whole answer. The answers have no character beyond ASCII. */
function endOf(head: string): (text: string) => boolean {
  if (isChunked(head)) return (text) => text.endsWith("0\r\n\r\n");
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  return (text) => text.length >= head.length + length;
}

function isChunked(head: string): boolean {
  return /^transfer-encoding: *chunked/im.test(head);
}

function joinChunks(body: string): string {
  let joined = "";
  for (let at = 0;;) {
    const lineEnd = body.indexOf("\r\n", at);
    const size = parseInt(body.slice(at, lineEnd), 16);
    if (!(size > 0)) return joined;
    joined += body.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}
