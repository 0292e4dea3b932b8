import type { HealthChecksOptions } from "./health_checks_options.ts";
import type { Logger } from "../log/logger.ts";

/** Writes a line whenever a check finds something else than before. */
export function healthChangeLog(
  log: Logger,
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
