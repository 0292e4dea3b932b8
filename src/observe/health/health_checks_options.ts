import { type Clock, systemClock } from "../../base/clock.ts";
import { option, type OptionRules } from "../../base/option_rules.ts";
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

/** How those are read that a server's author may set as well. */
export const HEALTH_TIMES = {
  cacheMs: option.durationMs(1_000),
  timeoutMs: option.durationMs(2_000, 1),
};

/** How the options are read. */
export const HEALTH_CHECKS_OPTIONS = {
  ...HEALTH_TIMES,
  version: option.optional<string>(),
  clock: option.any<Clock>(systemClock),
  onChange: option.optional<HealthChecksOptions["onChange"]>(),
} satisfies OptionRules<HealthChecksOptions>;

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

/** How the options of one check are read. */
export const HEALTH_CHECK_OPTIONS = {
  timeoutMs: option.ifGiven(option.durationMs(undefined, 1)),
  critical: option.any(true),
} satisfies OptionRules<HealthCheckOptions>;

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
