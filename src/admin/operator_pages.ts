import { checkFlag } from "../base/options.ts";
import type { ServerParts as Engine } from "../host/server_parts.ts";
import type { Dashboard } from "./dashboard/dashboard.ts";
import type { DebugRoutes } from "./debug_routes.ts";
import type { ServerMetrics } from "./metrics/server_metrics.ts";

/** Which pages there are for operators alone. */
export interface OperatorPagesOptions {
  /**
   * Serve `/dashboard`: a live page of all that the server measures. Its charts
   * go back five minutes.
   * @default false
   */
  dashboard?: boolean;
  /**
   * Serve `/debug/profile` and `/debug/heap`: profiles of the running server.
   * @default false
   */
  debug?: boolean;
}

/** The dashboard and the debug routes. Neither is loaded before it is needed. */
export class OperatorPages {
  readonly #engine: Engine;
  readonly #metrics: ServerMetrics;
  readonly #hasDashboard: boolean;
  readonly #hasDebug: boolean;
  #dashboard: Promise<Dashboard> | undefined;
  #debug: Promise<DebugRoutes> | undefined;
  #closed = false;

  /** @throws {InvalidOptionError} for an option that is no flag */
  constructor(
    engine: Engine,
    metrics: ServerMetrics,
    { dashboard, debug }: OperatorPagesOptions,
  ) {
    this.#engine = engine;
    this.#metrics = metrics;
    this.#hasDashboard = checkFlag("dashboard", dashboard) ?? false;
    this.#hasDebug = checkFlag("debug", debug) ?? false;
  }

  /** Whether a path is one of theirs. */
  serves(pathname: string): boolean {
    return (this.#hasDashboard && /^\/dashboard(\/|$)/.test(pathname)) ||
      (this.#hasDebug && /^\/debug\/(profile|heap)$/.test(pathname));
  }

  /** Answers a request for one of their paths; who may ask is checked before. */
  async handle(request: Request, pathname: string): Promise<Response> {
    if (this.#closed) {
      return Response.json({ error: "the server closes" }, { status: 503 });
    }
    const page = pathname.startsWith("/debug/")
      ? await this.#openDebug()
      : await this.#openDashboard();
    return await page.handle(request)!;
  }

  /** Begins to remember what the charts show. */
  async start(): Promise<void> {
    if (this.#hasDashboard) (await this.#openDashboard()).start();
  }

  #openDebug(): Promise<DebugRoutes> {
    return this.#debug ??= import("./debug_routes.ts").then(
      ({ DebugRoutes }) => new DebugRoutes({ clock: this.#engine.clock }),
    );
  }

  #openDashboard(): Promise<Dashboard> {
    return this.#dashboard ??= import("./dashboard/dashboard.ts").then(
      ({ Dashboard }) =>
        new Dashboard(this.#sources(), { clock: this.#engine.clock }),
    );
  }

  #sources(): ConstructorParameters<typeof Dashboard>[0] {
    const { info, health, log } = this.#engine;
    return {
      server: info,
      metrics: () => this.#metrics.read(),
      recentLatency: () => this.#metrics.recentLatency(),
      health: () => health.run(),
      reportFailure: (error) =>
        log.warning("the dashboard can't be filled", { error }),
    };
  }

  /** Ends what is being sent, for a shutdown waits for it, and sends no more. */
  async close(): Promise<void> {
    this.#closed = true;
    await (await this.#debug)?.close();
    (await this.#dashboard)?.close();
  }
}
