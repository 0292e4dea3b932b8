import {
  type FigureDeclaration,
  type FigurePoint,
  type FigureReading,
  FigureSet,
} from "../metrics/figure.ts";
import { counter, gauge } from "../metrics/instruments.ts";
import type { BlockCount, WatchdogStats } from "./block_report.ts";
import type { EventLoopStats } from "./event_loop_lag.ts";

/** A watcher of the event loop, such as a `Watchdog`. */
export interface WatchedEventLoop {
  readonly lag: EventLoopStats;
  readonly stats: WatchdogStats;
}

const DECLARED = {
  p50Ms: gauge("Half of the last timers were no later.", {
    prometheus: "event_loop_lag_p50_seconds",
    json: "lag_p50_ms",
    otel: "event_loop.lag.p50",
    unit: "ms",
  }),
  p99Ms: gauge("99 of 100 of the last timers were no later.", {
    prometheus: "event_loop_lag_p99_seconds",
    json: "lag_p99_ms",
    otel: "event_loop.lag.p99",
    unit: "ms",
  }),
  maxMs: gauge("The latest of the last timers.", {
    prometheus: "event_loop_lag_max_seconds",
    json: "lag_max_ms",
    otel: "event_loop.lag.max",
    unit: "ms",
  }),
  totalMs: counter("All lag.", {
    prometheus: "event_loop_lag_seconds",
    unit: "ms",
  }),
  blocks: counter("Times that the loop stood still.", {
    prometheus: "event_loop_blocks",
    json: "blocks",
    otel: "event_loop.blocks",
  }),
  blockedMs: counter("How long the loop stood still.", {
    prometheus: "event_loop_blocked_seconds",
    otel: "event_loop.blocked",
    unit: "ms",
  }),
  starved: counter("Times that the process hardly got the CPU.", {
    prometheus: "event_loop_starvations",
    json: "starved",
    otel: "event_loop.starvations",
  }),
  starvedMs: counter("How long the process hardly got the CPU.", {
    prometheus: "event_loop_starved_seconds",
    json: "starved_ms",
    otel: "event_loop.starved",
    unit: "ms",
  }),
  uncertain: counter("Blocks for which nothing is certain to be the cause.", {
    prometheus: "event_loop_unexplained_blocks",
  }),
  blockedByName: counter(
    "How long a tool or method made the loop stand still.",
    {
      prometheus: "mcp_server_blocked_seconds",
      unit: "ms",
    },
  ),
  suspectedByName: counter(
    "Unexplained blocks while this tool or method alone was in progress.",
    {
      prometheus: "mcp_server_suspected_blocked_seconds",
      unit: "ms",
    },
  ),
} satisfies Record<string, FigureDeclaration>;

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
