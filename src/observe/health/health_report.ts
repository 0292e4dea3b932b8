import type { HealthCheckReport } from "./health_check.ts";

/** How everything is. */
export interface HealthReport {
  /** `unhealthy` if a critical check is; `degraded` if any other is, or is degraded. */
  status: "healthy" | "degraded" | "unhealthy";
  /** When the report was made, in ISO 8601. */
  timestamp: string;
  /** What runs. */
  version?: string;
  /** For how long it has run, in seconds. */
  uptime_seconds: number;
  /** Every check, by name. */
  checks: Record<string, HealthCheckReport>;
}

/** How the whole is, given how its parts are. */
export function overall(
  checks: { critical: boolean; report: HealthCheckReport }[],
): HealthReport["status"] {
  const isUnhealthy = ({ report }: { report: HealthCheckReport }) =>
    report.status === "unhealthy";
  if (checks.some((each) => each.critical && isUnhealthy(each))) {
    return "unhealthy";
  }
  return checks.some((each) =>
      isUnhealthy(each) || each.report.status === "degraded"
    )
    ? "degraded"
    : "healthy";
}
