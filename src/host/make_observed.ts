import { systemClock } from "../base/clock.ts";
import { healthChangeLog } from "../observe/health/health_checks_options.ts";
import { HealthChecks } from "../observe/health/health_checks.ts";
import { Logger } from "../observe/log/logger.ts";
import { QuietLog } from "../observe/log/quiet_log.ts";
import { Metrics } from "../observe/metrics/metrics.ts";
import { resolveTelemetry } from "../observe/trace/telemetry.ts";
import { Watchdog } from "../observe/watch/watchdog.ts";
import type { WatchdogOptions } from "../observe/watch/watchdog.ts";
import {
  CallTracing,
  type CallTracingOptions,
} from "../server/calls/call_tracing.ts";
import { RecentTrouble } from "../server/calls/recent_trouble.ts";
import type { ResolvedOptions } from "./resolved_options.ts";
import type { ServerParts } from "./server_parts.ts";
import type { ThisWorker } from "./workers/this_worker.ts";

/** Makes what the operator sees. */
export function makeObserved(
  version: string,
  options: ResolvedOptions,
  worker: ThisWorker | undefined,
): Pick<ServerParts, "log" | "quietLog" | "trouble" | "metrics" | "health"> {
  const { clock } = options;
  const sink = worker?.named(options.log) ?? options.log;
  const log = new Logger(sink, options.logLevel);
  return {
    log,
    quietLog: new QuietLog(log, options.logIntervalMs, clock),
    trouble: new RecentTrouble(),
    metrics: new Metrics(),
    health: new HealthChecks({
      cacheMs: options.health.cacheMs,
      timeoutMs: options.health.timeoutMs,
      version,
      clock,
      onChange: healthChangeLog(log),
    }),
  };
}

/** Makes what gives spans to OpenTelemetry, where it is wanted. */
export function makeTracing(
  { tracing }: ResolvedOptions,
  options: CallTracingOptions,
): CallTracing | undefined {
  const telemetry = resolveTelemetry(tracing);
  return telemetry && new CallTracing(telemetry, options);
}

/** Makes what looks after the event loop, where that shows anything. */
export function makeWatchdog(
  { metrics, clock, watchdog }: ResolvedOptions,
  seen: Pick<WatchdogOptions, "inProgress" | "handlerOf" | "log">,
): Watchdog | undefined {
  // Only real time shows what the event loop is late for.
  const realTime = clock === systemClock;
  return metrics && watchdog !== false && realTime
    ? new Watchdog({ ...watchdog, ...seen })
    : undefined;
}
