import type { Clock } from "../../base/clock.ts";
import { CallRecord } from "../../observe/metrics/call_record.ts";
import type { Watchdog } from "../../observe/watch/watchdog.ts";
import type { Call } from "./call.ts";
import type { CallLog } from "./call_log.ts";
import { CallMeasure } from "./call_measure.ts";
import type { FailureKind } from "./failure_kind.ts";

/** Name under which methods are counted that the server doesn't know. */
export const OTHER_METHODS = "other";

/** Beginnings of the watchdog's names of prompts and resources. */
export const PROMPT_PREFIX = "prompt ";
export const RESOURCE_PREFIX = "resource ";

/** Name that the watchdog gives all that runs in front of a call's method. */
const MIDDLEWARE = "middleware";

/** Things that the recorder needs to know of the server. */
export interface CallRecorderOptions {
  readonly clock: Clock;
  readonly log: CallLog;
  /** Tells which methods clients may call: only these have records and names. */
  readonly methods: { knows(method: string): boolean };
}

/**
 * Counts every call with its method and, where it has one, with its tool, prompt
 * or resource. Only what is registered has a record, so that no name a client
 * makes up adds one.
 */
export class CallRecorder {
  readonly #clock: Clock;
  readonly #log: CallLog;
  readonly #methods: CallRecorderOptions["methods"];
  readonly #byMethod: Map<string, CallRecord> = new Map();
  readonly #others: CallRecord = new CallRecord();
  /** Told of what ran for long, while it watches. */
  watchdog: Watchdog | undefined;

  constructor({ clock, log, methods }: CallRecorderOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#methods = methods;
  }

  /** Notes that a call has come in. */
  begin(call: Call): void {
    const record = this.#byMethod.get(call.method) ??
      this.#recordOf(call.method);
    call.measure = new CallMeasure(record, call.arrivedAt, call.requestBytes);
  }

  #recordOf(method: string): CallRecord {
    if (!this.#methods.knows(method)) return this.#others;
    const record = new CallRecord();
    this.#byMethod.set(method, record);
    return record;
  }

  /** Notes that the middleware lets a call through: no tool has run so far. */
  enter({ measure }: Call): void {
    if (this.watchdog === undefined || measure!.paused) return;
    measure!.enteredAt = this.#clock.now();
    this.watchdog.ran(MIDDLEWARE, measure!.begunAt, measure!.enteredAt);
  }

  /** Notes that a call waits for the lifespan: until that is open, nothing is its own doing. */
  hold({ measure }: Call): void {
    measure!.held = true;
    measure!.paused = true;
  }

  /** Notes that the lifespan is open: the call begins now. */
  resume({ measure }: Call): void {
    measure!.held = false;
    measure!.begunAt = this.#clock.now();
  }

  /** Notes that a call goes on later: until now it ran without a pause. */
  pause(call: Call): void {
    const { begunAt, enteredAt = begunAt } = call.measure!;
    call.measure!.paused = true;
    this.watchdog?.ran(this.nameOf(call), enteredAt, this.#clock.now());
  }

  /** Notes that a call has its answer, or won't get one. */
  end(call: Call, failure: FailureKind | undefined): void {
    const measure = call.measure!;
    if (measure.held) this.resume(call);
    const endedAt = this.#clock.now();
    const tookMs = measure.end(endedAt, failure);
    if (tookMs === undefined) return;
    if (
      failure !== undefined || tookMs > this.#log.quietMs ||
      tookMs > (measure.slowMs ?? Infinity)
    ) this.#log.ended(call, tookMs, failure);
    if (this.watchdog !== undefined) this.#watch(this.watchdog, call, endedAt);
  }

  #watch(watchdog: Watchdog, call: Call, endedAt: number): void {
    const { paused, begunAt } = call.measure!;
    if (paused) watchdog.ended(this.nameOf(call), begunAt, endedAt);
    else if (endedAt - begunAt >= watchdog.blockedMs) {
      watchdog.ran(this.nameOf(call), begunAt, endedAt);
    }
  }

  /**
   * Name of a call for the watchdog: by its tool, its prompt or its resource,
   * or else by its method. Only what is registered or known to the server has a
   * name, so that no client makes one up.
   */
  nameOf({ method, subject }: Call): string {
    if (subject === undefined) {
      return this.#methods.knows(method) ? method : OTHER_METHODS;
    }
    if (method === "prompts/get") return PROMPT_PREFIX + subject;
    return method === "resources/read" ? RESOURCE_PREFIX + subject : subject;
  }

  /** Records of what the calls of each method have come to. */
  *byMethod(): Iterable<[string, CallRecord]> {
    yield* this.#byMethod;
    yield [OTHER_METHODS, this.#others];
  }
}
