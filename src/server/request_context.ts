import { byteLength } from "../base/byte_length.ts";
import { parseTraceparent } from "../observe/trace/trace_context.ts";
import {
  isObject,
  type JsonObject,
  notificationText,
} from "../protocol/jsonrpc.ts";
import { type Era, metaKey } from "../protocol/revision.ts";
import type {
  AuthInfo,
  ClientCapabilities,
  CreateMessageRequestParams,
  CreateMessageResult,
  CreateMessageResultWithTools,
  ElicitResult,
  Implementation,
  ListRootsResult,
  LoggingLevel,
  ReadResourceResult,
  RequestId,
} from "../protocol/types.ts";
import type { CallRecord } from "../observe/metrics/call_record.ts";
import { nextCallId } from "./call_id.ts";
import type { Engine } from "./engine.ts";
import type { FailureKind } from "./failure_kind.ts";
import { Inquiry } from "./inquiry.ts";
import type { Reply } from "./reply.ts";
import type { RequestTrace } from "./request_tracing.ts";
import { requestFields } from "./request_log.ts";
import { RequestView } from "./request_view.ts";
import { SharedReply } from "./shared_reply.ts";
import type {
  AskOptions,
  ElicitParams,
  HttpView,
  McpRequestView,
  RequestLog,
  ServerContext,
  TaskRun,
} from "./server_context.ts";
import type { Session } from "./session.ts";

/** The syslog levels (RFC 5424), least severe first. */
export const LOG_LEVELS: readonly LoggingLevel[] = [
  "debug",
  "info",
  "notice",
  "warning",
  "error",
  "critical",
  "alert",
  "emergency",
];

const DONE = Promise.resolve();

/**
 * One request: what came in, where its answer goes, and everything that its
 * handler sees as `ctx`. All state of a request lives here and dies with it;
 * whatever a handler does not read is never made.
 */
export class RequestContext implements ServerContext {
  readonly engine: Engine;
  readonly era: Era;
  readonly revision: string;
  readonly method: string;
  /** Middleware may have put others in their place. */
  params: JsonObject;
  readonly requestId: RequestId;
  readonly reply: Reply;
  readonly session: Session | undefined;
  /** Whose lifespan `ctx.lifespan` shows: a mounted server keeps its own. */
  owner: Engine;
  /** Whether the answer has gone, or never will. */
  settled = false;
  /** Where its method counts it, until it has been. */
  record: CallRecord | undefined = undefined;
  /** Where its tool, prompt or resource counts it, too. */
  item: CallRecord | undefined = undefined;
  /** What that is registered as: a tool's or prompt's name, a resource's URI or template. */
  itemName: string | undefined = undefined;
  /** When it came in, by the engine's clock. */
  begunAt = 0;
  /** When the middleware let it through to its method, if it did so at once. */
  enteredAt: number | undefined = undefined;
  /** Whether it has waited for anything. */
  paused = false;
  /** The size of its message, where the transport knows it. */
  requestBytes = 0;
  /** What has been sent in answer to it so far. */
  responseBytes = 0;
  /** What went wrong, where the answer alone doesn't say. */
  failure: FailureKind | undefined = undefined;
  /** Its span and what is measured of it, while somebody takes them. */
  trace: RequestTrace | undefined;

  #callId: string | undefined;
  #controller: AbortController | undefined;
  #cancelled: unknown;
  #expired = false;
  #lastProgress = -Infinity;
  #view: McpRequestView | undefined;
  #log: RequestLog | undefined;
  #inquiry: Inquiry | undefined;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(
    engine: Engine,
    era: Era,
    revision: string,
    method: string,
    params: JsonObject,
    id: RequestId,
    reply: Reply,
    session: Session | undefined,
  ) {
    this.engine = engine;
    this.owner = engine;
    this.era = era;
    this.revision = revision;
    this.method = method;
    this.params = params;
    this.requestId = id;
    this.reply = reply;
    this.session = session;
  }

  get meta(): JsonObject | undefined {
    // Middleware may have sent none on.
    const meta = (this.params as JsonObject | undefined)?._meta;
    return isObject(meta) ? meta : undefined;
  }

  get sessionId(): string | undefined {
    return this.session?.id;
  }

  get callId(): string {
    return this.#callId ??= nextCallId();
  }

  get lifespan(): unknown {
    return this.owner.lifespan.value;
  }

  get traceId(): string | undefined {
    return this.trace?.span?.spanContext().traceId ??
      parseTraceparent(this.meta?.traceparent)?.traceId;
  }

  get authInfo(): AuthInfo | undefined {
    return this.reply.authInfo;
  }

  get clientInfo(): Implementation | undefined {
    return this.era === "modern"
      ? this.meta?.[metaKey.clientInfo] as Implementation | undefined
      : this.session?.clientInfo;
  }

  get clientCapabilities(): ClientCapabilities {
    return (this.era === "modern"
      ? this.meta?.[metaKey.clientCapabilities] as ClientCapabilities
      : this.session?.capabilities) ?? {};
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

  /** Whether nobody waits for the outcome any more. */
  get over(): boolean {
    return this.#expired || this.cancelled;
  }

  /** Whether the client has called the request off. */
  get cancelled(): boolean {
    return this.#cancelled !== undefined;
  }

  get http(): HttpView | undefined {
    const { request, authInfo, closeStream, closeStandaloneStream } =
      this.reply;
    if (request === undefined && authInfo === undefined) return undefined;
    return {
      req: request,
      authInfo,
      ...(closeStream && { closeSSE: closeStream }),
      ...(closeStandaloneStream &&
        { closeStandaloneSSE: closeStandaloneStream }),
    };
  }

  get mcpReq(): McpRequestView {
    return this.#view ??= new RequestView(this);
  }

  get log(): RequestLog {
    return this.#log ??= Object.fromEntries(
      (["debug", "info", "notice", "warning", "error"] as const).map((
        level,
      ) => [
        level,
        (data: unknown, logger?: string) => {
          void this.writeLog(level, data, logger);
        },
      ]),
    ) as unknown as RequestLog;
  }

  /** The questions and answers of this request. */
  get inquiry(): Inquiry {
    return this.#inquiry ??= new Inquiry(this);
  }

  /** The inquiry, if the handler or the client has begun one. */
  get begunInquiry(): Inquiry | undefined {
    return this.#inquiry;
  }

  /**
   * The request for work that others may wait for as well: it outlives its
   * client, reports to nobody and can't ask anything.
   */
  shared(): RequestContext {
    const context = new RequestContext(
      this.engine,
      this.era,
      this.revision,
      this.method,
      { ...this.params, _meta: undefined },
      this.requestId,
      new SharedReply(this.reply),
      undefined,
    );
    context.#callId = this.callId;
    context.owner = this.owner;
    context.itemName = this.itemName;
    context.trace = this.trace;
    return context;
  }

  /** Counts the request with the tool, prompt or resource that it is about. */
  countWith(item: CallRecord, name: string): void {
    this.itemName ??= name;
    if (this.record === undefined || this.item !== undefined) return;
    this.item = item;
    item.inProgress++;
  }

  /** Ends the request without an answer: aborts its signal, says nothing more. */
  cancel(reason: unknown): void {
    if (this.settled || this.#cancelled !== undefined) return;
    this.#cancelled = reason instanceof Error
      ? reason
      : new DOMException(String(reason ?? "cancelled"), "AbortError");
    this.#controller?.abort(this.#cancelled);
    this.letOn();
    this.engine.settleCancelled(this);
  }

  /** Aborts the signal because the handler took too long; the answer still goes. */
  expire(reason: Error): void {
    this.#expired = true;
    if (this.#controller === undefined) void this.signal;
    this.#controller!.abort(reason);
    this.letOn();
  }

  /**
   * Sends a notification that belongs to the request.
   *
   * @returns what resolves once the client has caught up
   */
  notify(method: string, params?: unknown): Promise<void> {
    if (this.settled || this.#cancelled !== undefined) return DONE;
    const text = notificationText(method, params);
    if (this.record !== undefined) this.responseBytes += byteLength(text);
    this.reply.send(text);
    const room = this.reply.room?.();
    return room === undefined ? DONE : this.#waitFor(room);
  }

  /** Waits for room, but no longer than the request lasts. */
  #waitFor(room: Promise<void>): Promise<void> {
    if (this.#room === undefined) {
      this.#room = Promise.withResolvers();
      room.then(() => this.letOn());
    }
    return this.#room.promise;
  }

  /** Lets a handler go on that waits for its client to catch up. */
  letOn(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  /** What the server's log says of the request. */
  logFields(): Record<string, unknown> {
    return requestFields(this);
  }

  progress(progress: number, total?: number, message?: string): Promise<void> {
    const token = this.meta?.progressToken;
    if (token === undefined || !(progress > this.#lastProgress)) return DONE;
    // JSON has no way to write it.
    if (progress === Infinity) return DONE;
    this.#lastProgress = progress;
    const params: JsonObject = { progressToken: token, progress };
    if (total !== undefined) params.total = total;
    if (message !== undefined) params.message = message;
    return this.notify("notifications/progress", params);
  }

  writeLog(
    level: LoggingLevel,
    data: unknown,
    logger?: string,
  ): Promise<void> {
    if (!this.#wantsLog(level)) return DONE;
    const params: JsonObject = { level, data };
    if (logger !== undefined) params.logger = logger;
    return this.notify("notifications/message", params);
  }

  /** A modern client gets logs only if its request asks; a legacy one unless it filters. */
  #wantsLog(level: LoggingLevel): boolean {
    const threshold = this.era === "modern"
      ? this.meta?.[metaKey.logLevel] as LoggingLevel | undefined
      : this.session?.logLevel ?? "debug";
    return threshold !== undefined &&
      LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(threshold);
  }

  elicit(params: ElicitParams, options?: AskOptions): Promise<ElicitResult> {
    return this.inquiry.elicit(params, options);
  }

  sample(
    params: CreateMessageRequestParams,
    options?: AskOptions,
  ): Promise<CreateMessageResult | CreateMessageResultWithTools> {
    return this.inquiry.ask(
      "sample",
      { method: "sampling/createMessage", params },
      options,
    ) as Promise<CreateMessageResult>;
  }

  listRoots(options?: AskOptions): Promise<ListRootsResult> {
    return this.inquiry.ask(
      "roots",
      { method: "roots/list" },
      options,
    ) as Promise<
      ListRootsResult
    >;
  }

  requestState<T = unknown>(): T | undefined {
    return this.#inquiry?.state as T | undefined;
  }

  async readResource(uri: string): Promise<ReadResourceResult> {
    return await this.owner.registry.resources.read(
      uri,
      this,
    ) as ReadResourceResult;
  }

  runAsTask(
    work: (task: TaskRun) => unknown,
    options: { ttlMs?: number | null; pollIntervalMs?: number } = {},
  ): Promise<unknown> {
    return this.engine.tasks.start(this, work, options);
  }
}
