import type { CallRecord } from "../../observe/metrics/call_record.ts";
import { DURATIONS } from "../../observe/metrics/histogram.ts";
import type { FailureKind } from "./failure_kind.ts";

/** Measures a call by its method and its tool, prompt or resource, if any. */
export class CallMeasure {
  /** Time when it came in, or when its wait was over, by the server's clock. */
  begunAt: number;
  /** True if it waits for the lifespan to open. */
  held = false;
  /** Number of milliseconds that is too many, if that is its tool's to say. */
  slowMs: number | undefined = undefined;
  /** Time when the middleware let it through to its method, if at once. */
  enteredAt: number | undefined = undefined;
  /** True if it has waited for anything. */
  paused = false;
  /** Number of bytes sent in answer to it so far. */
  responseBytes = 0;
  readonly #method: CallRecord;
  readonly #requestBytes: number;
  #item: CallRecord | undefined = undefined;
  #ended = false;

  constructor(method: CallRecord, begunAt: number, requestBytes: number) {
    this.#method = method;
    this.begunAt = begunAt;
    this.#requestBytes = requestBytes;
    method.inProgress++;
  }

  /** Counts the call with the tool, prompt or resource that it is about, too. */
  countWith(item: CallRecord): void {
    if (this.#ended || this.#item !== undefined) return;
    this.#item = item;
    item.inProgress++;
  }

  /** Notes how long it was in line, in milliseconds. */
  waited(ms: number): void {
    this.#item?.waited(ms);
  }

  /**
   * Notes that it has its answer, or won't get one.
   *
   * @returns how long it took in milliseconds; `undefined` if it had ended before
   */
  end(endedAt: number, failure: FailureKind | undefined): number | undefined {
    if (this.#ended) return undefined;
    this.#ended = true;
    const tookMs = endedAt - this.begunAt;
    const seconds = tookMs / 1_000;
    const bucket = DURATIONS.indexOf(seconds);
    for (const record of [this.#method, this.#item]) {
      record?.end(
        seconds,
        bucket,
        this.#requestBytes,
        this.responseBytes,
        failure,
      );
    }
    return tookMs;
  }
}
