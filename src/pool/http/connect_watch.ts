import type { Clock, TimerHandle } from "../../base/clock.ts";

/** Opens a connection, only to see whether that can be done. */
export type HttpConnect = (
  url: URL,
  signal: AbortSignal,
) => Promise<{ close(): void }>;

interface DenoConnect {
  connect?(options: {
    hostname: string;
    port: number;
    signal: AbortSignal;
  }): Promise<{ close(): void }>;
}

const deno = (globalThis as { Deno?: DenoConnect }).Deno;

/** By `Deno.connect`; undefined on other runtimes. */
export const denoConnect: HttpConnect | undefined = deno?.connect === undefined
  ? undefined
  : (url, signal) =>
    deno.connect!({
      hostname: url.hostname.replace(/^\[|\]$/g, ""),
      port: Number(url.port) || (url.protocol === "https:" ? 443 : 80),
      signal,
    });

/**
 * Notices an origin that doesn't accept connections. `fetch` doesn't tell
 * connecting from waiting for the answer, so when no answer has come by half
 * of the time, a connection is tried beside it: if that isn't accepted in the
 * other half either, the origin has had its chance. Any other trouble is for
 * `fetch` to find out.
 */
export class HttpConnectWatch implements Disposable {
  readonly #clock: Clock;
  readonly #controller = new AbortController();
  #timer: TimerHandle;

  constructor(
    connect: HttpConnect,
    url: URL,
    timeoutMs: number,
    clock: Clock,
    onTimeout: () => void,
  ) {
    this.#clock = clock;
    this.#timer = clock.setTimeout(() => {
      this.#timer = clock.setTimeout(() => {
        this.#controller.abort();
        onTimeout();
      }, timeoutMs / 2);
      this.#probe(connect, url);
    }, timeoutMs / 2);
  }

  async #probe(connect: HttpConnect, url: URL): Promise<void> {
    try {
      const connection = await connect(url, this.#controller.signal);
      connection.close();
    } catch {
      // fetch will meet the same trouble
    }
    this.#clock.clearTimeout(this.#timer);
  }

  [Symbol.dispose](): void {
    this.#clock.clearTimeout(this.#timer);
    this.#controller.abort();
  }
}
