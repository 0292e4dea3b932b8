import { type Clock, systemClock } from "../base/clock.ts";
import type { HealthReport } from "../observe/health/health_checks.ts";
import type { Log } from "../observe/log/log.ts";
import {
  Exposition,
  type ExpositionFormat,
} from "../observe/metrics/exposition.ts";
import type { Figure } from "../observe/metrics/figure.ts";
import type {
  LatencySummary,
  MetricsDocument,
} from "../observe/metrics/metrics_document.ts";
import type { AdministeredServer } from "./admin_routes.ts";
import { blockedText } from "./health_routes.ts";
import type { MetricsPage } from "./metrics/metrics_route.ts";
import { SharedAnswers } from "./metrics/shared_answers.ts";
import { AdmittedRequests } from "./admitted_requests.ts";
import type { DashboardFigures, OperatorSource } from "./operator_source.ts";

/** What is known of a server before it is asked. */
export type ServerFacts = Pick<AdministeredServer, "info" | "options">;

interface Kept<Value> {
  readonly value: Value;
  readonly readAt: number;
}

/**
 * A server elsewhere, as operators' pages show it: asked anew each time, but for
 * its metrics once for all who scrape them in a moment, and while its event loop is
 * blocked as it last told of itself, with how old that is.
 */
export class ServerSnapshot implements AdministeredServer {
  readonly info: ServerFacts["info"];
  readonly options: ServerFacts["options"];
  readonly log: Log;
  readonly clock: Clock;
  readonly #source: OperatorSource;
  readonly #admitted: AdmittedRequests;
  readonly #texts: SharedAnswers<
    ExpositionFormat,
    Kept<MetricsPage> | undefined
  >;
  readonly #documents: SharedAnswers<"json", void>;
  #health: HealthReport | undefined;
  #text: Kept<MetricsPage> | undefined;
  #document: Kept<MetricsDocument> | undefined;
  #figures: DashboardFigures | undefined;
  #latency: LatencySummary | undefined;
  #asking = false;

  readonly readiness: AdministeredServer["readiness"] = {
    probe: async () => await this.#source.ask("readiness") ?? "blocked",
  };

  readonly health: AdministeredServer["health"] = {
    run: async () => {
      const report = await this.#source.ask("health");
      if (report === undefined) return this.#blockedHealth();
      return this.#health = report;
    },
  };

  readonly trouble: AdministeredServer["trouble"] = {
    list: () => this.#figures?.trouble ?? [],
  };

  /** Takes profiles where the server is. */
  readonly profiles: NonNullable<AdministeredServer["profiles"]> = {
    handle: async (request) =>
      await this.#source.ask("profile", { request }) ?? this.#unavailable(),
    close: () => Promise.resolve(),
  };

  /** The figures for the dashboard, which reads them at once and regularly. */
  readonly figures: {
    read(): MetricsDocument;
    recentLatency(): LatencySummary | undefined;
  } = {
    read: () => {
      void this.refresh().catch((error) =>
        this.log.warning("the dashboard can't be filled", { error })
      );
      if (this.#document === undefined) throw new Error(this.#blockedText());
      return this.#asOfNow(this.#document.value);
    },
    recentLatency: () => {
      const latency = this.#latency;
      this.#latency = undefined;
      return latency;
    },
  };

  constructor(
    source: OperatorSource,
    { info, options }: ServerFacts,
    { log, clock = systemClock }: { log: Log; clock?: Clock },
  ) {
    this.#source = source;
    this.info = info;
    this.options = options;
    this.log = log;
    this.clock = clock;
    this.#admitted = new AdmittedRequests(clock);
    this.#texts = new SharedAnswers(clock);
    this.#documents = new SharedAnswers(clock);
  }

  /** Set once it has told of itself. */
  get isKnown(): boolean {
    return this.#document !== undefined;
  }

  blockedMs(): number {
    return this.#source.blockedMs();
  }

  /** Metrics as text; the last that were read in any format, if there can be no others. */
  async page(format: ExpositionFormat): Promise<MetricsPage> {
    const kept = await this.#texts.get(format, () => this.#readText(format)) ??
      this.#text;
    const { value: page = { format, text: "" } } = kept ?? {};
    const own = new Exposition(page.format);
    own.figures([
      gauge(
        "metrics_age_seconds",
        "Time since these metrics were read, in seconds.",
        this.#ageSeconds(kept),
      ),
      gauge(
        "event_loop_current_block_seconds",
        "How long the loop has stood still by now, in seconds.",
        this.blockedMs() / 1_000,
      ),
    ]);
    return {
      format: page.format,
      text: page.text.replace(/# EOF\n$/, "") + own.toString(),
    };
  }

  /** Metrics as one document. */
  async read(): Promise<object> {
    await this.#documents.get("json", () => this.#readDocument());
    return {
      ...this.#document?.value,
      metrics_age_seconds: this.#ageSeconds(this.#document) ?? null,
      event_loop_current_block_seconds: this.blockedMs() / 1_000,
    };
  }

  async #readText(
    format: ExpositionFormat,
  ): Promise<Kept<MetricsPage> | undefined> {
    const text = await this.#source.ask("metricsText", { format });
    if (text === undefined) return undefined;
    return this.#text = {
      value: { format, text },
      readAt: this.clock.now(),
    };
  }

  async #readDocument(): Promise<void> {
    const document = await this.#source.ask("metricsDocument");
    if (document !== undefined) this.#keep(document);
  }

  /** Asks for the dashboard's figures, unless they are being asked for. */
  async refresh(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const figures = await this.#source.ask("dashboard");
      if (figures === undefined) return;
      this.#figures = figures;
      this.#latency = figures.latency;
      this.#keep(figures.metrics);
    } finally {
      this.#asking = false;
    }
  }

  /**
   * Has the server decide who is an operator. While it can't, a request stays
   * admitted that has just been.
   */
  async authorize(
    request: Request,
    address: string | undefined,
  ): Promise<boolean | Response> {
    const verdict = await this.#source.ask("authorize", { request, address });
    if (verdict === undefined) {
      return this.#admitted.has(request, address) || this.#unavailable();
    }
    this.#admitted.note(request, address, verdict === true);
    return verdict;
  }

  #keep(document: MetricsDocument): void {
    this.#document = { value: document, readAt: this.clock.now() };
  }

  #ageSeconds(kept: Kept<unknown> | undefined): number | undefined {
    return kept && (this.clock.now() - kept.readAt) / 1_000;
  }

  /** While nothing can be read, the lag at least goes on. */
  #asOfNow(document: MetricsDocument): MetricsDocument {
    const lagMs = this.blockedMs();
    const { event_loop } = document;
    if (lagMs === 0 || event_loop === null) return document;
    return {
      ...document,
      timestamp: new Date().toISOString(),
      event_loop: { ...event_loop, lag_p99_ms: lagMs, lag_max_ms: lagMs },
    };
  }

  #blockedHealth(): HealthReport {
    const now = new Date().toISOString();
    const ms = this.blockedMs();
    return {
      version: this.info.version,
      uptime_seconds: performance.now() / 1_000,
      ...this.#health,
      status: "unhealthy",
      timestamp: now,
      checks: {
        ...this.#health?.checks,
        event_loop: {
          status: "unhealthy",
          latency_ms: ms,
          message: this.#blockedText(),
          checked_at: now,
        },
      },
    };
  }

  #unavailable(): Response {
    return Response.json({ error: this.#blockedText() }, {
      status: 503,
      headers: { "retry-after": "1", "cache-control": "no-store" },
    });
  }

  #blockedText(): string {
    return blockedText(this.blockedMs());
  }
}

function gauge(name: string, help: string, value: number | undefined): Figure {
  return { name, help, type: "gauge", points: [{ value }] };
}
