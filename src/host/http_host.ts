import { Hono } from "hono";
import { type AdminOptions, AdminRoutes } from "../admin/admin_routes.ts";
import { ServerMetrics } from "../admin/metrics/server_metrics.ts";
import type { Peer } from "../admin/operator_gate.ts";
import type { ServerParts } from "./server_parts.ts";
import type {
  FetchContext,
  HttpOptions,
} from "../transport/http/http_options.ts";
import { HttpTransport } from "../transport/http/http_transport.ts";

/** Routes requests to the MCP endpoint, to the operator's routes, or to the author's app. */
export class HttpHost {
  readonly transport: HttpTransport;
  readonly metrics: ServerMetrics;
  readonly admin: AdminRoutes;
  #app: Hono | undefined;

  constructor(parts: ServerParts, options: HttpOptions & AdminOptions) {
    const served = { ...parts, log: parts.quietLog };
    this.transport = new HttpTransport(served, options);
    this.metrics = new ServerMetrics(parts, this.transport);
    this.admin = new AdminRoutes(
      served,
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

  fetch(
    request: Request,
    context: FetchContext | undefined,
    peer: Peer | undefined,
  ): Response | Promise<Response> {
    return this.transport.answer(request, context) ??
      this.admin.handle(request, new URL(request.url), peer) ??
      this.app.fetch(request);
  }
}
