import { Hono } from "hono";
import { Challenges } from "../auth/challenges.ts";
import { HttpAuth } from "../auth/http_auth.ts";
import { InvalidOptionError } from "../base/errors.ts";
import { AdminRoutes, type AdminSettings } from "../admin/admin_routes.ts";
import { ServerMetrics } from "../admin/metrics/server_metrics.ts";
import { SharedMetrics } from "../admin/metrics/shared_metrics.ts";
import { askedUrlOf, type NetworkPeer } from "../base/network_peer.ts";
import { OperatorDesk } from "../admin/operator_desk.ts";
import { OperatorPages } from "../admin/operator_pages.ts";
import type { AuthorizeOperator } from "../admin/operator_gate.ts";
import type { OperatorSetup } from "./operators/operator_messages.ts";
import type { Readiness } from "../server/lifecycle/readiness.ts";
import { endConnection } from "../transport/http/last_on_connection.ts";
import type { ServerParts } from "./server_parts.ts";
import type {
  FetchContext,
  HttpSettings,
} from "../transport/http/http_options.ts";
import { TrustedProxies } from "../transport/http/trusted_proxies.ts";
import { HttpTransport } from "../transport/http/http_transport.ts";

/** Routes requests to the MCP endpoint, to the operator's routes, or to the author's app. */
export class HttpHost {
  /** Tells who is calling, where credentials do. */
  readonly auth: HttpAuth | undefined;
  readonly transport: HttpTransport;
  readonly metrics: ServerMetrics;
  readonly admin: AdminRoutes;
  readonly #proxies: TrustedProxies | undefined;
  /** Answers what operators' pages in another thread ask. */
  readonly desk: OperatorDesk;
  /** Says who is an operator, where the author does. */
  readonly authorizeOperator: AuthorizeOperator | undefined;
  /** What they know from the start. */
  readonly operatorSetup: OperatorSetup;
  readonly #readiness: Readiness;
  #lateArrivals = 0;
  #app: Hono | undefined;

  constructor(parts: ServerParts, options: HttpSettings & AdminSettings) {
    this.auth = makeAuth(parts, options);
    this.#readiness = parts.readiness;
    this.authorizeOperator = options.authorizeOperator;
    const { scopes } = parts.options;
    const challenges = this.auth?.challenges ??
      new Challenges({ authenticators: [], scopes, metadataUrl: undefined });
    this.transport = new HttpTransport({
      ...parts,
      log: parts.quietLog,
      auth: this.auth,
      challenge: (error, authInfo) =>
        challenges.insufficientScope(error, authInfo),
    }, options);
    if (options.trustedProxies !== undefined) {
      this.#proxies = new TrustedProxies(options.trustedProxies);
    }
    this.metrics = new ServerMetrics(parts, this.transport);
    const { metrics, transport } = this;
    const { authorizeOperator } = this;
    const server = { ...parts, log: parts.quietLog };
    const pages = new OperatorPages(server, metrics, options);
    this.admin = new AdminRoutes(
      {
        server,
        hosts: transport,
        metrics: new SharedMetrics(metrics, parts.clock),
        pages,
      },
      authorizeOperator,
    );
    this.desk = new OperatorDesk({
      server,
      metrics,
      pages,
      authorize: authorizeOperator,
    });
    this.operatorSetup = operatorSetup(parts, options);
  }

  /** The routes beside the MCP endpoint, made when somebody needs them. */
  get app(): Hono {
    return this.#app ??= this.#makeApp();
  }

  #makeApp(): Hono {
    const app = new Hono();
    app.notFound((c) =>
      c.json({
        error: `There is nothing at ${c.req.path}: the MCP endpoint is at ` +
          this.transport.path,
      }, 404)
    );
    return app;
  }

  /** Number of requests that have come since the server began to drain. */
  get lateArrivals(): number {
    return this.#lateArrivals;
  }

  /** Who sent a request: the peer, or whoever a trusted proxy speaks for. */
  callerOf(
    request: Request,
    peer: NetworkPeer | undefined,
  ): NetworkPeer | undefined {
    return this.#proxies === undefined
      ? peer
      : this.#proxies.callerBehind(request, peer);
  }

  fetch(
    request: Request,
    context: FetchContext | undefined,
    peer: NetworkPeer | undefined,
  ): Response | Promise<Response> {
    if (!this.#readiness.draining) return this.#route(request, context, peer);
    this.#lateArrivals++;
    const answer = this.#route(request, context, peer);
    return answer instanceof Promise
      ? answer.then(endConnection)
      : endConnection(answer);
  }

  #route(
    request: Request,
    context: FetchContext | undefined,
    peer: NetworkPeer | undefined,
  ): Response | Promise<Response> {
    const caller = this.callerOf(request, peer);
    return this.transport.answer(request, context, caller) ??
      this.admin.handle(
        request,
        new URL(askedUrlOf(request, caller)),
        caller,
      ) ??
      (this.#readiness.closing ? shuttingDown() : this.app.fetch(request));
  }
}

/** Turns away what would be new work for the author's own routes. */
function shuttingDown(): Response {
  return Response.json(
    { error: "The server is shutting down: try again in a second" },
    { status: 503, headers: { "retry-after": "1" } },
  );
}

function operatorSetup(
  { info, options: { metrics, health } }: ServerParts,
  options: HttpSettings & AdminSettings,
): OperatorSetup {
  const { name, title, version } = info;
  const { dashboard, debug, allowedHosts, publicUrl, trustedProxies } = options;
  return {
    facts: {
      info: { name, title, version },
      options: { metrics, health: { readiness: health.readiness } },
    },
    pages: { dashboard, debug },
    isGuarded: options.authorizeOperator !== undefined,
    allowedHosts,
    publicUrl: publicUrl?.href,
    trustedProxies,
  };
}

/** @throws {InvalidOptionError} */
function makeAuth(
  { info, log, options: { scopes } }: ServerParts,
  { auth, authenticate, path, publicUrl }: HttpSettings,
): HttpAuth | undefined {
  if (auth === undefined) return undefined;
  if (authenticate !== undefined) {
    throw new InvalidOptionError(
      "auth and authenticate both say who is calling: take one of them",
    );
  }
  return new HttpAuth({
    authenticators: auth,
    log,
    name: info.title ?? info.name,
    path,
    publicUrl,
    scopes,
  });
}
