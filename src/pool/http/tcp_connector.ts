import { abortable } from "../../base/abort.ts";

/** A connection as Deno has it. */
export interface TcpConnection {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  setNoDelay(): void;
  close(): void;
  ref(): void;
  unref(): void;
}

/** Makes a connection to an origin. */
export type TcpConnect = (
  url: URL,
  signal: AbortSignal,
) => Promise<TcpConnection>;

interface DenoConnect {
  connect?(options: {
    hostname: string;
    port: number;
    signal: AbortSignal;
  }): Promise<TcpConnection>;
}

const deno = (globalThis as { Deno?: DenoConnect }).Deno;

/**
 * The time in which a connection that is given up may still come about: longer than
 * a busy process is late for it, and between two tries of the kernel's.
 */
const graceMs = 2_000;

/** Makes connections by `Deno.connect`. */
export class TcpConnector {
  readonly #lettingGo = new Set<Promise<void>>();

  /** False on runtimes that have no `Deno.connect`. */
  static readonly isPossible: boolean = deno?.connect !== undefined;

  readonly connect: TcpConnect = async (url, signal) => {
    signal.throwIfAborted();
    const cancel = new AbortController();
    const connecting = deno!.connect!({
      hostname: url.hostname.replace(/^\[|\]$/g, ""),
      port: Number(url.port || (url.protocol === "https:" ? 443 : 80)),
      signal: cancel.signal,
    });
    signal.addEventListener("abort", () => {
      const gone = letGo(connecting, cancel);
      this.#lettingGo.add(gone);
      gone.then(() => this.#lettingGo.delete(gone));
    }, { once: true });
    return await abortable(connecting, signal);
  };

  /** Waits until nothing is left of connections that were given up. */
  async settled(): Promise<void> {
    await Promise.all(this.#lettingGo);
  }
}

/**
 * Deno loses a connection that is there when its signal aborts, but was not
 * handed over yet, and the socket stays open. So it is only cancelled when it
 * is long in coming.
 */
async function letGo(
  connecting: Promise<TcpConnection>,
  cancel: AbortController,
): Promise<void> {
  const timer = setTimeout(() => cancel.abort(), graceMs);
  try {
    (await connecting).close();
  } catch {
    // it didn't come about, or is closed already
  }
  clearTimeout(timer);
}
