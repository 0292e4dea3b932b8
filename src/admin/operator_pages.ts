import type { Clock, TimerHandle } from "../base/clock.ts";
import { option, type OptionRules } from "../base/option_rules.ts";
import type { HealthChecks } from "../observe/health/health_checks.ts";
import type { Log } from "../observe/log/log.ts";
import type { MetricsDocument } from "../observe/metrics/metrics_document.ts";
import type { Dashboard } from "./dashboard/dashboard.ts";
import type {
  DashboardSources,
  ShownTrouble,
} from "./dashboard/dashboard_feed.ts";
import type { DebugRoutes } from "./debug_routes.ts";

/** The server that the pages show. */
export interface ShownServer {
  readonly info: {
    readonly name: string;
    readonly title?: string;
    readonly version: string;
  };
  readonly health: Pick<HealthChecks, "run">;
  readonly trouble: { list(): readonly ShownTrouble[] };
  readonly log: Log;
  readonly clock: Clock;
  /** Takes the profiles, where that isn't done in this thread. */
  readonly profiles?: Profiles;
}

/** Answers requests for profiles. */
type Profiles = Pick<DebugRoutes, "handle" | "close">;

/** The figures that the dashboard shows. */
export type ShownFigures = Pick<DashboardSources, "recentLatency"> & {
  read(): MetricsDocument;
};

/** The choice of pages for operators alone. */
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

/** How it is read. */
export const PAGES_OPTIONS = {
  dashboard: option.flag(false),
  debug: option.flag(false),
} satisfies OptionRules<OperatorPagesOptions>;

/** Time that a server which begins to listen has for its first answers alone. */
const REMEMBER_AFTER_MS = 1_000;

/** The dashboard and the debug routes. Neither is loaded before it is needed. */
export class OperatorPages {
  readonly #server: ShownServer;
  readonly #figures: ShownFigures;
  readonly #hasDashboard: boolean;
  readonly #hasDebug: boolean;
  #dashboard: Promise<Dashboard> | undefined;
  #debug: Promise<Profiles> | undefined;
  #beginning: TimerHandle;
  #closed = false;

  constructor(
    server: ShownServer,
    figures: ShownFigures,
    { dashboard, debug }: Required<OperatorPagesOptions>,
  ) {
    this.#server = server;
    this.#figures = figures;
    this.#hasDashboard = dashboard;
    this.#hasDebug = debug;
  }

  /** Tells if a path is one of theirs. */
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

  /** Begins, in a moment, to remember what the charts show. */
  start(): void {
    if (!this.#hasDashboard) return;
    this.#beginning = this.#server.clock.setTimeout(
      async () => (await this.#openDashboard()).start(),
      REMEMBER_AFTER_MS,
      { keepAlive: false },
    );
  }

  #openDebug(): Promise<Profiles> {
    const { clock, profiles } = this.#server;
    return this.#debug ??= profiles
      ? Promise.resolve(profiles)
      : import("./debug_routes.ts").then(
        ({ DebugRoutes }) => new DebugRoutes({ clock }),
      );
  }

  #openDashboard(): Promise<Dashboard> {
    return this.#dashboard ??= import("./dashboard/dashboard.ts").then(
      ({ Dashboard }) =>
        new Dashboard(this.#sources(), { clock: this.#server.clock }),
    );
  }

  #sources(): DashboardSources {
    const { info, health, trouble, log } = this.#server;
    return {
      server: info,
      metrics: () => this.#figures.read(),
      recentLatency: () => this.#figures.recentLatency(),
      health: () => health.run(),
      trouble: () => trouble.list(),
      reportFailure: (error) =>
        log.warning("the dashboard can't be filled", { error }),
    };
  }

  /** Ends what is being sent, for a shutdown waits for it, and sends no more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#server.clock.clearTimeout(this.#beginning);
    await (await this.#debug)?.close();
    (await this.#dashboard)?.close();
  }
}
