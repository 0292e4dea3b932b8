import type { Figure } from "../observe/figure.ts";
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
  ];
}
