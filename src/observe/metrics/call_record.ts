import { Histogram } from "./histogram.ts";
import type { CallSummary, LatencySummary } from "./metrics_document.ts";

/** Counts calls and how long they take; recording a success allocates nothing. */
export class CallRecord {
  /** Durations of the calls that ended, in seconds. */
  readonly durations: Histogram = new Histogram();
  /** Failed calls by kind. */
  readonly failures: Map<string, number> = new Map();
  #queued: Histogram | undefined;
  /** Calls under way. */
  inProgress = 0;
  /** Bytes of the requests. */
  requestBytes = 0;
  /** Bytes of the answers. */
  responseBytes = 0;

  /**
   * Notes the end of a call.
   *
   * @param bucket where in {@linkcode DURATIONS} its seconds are: found once for
   * all records that count the call
   * @param failure what kind of failure it was, if it was one
   */
  end(
    seconds: number,
    bucket: number,
    requestBytes: number,
    responseBytes: number,
    failure: string | undefined,
  ): void {
    this.inProgress--;
    this.durations.put(seconds, bucket);
    this.requestBytes += requestBytes;
    this.responseBytes += responseBytes;
    if (failure !== undefined) this.#fail(failure);
  }

  #fail(kind: string): void {
    this.failures.set(kind, (this.failures.get(kind) ?? 0) + 1);
  }

  /** Notes how long a call waited for its turn. */
  waited(tookMs: number): void {
    (this.#queued ??= new Histogram()).observe(tookMs / 1_000);
  }

  /** Waits of those calls that had to wait for their turn, in seconds. */
  get queued(): Histogram | undefined {
    return this.#queued;
  }

  /** The number of calls that failed. */
  get errors(): number {
    let errors = 0;
    for (const count of this.failures.values()) errors += count;
    return errors;
  }

  /** Adds up what several records have counted. */
  static sum(records: Iterable<CallRecord>): CallRecord {
    const sum = new CallRecord();
    for (const record of records) sum.#add(record, 1);
    return sum;
  }

  /** Leaves what this record has counted and others, which are parts of it, have not. */
  without(parts: Iterable<CallRecord>): CallRecord {
    const rest = new CallRecord();
    rest.#add(this, 1);
    for (const part of parts) rest.#add(part, -1);
    return rest;
  }

  #add(other: CallRecord, times: 1 | -1): void {
    this.durations.add(other.durations, times);
    for (const [kind, count] of other.failures) {
      this.failures.set(kind, (this.failures.get(kind) ?? 0) + times * count);
    }
    this.inProgress += times * other.inProgress;
    this.requestBytes += times * other.requestBytes;
    this.responseBytes += times * other.responseBytes;
  }

  /** The figures as documents show them. */
  get summary(): CallSummary {
    return {
      calls: this.durations.count,
      in_progress: this.inProgress,
      errors: this.errors,
      errors_by_kind: Object.fromEntries(this.failures),
      latency_ms: latencySummary(this.durations),
      total_ms: rounded(this.durations.sum * 1_000),
      queued_ms: rounded((this.#queued?.sum ?? 0) * 1_000),
      request_bytes: this.requestBytes,
      response_bytes: this.responseBytes,
    };
  }
}

/** Sums up a histogram of seconds, in milliseconds. */
export function latencySummary(durations: Histogram): LatencySummary {
  return {
    mean: rounded(durations.mean * 1_000),
    p50: rounded(durations.quantile(0.5) * 1_000),
    p95: rounded(durations.quantile(0.95) * 1_000),
    p99: rounded(durations.quantile(0.99) * 1_000),
  };
}

/** To the microsecond: more is noise. */
function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
