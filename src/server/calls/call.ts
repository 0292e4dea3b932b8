import { byteLength } from "../../base/byte_length.ts";
import type { Clock } from "../../base/clock.ts";
import type { Permit, Semaphore } from "../../limit/semaphore.ts";
import type { CallRecord } from "../../observe/metrics/call_record.ts";
import { parseTraceparent } from "../../observe/trace/trace_context.ts";
import { nearestJson } from "../../protocol/nearest_json.ts";
import {
  isObject,
  type JsonObject,
  notificationText,
  progressText,
} from "../../protocol/jsonrpc.ts";
import type {
  AuthInfo,
  ClientCapabilities,
  Implementation,
  LoggingLevel,
  ProgressToken,
  ReadResourceResult,
  RequestId,
} from "../../protocol/types.ts";
import type { EraCodec } from "../eras/era_codec.ts";
import type { Caller } from "../identity/caller.ts";
import { LOG_LEVELS } from "../eras/request_meta.ts";
import type { Asker, Inquiry } from "../questions/inquiry.ts";
import type { StateSealer } from "../questions/request_state.ts";
import type { ServerContext, TaskRun, TaskTerms } from "../server_context.ts";
import type { PendingCall, Session } from "../sessions/session.ts";
import { nextCallId } from "./call_id.ts";
import type { CallMeasure } from "./call_measure.ts";
import type { CallScope } from "./call_scope.ts";
import type { CallStart } from "./call_start.ts";
import type { CallTrace } from "./call_trace.ts";
import type { FailureKind } from "./failure_kind.ts";
import { type Reply, SharedReply } from "./reply.ts";

/** Things that the handlers of one server share: a mounted one has its own. */
export interface HandlerOwner {
  /** Scopes that a caller needs for anything of it. */
  readonly scopes: readonly string[];
  readonly lifespan: { readonly value: unknown };
  /** The author's own check over the state that a handler gave away. */
  readonly verifyState:
    | ((state: string, ctx: ServerContext) => unknown)
    | undefined;
  readResource(uri: string, call: Call): Promise<ReadResourceResult>;
}

/** Maker of full results from what handlers return. */
export interface Completer {
  complete(value: unknown, call: Call): unknown;
}

/** Services that a call needs of the server that took it in. */
export interface CallHost {
  readonly clock: Clock;
  readonly home: HandlerOwner;
  readonly sealer: StateSealer;
  /** Identity of a caller, as sessions, tasks and states know it. */
  identify(authInfo: AuthInfo | undefined): string;
  /** The caller, as handlers and guards see it. */
  callerOf(authInfo: AuthInfo | undefined): Caller | undefined;
  runAsTask(
    call: Call,
    work: (task: TaskRun) => unknown,
    terms: TaskTerms,
  ): Promise<unknown>;
  /** View that a server's handler has of a call. */
  makeContext(call: Call, owner: HandlerOwner): ServerContext;
  /** True if clients are kept from the messages of unexpected errors. */
  readonly maskErrors: boolean;
  /** True if models see the URLs of an `HttpPool` in its errors. */
  readonly revealUrls: boolean;
  /** Tells if clients get log messages. */
  logs(): boolean;
  /** Tells the operator of what went wrong in a call. */
  report(what: string, error: unknown, call: Call): void;
  /** Fields that the log has of a call. */
  logFields(call: Call): Record<string, unknown>;
  /** Runs what a call goes on with, once it has waited. */
  enter<Result>(call: Call, work: () => Result): Result;
  inquire(call: Call): Inquiry;
  turn(line: Semaphore, call: Call, timeoutMs: number): Promise<Permit>;
  /** Sends a call's last word. */
  settle(call: Call, text: string): void;
  /** Lets go of a call that its client has called off. */
  cancelled(call: Call): void;
}

const DONE = Promise.resolve();

/**
 * Knowledge of one request: what came in, where its answer goes, and
 * how far it has got. All state of a request lives here and dies with it.
 * Handlers see a {@linkcode HandlerContext} in its place.
 */
export class Call implements Asker, PendingCall {
  readonly host: CallHost;
  readonly era: EraCodec;
  readonly revision: string;
  readonly method: string;
  /** Middleware may have put others in their place. */
  params: JsonObject;
  readonly requestId: RequestId;
  readonly reply: Reply;
  readonly session: Session | undefined;
  readonly requestBytes: number;
  /** Time when it came in: one reading for all who ask (bench/http.ts, "echo"). */
  readonly arrivedAt: number;
  /** True if the answer has gone, or never will. */
  settled = false;
  /** True if it is no longer counted among those in flight. */
  left = false;
  /** Subject, once found: tool or prompt name, resource URI or template. */
  subject: string | undefined = undefined;
  /** Kind of failure, where the answer alone doesn't say. */
  failure: FailureKind | undefined = undefined;
  /** The error that it failed with, if it was one. */
  error: unknown = undefined;
  /** True if it runs to its end though its client has left: a repeat may want the outcome. */
  outlivesClient = false;
  /** Bytes that its answer may have, if that is its tool's to say. */
  maxResultBytes: number | undefined = undefined;
  /** True while the audit waits for its end. */
  audited = false;
  /** Measurements of it, unless metrics are off. */
  measure: CallMeasure | undefined = undefined;
  /** Scope that its handler runs in. */
  scope: CallScope<Call> | undefined = undefined;
  /** Its span and what is measured of it, while somebody takes them. */
  trace: CallTrace | undefined = undefined;
  /** Maker of a result from what the handler, or its task, returns. */
  completer: Completer | undefined = undefined;
  /** Scopes that its caller had to have: what outlives the call keeps them. */
  needs: readonly string[] | undefined = undefined;
  /** Told when the client has called it off. */
  onCancelled: (() => void) | undefined = undefined;

  #owner: HandlerOwner;
  #context: ServerContext | undefined;
  #callId: string | undefined;
  #controller: AbortController | undefined;
  #cancelled: unknown;
  #expired = false;
  #lastProgress = -Infinity;
  #inquiry: Inquiry | undefined;
  #caughtUp: PromiseWithResolvers<void> | undefined;

  constructor(host: CallHost, start: CallStart) {
    this.host = host;
    this.era = start.era;
    this.revision = start.revision;
    this.method = start.method;
    this.params = start.params;
    this.requestId = start.id;
    this.reply = start.reply;
    this.session = start.session;
    this.requestBytes = start.bytes;
    this.arrivedAt = start.arrivedAt ?? host.clock.now();
    this.#owner = host.home;
  }

  /** Owner of the handler that answers. */
  get owner(): HandlerOwner {
    return this.#owner;
  }

  /** Says what the call is about, and whose handler answers. */
  aimAt(owner: HandlerOwner, subject?: string, record?: CallRecord): void {
    if (owner !== this.#owner) {
      this.#owner = owner;
      this.#context = undefined;
    }
    this.subject ??= subject;
    if (record !== undefined) this.measure?.countWith(record);
  }

  /**
   * View that its handler has, and may keep: Deno (2.9) forgets with the answer
   * what nobody has asked for.
   */
  get context(): ServerContext {
    void this.reply.request?.headers;
    return this.passingContext;
  }

  /** Likewise for one that keeps none: a twentieth of a call (bench/http.ts, "echo"). */
  get passingContext(): ServerContext {
    return this.#context ??= this.host.makeContext(this, this.#owner);
  }

  /** View of another server's handler that the call passes on its way. */
  contextFor(owner: HandlerOwner): ServerContext {
    void this.reply.request?.headers;
    return owner === this.#owner
      ? this.passingContext
      : this.host.makeContext(this, owner);
  }

  /** Reads what the handler gave away as its state, with the author's own check. */
  readState(state: string): unknown {
    const { verifyState } = this.#owner;
    return verifyState === undefined ? state : verifyState(state, this.context);
  }

  get meta(): JsonObject | undefined {
    // Middleware may have sent none on.
    const meta = (this.params as JsonObject | undefined)?._meta;
    return isObject(meta) ? meta : undefined;
  }

  get callId(): string {
    return this.#callId ??= nextCallId();
  }

  get traceId(): string | undefined {
    return this.trace?.span?.spanContext().traceId ??
      parseTraceparent(this.meta?.traceparent)?.traceId;
  }

  get authInfo(): AuthInfo | undefined {
    return this.reply.authInfo;
  }

  /** Identity of the caller, as handlers and guards see it. */
  get identity(): Caller | undefined {
    return this.host.callerOf(this.reply.authInfo);
  }

  /** Identity of the caller, as sessions, tasks and states know it. */
  get caller(): string {
    return this.host.identify(this.reply.authInfo);
  }

  get sealer(): StateSealer {
    return this.host.sealer;
  }

  get clientInfo(): Implementation | undefined {
    return this.era.clientInfo(this.meta, this.session);
  }

  get clientCapabilities(): ClientCapabilities {
    return this.era.clientCapabilities(this.meta, this.session);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#cancelled !== undefined) {
        this.#controller.abort(this.#cancelled);
      } else if (!this.settled) {
        this.reply.onDisconnect((reason) => this.cancel(reason));
      }
    }
    return this.#controller.signal;
  }

  /** True if nobody waits for the outcome any more. */
  get over(): boolean {
    return this.#expired || this.cancelled;
  }

  /** True if the client has called it off. */
  get cancelled(): boolean {
    return this.#cancelled !== undefined;
  }

  /** The questions and answers of this call. */
  get inquiry(): Inquiry {
    return this.#inquiry ??= this.host.inquire(this);
  }

  /** The inquiry, if the handler or the client has begun one. */
  get begunInquiry(): Inquiry | undefined {
    return this.#inquiry;
  }

  /**
   * The call for work that others may wait for as well: it outlives its client,
   * reports to nobody and can't ask anything.
   */
  shared(): Call {
    const call = new Call(this.host, {
      era: this.era,
      revision: this.revision,
      method: this.method,
      params: { ...this.params, _meta: undefined },
      id: this.requestId,
      reply: new SharedReply(this.reply),
      session: undefined,
      bytes: 0,
    });
    call.#callId = this.callId;
    call.#owner = this.#owner;
    call.subject = this.subject;
    call.trace = this.trace;
    return call;
  }

  /** Ends the call without an answer: aborts its signal, says nothing more. */
  cancel(reason: unknown): void {
    if (this.settled || this.#cancelled !== undefined) return;
    if (this.outlivesClient) {
      this.stopWaiting();
      return;
    }
    this.#cancelled = reason instanceof Error
      ? reason
      : new DOMException(String(reason ?? "cancelled"), "AbortError");
    this.#controller?.abort(this.#cancelled);
    this.stopWaiting();
    this.host.cancelled(this);
  }

  /** Aborts the signal because the handler took too long; the answer still goes. */
  expire(reason: Error): void {
    this.#expired = true;
    if (this.#controller === undefined) void this.signal;
    this.#controller!.abort(reason);
    this.stopWaiting();
  }

  /**
   * Sends a notification that belongs to the call.
   *
   * @throws {JsonValueError} for parameters without a form in JSON
   * @returns what resolves once the client has caught up
   */
  notify(method: string, params?: unknown): Promise<void> {
    if (this.settled || this.#cancelled !== undefined) return DONE;
    return this.#tell(notificationText(method, params));
  }

  /** Sends a message of so many bytes, whether or not the client has caught up. */
  say(text: string, bytes?: number): void {
    if (this.settled || this.#cancelled !== undefined) return;
    if (this.measure) this.measure.responseBytes += bytes ?? byteLength(text);
    this.reply.send(text);
  }

  #tell(text: string): Promise<void> {
    if (this.settled || this.#cancelled !== undefined) return DONE;
    this.say(text);
    const caughtUp = this.reply.caughtUp?.();
    return caughtUp === undefined ? DONE : this.#waitFor(caughtUp);
  }

  /** Waits for the client to catch up, but no longer than the call lasts. */
  #waitFor(caughtUp: Promise<void>): Promise<void> {
    if (this.#caughtUp === undefined) {
      this.#caughtUp = Promise.withResolvers();
      caughtUp.then(() => this.stopWaiting());
    }
    return this.#caughtUp.promise;
  }

  /** Fields that the server's log has of it. */
  logFields(): Record<string, unknown> {
    return this.host.logFields(this);
  }

  /** Lets a handler go on that waits for its client to catch up. */
  stopWaiting(): void {
    this.#caughtUp?.resolve();
    this.#caughtUp = undefined;
  }

  progress(progress: number, total?: number, message?: string): Promise<void> {
    const token = this.meta?.progressToken;
    if (token === undefined || !(progress > this.#lastProgress)) return DONE;
    // JSON has no way to write it.
    if (!Number.isFinite(progress)) return DONE;
    this.#lastProgress = progress;
    const text = progressText(
      token as ProgressToken,
      progress,
      total,
      message === undefined ? undefined : String(message),
    );
    return this.#tell(text);
  }

  /** Tells the client's log, if it wants the level. */
  writeLog(
    level: LoggingLevel,
    data: unknown,
    logger?: string,
  ): Promise<void> {
    const least = this.era.logLevel(this.meta, this.session);
    if (
      least === undefined || !this.host.logs() ||
      LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(least)
    ) return DONE;
    // A log line must not cost the call: what JSON can't say is told nearly.
    const params: JsonObject = { level, data: nearestJson(data) };
    if (logger !== undefined) params.logger = logger;
    return this.notify("notifications/message", params);
  }
}
