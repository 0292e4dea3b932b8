import {
  counter,
  gauge,
  type InstrumentValues,
} from "../../observe/metrics/instruments.ts";

/** A snapshot of all that an {@linkcode HttpPool} has done so far. */
export interface HttpPoolStats {
  /** Its `name` option, to tell its figures from another's. */
  name: string;
  /** Requests that run now, waiting ones not counted. */
  active: number;
  /** Requests that wait for their turn. */
  waiting: number;
  /** Calls that were made. */
  calls: number;
  /** Requests that went out for them. */
  requests: number;
  /** Those of the requests that were retries. */
  retries: number;
  /** Those that followed a redirect. */
  redirects: number;
  /** Calls that came to an error. */
  failures: number;
  /** The state of each origin; beyond 1_000 of them, idle ones are forgotten. */
  origins: Record<string, HttpOriginStats>;
}

/** A snapshot of what an {@linkcode HttpPool} knows of one origin. */
export interface HttpOriginStats {
  /** Requests that run now. */
  active: number;
  /** Requests that wait for their turn. */
  waiting: number;
  /** The state of the circuit: closed lets requests through. */
  circuit: "closed" | "open" | "half-open";
  /** Requests that went out. */
  requests: number;
  /** Those of them that had no answer, or a status of 500 and above. */
  failures: number;
  /** Times that the circuit opened. */
  opened: number;
  /** Requests that it didn't let through. */
  refused: number;
}

/** The figures of HTTP pools. */
export const httpPoolKind = {
  kind: "http_pool",
  measures: {
    active: gauge("Requests that run, those in line left aside."),
    waiting: gauge("Requests in line."),
    calls: counter("Calls made."),
    requests: counter("Requests sent for them."),
    retries: counter("Of the requests, those that were retries."),
    redirects: counter("Of the requests, those that followed a redirect."),
    failures: counter("Calls that came to an error."),
  },
};

/** Reads the figures of an HttpPool. */
export function httpPoolValues(
  { stats }: { readonly stats: HttpPoolStats },
): InstrumentValues<keyof typeof httpPoolKind.measures> {
  const { active, waiting, calls, requests, retries, redirects, failures } =
    stats;
  return { active, waiting, calls, requests, retries, redirects, failures };
}

/** The figures of each origin of a pool, which the label `origin` names. */
export const httpOriginKind = {
  kind: "http_origin",
  measures: {
    active: gauge("Requests that run, those in line left aside."),
    waiting: gauge("Requests in line."),
    requests: counter("Requests sent."),
    failures: counter(
      "Of the requests, those without an answer, or with a status of 500 and above.",
    ),
  },
};

/** Reads the figures of an origin, beside its circuit. */
export function httpOriginValues(
  { stats }: { readonly stats: HttpOriginStats },
): InstrumentValues<keyof typeof httpOriginKind.measures> {
  const { active, waiting, requests, failures } = stats;
  return { active, waiting, requests, failures };
}
