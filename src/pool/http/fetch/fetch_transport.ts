import type { Clock } from "../../../base/clock.ts";
import { HttpTimeoutError } from "../http_errors.ts";
import type { HttpRequest } from "../http_request.ts";
import type { RoundTrip, Transport, TripWatch } from "../transport.ts";
import type { TcpConnect } from "../tcp_connector.ts";
import { ConnectWatch } from "./connect_watch.ts";
import { FetchTrip } from "./fetch_trip.ts";
import type { HttpClient } from "./http_client.ts";

/** Everything a {@linkcode FetchTransport} needs. */
export interface FetchTransportOptions {
  client: HttpClient;
  /** Tries connections; without it none are tried. */
  connect: TcpConnect | undefined;
  connectTimeoutMs: number;
  keepAliveMs: number;
  clock: Clock;
}

/** The runtime's `fetch`, which knows TLS, HTTP/2 and proxies. */
export class FetchTransport implements Transport {
  readonly #options: FetchTransportOptions;
  #heardAtMs = -Infinity;

  constructor(options: FetchTransportOptions) {
    this.#options = options;
  }

  begin(request: HttpRequest, watch: TripWatch): RoundTrip {
    return new FetchTrip(this.#options.client, request, {
      watchConnect: () => this.#watchConnect(request, watch),
      heard: () => {
        this.#heardAtMs = this.#options.clock.now();
      },
    });
  }

  /** Its connections are the client's. */
  close(): void {}

  /**
   * Not for what answered so lately that its connections may still be open, nor
   * for what may do harm when it is repeated: the watch can be wrong where
   * connections are refused while the request is at work.
   */
  #watchConnect(
    { idempotent, href }: HttpRequest,
    watch: TripWatch,
  ): ConnectWatch | undefined {
    const { connect, connectTimeoutMs, keepAliveMs, clock } = this.#options;
    const isWarm = clock.now() - this.#heardAtMs < keepAliveMs;
    if (isWarm || connect === undefined || !idempotent) return undefined;
    return new ConnectWatch(connect, new URL(href), {
      timeoutMs: connectTimeoutMs,
      clock,
      onTimeout: () =>
        watch.abort(new HttpTimeoutError(href, "connect", connectTimeoutMs)),
    });
  }
}
