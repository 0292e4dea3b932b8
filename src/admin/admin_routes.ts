import { checkFlag } from "../base/options.ts";
import type { Engine } from "../server/engine.ts";
import type { HttpTransport } from "../transport/http_transport.ts";
import type { DebugRoutes } from "./debug_routes.ts";
import { HealthRoutes } from "./health_routes.ts";
import { MetricsRoute } from "./metrics/metrics_route.ts";
import type { ServerMetrics } from "./metrics/server_metrics.ts";
import {
  type AuthorizeOperator,
  OperatorGate,
  type Peer,
} from "./operator_gate.ts";

/** Which routes an operator has, and who is one. */
export interface AdminOptions {
  /**
   * Who may see `/metrics`, `/dashboard`, `/debug` and what `/health/detailed`
   * says of failed checks.
   * @default callers on this machine; anybody for `/metrics`
   */
  authorizeOperator?: AuthorizeOperator;
  /**
   * Serve `/debug/profile` and `/debug/heap`: profiles of the running server.
   * @default false
   */
  debug?: boolean;
}

const HEALTH_DETAILS = "/health/detailed";

/** Who may use a route: operators, or anybody for as long as none are named. */
type Audience = "operators" | "guarded";

interface Route {
  readonly audience: Audience;
  handle(request: Request): Response | Promise<Response>;
}

/** The operator's routes beside the MCP endpoint; the larger ones load when asked for. */
export class AdminRoutes {
  readonly #engine: Engine;
  readonly #transport: HttpTransport;
  readonly #gate: OperatorGate;
  readonly #health: HealthRoutes;
  readonly #routes: Map<string, Route> = new Map();
  #debug: Promise<DebugRoutes> | undefined;

  constructor(
    engine: Engine,
    transport: HttpTransport,
    metrics: ServerMetrics,
    { authorizeOperator, debug }: AdminOptions,
  ) {
    this.#engine = engine;
    this.#transport = transport;
    this.#gate = new OperatorGate(authorizeOperator);
    this.#health = new HealthRoutes(engine);
    if (engine.options.metrics) {
      const route = new MetricsRoute(metrics);
      this.#add("/metrics", "guarded", (request) => route.handle(request));
    }
    if (checkFlag("debug", debug)) {
      for (const path of ["/debug/profile", "/debug/heap"]) {
        this.#add(path, "operators", (request) => this.#profile(request));
      }
    }
  }

  async #profile(request: Request): Promise<Response> {
    this.#debug ??= import("./debug_routes.ts").then(({ DebugRoutes }) =>
      new DebugRoutes({ clock: this.#engine.clock })
    );
    return await (await this.#debug).handle(request)!;
  }

  /** Ends what is being sent: a shutdown waits for it. */
  async close(): Promise<void> {
    await (await this.#debug)?.close();
  }

  #add(path: string, audience: Audience, handle: Route["handle"]): void {
    this.#routes.set(path, { audience, handle });
  }

  /** Answers a request for one of these routes; `undefined` for any other. */
  handle(
    request: Request,
    url: URL,
    peer: Peer | undefined,
  ): Response | Promise<Response> | undefined {
    const { pathname } = url;
    if (pathname === HEALTH_DETAILS) return this.#detail(request, url, peer);
    return this.#health.handle(request, pathname, false) ??
      this.#visit(request, url, peer);
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

  #visit(
    request: Request,
    url: URL,
    peer: Peer | undefined,
  ): Response | Promise<Response> | undefined {
    const route = this.#routes.get(url.pathname);
    if (route === undefined) return undefined;
    if (request.method !== "GET" && request.method !== "HEAD") {
      return Response.json({ error: "GET or HEAD only" }, {
        status: 405,
        headers: { allow: "GET, HEAD" },
      });
    }
    return this.#isOpen(route, url)
      ? route.handle(request)
      : this.#guarded(route, request, url, peer);
  }

  #isOpen({ audience }: Route, url: URL): boolean {
    return audience === "guarded" && !this.#gate.isGuarded &&
      this.#transport.allowsHost(url);
  }

  async #guarded(
    route: Route,
    request: Request,
    url: URL,
    peer: Peer | undefined,
  ): Promise<Response> {
    return await this.#caught(url, async () => {
      const refusal = this.#transport.allowsHost(url)
        ? await this.#gate.refusalOf(request, peer)
        : this.#transport.forbidHost(url);
      return refusal ?? await route.handle(request);
    });
  }

  async #caught(
    { pathname }: URL,
    answer: () => Promise<Response>,
  ): Promise<Response> {
    try {
      return await answer();
    } catch (error) {
      this.#engine.reportFailure(`GET ${pathname}`, error, {});
      return Response.json({ error: "Internal error" }, { status: 500 });
    }
  }
}
