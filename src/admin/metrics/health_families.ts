import {
  type Exposition,
  labelsText,
} from "../../observe/metrics/exposition.ts";
import type { HealthChecks } from "../../observe/health/health_checks.ts";
import type { HealthStatus } from "../../observe/health/health_check.ts";

const STATUSES: readonly HealthStatus[] = [
  "healthy",
  "degraded",
  "unhealthy",
  "not_configured",
];

/** Writes what the health checks last found: 1 for the status each has. */
export function writeHealth(out: Exposition, health: HealthChecks): void {
  out.family(
    "mcp_server_health_status",
    "gauge",
    "1 for the status that a health check last had, 0 for the others.",
  );
  for (const [check, report] of Object.entries(health.last?.checks ?? {})) {
    for (const status of STATUSES) {
      const value = Number(report.status === status);
      out.sample(labelsText({ check, status }), value);
    }
  }
}
