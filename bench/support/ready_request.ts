/** A request of the benches as the bytes that go over a connection. */
import type { WireRequest } from "./wire.ts";

const encoder = new TextEncoder();

/** One request to `/mcp`, ready to be sent, in a session or without. */
export class ReadyRequest {
  readonly #head: string;
  readonly #body: string;
  readonly #bare: Uint8Array<ArrayBuffer>;

  constructor(port: number, { method = "POST", headers, body }: WireRequest) {
    const lines = Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\r\n`).join("");
    this.#head = `${method} /mcp HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n` +
      `content-length: ${encoder.encode(body).length}\r\n${lines}`;
    this.#body = body;
    this.#bare = this.#encode("");
  }

  /** Its bytes, with the header line of a session if there is one. */
  bytes(session = ""): Uint8Array<ArrayBuffer> {
    return session === "" ? this.#bare : this.#encode(session);
  }

  #encode(session: string): Uint8Array<ArrayBuffer> {
    return encoder.encode(`${this.#head}${session}\r\n${this.#body}`);
  }
}
