import {
  type FigureDeclaration,
  type FigurePoint,
  type FigureReading,
  FigureSet,
} from "../metrics/figure.ts";
import type { BlockCount, WatchdogStats } from "./block_report.ts";
import type { EventLoopStats } from "./event_loop_lag.ts";

/** A watcher of the event loop, such as a `Watchdog`. */
export interface WatchedEventLoop {
  readonly lag: EventLoopStats;
  readonly stats: WatchdogStats;
}

const DECLARED = {
  p50Ms: {
    prometheus: "event_loop_lag_p50_seconds",
    json: "lag_p50_ms",
    otel: "event_loop.lag.p50",
    type: "gauge",
    unit: "ms",
    help: "Half of the last timers were no later.",
  },
  p99Ms: {
    prometheus: "event_loop_lag_p99_seconds",
    json: "lag_p99_ms",
    otel: "event_loop.lag.p99",
    type: "gauge",
    unit: "ms",
    help: "99 of 100 of the last timers were no later.",
  },
  maxMs: {
    prometheus: "event_loop_lag_max_seconds",
    json: "lag_max_ms",
    otel: "event_loop.lag.max",
    type: "gauge",
    unit: "ms",
    help: "The latest of the last timers.",
  },
  totalMs: {
    prometheus: "event_loop_lag_seconds",
    type: "counter",
    unit: "ms",
    help: "All lag.",
  },
  blocks: {
    prometheus: "event_loop_blocks",
    json: "blocks",
    otel: "event_loop.blocks",
    type: "counter",
    help: "Times that the loop stood still.",
  },
  blockedMs: {
    prometheus: "event_loop_blocked_seconds",
    otel: "event_loop.blocked",
    type: "counter",
    unit: "ms",
    help: "How long the loop stood still.",
  },
  uncertain: {
    prometheus: "event_loop_unexplained_blocks",
    type: "counter",
    help: "Blocks for which nothing is certain to be the cause.",
  },
  blockedByName: {
    prometheus: "mcp_server_blocked_seconds",
    type: "counter",
    unit: "ms",
    help: "How long a tool or method made the loop stand still.",
  },
  suspectedByName: {
    prometheus: "mcp_server_suspected_blocked_seconds",
    type: "counter",
    unit: "ms",
    help: "Unexplained blocks while this tool or method alone was in progress.",
  },
} as const satisfies Record<string, FigureDeclaration>;

/** Figures of the event loop: its lag, and what blocked it. */
export const EVENT_LOOP: FigureSet<typeof DECLARED> = new FigureSet(DECLARED);

function blockedMsByName(
  counts: ReadonlyMap<string, BlockCount>,
): FigurePoint[] {
  return Array.from(counts, ([name, { blockedMs }]) => ({
    value: blockedMs,
    attributes: { name },
  }));
}

/** Reads the event loop; `undefined` before its first timer, and while nobody watches. */
export function readEventLoop(
  watched: WatchedEventLoop | undefined,
): FigureReading<typeof DECLARED> | undefined {
  if (watched === undefined) return undefined;
  const { lag, stats } = watched;
  if (lag.ticks === 0) return undefined;
  return {
    ...lag,
    ...stats,
    blockedByName: blockedMsByName(stats.byName),
    suspectedByName: blockedMsByName(stats.suspected),
  };
}
