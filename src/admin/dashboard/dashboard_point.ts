import type {
  LatencySummary,
  MetricsDocument,
} from "../../observe/metrics/metrics_document.ts";

/** The figures of one moment, as the charts draw them; `null` is a gap. */
export interface DashboardPoint {
  /** In seconds since 1970. */
  readonly time: number;
  /** Requests per second. */
  readonly requests: number;
  /** Failed requests per second. */
  readonly errors: number;
  /** Requests without an answer yet. */
  readonly inProgress: number;
  /** In milliseconds, of the requests that ended since the last point. */
  readonly p50: number | null;
  /** As `p50`. */
  readonly p95: number | null;
  /** As `p50`. */
  readonly p99: number | null;
  /** The delay of timers, in milliseconds: the median. */
  readonly lagP50: number | null;
  /** As `lagP50`: 99 of 100 are no later. */
  readonly lagP99: number | null;
  /** Resident memory, in MiB. */
  readonly rss: number | null;
  /** Used heap, in MiB. */
  readonly heap: number | null;
  /** In percent of one core. */
  readonly cpu: number | null;
}

/** A reading of all figures, and when it was taken. */
export interface DashboardReading {
  /** By a clock that never goes back, in milliseconds. */
  readonly atMs: number;
  /** The figures. */
  readonly metrics: MetricsDocument;
}

/** Works out what has come about between two readings. */
export function pointBetween(
  before: DashboardReading,
  now: DashboardReading,
  latency: LatencySummary | undefined,
): DashboardPoint {
  const seconds = (now.atMs - before.atMs) / 1_000;
  const rate = (was: number, is: number): number =>
    seconds > 0 ? Math.max(0, is - was) / seconds : 0;
  const { metrics } = now;
  return {
    time: Date.parse(metrics.timestamp) / 1_000,
    requests: rate(before.metrics.requests_total, metrics.requests_total),
    errors: rate(before.metrics.errors_total, metrics.errors_total),
    inProgress: metrics.requests_in_progress,
    p50: latency?.p50 ?? null,
    p95: latency?.p95 ?? null,
    p99: latency?.p99 ?? null,
    lagP50: metrics.event_loop?.lag_p50_ms ?? null,
    lagP99: metrics.event_loop?.lag_p99_ms ?? null,
    rss: metrics.memory_rss_mb,
    heap: metrics.memory_heap_mb,
    cpu: before.metrics.cpu_seconds === null || metrics.cpu_seconds === null
      ? null
      : 100 * rate(before.metrics.cpu_seconds, metrics.cpu_seconds),
  };
}
