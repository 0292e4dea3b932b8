import {
  CallRecord,
  latencySummary,
} from "../../observe/metrics/call_record.ts";
import type {
  Exposition,
  ExpositionFormat,
} from "../../observe/metrics/exposition.ts";
import {
  type Figure,
  instrumentFigures,
} from "../../observe/metrics/figure.ts";
import { Histogram } from "../../observe/metrics/histogram.ts";
import { instruments } from "../../observe/metrics/instruments.ts";
import type { Metrics } from "../../observe/metrics/metrics.ts";
import type {
  CallSummary,
  EventLoopSummary,
  LatencySummary,
  MetricsDocument,
} from "../../observe/metrics/metrics_document.ts";
import {
  CpuShare,
  PROCESS,
  readProcess,
} from "../../observe/metrics/process_figures.ts";
import {
  type CountedParts,
  readServer,
  SERVER,
  type ServerReading,
} from "../../server/server_figures.ts";
import {
  EVENT_LOOP,
  readEventLoop,
  type WatchedEventLoop,
} from "../../observe/watch/event_loop_figures.ts";
import { HEALTH_STATUSES } from "../../observe/health/health_check.ts";
import type { HealthChecks } from "../../observe/health/health_checks.ts";
import { WORKER_LABEL } from "../workers/merged_exposition.ts";
import type { MetricsPage, ShownMetrics } from "./metrics_route.ts";
import {
  type RecordedCatalog,
  recordedItems,
  writeCalls,
} from "./call_figures.ts";

/** The parts of a server that are measured. */
export interface MeasuredServer extends CountedParts {
  readonly info: { readonly name: string; readonly version: string };
  /** Which of several processes it is, if there are several. */
  readonly worker: { readonly name: string } | undefined;
  readonly metrics: Metrics;
  readonly health: Pick<HealthChecks, "run" | "last">;
  readonly catalog: RecordedCatalog;
  /** Counts requests, unless metrics are off. */
  readonly recorder:
    | { byMethod(): Iterable<[string, CallRecord]> }
    | undefined;
  /** Names what blocks the event loop, unless it is off. */
  readonly watchdog: WatchedEventLoop | undefined;
}

/** The parts of HTTP that are measured. */
export interface MeasuredTransport {
  readonly streams: { readonly size: number; readonly cutOff: number };
  readonly eventStore: { readonly failures: number } | undefined;
  readonly refusals: { readonly byStatus: ReadonlyMap<number, number> };
}

/** There from the start: a rate needs where it began. */
const USUAL_REFUSALS = [400, 401, 403, 404, 413, 415, 429, 503];

/** All that a server measures, read when somebody asks. */
export class ServerMetrics implements ShownMetrics {
  readonly #server: MeasuredServer;
  readonly #transport: MeasuredTransport;
  readonly #cpu: CpuShare = new CpuShare();
  /** All durations, as they were when the recent ones were last asked for. */
  #shown: Histogram = new Histogram();

  constructor(server: MeasuredServer, transport: MeasuredTransport) {
    this.#server = server;
    this.#transport = transport;
    server.metrics.collect((out) => this.#write(out));
  }

  #write(out: Exposition): void {
    const { info, worker, recorder, catalog, watchdog } = this.#server;
    out.info("mcp_server", "Which server this is.", {
      name: info.name,
      version: info.version,
      ...(worker && { [WORKER_LABEL]: worker.name }),
    });
    if (recorder !== undefined) {
      writeCalls(out, this.#methods, recordedItems(catalog));
    }
    const eventLoop = readEventLoop(watchdog);
    out.figures([
      ...SERVER.prometheus(this.#state()),
      ...this.#transportFigures(),
      this.#healthFigure(),
      ...instrumentFigures(instruments.read(), "_"),
      ...PROCESS.prometheus(readProcess()),
      ...(eventLoop === undefined ? [] : EVENT_LOOP.prometheus(eventLoop)),
    ]);
  }

  get #methods(): Map<string, CallRecord> {
    return new Map(this.#server.recorder?.byMethod());
  }

  #state(): ServerReading {
    return readServer(this.#server, this.#transport.streams);
  }

  #transportFigures(): Figure[] {
    const { streams, refusals, eventStore } = this.#transport;
    const none = USUAL_REFUSALS.map((status) => [status, 0] as const);
    const byStatus = new Map([...none, ...refusals.byStatus]);
    return [
      ...(eventStore === undefined ? [] : [{
        name: "mcp_server_event_store_failures",
        type: "counter" as const,
        help:
          "Times the event store failed, or was given nothing because it had hung.",
        points: [{ value: eventStore.failures }],
      }]),
      {
        name: "mcp_server_streams_cut_off",
        type: "counter",
        help: "Event streams cut off because their clients read too slowly.",
        points: [{ value: streams.cutOff }],
      },
      {
        name: "mcp_server_http_refusals",
        type: "counter",
        help: "HTTP requests turned away before they reached a method.",
        points: Array.from(byStatus, ([status, value]) => ({
          value,
          attributes: { status: String(status) },
        })),
      },
    ];
  }

  #healthFigure(): Figure {
    const { checks = {} } = this.#server.health.last ?? {};
    return {
      name: "mcp_server_health_status",
      type: "gauge",
      help: "1 for the status that a health check last had, 0 for the others.",
      points: Object.entries(checks).flatMap(([check, report]) =>
        HEALTH_STATUSES.map((status) => ({
          value: Number(report.status === status),
          attributes: { check, status },
        }))
      ),
    };
  }

  /** Everything as Prometheus reads it; health as it was last found. */
  page(format: ExpositionFormat): MetricsPage {
    // Who scrapes keeps the checks going, and waits for none.
    void this.#server.health.run();
    return { format, text: this.#server.metrics.text(format) };
  }

  /** Everything as one document. */
  read(): MetricsDocument {
    const { admission, catalog, metrics } = this.#server;
    const { streams, refusals } = this.#transport;
    const methods = this.#methods;
    const all = CallRecord.sum(methods.values());
    const items = recordedItems(catalog);
    const process = readProcess();
    return {
      requests_total: all.durations.count + all.inProgress,
      requests_in_progress: all.inProgress,
      errors_total: all.errors,
      ...PROCESS.json(process),
      cpu_percent: this.#cpu.read(performance.now(), process.cpuSeconds),
      timestamp: new Date().toISOString(),
      event_loop: this.#eventLoop(),
      latency_ms: latencySummary(all.durations),
      errors_by_kind: Object.fromEntries(all.failures),
      refused_by_cause: Object.fromEntries(admission.refusals),
      refused_by_status: Object.fromEntries(refusals.byStatus),
      ...SERVER.json(this.#state()),
      streams_cut_off: streams.cutOff,
      methods: summaries(methods),
      tools: summaries(items["tools/call"]),
      prompts: summaries(items["prompts/get"]),
      resources: summaries(items["resources/read"]),
      metrics: metrics.values,
      instruments: Object.fromEntries(
        instruments.read().map(({ kind, readings }) => [kind.kind, readings]),
      ),
    };
  }

  /** Sums up the durations of the requests that have ended since this was last asked. */
  recentLatency(): LatencySummary | undefined {
    const { durations } = CallRecord.sum(this.#methods.values());
    const recent = new Histogram();
    recent.add(durations);
    recent.add(this.#shown, -1);
    this.#shown = durations;
    return recent.count === 0 ? undefined : latencySummary(recent);
  }

  #eventLoop(): EventLoopSummary | null {
    const { watchdog } = this.#server;
    const reading = readEventLoop(watchdog);
    if (watchdog === undefined || reading === undefined) return null;
    const blocked_by: EventLoopSummary["blocked_by"] = {};
    for (const [name, { blocks, blockedMs }] of watchdog.stats.byName) {
      blocked_by[name] = { blocks, blocked_ms: blockedMs };
    }
    return { ...EVENT_LOOP.json(reading), blocked_by };
  }
}

function summaries(
  records: ReadonlyMap<string, CallRecord>,
): Record<string, CallSummary> {
  return Object.fromEntries(
    Array.from(records, ([name, record]) => [name, record.summary]),
  );
}
