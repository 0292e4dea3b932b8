import type { TcpConnection } from "../tcp_connector.ts";
import type { TripWatch } from "../transport.ts";
import { ByteInput } from "./byte_input.ts";

const firstBytes = 2 * 1024;

/** The largest content that is copied to go out with its head, in bytes. */
const maxJoinedBytes = 64 * 1024;

/** Told that the server has taken more of what is sent. */
type SendWatch = Pick<TripWatch, "progressed">;

const encoder = new TextEncoder();

/**
 * One connection, for one request at a time. Between two it goes on reading,
 * so that it is known when the server closes it, and doesn't keep the process alive.
 */
export class Http1Connection {
  readonly input: ByteInput;
  readonly #socket: TcpConnection;
  readonly #onGone: (connection: Http1Connection) => void;
  #scratch = new Uint8Array(firstBytes);
  #isIdle = false;
  #isOpen = true;
  #writes = 0;
  /** When it is no longer to be kept, on the transport's clock. */
  keptUntilMs = Infinity;

  /** @param onGone Told when the server has closed it while nobody used it. */
  constructor(
    socket: TcpConnection,
    onGone: (connection: Http1Connection) => void,
  ) {
    this.#socket = socket;
    this.#onGone = onGone;
    this.input = new ByteInput((into) => this.#read(into));
  }

  /** True if another request could follow the one that was answered. */
  get isReusable(): boolean {
    return this.#isOpen && this.#writes === 0 && this.input.length === 0;
  }

  /**
   * Sends a head, and the content that follows it.
   *
   * @param watch Told of each part of long content that has been taken.
   */
  async send(
    head: string,
    content: Uint8Array | undefined,
    watch: SendWatch,
  ): Promise<void> {
    this.#writes++;
    await this.#write(this.#encode(head, content));
    if (content !== undefined && content.length > maxJoinedBytes) {
      await this.#write(content, watch);
    }
    this.#writes--;
  }

  /** Sends a head, and content whose length nobody knows yet (RFC 9112, section 7.1). */
  async sendStream(
    head: string,
    content: ReadableStreamDefaultReader<Uint8Array>,
    watch: SendWatch,
  ): Promise<void> {
    this.#writes++;
    await this.send(head, undefined, watch);
    for (;;) {
      const { done, value } = await content.read();
      if (done) break;
      if (value.length === 0) continue;
      await this.send(`${value.length.toString(16)}\r\n`, value, watch);
      await this.send("\r\n", undefined, watch);
      watch.progressed();
    }
    await this.send("0\r\n\r\n", undefined, watch);
    this.#writes--;
  }

  /** Nobody uses it for now. */
  rest(): void {
    this.#isIdle = true;
    this.#socket.unref();
    this.input.fill().catch(() => {});
  }

  /** Somebody uses it again. */
  wake(): void {
    this.#isIdle = false;
    this.#socket.ref();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#socket.close();
  }

  async #read(into: Uint8Array): Promise<number | null> {
    let count: number | null = null;
    try {
      return count = await this.#socket.read(into);
    } finally {
      // Nothing is expected of the server now but that it closes.
      if (this.#isIdle || count === null) this.#gone();
    }
  }

  #gone(): void {
    const wasIdle = this.#isIdle;
    this.close();
    if (wasIdle) this.#onGone(this);
  }

  async #write(bytes: Uint8Array, watch?: SendWatch): Promise<void> {
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#socket.write(bytes.subarray(sent));
      watch?.progressed();
    }
  }

  /** A head, each character as one byte, and content, if there isn't much of it. */
  #encode(head: string, content: Uint8Array | undefined): Uint8Array {
    const joined = content !== undefined && content.length <= maxJoinedBytes
      ? content
      : undefined;
    const length = head.length + (joined?.length ?? 0);
    if (this.#scratch.length < length) {
      this.#scratch = new Uint8Array(2 * length);
    }
    const { read, written } = encoder.encodeInto(head, this.#scratch);
    if (read !== head.length || written !== head.length) {
      for (let at = 0; at < head.length; at++) {
        this.#scratch[at] = head.charCodeAt(at);
      }
    }
    if (joined !== undefined) this.#scratch.set(joined, head.length);
    return this.#scratch.subarray(0, length);
  }
}
