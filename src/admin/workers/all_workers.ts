import { type Clock, systemClock } from "../../base/clock.ts";
import type { HealthReport } from "../../observe/health/health_checks.ts";
import type { Log } from "../../observe/log/log.ts";
import {
  Exposition,
  type ExpositionFormat,
} from "../../observe/metrics/exposition.ts";
import type { Figure } from "../../observe/metrics/figure.ts";
import type { MetricsDocument } from "../../observe/metrics/metrics_document.ts";
import type { AdministeredServer } from "../admin_routes.ts";
import type { ShownTrouble } from "../dashboard/dashboard_feed.ts";
import type { MetricsPage, ShownMetrics } from "../metrics/metrics_route.ts";
import type { ShownFigures } from "../operator_pages.ts";
import type { ServerFacts, ServerSnapshot } from "../server_snapshot.ts";
import { highestLatency, mergedDocument } from "./merged_document.ts";
import { mergedExposition, WORKER_LABEL } from "./merged_exposition.ts";

/** One worker, as its supervisor's pages show it. */
export interface ShownWorker {
  readonly name: string;
  /** Its process; `undefined` while there is none. */
  readonly pid: number | undefined;
  /** How often another has followed one that failed. */
  readonly restarts: number;
}

/** What is known of a worker beside its own words. */
interface Known {
  readonly worker: ShownWorker;
  readonly snapshot: ServerSnapshot;
}

/** The most troubled calls that are shown. */
const MAX_TROUBLE = 20;

/** All workers of a supervisor, shown as one server. */
export class AllWorkers implements AdministeredServer, ShownMetrics {
  readonly info: ServerFacts["info"];
  readonly options: ServerFacts["options"];
  readonly log: Log;
  readonly clock: Clock = systemClock;
  readonly #known: readonly Known[];

  /** Takes requests if any worker does. */
  readonly readiness: AdministeredServer["readiness"] = {
    probe: async () => {
      const states = await Promise.all(
        this.#up.map(({ snapshot }) => snapshot.readiness.probe()),
      );
      return states.includes("ready") ? "ready" : states[0] ?? "starting";
    },
  };

  readonly health: AdministeredServer["health"] = {
    run: async () => {
      const reports = await Promise.all(
        this.#up.map(async ({ worker, snapshot }) =>
          [worker.name, await snapshot.health.run()] as const
        ),
      );
      return this.#merged(new Map(reports));
    },
  };

  readonly trouble: AdministeredServer["trouble"] = {
    list: () =>
      this.#known
        .flatMap(({ worker, snapshot }) =>
          snapshot.trouble.list().map((each): ShownTrouble => ({
            ...each,
            name: `${each.name} (worker ${worker.name})`,
          }))
        )
        .sort((one, other) => other.time.localeCompare(one.time))
        .slice(0, MAX_TROUBLE),
  };

  /** A profile is of one process. */
  readonly profiles: NonNullable<AdministeredServer["profiles"]> = {
    handle: (request) => {
      const { pathname } = new URL(request.url);
      const paths = this.#known.map(({ worker }) =>
        `/workers/${worker.name}${pathname}`
      );
      return Promise.resolve(Response.json({
        error: `a profile is of one worker: ${paths.join(", ")}`,
      }, { status: 400 }));
    },
    close: () => Promise.resolve(),
  };

  readonly figures: ShownFigures = {
    read: () => mergedDocument(this.#documents()),
    recentLatency: () =>
      highestLatency(
        this.#up
          .map(({ snapshot }) => snapshot.figures.recentLatency())
          .filter((each) => each !== undefined),
      ),
  };

  constructor(
    known: readonly Known[],
    { info, options }: ServerFacts,
    log: Log,
  ) {
    this.#known = known;
    this.info = info;
    this.options = options;
    this.log = log;
  }

  async page(format: ExpositionFormat): Promise<MetricsPage> {
    const pages = await Promise.all(
      this.#up.map(async ({ worker, snapshot }) =>
        [worker.name, await snapshot.page(format)] as const
      ),
    );
    // One that is blocked has but what it told last, maybe in another form.
    const texts = pages
      .filter(([_, page]) => page.format === format)
      .map(([name, { text }]) => [name, text] as const);
    const own = new Exposition(format);
    own.figures(this.#figures);
    return {
      format,
      text: mergedExposition(
        new Map([...texts, ["", own.toString()]]),
        format,
      ),
    };
  }

  async read(): Promise<object> {
    const documents = await Promise.all(
      this.#up.map(async ({ worker, snapshot }) =>
        [worker.name, await snapshot.read() as MetricsDocument] as const
      ),
    );
    return {
      ...mergedDocument(documents.map(([_, document]) => document)),
      workers: Object.fromEntries(documents),
    };
  }

  get #up(): Known[] {
    return this.#known.filter(({ worker }) => worker.pid !== undefined);
  }

  get #figures(): Figure[] {
    const points = (valueOf: (worker: ShownWorker) => number) =>
      this.#known.map(({ worker }) => ({
        value: valueOf(worker),
        attributes: { [WORKER_LABEL]: worker.name },
      }));
    return [{
      name: "mcp_server_worker_up",
      type: "gauge",
      help: "1 for a worker that serves.",
      points: points(({ pid }) => Number(pid !== undefined)),
    }, {
      name: "mcp_server_worker_restarts",
      type: "counter",
      help: "Times that another worker had to follow one that failed.",
      points: points(({ restarts }) => restarts),
    }];
  }

  /** What is known of those who have told of themselves. */
  #documents(): MetricsDocument[] {
    const documents = this.#up
      .filter(({ snapshot }) => snapshot.isKnown)
      .map(({ snapshot }) => snapshot.figures.read());
    if (documents.length > 0) return documents;
    throw new Error("no worker has told of itself yet");
  }

  /** Unhealthy if all are, or none is there; degraded if not all are healthy. */
  #merged(reports: ReadonlyMap<string, HealthReport>): HealthReport {
    const timestamp = new Date().toISOString();
    const all = this.#known.map(({ worker }) => ({
      worker,
      status: reports.get(worker.name)?.status ?? "unhealthy",
    }));
    const checks: HealthReport["checks"] = {};
    for (const { worker, status } of all) {
      const { name } = worker;
      checks[`worker_${name}`] = {
        status,
        latency_ms: 0,
        message: stateOf(worker),
        checked_at: timestamp,
      };
      const own = Object.entries(reports.get(name)?.checks ?? {});
      for (const [check, report] of own) {
        checks[`worker_${name}_${check}`] = report;
      }
    }
    return {
      version: this.info.version,
      uptime_seconds: Math.round(performance.now()) / 1_000,
      timestamp,
      status: all.every(({ status }) => status === "healthy")
        ? "healthy"
        : all.every(({ status }) => status === "unhealthy")
        ? "unhealthy"
        : "degraded",
      checks,
    };
  }
}

function stateOf({ pid, restarts }: ShownWorker): string {
  if (pid !== undefined) return `process ${pid}`;
  return restarts > 0 ? "it is started again" : "it is starting";
}
