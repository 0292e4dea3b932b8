import { makeParts } from "./make_parts.ts";
import { readServer } from "../server/server_figures.ts";
import type { Hono } from "hono";
import {
  AlreadyServingError,
  ClosedError,
  InvalidOptionError,
} from "../base/errors.ts";
import {
  checkFunction,
  checkKnown,
  checkName,
  quote,
} from "../base/options.ts";
import { readOptions } from "../base/option_rules.ts";
import type { JsonObject } from "../protocol/jsonrpc.ts";
import type {
  Implementation,
  LoggingMessageNotification,
} from "../protocol/types.ts";
import type { AdminOptions } from "../admin/admin_routes.ts";
import type { NetworkPeer } from "../base/network_peer.ts";
import type { Metrics } from "../observe/metrics/metrics.ts";
import type { MetricsDocument } from "../observe/metrics/metrics_document.ts";
import type { HealthChecks } from "../observe/health/health_checks.ts";
import type { Logger } from "../observe/log/logger.ts";
import { mountParts, type ServerParts, watch } from "./server_parts.ts";
import { checkInfo, resolveOptions } from "./resolved_options.ts";
import { LowLevelServer } from "./low_level_server.ts";
import type { Middleware } from "../server/calls/middleware.ts";
import type { McpServerOptions } from "./server_options.ts";
import {
  connectTransport,
  type Transport,
} from "../transport/sdk_transport.ts";
import { type CallOptions, directCall } from "../transport/direct_call.ts";
import type {
  FetchContext,
  HttpOptions,
} from "../transport/http/http_options.ts";
import {
  serveStdio,
  STDIO_OPTIONS,
  type StdioOptions,
} from "../transport/stdio.ts";
import { HttpHost } from "./http_host.ts";
import { V1Registrations } from "./v1_registrations.ts";
import { EndSignal } from "./end_signal.ts";
import { serveHttp, startOrTell } from "./serve.ts";
import {
  type RunningServer,
  SERVE_OPTIONS,
  type ServeOptions,
} from "./serve_options.ts";

/** The type of {@linkcode McpServer.app}: Hono's own. */
export type HonoApp = Hono;

/** Numbers that tell what a server is at. */
export interface ServerStats {
  /** Requests without an answer yet. */
  inFlight: number;
  /** Sessions of legacy clients. */
  sessions: number;
  /** Open event streams. */
  streams: number;
  /** Open `subscriptions/listen` streams. */
  subscriptions: number;
  /** Tasks at work here. */
  tasks: number;
}

/**
 * An MCP server: tools, resources and prompts, served to clients of every
 * revision from 2024-11-05 to 2026-07-28 over HTTP, stdio and in memory. It is
 * registered with as the official TypeScript SDK's is.
 *
 * @example
 * ```ts
 * import { McpServer } from "@sluice/mcp";
 * import { z } from "zod";
 *
 * const server = new McpServer({ name: "greeter", version: "1.0.0" });
 * server.registerTool("greet", {
 *   description: "Greets somebody",
 *   inputSchema: z.object({ name: z.string() }),
 * }, ({ name }) => `Hello, ${name}!`);
 *
 * // `export default server` is all that `deno serve` needs.
 * ```
 */
export class McpServer<Lifespan = unknown> extends V1Registrations<Lifespan>
  implements AsyncDisposable {
  readonly #lowLevel: LowLevelServer;
  readonly #parts: ServerParts;
  readonly #host: HttpHost;
  #running: Promise<RunningServer> | undefined;
  #connected = 0;

  /**
   * Makes a server that listens to nobody yet.
   *
   * @param info what the server says it is
   * @throws {InvalidOptionError} naming the option
   */
  constructor(
    info: Implementation,
    options: McpServerOptions<Lifespan> & HttpOptions & AdminOptions = {},
  ) {
    checkInfo(info);
    const read = resolveOptions(options as McpServerOptions & HttpOptions);
    const parts = makeParts(info, read);
    super(parts.catalog);
    this.#parts = parts;
    this.#host = new HttpHost(parts, read);
    this.#lowLevel = new LowLevelServer(parts, this);
    // Runtimes take `fetch` off the default export and call it bare.
    this.fetch = this.fetch.bind(this);
  }

  /** Methods of your own, and what concerns no request. */
  get server(): LowLevelServer {
    // It alone asks which call the code that asks runs for.
    this.#parts.dispatcher.keepScopes();
    return this.#lowLevel;
  }

  /** Wraps every request; the first registered is the outermost. */
  use(middleware: Middleware): this {
    this.#parts.dispatcher.use(checkFunction("a middleware", middleware));
    return this;
  }

  /**
   * Shows another server's registrations here, present and future: tools and
   * prompts as `prefix_name`, resources as `scheme://prefix/…`. Its handlers keep
   * their own lifespan, which opens and closes with this server's.
   */
  mount(prefix: string, other: McpServer<never> | McpServer): this {
    if (!(other instanceof McpServer)) {
      throw new InvalidOptionError(
        `mount takes a prefix and an McpServer, got ${quote(other)}`,
      );
    }
    checkName("mount: the prefix", prefix);
    mountParts(this.#parts, prefix, other.#parts);
    return this;
  }

  /**
   * Tells the operator what happens, where the server itself does: see the
   * options `log` and `logLevel`. `ctx.log` tells a client instead.
   */
  get log(): Logger {
    return this.#parts.log;
  }

  /**
   * Checks that `/health/detailed` reports. Values of the lifespan that can
   * tell their own health, such as pools and shared caches, are in it by
   * themselves, each under its key, for as long as the lifespan is open.
   *
   * @example
   * ```ts
   * import { McpServer } from "@sluice/mcp";
   *
   * const server = new McpServer({ name: "users", version: "1.0.0" });
   * server.health.add("api", async (signal) => {
   *   const { ok } = await fetch("https://api.example.com/ping", { signal });
   *   return ok;
   * }, { critical: false });
   * ```
   */
  get health(): HealthChecks {
    return this.#parts.health;
  }

  /** A Hono app for routes of your own beside the MCP endpoint. */
  get app(): HonoApp {
    return this.#host.app;
  }

  /**
   * Answers an HTTP request: the MCP endpoint, the probes under `/health`, and
   * the routes of {@linkcode app}. Works wherever `Request` and `Response` do.
   *
   * @param context who is calling, if the host has checked it
   */
  fetch(
    request: Request,
    context?: FetchContext | object,
  ): Response | Promise<Response> {
    return this.#host.fetch(
      request,
      context as FetchContext,
      context as NetworkPeer,
    );
  }

  /**
   * Listens for HTTP. Resolves once it does; the lifespan is open by then. With
   * `workers` it is so in each of them, which run this program, too.
   *
   * @throws {AlreadyServingError} if it does so already
   * @throws whatever the lifespan throws, with everything closed again
   */
  async serve(options: ServeOptions = {}): Promise<RunningServer> {
    checkKnown("serve", options, SERVE_OPTIONS);
    if (this.#parts.readiness.closing) throw new ClosedError("the server");
    if (this.#running !== undefined) throw new AlreadyServingError();
    return await (this.#running = this.#listen(options));
  }

  /** One that could not begin may be tried again, on another port for example. */
  async #listen(options: ServeOptions): Promise<RunningServer> {
    try {
      return await serveHttp(this.#parts, this.#host, options);
    } catch (error) {
      this.#running = undefined;
      throw error;
    }
  }

  /** Serves one client over stdin and stdout; resolves when the input has ended. */
  async serveStdio(options: StdioOptions = {}): Promise<void> {
    const read = readOptions("serveStdio", options, STDIO_OPTIONS);
    const authInfo = read.authInfo ??
      await this.#host.auth?.fromEnvironment();
    using endSignal = new EndSignal(read);
    await startOrTell(this.#parts, endSignal, () => watch(this.#parts));
    try {
      await serveStdio(this.#parts, {
        ...read,
        authInfo,
        signal: endSignal.signal,
      });
    } finally {
      endSignal[Symbol.dispose]();
      await this.close();
    }
  }

  /** Serves the client at the other end of a transport of the official SDK. */
  async connect(transport: Transport): Promise<void> {
    await this.#parts.lifespan.start();
    const { onclose } = transport;
    transport.onclose = () => {
      this.#connected--;
      if (this.#lowLevel.transport === transport) {
        this.#lowLevel.transport = undefined;
      }
      onclose?.();
    };
    this.#lowLevel.transport = transport;
    await connectTransport(this.#parts, transport);
    this.#connected++;
  }

  /**
   * Makes one request without a transport, for tests and benches.
   *
   * @throws {ProtocolError} if the server answers with an error
   *
   * @example
   * ```ts
   * import { McpServer } from "@sluice/mcp";
   *
   * const server = new McpServer({ name: "test", version: "1.0.0" });
   * server.registerTool("one", {}, () => 1);
   * const result = await server.call("tools/call", { name: "one" });
   * ```
   */
  call(
    method: string,
    params: Record<string, unknown> = {},
    options?: CallOptions,
  ): Promise<JsonObject> {
    return directCall(this.#parts.intake, method, params, options);
  }

  /** Tells if a transport is connected. */
  isConnected(): boolean {
    return this.#connected > 0;
  }

  /** Tells those who listen that the list of tools has changed; registering does so by itself. */
  sendToolListChanged(): void {
    this.#parts.changes.announceList("tools");
  }

  /** Likewise for the list of prompts. */
  sendPromptListChanged(): void {
    this.#parts.changes.announceList("prompts");
  }

  /** Likewise for the list of resources. */
  sendResourceListChanged(): void {
    this.#parts.changes.announceList("resources");
  }

  /** Tells those who subscribed to a resource that it has changed. */
  sendResourceUpdated(uri: string): void {
    this.#parts.changes.resourceUpdated(uri);
  }

  /** Sends a log message outside any request. */
  sendLoggingMessage(
    params: LoggingMessageNotification["params"],
    sessionId?: string,
  ): Promise<void> {
    return this.#lowLevel.sendLoggingMessage(params, sessionId);
  }

  /** A snapshot of what the server is at. */
  get stats(): ServerStats {
    return readServer(this.#parts, this.#host.transport.streams);
  }

  /** Metrics of your own, which `/metrics` shows with the server's. */
  get metrics(): Metrics {
    return this.#parts.metrics;
  }

  /**
   * All that the server measures: what `/metrics` answers to who asks for JSON.
   *
   * @example
   * ```ts
   * import { McpServer } from "@sluice/mcp";
   *
   * const server = new McpServer({ name: "shop", version: "1.0.0" });
   * server.registerTool("get_server_metrics", {}, () => server.readMetrics());
   * ```
   */
  readMetrics(): MetricsDocument {
    return this.#host.metrics.read();
  }

  /**
   * Ends in good order: no new requests, those in flight finish, streams and
   * sessions end, and the lifespan closes last.
   */
  async close(): Promise<void> {
    const running = await this.#running?.catch(() => undefined);
    await running?.shutdown();
    // Under another host, such as `deno serve`, nothing else has ended them.
    await this.#host.admin.close();
    await this.#parts.closing.close();
    this.#host.transport.close();
    this.#lowLevel.onclose?.();
  }

  /** Closes the server: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
