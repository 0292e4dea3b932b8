import type { InstrumentReading } from "./instruments.ts";

/** Durations in milliseconds; all 0 while nothing has ended. */
export interface LatencySummary {
  /** The arithmetic mean. */
  mean: number;
  /** Half took no longer. */
  p50: number;
  /** 95 of 100 took no longer. */
  p95: number;
  /** 99 of 100 took no longer. */
  p99: number;
}

/** The figures of the calls of one method, tool, resource or prompt. */
export interface CallSummary {
  /** Calls that have ended. */
  calls: number;
  /** Calls under way. */
  in_progress: number;
  /** Calls that failed. */
  errors: number;
  /** Failed calls by kind; kinds without one are left out. */
  errors_by_kind: Record<string, number>;
  /** Their durations. */
  latency_ms: LatencySummary;
  /** The time of all calls together: what this costs. */
  total_ms: number;
  /** The time for which calls waited for their turn, in all, where `concurrency` is limited. */
  queued_ms: number;
  /** Bytes of the requests. */
  request_bytes: number;
  /** Bytes of the answers. */
  response_bytes: number;
}

/** The event loop's lag, and how often it was held up. */
export interface EventLoopSummary {
  /** Half of the last readings were no later. */
  lag_p50_ms: number;
  /** 99 of 100 were no later. */
  lag_p99_ms: number;
  /** The latest of them. */
  lag_max_ms: number;
  /** The number of times that it was blocked for longer than the watchdog allows. */
  blocks: number;
  /** The number of times that the process hardly got the CPU; these are no blocks. */
  starved: number;
  /** The length of those in all, in milliseconds. */
  starved_ms: number;
  /** The blocks that are certain to be somebody's: by tool, or else by method. */
  blocked_by: Record<string, { blocks: number; blocked_ms: number }>;
}

/**
 * All that a server measures, as JSON: the guide's figures, which come first,
 * and what they are made of. What the process may not read is `null`.
 */
export interface MetricsDocument {
  /** Requests that have begun. */
  requests_total: number;
  /** Requests without an answer yet. */
  requests_in_progress: number;
  /** Requests that failed. */
  errors_total: number;
  /** The time at which the process began, in seconds since 1970. */
  start_time: number;
  /** The time for which the process has run. */
  uptime_seconds: number;
  /** Resident memory, in MiB. */
  memory_rss_mb: number | null;
  /** Virtual memory, in MiB. */
  memory_vms_mb: number | null;
  /** Used heap, in MiB. */
  memory_heap_mb: number | null;
  /** CPU used since the last reading, in percent of one core. */
  cpu_percent: number | null;
  /** CPU used in all. */
  cpu_seconds: number | null;
  /** Threads of the process. */
  thread_count: number | null;
  /** Open file descriptors. */
  fd_count: number | null;
  /** The time of this reading (ISO 8601). */
  timestamp: string;
  /** The event loop; `null` while nobody watches it. */
  event_loop: EventLoopSummary | null;
  /** The durations of requests. */
  latency_ms: LatencySummary;
  /** Failed requests by kind. */
  errors_by_kind: Record<string, number>;
  /** HTTP requests that were refused before they reached a method, by status. */
  refused_by_status: Record<string, number>;
  /** Requests that were refused under load, by cause. */
  refused_by_cause: Record<string, number>;
  /** Calls in line for their tool's `concurrency`. */
  waiting: number;
  /** The time for which the oldest of these lines has stood, in milliseconds. */
  queue_age_ms: number;
  /** Sessions of legacy clients. */
  sessions: number;
  /** Open event streams. */
  streams: number;
  /** Event streams cut off because their clients read too slowly. */
  streams_cut_off: number;
  /** Open `subscriptions/listen` streams. */
  subscriptions: number;
  /** Tasks at work here. */
  tasks: number;
  /** By method; `other` stands for all that the server doesn't know. */
  methods: Record<string, CallSummary>;
  /** By tool. */
  tools: Record<string, CallSummary>;
  /** By prompt. */
  prompts: Record<string, CallSummary>;
  /** By resource: its URI, or the template. */
  resources: Record<string, CallSummary>;
  /** The author's own metrics: values, and counts of histograms. */
  metrics: Record<string, number>;
  /** Caches, pools, batchers, limiters and circuits: the readings by kind. */
  instruments: Record<string, readonly InstrumentReading[]>;
}
