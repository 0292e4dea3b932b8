import type { Implementation } from "./capabilities.ts";

/** What tells a request from the others under way (specification, basic, "Requests"). */
export type RequestId = string | number;

/** What ties progress to its request (specification, basic/patterns/progress). */
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

/** The parameters that every method and notification has. */
export type MessageParams = {
  /** What the message says of itself. */
  _meta?: RequestMeta;
};

/** The parameters of a message, whatever its method. */
export interface AnyParams extends MessageParams {
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
  /** What the server says it is. */
  "io.modelcontextprotocol/serverInfo"?: Implementation;
  /** Keys of your own, with a prefix. */
  [key: string]: unknown;
}

/** What every result has (specification, basic, "Result Responses"). */
export interface Result {
  /** What the result says of itself. */
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
  /** What the answer will carry. */
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
  /** What came of it. */
  result: Result;
}

/** A request's failure on the wire (specification, basic, "Error Responses"). */
export interface JSONRPCErrorResponse {
  /** The version of JSON-RPC. */
  jsonrpc: "2.0";
  /** The id of the request, if it could be read. */
  id?: RequestId;
  /** What went wrong. */
  error: JSONRPCErrorObject;
}

/** What went wrong with a request (specification, basic, "Error Codes"). */
export interface JSONRPCErrorObject {
  /** One of {@linkcode ProtocolErrorCode}, or a code of its sender's own. */
  code: number;
  /** One sentence. */
  message: string;
  /** Whatever else there is to know. */
  data?: unknown;
}

/** What answers a request. */
export type JSONRPCResponse = JSONRPCResultResponse | JSONRPCErrorResponse;

/** Anything that goes over the wire (specification, basic, "Messages"). */
export type JSONRPCMessage =
  | JSONRPCRequest
  | JSONRPCNotification
  | JSONRPCResponse;
