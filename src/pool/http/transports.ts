import { isTracedByDeno } from "../../observe/trace/telemetry.ts";
import { isProxied } from "./fetch/connect_watch.ts";
import { FetchTransport } from "./fetch/fetch_transport.ts";
import { HttpClient } from "./fetch/http_client.ts";
import { Http1Transport } from "./http1/http1_transport.ts";
import type { HttpPoolSettings } from "./http_pool_options.ts";
import { TcpConnector } from "./tcp_connector.ts";
import type { Transport } from "./transport.ts";

/**
 * The transports of a pool: `http:` on connections of its own; the runtime's
 * `fetch` for `https:`, by way of proxies, where Deno makes spans of its own for
 * `fetch`, and on runtimes without `Deno.connect`.
 */
export class Transports {
  readonly #settings: HttpPoolSettings;
  readonly #client: HttpClient;
  readonly #connector = new TcpConnector();
  readonly #connectsItself: boolean;

  constructor(settings: HttpPoolSettings) {
    this.#settings = settings;
    this.#client = new HttpClient(settings);
    this.#connectsItself = TcpConnector.isPossible &&
      settings.proxy === undefined && !isProxied();
  }

  /** A transport to one origin. */
  to(origin: string): Transport {
    const { clock, keepAliveMs, connectTimeoutMs } = this.#settings;
    if (
      this.#connectsItself && origin.startsWith("http:") && !isTracedByDeno()
    ) {
      return new Http1Transport(origin, {
        connect: this.#connector.connect,
        keepAliveMs,
        clock,
      });
    }
    const mayWatch = connectTimeoutMs !== Infinity && this.#connectsItself;
    return new FetchTransport({
      client: this.#client,
      connect: mayWatch ? this.#connector.connect : undefined,
      connectTimeoutMs,
      keepAliveMs,
      clock,
    });
  }

  /** Closes what `fetch` has open; waits until nothing is being opened. */
  close(): Promise<void> {
    this.#client.close();
    return this.#connector.settled();
  }
}
