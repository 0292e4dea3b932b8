import { counter, gauge } from "../observe/metrics/instruments.ts";

/**
 * What operators see of circuits: of caches and rate limits in Redis, and of
 * an HttpPool's origins, which the label `origin` names.
 */
export const circuitKind = {
  kind: "circuit",
  measures: {
    open: gauge("1 while it is given up for now, else 0."),
    half_open: gauge("1 while a trial request is out, else 0."),
    opened: counter("Times it was given up."),
    refused: counter("Calls that weren't sent because it was given up."),
    errors: counter("Calls that failed, those that took too long left aside."),
    timeouts: counter("Calls that took too long."),
  },
};
