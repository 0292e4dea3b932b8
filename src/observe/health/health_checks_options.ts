import type { Clock } from "../../base/clock.ts";
import type { Log } from "../log/log.ts";
import type { HealthCheckReport, HealthStatus } from "./health_check.ts";

/** The options of `HealthChecks`. */
export interface HealthChecksOptions {
  /**
   * Milliseconds for which a report is given again, however often it is asked
   * for.
   * @default 1000
   */
  cacheMs?: number;
  /**
   * Milliseconds that a check has, unless it is added with others.
   * @default 2000
   */
  timeoutMs?: number;
  /** The version that reports name. */
  version?: string;
  /**
   * The source of the time.
   * @default systemClock
   */
  clock?: Clock;
  /** Told when a check finds something else than before. */
  onChange?: (
    name: string,
    report: HealthCheckReport,
    before: HealthStatus | undefined,
  ) => void;
}

/** The options of one check. */
export interface HealthCheckOptions {
  /**
   * Milliseconds after which it has failed.
   * @default the `timeoutMs` of all checks
   */
  timeoutMs?: number;
  /**
   * Makes all unhealthy with it, rather than degraded.
   * @default true
   */
  critical?: boolean;
}

/** Writes a line whenever a check finds something else than before. */
export function healthChangeLog(
  log: Log,
): NonNullable<HealthChecksOptions["onChange"]> {
  return (check, { status, message }, before) => {
    const level = status === "healthy" ? "info" : "warning";
    log[level](`the health check ${check} is ${status}`, {
      check,
      ...(before !== undefined && { before }),
      ...(message !== undefined && { reason: message }),
    });
  };
}
