import { CallRecord, latencySummary } from "../../observe/call_record.ts";
import { CpuShare } from "../../observe/cpu_share.ts";
import {
  type Exposition,
  type ExpositionFormat,
  labelsText,
} from "../../observe/exposition.ts";
import { Histogram } from "../../observe/histogram.ts";
import { instruments } from "../../observe/instruments.ts";
import type {
  CallSummary,
  EventLoopSummary,
  LatencySummary,
  MetricsDocument,
} from "../../observe/metrics_document.ts";
import {
  type ProcessFigures,
  readProcessFigures,
} from "../../observe/process_figures.ts";
import type { ServerParts as Engine } from "../../host/server_parts.ts";
import type { HttpTransport } from "../../transport/http/http_transport.ts";
import { writeCalls } from "./call_families.ts";
import { writeEventLoop } from "./event_loop_families.ts";
import { writeHealth } from "./health_families.ts";
import { writeInstruments } from "./instrument_families.ts";
import { writeProcess } from "./process_families.ts";
import { recordedItems } from "./recorded_items.ts";

const MEBIBYTE = 1_024 * 1_024;

/** There from the start: a rate needs where it began. */
const USUAL_REFUSALS: readonly (readonly [number, number])[] = [
  400,
  401,
  403,
  404,
  413,
  415,
  503,
].map((status) => [status, 0]);

/** All that a server measures, read when somebody asks. */
export class ServerMetrics {
  readonly #engine: Engine;
  readonly #transport: HttpTransport;
  readonly #cpu: CpuShare = new CpuShare();
  /** All durations, as they were when the recent ones were last asked for. */
  #shown: Histogram = new Histogram();

  constructor(engine: Engine, transport: HttpTransport) {
    this.#engine = engine;
    this.#transport = transport;
    const { metrics, watchdog, health } = engine;
    metrics.collect((out) => this.#writeServer(out));
    metrics.collect((out) => writeHealth(out, health));
    metrics.collect((out) => writeInstruments(out, instruments.read()));
    metrics.collect((out) => writeProcess(out, readProcessFigures()));
    metrics.collect((out) => writeEventLoop(out, watchdog));
  }

  #writeServer(out: Exposition): void {
    const { info, recorder } = this.#engine;
    out.family("mcp_server", "info", "Which server this is.");
    out.sample(labelsText({ name: info.name, version: info.version }), 1);
    if (recorder !== undefined) {
      writeCalls(out, recorder, recordedItems(this.#engine.catalog));
    }
    this.#writeState(out);
    out.family(
      "mcp_server_streams_cut_off",
      "counter",
      "Event streams cut off because their clients read too slowly.",
    );
    out.sample("", this.#transport.streams.cutOff);
    if (this.#transport.eventStore !== undefined) {
      out.family(
        "mcp_server_event_store_failures",
        "counter",
        "Times the event store failed, or was given nothing because it had hung.",
      );
      out.sample("", this.#transport.eventStore.failures);
    }
    out.family(
      "mcp_server_http_refusals",
      "counter",
      "HTTP requests turned away before they reached a method.",
    );
    const refusals = new Map([
      ...USUAL_REFUSALS,
      ...this.#transport.refusals.byStatus,
    ]);
    for (const [status, count] of refusals) {
      out.sample(labelsText({ status: String(status) }), count);
    }
  }

  #writeState(out: Exposition): void {
    const { sessions, subscriptions, tasks } = this.#engine;
    const state: [string, string, number][] = [
      ["sessions", "Sessions of legacy clients.", sessions.size],
      ["streams", "Open event streams.", this.#transport.streams.size],
      [
        "subscriptions",
        "Open subscriptions/listen streams.",
        subscriptions.size,
      ],
      ["tasks", "Tasks at work in this process.", tasks.running],
    ];
    for (const [name, help, value] of state) {
      out.family(`mcp_server_${name}`, "gauge", help);
      out.sample("", value);
    }
  }

  /** Everything as Prometheus reads it; health as it was last found. */
  text(format: ExpositionFormat): string {
    // Who scrapes keeps the checks going, and waits for none.
    void this.#engine.health.run();
    return this.#engine.metrics.text(format);
  }

  /** Everything as one document. */
  read(): MetricsDocument {
    const { sessions, subscriptions, tasks, recorder, catalog } = this.#engine;
    const methods = new Map(recorder?.byMethod());
    const all = CallRecord.sum(methods.values());
    const items = recordedItems(catalog);
    return {
      requests_total: all.durations.count + all.inProgress,
      requests_in_progress: all.inProgress,
      errors_total: all.errors,
      ...this.#processPart(readProcessFigures()),
      timestamp: new Date().toISOString(),
      event_loop: this.#eventLoop(),
      latency_ms: latencySummary(all.durations),
      errors_by_kind: Object.fromEntries(all.failures),
      refused_by_status: Object.fromEntries(
        this.#transport.refusals.byStatus,
      ),
      sessions: sessions.size,
      streams: this.#transport.streams.size,
      streams_cut_off: this.#transport.streams.cutOff,
      subscriptions: subscriptions.size,
      tasks: tasks.running,
      methods: summaries(methods),
      tools: summaries(items["tools/call"]),
      prompts: summaries(items["prompts/get"]),
      resources: summaries(items["resources/read"]),
      metrics: this.#engine.metrics.values,
      instruments: Object.fromEntries(
        instruments.read().map(({ kind, readings }) => [kind.kind, readings]),
      ),
    };
  }

  /** How long the requests took that have ended since this was last asked. */
  recentLatency(): LatencySummary | undefined {
    const durations = new Histogram();
    for (const [, record] of this.#engine.recorder?.byMethod() ?? []) {
      durations.add(record.durations);
    }
    const recent = new Histogram();
    recent.add(durations);
    recent.add(this.#shown, -1);
    this.#shown = durations;
    return recent.count === 0 ? undefined : latencySummary(recent);
  }

  #eventLoop(): EventLoopSummary | null {
    const { watchdog } = this.#engine;
    if (watchdog === undefined) return null;
    const { ticks, p50Ms, p99Ms, maxMs } = watchdog.lag;
    if (ticks === 0) return null;
    const { blocks, byName } = watchdog.stats;
    return {
      lag_p50_ms: p50Ms,
      lag_p99_ms: p99Ms,
      lag_max_ms: maxMs,
      blocks,
      blocked_by: Object.fromEntries(
        Array.from(byName, ([name, { blocks, blockedMs }]) => [
          name,
          { blocks, blocked_ms: blockedMs },
        ]),
      ),
    };
  }

  #processPart(
    figures: ProcessFigures,
  ): Pick<MetricsDocument, ProcessField> {
    const { startTime, uptimeSeconds, cpuSeconds } = figures;
    return {
      start_time: startTime,
      uptime_seconds: uptimeSeconds,
      memory_rss_mb: mebibytes(figures.residentBytes),
      memory_vms_mb: mebibytes(figures.virtualBytes),
      memory_heap_mb: mebibytes(figures.heapUsedBytes),
      cpu_percent: this.#cpu.read(uptimeSeconds * 1_000, cpuSeconds),
      cpu_seconds: cpuSeconds,
      thread_count: figures.threads,
      fd_count: figures.openFiles,
    };
  }
}

type ProcessField =
  | "start_time"
  | "uptime_seconds"
  | "memory_rss_mb"
  | "memory_vms_mb"
  | "memory_heap_mb"
  | "cpu_percent"
  | "cpu_seconds"
  | "thread_count"
  | "fd_count";

function mebibytes(bytes: number | null): number | null {
  return bytes === null ? null : Math.round(bytes / MEBIBYTE * 100) / 100;
}

function summaries(
  records: ReadonlyMap<string, CallRecord>,
): Record<string, CallSummary> {
  return Object.fromEntries(
    Array.from(records, ([name, record]) => [name, record.summary]),
  );
}
