import { readEnv } from "../../../base/env.ts";
import type { Clock, TimerHandle } from "../../../base/clock.ts";
import type { TcpConnect } from "../tcp_connector.ts";

const proxyVariables = ["http_proxy", "https_proxy", "all_proxy"];

/** Says if `fetch` may go through a proxy that the environment names. */
export function isProxied(): boolean {
  return proxyVariables.some((name) =>
    (readEnv(name) ?? readEnv(name.toUpperCase())) !== undefined
  );
}

/** The time that a {@linkcode ConnectWatch} takes, and whom it tells. */
export interface ConnectWatchOptions {
  timeoutMs: number;
  clock: Clock;
  onTimeout: () => void;
}

/**
 * Notices an origin that doesn't accept connections. `fetch` doesn't tell
 * connecting from waiting for the answer, so when no answer has come by half
 * of the time, a connection is tried beside it: if that isn't accepted in the
 * other half either, the origin has had its chance. Any other trouble is for
 * `fetch` to find out.
 */
export class ConnectWatch {
  readonly #connect: TcpConnect;
  readonly #url: URL;
  readonly #options: ConnectWatchOptions;
  readonly #controller = new AbortController();
  #timer: TimerHandle;

  constructor(connect: TcpConnect, url: URL, options: ConnectWatchOptions) {
    const { timeoutMs, clock } = options;
    this.#connect = connect;
    this.#url = url;
    this.#options = options;
    this.#timer = clock.setTimeout(() => this.#probe(), timeoutMs / 2);
  }

  async #probe(): Promise<void> {
    const { timeoutMs, clock, onTimeout } = this.#options;
    this.#timer = clock.setTimeout(() => {
      this.#controller.abort();
      onTimeout();
    }, timeoutMs / 2);
    try {
      const { signal } = this.#controller;
      (await this.#connect(this.#url, signal)).close();
    } catch {
      // fetch will meet the same trouble
    }
    clock.clearTimeout(this.#timer);
  }

  /** The answer is here, or nobody waits for it any more. */
  stop(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#controller.abort();
  }
}
