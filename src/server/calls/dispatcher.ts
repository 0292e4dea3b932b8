import { byteLength } from "../../base/byte_length.ts";
import { isThenable } from "../../base/thenable.ts";
import type { WatchedWork } from "../../observe/watch/block_suspects.ts";
import {
  ProtocolError,
  ProtocolErrorCode,
} from "../../protocol/protocol_errors.ts";
import {
  errorText,
  type JsonObject,
  resultText,
  toProtocolError,
} from "../../protocol/jsonrpc.ts";
import { ReadyJson } from "../eras/ready_json.ts";
import type { Call } from "./call.ts";
import type { CallLog } from "./call_log.ts";
import type { CallRecorder } from "./call_recorder.ts";
import type { CallTracing } from "./call_tracing.ts";
import { failureKindOf } from "./failure_kind.ts";
import type { MethodTable } from "./method_table.ts";
import { compose, type Middleware } from "./middleware.ts";
import { STAYS_OPEN } from "./reply.ts";

/** What a dispatcher works with. */
export interface DispatcherParts {
  readonly methods: MethodTable;
  /** Opened before the first call, if it isn't open yet. */
  readonly lifespan: { readonly ready: boolean; start(): Promise<void> };
  readonly log: CallLog;
  /** Turns away who lacks a scope that every call needs. @throws {ProtocolError} */
  readonly checkAccess: ((call: Call) => void) | undefined;
  /** Whether clients are kept from the messages of unexpected errors. */
  readonly maskErrors: boolean;
  /** Counts calls, unless metrics are off. */
  readonly recorder: CallRecorder | undefined;
  /** Makes spans and measurements, where somebody takes them. */
  readonly tracing: CallTracing | undefined;
}

/**
 * Takes calls and sees that each is answered once: finds the method, runs it
 * through the middleware, and writes the result in the client's era.
 */
export class Dispatcher {
  readonly #parts: DispatcherParts;
  readonly #recorder: CallRecorder | undefined;
  readonly #tracing: CallTracing | undefined;
  readonly #middleware: Middleware[] = [];
  #chain: ReturnType<typeof compose> | undefined;
  readonly #waiting: Set<Call> = new Set();
  #inFlight = 0;
  #idle: (() => void)[] = [];

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
    this.#recorder = parts.recorder;
    this.#tracing = parts.tracing;
  }

  /** How many calls have no answer yet, open subscriptions left aside. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** The calls that wait for something, for the watchdog to blame. */
  *inProgress(): Iterable<WatchedWork> {
    if (this.#recorder === undefined) return;
    for (const call of this.#waiting) {
      yield {
        name: this.#recorder.nameOf(call),
        begunAt: call.measure!.begunAt,
      };
    }
  }

  /** Wraps every call; the first registered is the outermost. */
  use(middleware: Middleware): void {
    this.#middleware.push(middleware);
    this.#chain = compose(this.#middleware);
  }

  /** Takes a call. The answer goes to its reply. */
  dispatch(call: Call): void {
    if (this.#tracing === undefined) this.#dispatch(call);
    else this.#tracing.run(call, () => this.#dispatch(call));
  }

  #dispatch(call: Call): void {
    this.#inFlight++;
    this.#recorder?.begin(call);
    call.session?.inFlight.set(call.requestId, call);
    const { lifespan } = this.#parts;
    let outcome: unknown;
    try {
      outcome = lifespan.ready
        ? this.#run(call)
        : lifespan.start().then(() => this.#run(call));
    } catch (error) {
      this.#fail(call, error);
      return;
    }
    if (isThenable(outcome)) {
      this.#waiting.add(call);
      this.#recorder?.pause(call);
      outcome.then(
        (result) => this.#succeed(call, result),
        (error) => this.#fail(call, error),
      );
    } else this.#succeed(call, outcome);
  }

  #run(call: Call): unknown {
    this.#parts.checkAccess?.(call);
    const method = this.#parts.methods.find(call);
    if (this.#chain === undefined) return method(call);
    return this.#chain(
      { method: call.method, params: call.params, ctx: call.context },
      async ({ params }) => {
        call.params = params;
        this.#recorder?.enter(call);
        const result = await method(call);
        return (result instanceof ReadyJson
          ? result.parse(call.era.name)
          : result) as JsonObject;
      },
    );
  }

  #succeed(call: Call, result: unknown): void {
    if (call.settled) return;
    if (result === STAYS_OPEN) {
      this.#recorder?.end(call, undefined);
      this.#tracing?.succeeded(call, result);
      this.#leave(call);
      return;
    }
    let text: string;
    try {
      text = resultText(call.requestId, call.era.writeResult(result));
    } catch (error) {
      this.#fail(call, error);
      return;
    }
    this.#tracing?.succeeded(call, result);
    // What the client chose as an id may hold anything.
    const bytes = typeof call.requestId === "number"
      ? text.length + call.era.excess
      : undefined;
    this.settle(call, text, undefined, bytes);
  }

  #fail(call: Call, error: unknown): void {
    if (call.settled) return;
    const wire = toProtocolError(error, this.#parts.maskErrors);
    call.failure = failureKindOf(error, "internal_error");
    if (!(error instanceof ProtocolError)) {
      this.#parts.log.failed(call.method, error, call);
    }
    this.#tracing?.failed(call, wire);
    this.settle(call, errorText(call.requestId, wire), wire);
  }

  /** Answers a call that is not let through to its method. */
  refuse(call: Call, error: ProtocolError): void {
    call.settled = true;
    call.left = true;
    call.failure = failureKindOf(error, "internal_error");
    this.#recorder?.begin(call);
    this.#tracing?.refused(call, error);
    this.#answer(call, errorText(call.requestId, error), error, undefined);
  }

  /**
   * Sends the last word on a call.
   *
   * @param bytes how many it has, if that is known
   */
  settle(
    call: Call,
    text: string,
    error?: ProtocolError,
    bytes?: number,
  ): void {
    call.settled = true;
    call.stopWaiting();
    call.session?.inFlight.delete(call.requestId);
    this.#answer(call, text, error, bytes);
    this.#leave(call);
  }

  #answer(
    call: Call,
    text: string,
    error: ProtocolError | undefined,
    bytes: number | undefined,
  ): void {
    if (call.measure !== undefined) {
      call.measure.responseBytes += bytes ?? byteLength(text);
      this.#recorder!.end(call, call.failure);
    }
    call.reply.respond(text, error);
  }

  /** Lets go of a call that its client has called off. */
  cancelled(call: Call): void {
    call.settled = true;
    call.session?.inFlight.delete(call.requestId);
    if (call.measure !== undefined) this.#recorder!.end(call, "cancelled");
    this.#tracing?.cancelled(call);
    call.onCancelled?.();
    call.reply.abandon();
    this.#leave(call);
  }

  #leave(call: Call): void {
    if (call.left) return;
    call.left = true;
    this.#waiting.delete(call);
    if (--this.#inFlight > 0 || this.#idle.length === 0) return;
    const waiting = this.#idle;
    this.#idle = [];
    for (const resume of waiting) resume();
  }

  /** Resolves once no call is in flight. */
  idle(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Answers what is still in flight after the grace with an error. */
  giveUp(graceMs: number): void {
    const calls = [...this.#waiting];
    if (calls.length === 0) return;
    const names = calls.map((call) =>
      this.#recorder?.nameOf(call) ?? call.method
    );
    this.#parts.log.cutOff(names, graceMs);
    const reason = new ProtocolError(
      ProtocolErrorCode.InternalError,
      "The server is shutting down",
    );
    for (const call of calls) {
      call.expire(reason);
      this.#fail(call, reason);
    }
  }
}
