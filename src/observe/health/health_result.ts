import { InvalidHealthResultError } from "../../base/errors.ts";

/** How something is; `not_configured` is no judgement: it isn't there, as intended. */
export type HealthStatus =
  | "healthy"
  | "degraded"
  | "unhealthy"
  | "not_configured";

const STATUSES: ReadonlySet<unknown> = new Set<HealthStatus>([
  "healthy",
  "degraded",
  "unhealthy",
  "not_configured",
]);

/** What a check has found. */
export interface HealthResult {
  /** How it is. */
  status: HealthStatus;
  /** One sentence for the operator. */
  message?: string;
}

/** What a check may answer: nothing, or `true`, is healthy; `false` is not. */
export type HealthOutcome = HealthResult | HealthStatus | boolean | void;

/** Looks after something. What it throws is why that is unhealthy. */
export type HealthCheckFunction = (
  signal: AbortSignal,
) => HealthOutcome | Promise<HealthOutcome>;

/** @throws {InvalidHealthResultError} for what no check should answer */
export function toHealthResult(name: string, outcome: unknown): HealthResult {
  if (outcome === undefined || outcome === true) return { status: "healthy" };
  if (outcome === false) return { status: "unhealthy" };
  const { status, message } = typeof outcome === "object" && outcome !== null
    ? outcome as Partial<HealthResult>
    : { status: outcome as HealthStatus };
  if (
    !STATUSES.has(status) ||
    (message !== undefined && typeof message !== "string")
  ) throw new InvalidHealthResultError(name, outcome);
  return { status: status!, ...(message !== undefined && { message }) };
}
