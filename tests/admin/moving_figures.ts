import type {
  DashboardSources,
  HealthReportLike,
  ShownTrouble,
} from "../../src/admin/dashboard/dashboard_feed.ts";
import type {
  CallSummary,
  LatencySummary,
  MetricsDocument,
} from "../../src/observe/metrics/metrics_document.ts";

/** What a made-up server is called, and what it has. */
export interface MovingFiguresOptions {
  /** Names of tools, the costliest first. */
  tools?: readonly string[];
  /** Names of tools that were never called. */
  idle?: readonly string[];
  /** Which figures the process may not read. */
  blind?: boolean;
}

/** Tools as a server might have them. */
const TOOLS = [
  "search_documents",
  "generate_report",
  "query_orders",
  "fetch_page",
  "summarise_thread",
  "list_customers",
  "resize_image",
  "send_notification",
  "convert_currency",
  "echo",
];

/** The figures of a server under a load that goes up and down: made up. */
export class MovingFigures implements DashboardSources {
  readonly server = {
    name: "orders",
    title: "Order desk",
    version: "2.4.1",
  };
  /** What the health checks find next. */
  healthReport: HealthReportLike = HEALTH;
  /** The author's own metrics. */
  ownMetrics: MetricsDocument["metrics"] = {
    'shop_orders{channel="web"}': 31_204,
    'shop_orders{channel="mcp"}': 4_182_330,
    "shop_basket_value": 41.256,
  };
  /** The readings of instruments. */
  instruments: MetricsDocument["instruments"] = INSTRUMENTS;
  /** What was reported as failed. */
  readonly failures: unknown[] = [];
  readonly #startedAt: number = Date.now() / 1_000 - 93_784;
  readonly #tools: readonly string[];
  readonly #idle: readonly string[];
  readonly #blind: boolean;
  #step = 0;
  #requests = 4_182_330;
  #errors = 1_207;
  #cpu = 5_210;

  constructor(
    { tools = TOOLS, idle = [], blind = false }: MovingFiguresOptions = {},
  ) {
    this.#tools = tools;
    this.#idle = idle;
    this.#blind = blind;
  }

  /** How often the figures have been read. */
  get reads(): number {
    return this.#step;
  }

  /** Requests that have begun. */
  get requests(): number {
    return this.#requests;
  }

  /** The calls that failed or were slow. */
  troubles: ShownTrouble[] = TROUBLES;

  trouble(): readonly ShownTrouble[] {
    return this.troubles;
  }

  health(): Promise<HealthReportLike> {
    return Promise.resolve(this.healthReport);
  }

  reportFailure(error: unknown): void {
    this.failures.push(error);
  }

  recentLatency(): LatencySummary | undefined {
    const busy = this.#busy;
    const p50 = 1.6 + 0.9 * busy + 0.3 * wobble(this.#step);
    return {
      mean: p50 * 1.4,
      p50,
      p95: p50 * 4.2 + 1.5 * wobble(this.#step * 1.7),
      p99: p50 * 8 + 4 * wobble(this.#step * 2.9),
    };
  }

  /** From 0 to 1, in waves of some two minutes. */
  get #busy(): number {
    return 0.5 + 0.5 * Math.sin(this.#step / 20);
  }

  metrics(): MetricsDocument {
    const step = ++this.#step;
    const busy = this.#busy;
    this.#requests += Math.round(420 + 680 * busy + 60 * wobble(step));
    this.#errors += step % 47 < 3 ? 4 : step % 9 === 0 ? 1 : 0;
    this.#cpu += 0.18 + 0.34 * busy + 0.05 * wobble(step * 1.3);
    const seen = <T>(value: T): T | null => this.#blind ? null : value;
    return {
      requests_total: this.#requests,
      requests_in_progress: Math.round(3 + 14 * busy + 4 * wobble(step * 2.3)),
      errors_total: this.#errors,
      start_time: this.#startedAt,
      uptime_seconds: 93_784 + step,
      memory_rss_mb: seen(212 + 18 * busy + 6 * wobble(step / 3)),
      memory_vms_mb: seen(1_480.2),
      memory_heap_mb: seen(61 + (step % 40) * 0.8 + 8 * busy),
      cpu_percent: seen(40),
      cpu_seconds: seen(this.#cpu),
      thread_count: seen(14),
      fd_count: seen(Math.round(48 + 20 * busy)),
      timestamp: new Date().toISOString(),
      event_loop: seen({
        lag_p50_ms: 0.3 + 0.2 * wobble(step),
        lag_p99_ms: 1.4 + 1.8 * busy + 1.2 * wobble(step * 3.1),
        lag_max_ms: 41.7,
        blocks: 64,
        starved: 2,
        starved_ms: 340,
        blocked_by: {
          resize_image: { blocks: 12, blocked_ms: 1_904 },
          generate_report: { blocks: 49, blocked_ms: 41_270 },
        },
      }),
      latency_ms: { mean: 3.1, p50: 2.1, p95: 9.4, p99: 21.8 },
      errors_by_kind: { handler: 803, timeout: 291, invalid_params: 113 },
      refused_by_status: { 401: 77, 413: 2 },
      refused_by_cause: {},
      waiting: 0,
      queue_age_ms: 0,
      sessions: 118,
      streams: 43,
      streams_cut_off: 3,
      subscriptions: 31,
      tasks: 5,
      metrics: this.ownMetrics,
      methods: {
        "tools/list": call(8_812, 0.4, step),
        "initialize": call(4_120, 0.2, step),
        "resources/list": call(960, 0.3, step),
      },
      tools: this.#toolCalls(),
      prompts: {
        "write_reply": call(1_930, 0.8, step),
        "triage": call(410, 0.7, step),
      },
      resources: {
        "orders://{id}": call(61_300, 1.9, step),
        "config://app": call(18_400, 0.1, step),
      },
      instruments: this.instruments,
    };
  }

  #toolCalls(): Record<string, CallSummary> {
    const idle = this.#idle.map((name): [string, CallSummary] => [
      name,
      call(0, 0, 0),
    ]);
    return Object.fromEntries([
      ...idle,
      ...this.#tools.map((name, rank): [string, CallSummary] => {
        const calls = Math.round(
          (rank % 3 === 1 ? 18_000 : 410_000) / (1 + rank * 0.4),
        );
        const cost = rank % 3 === 1 ? 180 / (1 + rank / 3) : 24 / (1 + rank);
        return [name, call(calls + this.#step * (12 - rank), cost, rank)];
      }),
    ]);
  }
}

/** From -1 to 1, without a pattern that an eye sees. */
function wobble(step: number): number {
  const far = 43_758.5453 * Math.sin(12.9898 * step);
  return 2 * (far - Math.floor(far)) - 1;
}

function call(calls: number, meanMs: number, seed: number): CallSummary {
  const errors = Math.round(calls * 0.0009 * (seed % 4));
  return {
    calls,
    in_progress: seed % 5,
    errors,
    errors_by_kind: errors > 0 ? { handler: errors } : {},
    latency_ms: {
      mean: meanMs,
      p50: meanMs * 0.7,
      p95: meanMs * 2.9,
      p99: meanMs * 6.1,
    },
    total_ms: calls * meanMs,
    queued_ms: seed % 3 === 1 ? calls * 0.4 : 0,
    request_bytes: calls * 310,
    response_bytes: calls * 1_240,
  };
}

const HEALTH: HealthReportLike = {
  status: "degraded",
  timestamp: "2026-11-22T12:00:00.000Z",
  checks: {
    orders_db: { status: "healthy", latency_ms: 1.84 },
    session_cache: {
      status: "degraded",
      latency_ms: 212.4,
      message: "answers slowly: 212 ms, more than 100 ms",
    },
    exchange_rates: { status: "healthy", latency_ms: 38.2 },
    mail: { status: "not_configured", latency_ms: 0 },
  },
};

const TROUBLES: ShownTrouble[] = [
  {
    time: "2026-11-22T11:59:58.210Z",
    call: "5f0c1a22-1207",
    name: "tool generate_report",
    failure: "timeout",
    message: "tool generate_report took longer than 30000 ms",
    tookMs: 30_002,
    slow: true,
  },
  {
    time: "2026-11-22T11:59:31.004Z",
    call: "5f0c1a22-1198",
    name: "tool resize_image",
    tookMs: 4_110,
    slow: true,
  },
  {
    time: "2026-11-22T11:58:02.871Z",
    call: "5f0c1a22-1101",
    name: "tools/call",
    failure: "invalid_params",
    message: "Tool serch_documents not found",
    tookMs: 0.21,
    slow: false,
  },
];

const INSTRUMENTS: MetricsDocument["instruments"] = {
  cache: [
    {
      labels: { name: "search results", type: "tiered" },
      values: {
        hits: 391_208,
        memory_hits: 382_790,
        misses: 42_110,
        changes_heard: 3_120,
        flushes: 0,
        incoherent: 1,
        entries: 8_402,
        bytes: 31_204_112,
        evictions: 1_204,
      },
    },
    {
      labels: { name: "memory", type: "memory" },
      values: {
        hits: 82_104,
        stale_hits: 0,
        misses: 610,
        entries: 34,
        bytes: 9_112,
        evictions: 0,
      },
    },
  ],
  pool: [
    {
      labels: { name: "orders_db" },
      values: {
        min: 2,
        max: 10,
        size: 10,
        idle: 4,
        in_use: 6,
        creating: 0,
        waiting: 3,
        acquired: 612_034,
        created: 41,
        destroyed: 31,
        create_errors: 2,
        destroy_errors: 0,
        invalid: 4,
        discarded: 7,
        rejected: 0,
        timeouts: 19,
        aborted: 112,
        held_too_long: 1,
      },
    },
  ],
  postgres: [
    {
      labels: { name: "orders_db" },
      values: { commands: 612_990, command_errors: 12, transactions: 8_120 },
    },
  ],
  http_pool: [
    {
      labels: { name: "http_pool" },
      values: { active: 1, calls: 9_089, requests: 9_120, retries: 31 },
    },
  ],
  http_origin: [
    {
      labels: { name: "http_pool", origin: "https://rates.example" },
      values: { active: 1, waiting: 0, requests: 9_120, failures: 12 },
    },
    {
      labels: { name: "upstream", origin: "https://mail.example" },
      values: { active: 0, waiting: 0, requests: 310, failures: 0 },
    },
  ],
  limiter: [
    {
      labels: { name: "per caller" },
      values: { allowed: 4_179_204, refused: 3_126 },
    },
  ],
  circuit: [
    {
      labels: { name: "http_pool", origin: "https://rates.example" },
      values: { open: 0, half_open: 0, opened: 0, refused: 0 },
    },
    {
      labels: { name: "http_pool", origin: "https://mail.example" },
      values: { open: 1, half_open: 0, opened: 3, refused: 88 },
    },
    {
      labels: { name: "session_cache" },
      values: { open: 0, half_open: 1, opened: 1, refused: 12 },
    },
  ],
  function: [
    {
      labels: { name: "pack" },
      values: { calls: 1_200, errors: 0, in_progress: 2, seconds: 90 },
    },
  ],
  night_shifts: [{ labels: { name: "porter" }, values: { rounds: 8 } }],
};
