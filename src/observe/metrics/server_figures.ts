import {
  EVENT_LOOP,
  readEventLoop,
  type WatchedEventLoop,
} from "../watch/event_loop_figures.ts";
import { type Figure, type FigureDeclaration, FigureSet } from "./figure.ts";

const DECLARED = {
  inFlight: {
    otel: "sluice.server.in_flight",
    type: "gauge",
    help: "Requests without an answer yet.",
  },
  sessions: {
    prometheus: "mcp_server_sessions",
    json: "sessions",
    otel: "sluice.server.sessions",
    type: "gauge",
    help: "Sessions of legacy clients.",
  },
  streams: {
    prometheus: "mcp_server_streams",
    json: "streams",
    type: "gauge",
    help: "Open event streams.",
  },
  subscriptions: {
    prometheus: "mcp_server_subscriptions",
    json: "subscriptions",
    otel: "sluice.server.subscriptions",
    type: "gauge",
    help: "Open subscriptions/listen streams.",
  },
  tasks: {
    prometheus: "mcp_server_tasks",
    json: "tasks",
    otel: "sluice.server.tasks",
    type: "gauge",
    help: "Tasks at work in this process.",
  },
} as const satisfies Record<string, FigureDeclaration>;

/** A reading of what a server is at. */
export type ServerReading = Record<keyof typeof DECLARED, number>;

/** Figures of what a server is at. */
export const SERVER: FigureSet<typeof DECLARED> = new FigureSet(
  DECLARED,
);

/** The parts of a server in which it is read what it is at. */
export interface CountedParts {
  readonly dispatcher: { readonly inFlight: number };
  readonly sessions: { readonly size: number };
  readonly subscriptions: { readonly size: number };
  readonly tasks: { readonly running: number };
}

/** Reads what a server is at. */
export function readServer(
  { dispatcher, sessions, subscriptions, tasks }: CountedParts,
  streams: { readonly size: number },
): ServerReading {
  return {
    inFlight: dispatcher.inFlight,
    sessions: sessions.size,
    streams: streams.size,
    subscriptions: subscriptions.size,
    tasks: tasks.running,
  };
}

/** A server's figures for OpenTelemetry. */
export function serverFigures(
  server: CountedParts & {
    readonly info: { readonly name: string };
    readonly watchdog: WatchedEventLoop | undefined;
  },
): Figure[] {
  const { name } = server.info;
  const eventLoop = readEventLoop(server.watchdog);
  return [
    ...SERVER.otel(readServer(server, { size: 0 }), { name }),
    ...(eventLoop === undefined ? [] : EVENT_LOOP.otel(eventLoop)),
  ];
}
