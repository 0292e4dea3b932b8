import type { circuitKind } from "../../limit/circuit_kind.ts";
import {
  counter,
  gauge,
  type InstrumentValues,
} from "../../observe/instruments.ts";
import type { HttpOriginStats } from "./origin.ts";
import type { HttpPoolStats } from "./http_pool.ts";

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

/** What an origin's circuit shows. */
export function httpCircuitValues(
  { stats }: { readonly stats: HttpOriginStats },
): InstrumentValues<keyof typeof circuitKind.measures> {
  const { circuit, opened, refused } = stats;
  return {
    open: circuit === "open" ? 1 : 0,
    half_open: circuit === "half-open" ? 1 : 0,
    opened,
    refused,
  };
}
