import type {
  LatencySummary,
  MetricsDocument,
} from "../../observe/metrics/metrics_document.ts";

/** What the page shows of a health report. */
export interface HealthReportLike {
  readonly status: string;
  readonly timestamp: string;
  /** By name. */
  readonly checks: Readonly<
    Record<string, { status: string; latency_ms: number; message?: string }>
  >;
}

/** Where the dashboard takes from what it shows. */
export interface DashboardSources {
  /** What the page's head says about the server. */
  readonly server: {
    readonly name: string;
    readonly title?: string;
    readonly version: string;
  };
  /** All figures, as they stand now. */
  metrics(): MetricsDocument;
  /**
   * How long the requests took that have ended since this was asked last;
   * `undefined` if none has.
   */
  recentLatency(): LatencySummary | undefined;
  /** What the health checks find; asked only while somebody looks. */
  health(): Promise<HealthReportLike>;
  /** Told about a source that throws; the page goes on without it. */
  reportFailure(error: unknown): void;
}
