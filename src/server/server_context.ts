import type { Era } from "../protocol/revision.ts";
import type {
  InferOutput,
  StandardSchema,
} from "../protocol/standard_schema.ts";
import type {
  AuthInfo,
  ClientCapabilities,
  CreateMessageRequestParams,
  CreateMessageResult,
  CreateMessageResultWithTools,
  ElicitRequestFormParams,
  ElicitRequestURLParams,
  ElicitResult,
  Implementation,
  ListRootsResult,
  LoggingLevel,
  Notification,
  ReadResourceResult,
  RequestId,
  RequestMeta,
  Result,
} from "../protocol/types.ts";
import type { Caller } from "./identity/caller.ts";
import type { CreateTaskResult } from "./tasks/task.ts";

/** Settings for how long a question may take, and who may call it off. */
export interface AskOptions {
  /** Gives the question up. */
  signal?: AbortSignal;
  /**
   * Milliseconds to wait for the answer (legacy era; a modern client answers by
   * repeating its request).
   * @default 60000
   */
  timeoutMs?: number;
  /** The official SDK's name for `timeoutMs`. */
  timeout?: number;
  /** Told how far the client has got; without it the client isn't asked to say (legacy era). */
  onprogress?: (progress: Progress) => void;
  /**
   * Count the time anew with each progress.
   * @default false
   */
  resetTimeoutOnProgress?: boolean;
  /**
   * Milliseconds to wait however much progress there is.
   * @default no limit
   */
  maxTotalTimeout?: number;
}

/** Progress of a client with what it was asked. */
export interface Progress {
  /** It grows each time. */
  progress: number;
  /** Amount that it will be in the end, if that is known. */
  total?: number;
  /** State of things, in words. */
  message?: string;
}

/** Question of `ctx.elicit`: a form to fill in, or a page to open. */
export type ElicitParams =
  | (Omit<ElicitRequestFormParams, "requestedSchema"> & {
    requestedSchema:
      | ElicitRequestFormParams["requestedSchema"]
      | StandardSchema;
  })
  | (Omit<ElicitRequestURLParams, "elicitationId"> & {
    elicitationId?: string;
  });

/** A form whose fields a Standard Schema describes. */
export type ElicitFormOf<Schema extends StandardSchema> =
  & Omit<ElicitRequestFormParams, "requestedSchema">
  & { requestedSchema: Schema };

/** Answer to such a form; what was accepted is of the schema's type. */
export type ElicitAnswer<Content> =
  | (Result & { action: "accept"; content: Content })
  | (Result & { action: "decline" | "cancel"; content?: undefined });

/** Writes log messages that belong to the request, if the client wants them. */
export interface RequestLog {
  /**
   * Details for those who look into a fault.
   * @param logger names the part of the server that speaks
   */
  debug(data: unknown, logger?: string): void;
  /** The usual course of things. */
  info(data: unknown, logger?: string): void;
  /** Usual, but worth knowing. */
  notice(data: unknown, logger?: string): void;
  /** Something that may become a fault. */
  warning(data: unknown, logger?: string): void;
  /** Something that failed. */
  error(data: unknown, logger?: string): void;
}

/** The request as the official SDK's handlers see it. */
export interface McpRequestView {
  /** The JSON-RPC id. */
  readonly id: RequestId;
  /** Such as `tools/call`. */
  readonly method: string;
  /** The request's `_meta`, without the keys that MCP reserves. */
  readonly _meta?: RequestMeta;
  /** The reserved keys of `_meta`, as the client sent them (modern era). */
  readonly envelope?: Record<string, unknown>;
  /** Answers to the questions of an earlier `inputRequired()`, by key. */
  readonly inputResponses?: Record<string, unknown>;
  /** Keys of answers that were left out because they are not objects. */
  readonly droppedInputResponseKeys?: string[];
  /** The state that an earlier `inputRequired()` carried, once verified. */
  requestState<T = unknown>(): T | undefined;
  /** Aborts when the client cancels, or goes away (modern era), or `timeoutMs` is over. */
  readonly signal: AbortSignal;
  /** Sends a request to the client, tied to this one (legacy era only). */
  send<T = Record<string, unknown>>(
    request: { method: string; params?: Record<string, unknown> },
    schemaOrOptions?: StandardSchema | AskOptions,
    options?: AskOptions,
  ): Promise<T>;
  /** Sends a notification tied to this request. */
  notify(notification: Notification): Promise<void>;
  /** Sends a log message, if the client asked for its level. */
  log(level: LoggingLevel, data: unknown, logger?: string): Promise<void>;
  /** Asks the client's user, as {@linkcode ServerContext.elicit} does. */
  elicitInput(
    params: ElicitRequestFormParams | ElicitRequestURLParams,
    options?: AskOptions,
  ): Promise<ElicitResult>;
  /** Asks the client's model, as {@linkcode ServerContext.sample} does. */
  requestSampling(
    params: CreateMessageRequestParams,
    options?: AskOptions,
  ): Promise<CreateMessageResult | CreateMessageResultWithTools>;
}

/** View that HTTP has of a request. */
export interface HttpView {
  /** The HTTP request itself; its body has been read. */
  readonly req?: Request;
  /** Identity of the caller, if `authenticate` or the host said so. */
  readonly authInfo?: AuthInfo;
  /**
   * The caller's IP address: of the other end of the connection, or as the option
   * `trustedProxies` has it. Missing where the host doesn't tell.
   */
  readonly address?: string;
  /** Ends this request's stream; the client comes back for the rest (legacy, with an event store). */
  readonly closeSSE?: () => void;
  /** Likewise for the session's standing stream. */
  readonly closeStandaloneSSE?: () => void;
}

/** An HTTP request as the official SDK's v1 shows it. */
export interface RequestInfo {
  /** The headers, their names in small letters. */
  headers: Record<string, string | string[] | undefined>;
  /** Address it was sent to, as its caller knows it. */
  url?: URL;
}

/** Output of a result's schema, whatever its library. */
export type SchemaResult<Schema> = Schema extends
  { readonly _output: infer Output } ? Output
  : InferOutput<Schema>;

/** Tools for a task's work beside computing. */
export interface TaskRun {
  /** Id that clients ask after the task by. */
  readonly taskId: string;
  /** Aborts when the client cancels the task or its time is over. */
  readonly signal: AbortSignal;
  /** Answers to the questions of an `inputRequired()` that the work returned. */
  readonly inputResponses?: Record<string, unknown>;
  /** Says where the work stands; pollers and subscribers see it. */
  status(message: string): Promise<void>;
  /** Asks the client's user; the task waits as `input_required`. */
  elicit<Schema extends StandardSchema>(
    params: ElicitFormOf<Schema>,
  ): Promise<ElicitAnswer<InferOutput<Schema>>>;
  /** Asks the client's user by a JSON Schema, or to open a page. */
  elicit(params: ElicitParams): Promise<ElicitResult>;
  /** Asks the client's model. */
  sample(
    params: CreateMessageRequestParams,
  ): Promise<CreateMessageResult | CreateMessageResultWithTools>;
}

/**
 * Context that a handler is given beside its arguments. Everything in it is
 * made when it is read, so what a handler leaves alone costs nothing.
 */
export interface ServerContext<Lifespan = unknown> {
  /** The family of MCP that the client speaks. */
  readonly era: Era;
  /**
   * The JSON-RPC id of the request. In place of a number beyond 2^53, which no
   * JavaScript number holds, stands what prints and serialises as it came.
   */
  readonly requestId: RequestId;
  /**
   * Name of the request in the server's own log, in the field `call`: for lines
   * of your own, as in `server.log.info("packed", { call: ctx.callId })`.
   */
  readonly callId: string;
  /** Subject of the call: tool or prompt name, resource URI or template. */
  readonly subject?: string;
  /** The session, where the client has one (legacy era). */
  readonly sessionId?: string;
  /**
   * The trace that the request belongs to, in 32 hexadecimal digits, for log
   * lines; missing if it belongs to none. What a client sends is believed.
   */
  readonly traceId?: string;
  /** Value that the server's `lifespan` made. */
  readonly lifespan: Lifespan;
  /** Aborts when the client cancels, or goes away (modern era), or `timeoutMs` is over. */
  readonly signal: AbortSignal;
  /** The request as the official SDK's handlers see it. */
  readonly mcpReq: McpRequestView;
  /** View that HTTP has of the request; missing on other transports. */
  readonly http?: HttpView;
  /** Identity of the caller, if that is known. */
  readonly caller?: Caller;
  /** Likewise, as the official SDK has it, with the token that was presented. */
  readonly authInfo?: AuthInfo;
  /** Self-description of the client; never proof of anything. */
  readonly clientInfo?: Implementation;
  /** Capabilities that the client says it has. */
  readonly clientCapabilities: ClientCapabilities;
  /** Writes to the client's log. */
  readonly log: RequestLog;

  /**
   * The request's `_meta`, without the keys that MCP reserves. This member and
   * the next five are those of the official SDK's v1, so that its handlers run
   * as they are.
   */
  readonly _meta?: RequestMeta;
  /** The HTTP request's headers and URL, as v1 has them; missing on other transports. */
  readonly requestInfo?: RequestInfo;
  /** Sends a notification tied to this request: `mcpReq.notify`. */
  readonly sendNotification: (
    notification: { method: string; params?: object },
  ) => Promise<void>;
  /** Sends a request to the client, tied to this one: `mcpReq.send`. */
  readonly sendRequest: <Schema>(
    request: { method: string; params?: object },
    resultSchema: Schema,
    options?: AskOptions,
  ) => Promise<SchemaResult<Schema>>;
  /** Ends this request's stream: `http.closeSSE`. */
  readonly closeSSEStream?: () => void;
  /** Ends the session's standing stream: `http.closeStandaloneSSE`. */
  readonly closeStandaloneSSEStream?: () => void;

  /**
   * Reports progress, if the client asked for it. A value that does not exceed
   * the last one is dropped, as the specification demands.
   *
   * @returns what resolves at once, or, for a client that reads more slowly than
   * the handler writes, once it has caught up: await it to keep pace
   */
  progress(progress: number, total?: number, message?: string): Promise<void>;

  /**
   * Asks the client's user. A legacy client is asked on the spot. A modern one
   * gets an `input_required` result and repeats its request, and the handler
   * runs again from the start with the answers there: ask before you change
   * anything, and put the same question each time. What the user accepts is
   * validated, and `content` is what the schema makes of it.
   *
   * @throws {MissingRequiredClientCapabilityError} if the client can't
   * @throws {InvalidParamsError} for content that doesn't match `requestedSchema`
   */
  elicit<Schema extends StandardSchema>(
    params: ElicitFormOf<Schema>,
    options?: AskOptions,
  ): Promise<ElicitAnswer<InferOutput<Schema>>>;
  /** Asks the client's user by a JSON Schema, or to open a page. */
  elicit(params: ElicitParams, options?: AskOptions): Promise<ElicitResult>;

  /** Asks the client's model, in the manner of {@linkcode elicit}. */
  sample(
    params: CreateMessageRequestParams,
    options?: AskOptions,
  ): Promise<CreateMessageResult | CreateMessageResultWithTools>;

  /** Asks for the client's roots, in the manner of {@linkcode elicit}. */
  listRoots(options?: AskOptions): Promise<ListRootsResult>;

  /** The state that an earlier `inputRequired()` carried, once verified. */
  requestState<T = unknown>(): T | undefined;

  /** Reads one of this server's own resources. */
  readResource(uri: string): Promise<ReadResourceResult>;

  /**
   * Goes on with `work` as a task (extension `io.modelcontextprotocol/tasks`)
   * and answers with its handle: return what this returns. For a client without
   * the extension the work runs to its end first, unless the tool requires a
   * task.
   */
  runAsTask<Value>(
    work: (task: TaskRun) => Value,
    terms?: TaskTerms,
  ): Promise<CreateTaskResult | Awaited<Value>>;
}

/** Terms of a task that a call begins. */
export interface TaskTerms {
  /**
   * Milliseconds for which its result is kept; `null` for ever.
   * @default the `ttlMs` of the server's `tasks`
   */
  ttlMs?: number | null;
  /**
   * Milliseconds that a client should wait between two looks at it.
   * @default the `pollIntervalMs` of the server's `tasks`
   */
  pollIntervalMs?: number;
}

/**
 * Context that the official SDK hands to a server factory, which it calls for
 * every request. Here a server is made once and serves them all: call such a
 * factory with either era, and let its handlers read `ctx.era`, `ctx.authInfo`
 * and `ctx.http?.req` instead, which belong to the request at hand.
 */
export interface McpRequestContext {
  /** The family of MCP that the client speaks. */
  era: Era;
  /** Identity of the caller, if that is known. */
  authInfo?: AuthInfo;
  /** The HTTP request; missing on other transports. */
  requestInfo?: Request;
}
