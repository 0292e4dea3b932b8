import {
  type Exposition,
  labelsText,
} from "../../observe/metrics/exposition.ts";
import type { Watchdog } from "../../observe/watch/watchdog.ts";

/** Writes how late the event loop comes to its timers, and what blocked it. */
export function writeEventLoop(
  out: Exposition,
  watchdog: Watchdog | undefined,
): void {
  if (watchdog === undefined) return;
  const { ticks, p50Ms, p99Ms, maxMs, totalMs } = watchdog.lag;
  if (ticks === 0) return;
  const lags: [string, string, number][] = [
    ["p50", "Half of the last timers were no later, in seconds.", p50Ms],
    ["p99", "99 of 100 of the last timers were no later, in seconds.", p99Ms],
    ["max", "The latest of the last timers, in seconds.", maxMs],
  ];
  for (const [name, help, ms] of lags) {
    out.family(`event_loop_lag_${name}_seconds`, "gauge", help);
    out.sample("", ms / 1_000);
  }
  out.family("event_loop_lag_seconds", "counter", "All lag, in seconds.");
  out.sample("", totalMs / 1_000);
  writeBlocks(out, watchdog);
}

function writeBlocks(out: Exposition, { stats }: Watchdog): void {
  const { blocks, blockedMs, uncertain, byName, suspected } = stats;
  out.family(
    "event_loop_blocks",
    "counter",
    "Times that the loop stood still.",
  );
  out.sample("", blocks);
  out.family(
    "event_loop_blocked_seconds",
    "counter",
    "How long the loop stood still, in seconds.",
  );
  out.sample("", blockedMs / 1_000);
  out.family(
    "event_loop_unexplained_blocks",
    "counter",
    "Blocks for which nothing is certain to be the cause.",
  );
  out.sample("", uncertain);
  out.family(
    "mcp_server_blocked_seconds",
    "counter",
    "How long a tool or method made the loop stand still, in seconds.",
  );
  for (const [name, { blockedMs }] of byName) {
    out.sample(labelsText({ name }), blockedMs / 1_000);
  }
  out.family(
    "mcp_server_suspected_blocked_seconds",
    "counter",
    "Unexplained blocks while this tool or method alone was in progress, in seconds.",
  );
  for (const [name, { blockedMs }] of suspected) {
    out.sample(labelsText({ name }), blockedMs / 1_000);
  }
}
