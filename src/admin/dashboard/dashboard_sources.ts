import type {
  LatencySummary,
  MetricsDocument,
} from "../../observe/metrics/metrics_document.ts";

/** The part of a health report that the page shows. */
export interface HealthReportLike {
  readonly status: string;
  readonly timestamp: string;
  /** By name. */
  readonly checks: Readonly<
    Record<string, { status: string; latency_ms: number; message?: string }>
  >;
}

/** The sources of what the dashboard shows. */
export interface DashboardSources {
  /** The server, as the page's head names it. */
  readonly server: {
    readonly name: string;
    readonly title?: string;
    readonly version: string;
  };
  /** All figures, as they stand now. */
  metrics(): MetricsDocument;
  /**
   * Sums up the durations of the requests that have ended since this was asked last;
   * `undefined` if none has.
   */
  recentLatency(): LatencySummary | undefined;
  /** Runs the health checks; asked only while somebody looks. */
  health(): Promise<HealthReportLike>;
  /** Told about a source that throws; the page goes on without it. */
  reportFailure(error: unknown): void;
}
