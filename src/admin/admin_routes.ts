import { reportFailure } from "../server/calls/call_log.ts";
import type { ServerParts as Engine } from "../host/server_parts.ts";
import type { HttpTransport } from "../transport/http/http_transport.ts";
import { HealthRoutes } from "./health_routes.ts";
import { MetricsRoute } from "./metrics/metrics_route.ts";
import type { ServerMetrics } from "./metrics/server_metrics.ts";
import {
  type AuthorizeOperator,
  OperatorGate,
  type Peer,
} from "./operator_gate.ts";
import { OperatorPages, type OperatorPagesOptions } from "./operator_pages.ts";

/** Which routes an operator has, and who is one. */
export interface AdminOptions extends OperatorPagesOptions {
  /**
   * Who may see `/metrics`, `/dashboard`, `/debug` and what `/health/detailed`
   * says of failed checks. Needed behind a proxy on this machine that adds no
   * forwarding header: what it sends looks like a local caller's.
   * @default callers on this machine; anybody for `/metrics`
   */
  authorizeOperator?: AuthorizeOperator;
}

const HEALTH_DETAILS = "/health/detailed";
const METRICS = "/metrics";

/** The operator's routes beside the MCP endpoint. */
export class AdminRoutes {
  readonly #engine: Engine;
  readonly #transport: HttpTransport;
  readonly #gate: OperatorGate;
  readonly #health: HealthRoutes;
  readonly #metrics: MetricsRoute | undefined;
  readonly #pages: OperatorPages;

  constructor(
    engine: Engine,
    transport: HttpTransport,
    metrics: ServerMetrics,
    options: AdminOptions,
  ) {
    this.#engine = engine;
    this.#transport = transport;
    this.#gate = new OperatorGate(options.authorizeOperator);
    this.#health = new HealthRoutes(engine);
    this.#metrics = engine.options.metrics
      ? new MetricsRoute(metrics)
      : undefined;
    this.#pages = new OperatorPages(engine, metrics, options);
  }

  /** The server listens: what keeps a history begins it. */
  start(): Promise<void> {
    return this.#pages.start();
  }

  /** Ends what is being sent: a shutdown waits for it. */
  close(): Promise<void> {
    return this.#pages.close();
  }

  /** Answers a request for one of these routes; `undefined` for any other. */
  handle(
    request: Request,
    url: URL,
    peer: Peer | undefined,
  ): Response | Promise<Response> | undefined {
    const { pathname } = url;
    if (pathname === HEALTH_DETAILS) return this.#detail(request, url, peer);
    if (pathname === METRICS && this.#metrics !== undefined) {
      return this.#measure(this.#metrics, request, url, peer);
    }
    if (this.#pages.serves(pathname)) {
      return this.#forOperators(
        request,
        url,
        peer,
        () => this.#pages.handle(request, pathname),
      );
    }
    return this.#health.handle(request, pathname, false);
  }

  /** Anybody may see the metrics for as long as nobody is named an operator. */
  #measure(
    metrics: MetricsRoute,
    request: Request,
    url: URL,
    peer: Peer | undefined,
  ): Response | Promise<Response> {
    return !this.#gate.isGuarded && this.#transport.allowsHost(url)
      ? metrics.handle(request)
      : this.#forOperators(request, url, peer, () => metrics.handle(request));
  }

  async #detail(
    request: Request,
    url: URL,
    peer: Peer | undefined,
  ): Promise<Response> {
    return await this.#caught(url, async () => {
      if (!this.#transport.allowsHost(url)) {
        return this.#transport.forbidHost(url);
      }
      const refusal = await this.#gate.refusalOf(request, peer);
      const mayRead = refusal === undefined;
      return await this.#health.handle(request, url.pathname, mayRead)!;
    });
  }

  async #forOperators(
    request: Request,
    url: URL,
    peer: Peer | undefined,
    answer: () => Response | Promise<Response>,
  ): Promise<Response> {
    return await this.#caught(url, async () => {
      const refusal = this.#transport.allowsHost(url)
        ? await this.#gate.refusalOf(request, peer)
        : this.#transport.forbidHost(url);
      return refusal ?? await answer();
    });
  }

  async #caught(
    { pathname }: URL,
    answer: () => Promise<Response>,
  ): Promise<Response> {
    try {
      return await answer();
    } catch (error) {
      reportFailure(this.#engine.log, `GET ${pathname}`, error);
      return Response.json({ error: "Internal error" }, { status: 500 });
    }
  }
}
