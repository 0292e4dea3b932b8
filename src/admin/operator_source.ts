import type { HealthReport } from "../observe/health/health_checks.ts";
import type { ExpositionFormat } from "../observe/metrics/exposition.ts";
import type {
  LatencySummary,
  MetricsDocument,
} from "../observe/metrics/metrics_document.ts";
import type { ShownTrouble } from "./dashboard/dashboard_feed.ts";

/** What the dashboard is fed with once a second. */
export interface DashboardFigures {
  readonly metrics: MetricsDocument;
  /** Of the requests that have ended since this was asked last. */
  readonly latency?: LatencySummary;
  readonly trouble: readonly ShownTrouble[];
}

/** The answers of a server to what its operators' pages ask, by question. */
export interface OperatorAnswers {
  /** As `Readiness.probe` tells it. */
  readiness: string;
  health: HealthReport;
  metricsText: string;
  metricsDocument: MetricsDocument;
  dashboard: DashboardFigures;
  /** Tells if a request is an operator's, or answers it. */
  authorize: boolean | Response;
  /** Answers a request for a profile. */
  profile: Response;
}

/** What a question is about, where it is about anything. */
export interface OperatorQuestion {
  readonly format?: ExpositionFormat;
  readonly request?: Request;
  /** The address of who asks for it. */
  readonly address?: string;
}

/** A server in another thread or process, as its operators' pages see it. */
export interface OperatorSource {
  /** For how long its event loop has been blocked, in milliseconds; 0 while it turns. */
  blockedMs(): number;
  /** Asks it something; `undefined` if it can't answer, because it is blocked. */
  ask<Name extends keyof OperatorAnswers>(
    name: Name,
    about?: OperatorQuestion,
  ): Promise<OperatorAnswers[Name] | undefined>;
}
