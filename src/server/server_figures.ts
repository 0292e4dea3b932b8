import type { InstrumentKind, KindReadings } from "../observe/instruments.ts";
import type { Engine } from "./engine.ts";

const SERVER_KIND: InstrumentKind = {
  kind: "server",
  measures: {
    in_flight: { type: "gauge", help: "Requests without an answer yet." },
    sessions: { type: "gauge", help: "Sessions of legacy clients." },
    subscriptions: {
      type: "gauge",
      help: "Open subscriptions/listen streams.",
    },
    tasks: { type: "gauge", help: "Tasks at work here." },
  },
};

/** What a server holds now. */
export function serverFigures(engine: Engine): KindReadings[] {
  const { info, inFlight, sessions, subscriptions, tasks } = engine;
  return [{
    kind: SERVER_KIND,
    readings: [{
      labels: { name: info.name },
      values: {
        in_flight: inFlight,
        sessions: sessions.size,
        subscriptions: subscriptions.size,
        tasks: tasks.running,
      },
    }],
  }];
}
