import { Hono } from "hono";
import type { Engine } from "../server/engine.ts";
import { InvalidRequestError } from "../protocol/errors.ts";
import { refusal } from "../transport/http_response.ts";
import type { FetchContext, HttpOptions } from "../transport/http_options.ts";
import { HttpTransport } from "../transport/http_transport.ts";

/** Routes requests to the MCP endpoint, to `/health`, or to the author's app. */
export class HttpHost {
  readonly transport: HttpTransport;
  readonly #engine: Engine;
  #app: Hono | undefined;

  constructor(engine: Engine, options: HttpOptions) {
    this.transport = new HttpTransport(engine, options);
    this.#engine = engine;
  }

  /** The routes beside the MCP endpoint, made when somebody needs them. */
  get app(): Hono {
    return this.#app ??= this.#makeApp();
  }

  #makeApp(): Hono {
    const app = new Hono();
    app.get("/health", (c) =>
      c.json({
        status: "healthy",
        timestamp: new Date().toISOString(),
        version: this.#engine.info.version,
      }));
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
  ): Response | Promise<Response> {
    const { url } = request;
    if (this.transport.knows(url)) {
      return this.transport.handleKnown(request, context);
    }
    const parsed = URL.parse(url);
    if (parsed === null) {
      return refusal(
        400,
        new InvalidRequestError("the Host header is invalid"),
      );
    }
    return this.transport.serves(parsed.pathname)
      ? this.transport.handle(request, context)
      : this.app.fetch(request);
  }
}
