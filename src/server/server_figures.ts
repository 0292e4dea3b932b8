import {
  type Figure,
  type FigureDeclaration,
  type FigurePoint,
  FigureSet,
} from "../observe/metrics/figure.ts";
import { counter, gauge } from "../observe/metrics/instruments.ts";
import {
  EVENT_LOOP,
  readEventLoop,
  type WatchedEventLoop,
} from "../observe/watch/event_loop_figures.ts";

const DECLARED = {
  inFlight: gauge("Requests without an answer yet.", {
    otel: "sluice.server.in_flight",
  }),
  waiting: gauge("Calls in line for their tool's concurrency.", {
    prometheus: "mcp_server_waiting",
    json: "waiting",
    otel: "sluice.server.waiting",
  }),
  queueAgeMs: gauge("How long the oldest of these lines has stood.", {
    prometheus: "mcp_server_queue_age_seconds",
    json: "queue_age_ms",
    otel: "sluice.server.queue_age",
    unit: "ms",
  }),
  refused: counter("Requests refused under load, by cause.", {
    prometheus: "mcp_server_admission_refusals",
    otel: "sluice.server.admission_refusals",
  }),
  sessions: gauge("Sessions of legacy clients.", {
    prometheus: "mcp_server_sessions",
    json: "sessions",
    otel: "sluice.server.sessions",
  }),
  streams: gauge("Open event streams.", {
    prometheus: "mcp_server_streams",
    json: "streams",
  }),
  subscriptions: gauge("Open subscriptions/listen streams.", {
    prometheus: "mcp_server_subscriptions",
    json: "subscriptions",
    otel: "sluice.server.subscriptions",
  }),
  tasks: gauge("Tasks at work in this process.", {
    prometheus: "mcp_server_tasks",
    json: "tasks",
    otel: "sluice.server.tasks",
  }),
} satisfies Record<string, FigureDeclaration>;

/** A reading of what a server is at. */
export type ServerReading =
  & Record<
    Exclude<keyof typeof DECLARED, "refused">,
    number
  >
  & { readonly refused: readonly FigurePoint[] };

/** Figures of what a server is at. */
export const SERVER: FigureSet<typeof DECLARED> = new FigureSet(DECLARED);

/** The parts of a server in which it is read what it is at. */
export interface CountedParts {
  readonly dispatcher: { readonly inFlight: number };
  readonly admission: {
    readonly waiting: number;
    readonly queueAgeMs: number;
    readonly refusals: ReadonlyMap<string, number>;
  };
  readonly sessions: { readonly size: number };
  readonly subscriptions: { readonly size: number };
  readonly tasks: { readonly running: number };
}

/** Reads what a server is at. */
export function readServer(
  { dispatcher, admission, sessions, subscriptions, tasks }: CountedParts,
  streams: { readonly size: number },
): ServerReading {
  return {
    inFlight: dispatcher.inFlight,
    waiting: admission.waiting,
    queueAgeMs: admission.queueAgeMs,
    refused: Array.from(admission.refusals, ([reason, value]) => ({
      value,
      attributes: { reason },
    })),
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
