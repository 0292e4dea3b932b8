import { wellFormedJson } from "../../base/well_formed_json.ts";
import type { Clock, TimerHandle } from "../../base/clock.ts";
import type {
  LatencySummary,
  MetricsDocument,
} from "../../observe/metrics/metrics_document.ts";
import {
  type DashboardPoint,
  type DashboardReading,
  pointBetween,
} from "./dashboard_point.ts";
import { DashboardViewer } from "./dashboard_viewer.ts";

/** The part of a health report that the page shows. */
export interface HealthReportLike {
  readonly status: string;
  readonly timestamp: string;
  /** By name. */
  readonly checks: Readonly<
    Record<string, { status: string; latency_ms: number; message?: string }>
  >;
}

/** A call that failed or was slow, as the page shows it. */
export interface ShownTrouble {
  /** The time at which it ended, in ISO 8601. */
  readonly time: string;
  /** Its id in the log. */
  readonly call: string;
  /** The thing that was called. */
  readonly name: string;
  readonly failure?: string;
  readonly message?: string;
  readonly tookMs: number;
  readonly slow: boolean;
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
  /** The last calls that failed or were slow, the latest first. */
  trouble(): readonly ShownTrouble[];
  /** Runs the health checks; asked only while somebody looks. */
  health(): Promise<HealthReportLike>;
  /** Told about a source that throws; the page goes on without it. */
  reportFailure(error: unknown): void;
}

const encoder = new TextEncoder();

/** Between two points of the charts. */
const INTERVAL_MS = 1_000;

/** The number of points that the charts go back. */
const MAX_POINTS = 300;

/** Between two rounds of health checks, which cost more than reading figures. */
const HEALTH_INTERVAL_MS = 5_000;

/**
 * Reads the figures once a second, for all viewers together, and remembers the
 * charts' last five minutes, so that who comes after the trouble still sees it.
 */
export class DashboardFeed {
  readonly #sources: DashboardSources;
  readonly #clock: Clock;
  readonly #points: DashboardPoint[] = [];
  readonly #viewers: Set<DashboardViewer> = new Set();
  #reading: DashboardReading | undefined;
  #health: HealthReportLike | undefined;
  #healthAskedAt = -Infinity;
  #checking = false;
  #timer: TimerHandle;

  /** Reads nothing until {@linkcode start}. */
  constructor(sources: DashboardSources, clock: Clock) {
    this.#sources = sources;
    this.#clock = clock;
  }

  /** The number of viewers. */
  get size(): number {
    return this.#viewers.size;
  }

  /** Takes the first reading, and one every second from then on. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#read();
    this.#wind();
  }

  #wind(): void {
    this.#timer = this.#clock.setTimeout(
      () => {
        this.#wind();
        this.#tick();
      },
      INTERVAL_MS,
      { keepAlive: false },
    );
  }

  #tick(): void {
    const point = this.#read();
    if (this.#viewers.size === 0) return;
    this.#checkHealth();
    // Without figures there is no frame: the page sees that it goes stale.
    if (point === undefined) return;
    const frame = this.#sampleFrame(point);
    for (const viewer of [...this.#viewers]) viewer.offer(frame);
  }

  /** The point that the new reading makes with the one before. */
  #read(): DashboardPoint | undefined {
    const before = this.#reading;
    try {
      const now = {
        atMs: this.#clock.now(),
        metrics: this.#sources.metrics(),
      };
      const latency = this.#sources.recentLatency();
      this.#reading = now;
      if (before === undefined) return undefined;
      const point = pointBetween(before, now, latency);
      this.#points.push(point);
      if (this.#points.length > MAX_POINTS) this.#points.shift();
      return point;
    } catch (error) {
      this.#sources.reportFailure(error);
      return undefined;
    }
  }

  /** Asks for the health, which is shown once it is there. */
  async #checkHealth(): Promise<void> {
    const now = this.#clock.now();
    if (this.#checking || now - this.#healthAskedAt < HEALTH_INTERVAL_MS) {
      return;
    }
    this.#healthAskedAt = now;
    this.#checking = true;
    try {
      this.#health = await this.#sources.health();
    } catch (error) {
      this.#health = undefined;
      this.#sources.reportFailure(error);
    } finally {
      this.#checking = false;
    }
  }

  /** Opens the stream of one more viewer: what has been, then a sample a second. */
  view(): DashboardViewer {
    this.start();
    this.#checkHealth();
    const viewer = new DashboardViewer(
      this.#historyFrame(),
      () => this.#viewers.delete(viewer),
    );
    this.#viewers.add(viewer);
    return viewer;
  }

  #historyFrame(): Uint8Array {
    return frame("history", {
      server: this.#sources.server,
      intervalMs: INTERVAL_MS,
      maxPoints: MAX_POINTS,
      points: this.#points,
      metrics: this.#reading?.metrics ?? null,
      health: this.#health ?? null,
      trouble: this.#sources.trouble(),
    });
  }

  #sampleFrame(point: DashboardPoint): Uint8Array {
    return frame("sample", {
      point,
      metrics: this.#reading?.metrics ?? null,
      health: this.#health ?? null,
      trouble: this.#sources.trouble(),
    });
  }

  /** Stops reading, and ends all streams. */
  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const viewer of this.#viewers) viewer.close();
    this.#viewers.clear();
  }
}

/** One server-sent event. */
function frame(event: string, data: unknown): Uint8Array {
  const json = wellFormedJson(JSON.stringify(data));
  return encoder.encode(`event: ${event}\ndata: ${json}\n\n`);
}
