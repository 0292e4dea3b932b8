import {
  option,
  type OptionRules,
  type ReadOptions,
} from "../base/option_rules.ts";
import type { NetworkPeer } from "../base/network_peer.ts";
import { reportFailure } from "../observe/log/logger.ts";
import { HealthRoutes, type ProbedServer } from "./health_routes.ts";
import { MetricsRoute, type ShownMetrics } from "./metrics/metrics_route.ts";
import { type AuthorizeOperator, OperatorGate } from "./operator_gate.ts";
import {
  type OperatorPages,
  type OperatorPagesOptions,
  PAGES_OPTIONS,
  type ShownServer,
} from "./operator_pages.ts";

/** The server that the operator's routes are about. */
export interface AdministeredServer extends ProbedServer, ShownServer {
  readonly info: ProbedServer["info"] & ShownServer["info"];
  readonly options: ProbedServer["options"] & {
    /** Set if there are metrics to be shown. */
    readonly metrics: boolean;
  };
}

/** Knows which hosts requests may be addressed to, against DNS rebinding. */
export interface HostGate {
  /** Tells if requests may be addressed to a URL's host. */
  allowsHost(url: URL): boolean;
  /** The answer to a request that was addressed to another. */
  forbidHost(url: URL): Response;
}

/** The choice of an operator's routes, and of who is an operator. */
export interface AdminOptions extends OperatorPagesOptions {
  /**
   * Decides who may see `/metrics`, `/dashboard`, `/debug` and what `/health/detailed`
   * says of failed checks. Needed behind a proxy on this machine that adds no
   * forwarding header: what it sends looks like a local caller's.
   * @default callers on this machine; anybody for `/metrics`
   */
  authorizeOperator?: AuthorizeOperator;
}

/** How it is read. */
export const ADMIN_OPTIONS = {
  ...PAGES_OPTIONS,
  authorizeOperator: option.function<AuthorizeOperator | undefined>(undefined),
} satisfies OptionRules<AdminOptions>;

/** The choice, with its defaults. */
export type AdminSettings = ReadOptions<typeof ADMIN_OPTIONS>;

/** The parts of what operators see. */
export interface AdminParts {
  readonly server: AdministeredServer;
  readonly hosts: HostGate;
  readonly metrics: ShownMetrics;
  readonly pages: OperatorPages;
}

const HEALTH_DETAILS = "/health/detailed";
const METRICS = "/metrics";

/** The operator's routes beside the MCP endpoint. */
export class AdminRoutes {
  readonly #server: AdministeredServer;
  readonly #hosts: HostGate;
  readonly #operators: OperatorGate;
  readonly #health: HealthRoutes;
  readonly #metrics: MetricsRoute | undefined;
  readonly #pages: OperatorPages;
  #movedAway = false;

  constructor(
    { server, hosts, metrics, pages }: AdminParts,
    authorizeOperator: AuthorizeOperator | undefined,
  ) {
    this.#server = server;
    this.#hosts = hosts;
    this.#operators = new OperatorGate(authorizeOperator);
    this.#health = new HealthRoutes(server);
    this.#metrics = server.options.metrics
      ? new MetricsRoute(metrics)
      : undefined;
    this.#pages = pages;
  }

  /** The server listens: what keeps a history begins it. */
  start(): void {
    if (!this.#movedAway) this.#pages.start();
  }

  /** Serves the probes alone from now on: the rest has a port of its own. */
  moveAway(): void {
    this.#movedAway = true;
  }

  /** Ends what is being sent: a shutdown waits for it. */
  close(): Promise<void> {
    return this.#pages.close();
  }

  /** Answers a request for one of these routes; `undefined` for any other. */
  handle(
    request: Request,
    url: URL,
    peer: NetworkPeer | undefined,
  ): Response | Promise<Response> | undefined {
    const { pathname } = url;
    const visit = { request, url, peer };
    const metrics = this.#metrics;
    if (pathname === HEALTH_DETAILS) {
      return this.#admit(
        visit,
        (refusal) =>
          this.#health.handle(request, pathname, refusal === undefined)!,
      );
    }
    if (this.#movedAway) return this.#health.handle(request, pathname, false);
    if (pathname === METRICS && metrics !== undefined) {
      // Anybody may see them for as long as nobody is named an operator.
      return !this.#operators.isGuarded && this.#hosts.allowsHost(url)
        ? metrics.handle(request)
        : this.#admit(visit, (refusal) => refusal ?? metrics.handle(request));
    }
    if (this.#pages.serves(pathname)) {
      return this.#admit(
        visit,
        (refusal) => refusal ?? this.#pages.handle(request, pathname),
      );
    }
    return this.#health.handle(request, pathname, false);
  }

  /**
   * Lets in who addresses the right host.
   *
   * @param answer is told what keeps the caller out, unless it is an operator
   */
  async #admit(
    { request, url, peer }: Visit,
    answer: (refusal: Response | undefined) => Response | Promise<Response>,
  ): Promise<Response> {
    if (!this.#hosts.allowsHost(url)) return this.#hosts.forbidHost(url);
    try {
      return await answer(await this.#operators.refusalOf(request, peer));
    } catch (error) {
      reportFailure(this.#server.log, `GET ${url.pathname}`, error);
      return Response.json({ error: "Internal error" }, { status: 500 });
    }
  }
}

interface Visit {
  readonly request: Request;
  readonly url: URL;
  readonly peer: NetworkPeer | undefined;
}
