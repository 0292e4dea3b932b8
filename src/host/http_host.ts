import { Hono } from "hono";
import { Challenges } from "../auth/challenges.ts";
import { checkAuth, HttpAuth } from "../auth/http_auth.ts";
import { InvalidOptionError } from "../base/errors.ts";
import { type AdminOptions, AdminRoutes } from "../admin/admin_routes.ts";
import { ServerMetrics } from "../admin/metrics/server_metrics.ts";
import type { Peer } from "../admin/operator_gate.ts";
import type { Readiness } from "../server/lifecycle/readiness.ts";
import { endConnection } from "../transport/http/last_on_connection.ts";
import type { ServerParts } from "./server_parts.ts";
import type {
  FetchContext,
  HttpOptions,
} from "../transport/http/http_options.ts";
import { HttpTransport } from "../transport/http/http_transport.ts";

/** Routes requests to the MCP endpoint, to the operator's routes, or to the author's app. */
export class HttpHost {
  /** Tells who is calling, where credentials do. */
  readonly auth: HttpAuth | undefined;
  readonly transport: HttpTransport;
  readonly metrics: ServerMetrics;
  readonly admin: AdminRoutes;
  readonly #readiness: Readiness;
  #lateArrivals = 0;
  #app: Hono | undefined;

  constructor(parts: ServerParts, options: HttpOptions & AdminOptions) {
    this.auth = makeAuth(parts, options);
    this.#readiness = parts.readiness;
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
    this.metrics = new ServerMetrics(parts, this.transport);
    this.admin = new AdminRoutes(
      { ...parts, log: parts.quietLog },
      this.transport,
      this.metrics,
      options,
    );
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

  fetch(
    request: Request,
    context: FetchContext | undefined,
    peer: Peer | undefined,
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
    peer: Peer | undefined,
  ): Response | Promise<Response> {
    return this.transport.answer(request, context, peer) ??
      this.admin.handle(request, new URL(request.url), peer) ??
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

/** @throws {InvalidOptionError} */
function makeAuth(
  { info, log, options: { scopes } }: ServerParts,
  { auth, authenticate, path = "/mcp", publicUrl }: HttpOptions,
): HttpAuth | undefined {
  if (auth === undefined) return undefined;
  if (authenticate !== undefined) {
    throw new InvalidOptionError(
      "auth and authenticate both say who is calling: take one of them",
    );
  }
  return new HttpAuth({
    authenticators: checkAuth(auth),
    log,
    name: info.title ?? info.name,
    path,
    publicUrl,
    scopes,
  });
}
