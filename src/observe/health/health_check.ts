import { abortable } from "../../base/abort.ts";
import type { Clock } from "../../base/clock.ts";
import { InvalidHealthResultError, TimeoutError } from "../../base/errors.ts";
import { thrownText } from "../../base/thrown.ts";
import { safeText } from "../log/log_fields.ts";
import { tellListener } from "../log/tell_listener.ts";

/** The state of something; `not_configured` is no judgement: it isn't there, as intended. */
export type HealthStatus =
  | "healthy"
  | "degraded"
  | "unhealthy"
  | "not_configured";

/** All states, the best first. */
export const HEALTH_STATUSES: readonly HealthStatus[] = [
  "healthy",
  "degraded",
  "unhealthy",
  "not_configured",
];

/** The finding of a check. */
export interface HealthResult {
  /** Its state. */
  status: HealthStatus;
  /** One sentence for the operator. */
  message?: string;
}

/** An answer of a check: nothing, or `true`, is healthy; `false` is not. */
export type HealthOutcome = HealthResult | HealthStatus | boolean | void;

/** Looks after something. What it throws is why that is unhealthy. */
export type HealthCheckFunction = (
  signal: AbortSignal,
) => HealthOutcome | Promise<HealthOutcome>;

/** The most that is kept of a check's message. */
const MAX_MESSAGE = 500;

/** The report on one run of a check. */
export interface HealthCheckReport {
  /** The state that it found. */
  status: HealthStatus;
  /** Its duration, in milliseconds. */
  latency_ms: number;
  /** The reason why it isn't healthy, or whatever it has to say. */
  message?: string;
  /** Its beginning, in ISO 8601. */
  checked_at: string;
}

/** The settings of a {@linkcode HealthCheck}. */
export interface HealthCheckSettings {
  readonly name: string;
  readonly check: HealthCheckFunction;
  readonly timeoutMs: number;
  readonly critical: boolean;
  readonly clock: Clock;
  /** Ends the run under way, and lets no other begin. */
  readonly closing: AbortSignal;
  /** Told when the status is another than before; at first, only if it isn't healthy. */
  readonly onChange: (
    report: HealthCheckReport,
    before: HealthStatus | undefined,
  ) => void;
}

/** One check, which runs at most once at a time, even if it never ends. */
export class HealthCheck {
  readonly critical: boolean;
  readonly #settings: HealthCheckSettings;
  #running: Promise<HealthCheckReport> | undefined;
  /** The time of a call that has not returned yet. */
  #calledAt: number | undefined;
  #status: HealthStatus | undefined;

  constructor(settings: HealthCheckSettings) {
    this.#settings = settings;
    this.critical = settings.critical;
  }

  /** Runs the check, or joins the run under way; never rejects. */
  run(): Promise<HealthCheckReport> {
    return this.#running ??= this.#run().finally(() =>
      this.#running = undefined
    );
  }

  async #run(): Promise<HealthCheckReport> {
    const { clock } = this.#settings;
    const begunAt = clock.now();
    const checked_at = new Date().toISOString();
    const { status, message } = this.#calledAt === undefined
      ? await this.#ask()
      : stillHangs(begunAt - this.#calledAt);
    const report: HealthCheckReport = {
      status,
      latency_ms: Math.round((clock.now() - begunAt) * 1_000) / 1_000,
      ...(message !== undefined && { message: safeText(message, MAX_MESSAGE) }),
      checked_at,
    };
    if (!this.#settings.closing.aborted) this.#note(report);
    return report;
  }

  async #ask(): Promise<HealthResult> {
    const { name, check, timeoutMs, clock, closing } = this.#settings;
    if (closing.aborted) return failed(closing.reason);
    const late = new AbortController();
    const timer = clock.setTimeout(
      () => late.abort(new TimeoutError(`the check "${name}"`, timeoutMs)),
      timeoutMs,
    );
    const signal = AbortSignal.any([late.signal, closing]);
    this.#calledAt = clock.now();
    const returned = () => this.#calledAt = undefined;
    const answer = Promise.try(check, signal);
    answer.then(returned, returned);
    try {
      return toHealthResult(name, await abortable(answer, signal));
    } catch (error) {
      return failed(error);
    } finally {
      clock.clearTimeout(timer);
    }
  }

  #note(report: HealthCheckReport): void {
    const before = this.#status;
    this.#status = report.status;
    const isNews = before === undefined
      ? report.status === "degraded" || report.status === "unhealthy"
      : before !== report.status;
    if (!isNews) return;
    tellListener(
      "onChange",
      () => this.#settings.onChange(report, before),
    );
  }
}

function failed(reason: unknown): HealthResult {
  return { status: "unhealthy", message: thrownText(reason) };
}

function stillHangs(forMs: number): HealthResult {
  const message = `it was asked ${Math.round(forMs)} ms ago and still hangs`;
  return { status: "unhealthy", message };
}

/** @throws {InvalidHealthResultError} for what no check should answer */
function toHealthResult(name: string, outcome: unknown): HealthResult {
  if (outcome === undefined || outcome === true) return { status: "healthy" };
  if (outcome === false) return { status: "unhealthy" };
  const { status, message } = typeof outcome === "object" && outcome !== null
    ? outcome as Partial<HealthResult>
    : { status: outcome as HealthStatus };
  if (
    !HEALTH_STATUSES.includes(status!) ||
    (message !== undefined && typeof message !== "string")
  ) throw new InvalidHealthResultError(name, outcome);
  return { status: status!, ...(message !== undefined && { message }) };
}
