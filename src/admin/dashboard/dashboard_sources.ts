import type {
  LatencySummary,
  MetricsDocument,
} from "../../observe/metrics/metrics_document.ts";

/** What one health check found. */
export interface HealthCheckLike {
  /** Such as `healthy`. */
  readonly status: string;
  /** How long the check took, in milliseconds. */
  readonly latency_ms: number;
  /** What is wrong, in words. */
  readonly message?: string;
}

/** What all health checks found. */
export interface HealthReportLike {
  /** Such as `healthy`; as bad as the worst check demands. */
  readonly status: string;
  /** When this was found (ISO 8601). */
  readonly timestamp: string;
  /** By name. */
  readonly checks: Readonly<Record<string, HealthCheckLike>>;
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
