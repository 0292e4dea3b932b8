import { Hono } from "hono";
import type { Engine } from "../server/engine.ts";
import { isLoopback } from "../transport/gate.ts";
import {
  type FetchContext,
  type HttpOptions,
  HttpTransport,
} from "../transport/http_transport.ts";

/** Routes requests to the MCP endpoint, to `/health`, or to the author's app. */
export class HttpHost {
  readonly app: Hono = new Hono();
  readonly transport: HttpTransport;
  readonly #engine: Engine;

  /** @param hostname the address to listen on, if this host does */
  constructor(engine: Engine, options: HttpOptions, hostname?: string) {
    this.#engine = engine;
    this.transport = new HttpTransport(engine, {
      ...options,
      // Who listens beyond the loopback means to be called by other names.
      allowedHosts: options.allowedHosts ??
        (hostname === undefined || isLoopback(hostname) ? undefined : "*"),
    });
    this.app.get("/health", (c) =>
      c.json({
        status: "healthy",
        timestamp: new Date().toISOString(),
        version: engine.info.version,
      }));
  }

  fetch(
    request: Request,
    context: FetchContext | undefined,
  ): Response | Promise<Response> {
    if (
      this.transport.knows(request.url) ||
      this.transport.serves(new URL(request.url).pathname)
    ) {
      return this.transport.handle(request, context);
    }
    return this.app.fetch(request);
  }

  /** Whether new requests are still taken. */
  get open(): boolean {
    return !this.#engine.closing;
  }
}
