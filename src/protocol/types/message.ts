import type { Implementation } from "./peer.ts";

/** Tells a request from the others under way (specification, basic, "Requests"). */
export type RequestId = string | number;

/** Ties progress to its request (specification, basic/patterns/progress). */
export type ProgressToken = string | number;

/**
 * The `_meta` of a request or notification (specification, basic, "`_meta`").
 * Handlers see it without the keys of `io.modelcontextprotocol/` that describe
 * the client.
 */
export interface RequestMeta {
  /** Asks for progress, which will carry this token. */
  progressToken?: ProgressToken;
  /** The task that the message is about (revision 2025-11-25). */
  "io.modelcontextprotocol/related-task"?: RelatedTaskMetadata;
  /** Keys of your own, with a prefix. */
  [key: string]: unknown;
}

/** Names a task (revision 2025-11-25, basic/utilities/tasks). */
export interface RelatedTaskMetadata {
  /** The task's id. */
  taskId: string;
}

/** Asks for a request to run as a task (revision 2025-11-25). */
export interface TaskMetadata {
  /** Milliseconds from its creation for which the task should be kept. */
  ttl?: number;
}

/** The parameters of a message, whatever its method. */
export interface AnyParams {
  /** Metadata of the message. */
  _meta?: RequestMeta;
  /** The method's own parameters. */
  [key: string]: unknown;
}

/** Something said without waiting for an answer (specification, basic, "Notifications"). */
export interface Notification {
  /** Such as `notifications/progress`. */
  method: string;
  /** The notification's parameters. */
  params?: AnyParams;
}

/** The `_meta` of a result (specification, basic, "`_meta`"). */
export interface ResultMeta {
  /** The server, as it introduces itself. */
  "io.modelcontextprotocol/serverInfo"?: Implementation;
  /** Keys of your own, with a prefix. */
  [key: string]: unknown;
}

/** A result, whatever its method (specification, basic, "Result Responses"). */
export interface Result {
  /** Metadata of the result. */
  _meta?: ResultMeta;
  /** The method's own fields. */
  [key: string]: unknown;
}

/** A result that may be one page of several (specification, server/utilities/pagination). */
export interface PaginatedResult extends Result {
  /** Opaque; asks for the next page. Missing on the last one. */
  nextCursor?: string;
}

/** A request on the wire (specification, basic, "Requests"). */
export interface JSONRPCRequest {
  /** The version of JSON-RPC. */
  jsonrpc: "2.0";
  /** The id that the answer will carry. */
  id: RequestId;
  /** Such as `tools/call`. */
  method: string;
  /** The method's parameters. */
  params?: AnyParams;
}

/** A notification on the wire (specification, basic, "Notifications"). */
export interface JSONRPCNotification extends Notification {
  /** The version of JSON-RPC. */
  jsonrpc: "2.0";
}

/** A request's result on the wire (specification, basic, "Result Responses"). */
export interface JSONRPCResultResponse {
  /** The version of JSON-RPC. */
  jsonrpc: "2.0";
  /** The id of the request. */
  id: RequestId;
  /** The result. */
  result: Result;
}

/** A request's failure on the wire (specification, basic, "Error Responses", "Error Codes"). */
export interface JSONRPCErrorResponse {
  /** The version of JSON-RPC. */
  jsonrpc: "2.0";
  /** The id of the request, if it could be read. */
  id?: RequestId;
  /** The error. */
  error: {
    /** One of {@linkcode ProtocolErrorCode}, or a code of its sender's own. */
    code: number;
    /** One sentence. */
    message: string;
    /** Anything else there is to know. */
    data?: unknown;
  };
}

/** The answer to a request. */
export type JSONRPCResponse = JSONRPCResultResponse | JSONRPCErrorResponse;

/** Anything that goes over the wire (specification, basic, "Messages"). */
export type JSONRPCMessage =
  | JSONRPCRequest
  | JSONRPCNotification
  | JSONRPCResponse;

/** From chatty to fatal (specification, server/utilities/logging, "Log Levels"; RFC 5424). */
export type LoggingLevel =
  | "debug"
  | "info"
  | "notice"
  | "warning"
  | "error"
  | "critical"
  | "alert"
  | "emergency";

/** A log message (specification, server/utilities/logging, "Log Message Notifications"). */
export interface LoggingMessageNotification {
  /** Tells it from other notifications. */
  method: "notifications/message";
  /** The message. */
  params: {
    /** Metadata of the notification. */
    _meta?: RequestMeta;
    /** Its gravity. */
    level: LoggingLevel;
    /** The part of the server that speaks. */
    logger?: string;
    /** Any JSON value: a sentence, or an object of details. */
    data: unknown;
  };
}

/**
 * Says for which time a client may reuse a result, and with whom it may share
 * it (specification, server/utilities/caching).
 */
export interface CacheHint {
  /**
   * Milliseconds for which the result may be taken as fresh.
   * @default 0
   */
  ttlMs?: number;
  /**
   * `public` results are the same for every caller.
   * @default "private"
   */
  cacheScope?: "public" | "private";
}

/** The caller, once something outside MCP has checked who it is. */
export interface AuthInfo {
  /** The access token as presented. */
  token: string;
  /** The client (or the user) that the token was issued to. */
  clientId: string;
  /** The scopes of the token. */
  scopes: string[];
  /** The token's end, in seconds since the epoch. */
  expiresAt?: number;
  /** The resource (audience) that the token is for. */
  resource?: URL;
  /** Anything else the check has learned. */
  extra?: Record<string, unknown>;
}
