import type { Figure } from "../observe/metrics/figure.ts";
import type { Watchdog } from "../observe/watch/watchdog.ts";
import type { Engine } from "./engine.ts";

/** What a server holds now. */
export function serverFigures(engine: Engine): Figure[] {
  const { info, inFlight, sessions, subscriptions, tasks } = engine;
  const gauge = (name: string, help: string, value: number): Figure => ({
    name: `sluice.server.${name}`,
    type: "gauge",
    help,
    points: [{ value, attributes: { name: info.name } }],
  });
  return [
    gauge("in_flight", "Requests without an answer yet.", inFlight),
    gauge("sessions", "Sessions of legacy clients.", sessions.size),
    gauge("subscriptions", "Open subscription streams.", subscriptions.size),
    gauge("tasks", "Tasks at work here.", tasks.running),
    ...eventLoopFigures(engine.watchdog),
  ];
}

/** How late the event loop is, and for how long it stood still. */
function eventLoopFigures(watchdog: Watchdog | undefined): Figure[] {
  if (watchdog === undefined) return [];
  const { ticks, p50Ms, p99Ms, maxMs } = watchdog.lag;
  if (ticks === 0) return [];
  const { blocks, blockedMs } = watchdog.stats;
  const seconds = (
    name: string,
    type: Figure["type"],
    help: string,
    ms: number,
  ): Figure => ({
    name: `event_loop.${name}`,
    type,
    unit: "s",
    help,
    points: [{ value: ms / 1_000 }],
  });
  return [
    seconds(
      "lag.p50",
      "gauge",
      "Half of the last timers were no later.",
      p50Ms,
    ),
    seconds("lag.p99", "gauge", "99 of 100 were no later.", p99Ms),
    seconds("lag.max", "gauge", "The latest of the last timers.", maxMs),
    seconds("blocked", "counter", "How long it stood still.", blockedMs),
    {
      name: "event_loop.blocks",
      type: "counter",
      help: "How often it stood still.",
      points: [{ value: blocks }],
    },
  ];
}
