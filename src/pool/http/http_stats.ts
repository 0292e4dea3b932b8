import {
  counter,
  gauge,
  type InstrumentValues,
} from "../../observe/metrics/instruments.ts";

/** What an {@linkcode HttpPool} has done so far. */
export interface HttpPoolStats {
  /** Its `name` option, to tell its figures from another's. */
  name: string;
  /** How many requests run now, waiting ones not counted. */
  active: number;
  /** How many wait for their turn. */
  waiting: number;
  /** How many calls were made. */
  calls: number;
  /** How many requests went out for them. */
  requests: number;
  /** How many of those were retries. */
  retries: number;
  /** How many followed a redirect. */
  redirects: number;
  /** How many calls came to an error. */
  failures: number;
  /** What each origin is doing; beyond 1_000 of them, idle ones are forgotten. */
  origins: Record<string, HttpOriginStats>;
}

/** What an {@linkcode HttpPool} knows of one origin. */
export interface HttpOriginStats {
  /** How many requests run now. */
  active: number;
  /** How many wait for their turn. */
  waiting: number;
  /** Whether requests are let through. */
  circuit: "closed" | "open" | "half-open";
  /** How many requests went out. */
  requests: number;
  /** How many of them had no answer, or a status of 500 and above. */
  failures: number;
  /** How many times the circuit opened. */
  opened: number;
  /** How many requests it didn't let through. */
  refused: number;
}

/** What operators see of HTTP pools. */
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

/** What an HttpPool shows. */
export function httpPoolValues(
  { stats }: { readonly stats: HttpPoolStats },
): InstrumentValues<keyof typeof httpPoolKind.measures> {
  const { active, waiting, calls, requests, retries, redirects, failures } =
    stats;
  return { active, waiting, calls, requests, retries, redirects, failures };
}

/** What operators see of each origin of a pool, which the label `origin` names. */
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

/** What an origin shows, beside its circuit. */
export function httpOriginValues(
  { stats }: { readonly stats: HttpOriginStats },
): InstrumentValues<keyof typeof httpOriginKind.measures> {
  const { active, waiting, requests, failures } = stats;
  return { active, waiting, requests, failures };
}
