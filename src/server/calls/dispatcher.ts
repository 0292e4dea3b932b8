import { idKey } from "../../protocol/whole_number.ts";
import { byteLength } from "../../base/byte_length.ts";
import { isThenable } from "../../base/thenable.ts";
import type { WatchedWork } from "../../observe/watch/block_suspects.ts";
import {
  asUrlElicitationRequired,
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  ResultTooBigError,
} from "../../protocol/protocol_errors.ts";
import {
  errorText,
  type JsonObject,
  resultText,
  toProtocolError,
} from "../../protocol/jsonrpc.ts";
import type { ElicitRequestURLParams } from "../../protocol/types.ts";
import { ReadyJson } from "../eras/ready_json.ts";
import { errorResult } from "../catalog/tool_result.ts";
import type { Call } from "./call.ts";
import { CallScope } from "./call_scope.ts";
import type { CallRecorder } from "./call_recorder.ts";
import type { CallTracing } from "./call_tracing.ts";
import { failureText } from "./failure_text.ts";
import type { DispatcherParts } from "./dispatcher_parts.ts";
import { failureKindOf } from "./failure_kind.ts";
import { compose, type Middleware } from "./middleware.ts";
import { RelatedCalls } from "./related_calls.ts";
import { STAYS_OPEN } from "./reply.ts";

/**
 * Takes calls and sees that each is answered once: finds the method, runs it
 * through the middleware, and writes the result in the client's era.
 */
export class Dispatcher {
  readonly #parts: DispatcherParts;
  readonly #recorder: CallRecorder | undefined;
  readonly #tracing: CallTracing | undefined;
  readonly #admission: DispatcherParts["admission"];
  readonly #middleware: Middleware[] = [];
  #chain: ReturnType<typeof compose> | undefined;
  readonly #waiting: Set<Call> = new Set();
  /** Finds the call that code belongs to which was not told. */
  readonly related: RelatedCalls;
  /** Gate that calls must pass first, while there is something to wait for. */
  gate: ((call: Call, run: () => unknown) => unknown) | undefined;
  /** The call whose handler is being entered. */
  #entering: Call | undefined;
  #scoped = false;
  #inFlight = 0;
  #used = false;
  readonly #idle: (() => void)[] = [];

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
    this.#recorder = parts.recorder;
    this.#tracing = parts.tracing;
    this.#admission = parts.admission;
    this.related = new RelatedCalls(this);
  }

  /** The calls that wait for something. */
  get waiting(): ReadonlySet<Call> {
    return this.#waiting;
  }

  /** Number of calls without an answer yet, open subscriptions left aside. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** True once there has been a call. */
  get used(): boolean {
    return this.#used;
  }

  /** The calls that wait for something, for the watchdog to blame. */
  *inProgress(): Iterable<WatchedWork> {
    if (this.#recorder === undefined) return;
    for (const call of this.#waiting) {
      if (call.measure!.held) continue;
      yield {
        name: this.#recorder.nameOf(call),
        begunAt: call.measure!.begunAt,
      };
    }
  }

  /** The call whose handler runs right now, until it first waits for something. */
  get entering(): Call | undefined {
    return this.#entering;
  }

  /** Runs what a call goes on with, once it has waited. */
  enter<Result>(call: Call, work: () => Result): Result {
    this.#entering = call;
    try {
      return work();
    } finally {
      this.#entering = undefined;
    }
  }

  /** Gives calls a scope from now on, which costs each some time (bench/http.ts, "echo"). */
  keepScopes(): void {
    this.#scoped = true;
  }

  /** Wraps every call; the first registered is the outermost. */
  use(middleware: Middleware): void {
    this.#middleware.push(middleware);
    this.#chain = compose(this.#middleware);
  }

  /** Takes a call. The answer goes to its reply. */
  dispatch(call: Call): void {
    const refused = this.#admission?.refusalOf(call, this.#waiting);
    if (refused !== undefined) return this.refuse(call, refused);
    if (!this.#scoped) return this.#trace(call);
    call.scope = new CallScope(call);
    call.scope.run(() => this.#trace(call));
  }

  #trace(call: Call): void {
    if (this.#tracing === undefined) this.#dispatch(call);
    else this.#tracing.run(call, () => this.#dispatch(call));
  }

  #dispatch(call: Call): void {
    this.#inFlight++;
    this.#used = true;
    this.#recorder?.begin(call);
    this.#parts.audit?.begin(call);
    call.session?.inFlight.set(idKey(call.requestId), call);
    let outcome: unknown;
    this.#entering = call;
    try {
      outcome = this.#parts.lifespan.ready
        ? this.#run(call)
        : this.#runOnceOpen(call);
    } catch (error) {
      this.#entering = undefined;
      this.#fail(call, error);
      return;
    }
    this.#entering = undefined;
    if (isThenable(outcome)) {
      this.#waiting.add(call);
      this.#admission?.begin(call);
      if (call.measure?.held === false) this.#recorder!.pause(call);
      outcome.then(
        (result) => this.#succeed(call, result),
        (error) => this.#fail(call, error),
      );
    } else this.#succeed(call, outcome);
  }

  async #runOnceOpen(call: Call): Promise<unknown> {
    this.#recorder?.hold(call);
    await this.#parts.lifespan.start();
    if (!call.settled) this.#recorder?.resume(call);
    return await this.#run(call);
  }

  #run(call: Call): unknown {
    const { rateLimit } = this.#parts;
    return rateLimit === undefined
      ? this.#letIn(call)
      : rateLimit.admit(call).then(() =>
        this.enter(call, () => this.#letIn(call))
      );
  }

  #letIn(call: Call): unknown {
    this.#parts.checkAccess?.(call);
    return this.gate === undefined
      ? this.#answerTo(call)
      : this.gate(call, () => this.#answerTo(call));
  }

  #answerTo(call: Call): unknown {
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
      this.#parts.audit?.end(call, undefined);
      this.#tracing?.succeeded(call, result);
      this.#leave(call);
      return;
    }
    let text: string;
    try {
      // What its tool has completed was looked at then, unless middleware came in.
      const seen = call.completer !== undefined && this.#chain === undefined;
      text = resultText(call.requestId, call.era.writeResult(result, seen));
    } catch (error) {
      this.#fail(call, error);
      return;
    }
    // What the client chose as an id may hold anything.
    const bytes = typeof call.requestId === "number"
      ? text.length + call.era.excess
      : byteLength(text);
    const { maxResultBytes = this.#parts.maxResultBytes } = call;
    if (bytes > maxResultBytes) {
      this.#tooBig(call, bytes, maxResultBytes);
      return;
    }
    this.#tracing?.succeeded(call, result);
    this.settle(call, text, undefined, bytes);
  }

  /** Says how big an answer would be: to the model, if it has asked for it. */
  #tooBig(call: Call, bytes: number, maxResultBytes: number): void {
    const { completer, subject = call.method } = call;
    const error = new ResultTooBigError(subject, bytes, maxResultBytes);
    this.#parts.log.failed(call.method, error, call);
    if (completer === undefined) {
      this.#fail(call, error);
      return;
    }
    call.error = error;
    call.failure = failureKindOf(error, "internal_error");
    const result = errorResult(error.message);
    this.#tracing?.succeeded(call, result);
    this.settle(
      call,
      resultText(call.requestId, call.era.writeResult(result)),
    );
  }

  #fail(call: Call, error: unknown): void {
    if (call.settled) return;
    const { maskErrors, revealUrls } = this.#parts;
    const wire = error instanceof ResourceNotFoundError
      ? call.era.resourceNotFound(error.uri)
      : toProtocolError(
        error,
        maskErrors,
        (thrown) => failureText(thrown, revealUrls),
      );
    call.error = error;
    call.failure = failureKindOf(error, "internal_error");
    for (const { elicitationId } of pagesOf(wire)) {
      call.session?.giveElicitation(elicitationId);
    }
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
    call.error = error;
    call.failure = failureKindOf(error, "internal_error");
    this.#recorder?.begin(call);
    this.#parts.audit?.begin(call);
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
    call.scope?.end();
    call.stopWaiting();
    call.session?.inFlight.delete(idKey(call.requestId));
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
    try {
      call.reply.respond(text, error);
    } catch (fault) {
      this.#unsent(call, fault);
    }
    this.#parts.audit?.end(call, call.failure);
  }

  /** Tells of an answer that can't be sent, and sends one that can. */
  #unsent(call: Call, fault: unknown): void {
    this.#parts.log.failed(`the answer to ${call.method}`, fault, call);
    const error = new ProtocolError(
      ProtocolErrorCode.InternalError,
      "Internal error: the answer could not be sent",
    );
    try {
      call.reply.respond(errorText(call.requestId, error), error);
    } catch {
      call.reply.abandon();
    }
  }

  /** Lets go of a call that its client has called off. */
  cancelled(call: Call): void {
    call.settled = true;
    call.scope?.end();
    call.session?.inFlight.delete(idKey(call.requestId));
    if (call.measure !== undefined) this.#recorder!.end(call, "cancelled");
    this.#parts.audit?.end(call, "cancelled");
    this.#tracing?.cancelled(call);
    call.onCancelled?.();
    call.reply.abandon();
    this.#leave(call);
  }

  #leave(call: Call): void {
    if (call.left) return;
    call.left = true;
    if (this.#waiting.delete(call)) this.#admission?.end(call);
    if (--this.#inFlight === 0 && this.#idle.length > 0) this.#letClose();
  }

  #letClose(): void {
    for (const resume of this.#idle.splice(0)) resume();
  }

  /** Resolves once no call is in flight, or all have been given up. */
  idle(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Answers what is still in flight after the grace with an error. */
  giveUp(graceMs: number): void {
    const calls = [...this.#waiting];
    if (calls.length > 0) this.#cutOff(calls, graceMs);
    // Whatever comes now, nothing may keep the server from its end.
    this.#letClose();
  }

  #cutOff(calls: readonly Call[], graceMs: number): void {
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

/** The pages that an error asks the user to open. */
function pagesOf(error: ProtocolError): ElicitRequestURLParams[] {
  return asUrlElicitationRequired(error)?.elicitations ?? [];
}
