/** A client that listens on a stream by hand: ten thousand of them fit into one process. */
import { post } from "./http_socket.ts";
import { modernRequest } from "./wire.ts";

const decoder = new TextDecoder();
const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";

/** What a listener wants to hear. */
export type Wanted = {
  toolsListChanged?: true;
  resourceSubscriptions?: string[];
};

/** One open `subscriptions/listen` stream, or one of another server that answers alike. */
export class Listener implements Disposable {
  /** Notices so far. */
  heard = 0;
  readonly #connection: Deno.TcpConn;
  readonly #frame: string;
  readonly #onHeard: () => void;

  private constructor(
    connection: Deno.TcpConn,
    frame: string,
    onHeard: () => void,
  ) {
    this.#connection = connection;
    this.#frame = frame;
    this.#onHeard = onHeard;
    this.#read();
  }

  /**
   * Opens a stream, and waits until it is acknowledged.
   *
   * @param frame what each notice has in it, once
   */
  static async open(
    port: number,
    wanted: Wanted,
    frame: string,
    onHeard: () => void = () => {},
    acknowledged = ACKNOWLEDGED,
  ): Promise<Listener> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    const request = modernRequest("subscriptions/listen", {
      notifications: wanted,
    });
    await post(connection, request, acknowledged);
    return new Listener(connection, frame, onHeard);
  }

  async #read(): Promise<void> {
    const bytes = new Uint8Array(2_048);
    try {
      for (;;) {
        const size = await this.#connection.read(bytes);
        if (size === null) return;
        const text = decoder.decode(bytes.subarray(0, size));
        const frames = text.split(this.#frame).length - 1;
        this.heard += frames;
        for (let i = 0; i < frames; i++) this.#onHeard();
      }
    } catch {
      // It was closed.
    }
  }

  [Symbol.dispose](): void {
    try {
      this.#connection.close();
    } catch {
      // The server has ended it.
    }
  }
}

/** Opens many listeners, some at a time. */
export async function openMany(
  count: number,
  open: (index: number) => Promise<Listener>,
): Promise<Listener[]> {
  const listeners: Listener[] = [];
  let next = 0;
  await Promise.all(Array.from({ length: 16 }, async () => {
    while (next < count) {
      const index = next++;
      listeners[index] = await open(index);
    }
  }));
  return listeners;
}
