import type { Clock } from "../base/clock.ts";
import { CallRecord } from "../observe/metrics/call_record.ts";
import { DURATIONS } from "../observe/metrics/histogram.ts";
import type { Watchdog } from "../observe/watch/watchdog.ts";
import type { Engine } from "./engine.ts";
import type { FailureKind } from "./failure_kind.ts";
import type { MethodTable } from "./method_table.ts";
import type { RequestContext } from "./request_context.ts";
import { reportEnd } from "./request_log.ts";
import { nameOf, OTHER_METHODS } from "./work_name.ts";

/** What the watchdog calls all that runs in front of a request's method. */
const MIDDLEWARE = "middleware";

/**
 * Counts every request with its method and, where it has one, with its tool,
 * prompt or resource. Only what is registered has a record, so that no name a
 * client makes up adds one.
 */
export class RequestRecorder {
  readonly #clock: Clock;
  /** How long a request may take before its end is worth a line. */
  readonly #quietMs: number;
  readonly #methods: MethodTable;
  readonly #byMethod: Map<string, CallRecord> = new Map();
  readonly #others: CallRecord = new CallRecord();
  /** Told of what ran for long, while it watches. */
  watchdog: Watchdog | undefined;

  constructor(
    { clock, log, options, methods }: Pick<
      Engine,
      "clock" | "log" | "options" | "methods"
    >,
  ) {
    this.#clock = clock;
    this.#quietMs = log.writes("debug") ? -1 : options.slowMs;
    this.#methods = methods;
  }

  /** Notes that a request has come in. */
  begin(context: RequestContext): void {
    const record = this.#byMethod.get(context.method) ??
      this.#recordOf(context.method);
    context.begunAt = this.#clock.now();
    context.record = record;
    record.inProgress++;
  }

  #recordOf(method: string): CallRecord {
    if (!this.#methods.knows(method)) return this.#others;
    const record = new CallRecord();
    this.#byMethod.set(method, record);
    return record;
  }

  /** Notes that the middleware lets a request through: no tool has run so far. */
  enter(context: RequestContext): void {
    if (this.watchdog === undefined || context.paused) return;
    context.enteredAt = this.#clock.now();
    this.watchdog.ran(MIDDLEWARE, context.begunAt, context.enteredAt);
  }

  /** Notes that a request goes on later: until now it ran without a pause. */
  pause(context: RequestContext): void {
    context.paused = true;
    const { enteredAt = context.begunAt } = context;
    this.watchdog?.ran(nameOf(context), enteredAt, this.#clock.now());
  }

  /** Notes that a request has its answer, or won't get one. */
  end(context: RequestContext, failure: FailureKind | undefined): void {
    const { record, item, requestBytes, responseBytes } = context;
    if (record === undefined) return;
    context.record = undefined;
    const endedAt = this.#clock.now();
    const tookMs = endedAt - context.begunAt;
    const seconds = tookMs / 1_000;
    const bucket = DURATIONS.indexOf(seconds);
    record.end(seconds, bucket, requestBytes, responseBytes, failure);
    item?.end(seconds, bucket, requestBytes, responseBytes, failure);
    if (tookMs > this.#quietMs) reportEnd(context, tookMs, failure);
    if (this.watchdog !== undefined) {
      this.#watch(this.watchdog, context, endedAt);
    }
  }

  #watch(watchdog: Watchdog, context: RequestContext, endedAt: number): void {
    const { paused, begunAt } = context;
    if (paused) watchdog.ended(nameOf(context), begunAt, endedAt);
    else if (endedAt - begunAt >= watchdog.blockedMs) {
      watchdog.ran(nameOf(context), begunAt, endedAt);
    }
  }

  /** What the requests of each method have come to. */
  *byMethod(): Iterable<[string, CallRecord]> {
    yield* this.#byMethod;
    yield [OTHER_METHODS, this.#others];
  }
}
