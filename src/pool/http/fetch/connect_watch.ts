import { readEnv } from "../../../base/env.ts";
import type { Clock, TimerHandle } from "../../../base/clock.ts";

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

const proxyVariables = ["http_proxy", "https_proxy", "all_proxy"];

/** Says if `fetch` may go through a proxy that the environment names. */
export function isProxied(): boolean {
  return proxyVariables.some((name) =>
    (readEnv(name) ?? readEnv(name.toUpperCase())) !== undefined
  );
}

/** By `Deno.connect`; undefined on other runtimes. */
export const connectDirectly: HttpConnect | undefined =
  deno?.connect === undefined ? undefined : (url, signal) =>
    deno.connect!({
      hostname: url.hostname.replace(/^\[|\]$/g, ""),
      port: Number(url.port || (url.protocol === "https:" ? 443 : 80)),
      signal,
    });

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
  readonly #connect: HttpConnect;
  readonly #url: URL;
  readonly #options: ConnectWatchOptions;
  readonly #controller = new AbortController();
  #timer: TimerHandle;

  constructor(connect: HttpConnect, url: URL, options: ConnectWatchOptions) {
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
