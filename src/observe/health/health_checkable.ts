import type { HealthOutcome } from "./health_check.ts";

/**
 * Something that can tell its own health, as Sluice's pools and shared caches can. In a
 * server's lifespan it becomes a check by itself, named after its key.
 *
 * @example
 * ```ts
 * import { type HealthCheckable, McpServer } from "@sluice/mcp";
 *
 * class Mailer implements HealthCheckable {
 *   connected = true;
 *   checkHealth() {
 *     return this.connected;
 *   }
 * }
 *
 * const server = new McpServer({ name: "mail", version: "1.0.0" }, {
 *   lifespan: () => ({ mailer: new Mailer() }), // the check "mailer"
 * });
 * ```
 */
export interface HealthCheckable {
  /** Looks whether it can do its work; the signal aborts when the time is over. */
  checkHealth(
    signal?: AbortSignal,
  ): HealthOutcome | Promise<HealthOutcome>;
  /**
   * Makes a server without it unhealthy, rather than degraded.
   * @default true
   */
  readonly healthCritical?: boolean;
}

/** Tells if a value can tell its own health. */
export function isHealthCheckable(value: unknown): value is HealthCheckable {
  return value !== null &&
    (typeof value === "object" || typeof value === "function") &&
    typeof (value as Partial<HealthCheckable>).checkHealth === "function";
}

/** The own values of an object that can tell their health, by their keys; getters are left alone. */
export function healthCheckables(
  owner: unknown,
): [name: string, checkable: HealthCheckable][] {
  if (typeof owner !== "object" || owner === null) return [];
  return Object.entries(Object.getOwnPropertyDescriptors(owner)).flatMap(
    ([name, { value, enumerable }]) =>
      enumerable && name !== "" && isHealthCheckable(value)
        ? [[name, value] as [string, HealthCheckable]]
        : [],
  );
}
