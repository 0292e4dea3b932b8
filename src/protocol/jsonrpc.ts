import { wellFormedJson } from "../base/well_formed_json.ts";
import { jsonText } from "./json_value.ts";
import { nearestJson } from "./nearest_json.ts";
import type { ProgressToken } from "./types/message.ts";
import {
  QueueFullError,
  RateLimitedError,
  UnavailableError,
} from "../base/errors.ts";
import {
  ProtocolError,
  ProtocolErrorCode,
  RefusedError,
} from "./protocol_errors.ts";
import type { RequestId } from "./types.ts";
import { WholeNumber } from "./whole_number.ts";

/** A parsed JSON object of which nothing is known yet. */
export type JsonObject = Record<string, unknown>;

/** A JSON-RPC request or notification, as far as the envelope goes. */
export interface IncomingCall {
  jsonrpc: "2.0";
  /** Missing on a notification. */
  id?: RequestId;
  method: string;
  params?: JsonObject;
}

/** The client's answer to a request of the server's. */
export interface IncomingAnswer {
  jsonrpc: "2.0";
  id: RequestId;
  result?: JsonObject;
  error?: { code: number; message: string; data?: unknown };
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * MCP takes strings and whole numbers for an id or a progress token. `1e999`
 * parses to Infinity, which JSON can't write back, so it is refused with the rest.
 */
export function isRequestId(value: unknown): value is RequestId {
  return typeof value === "string" || Number.isSafeInteger(value) ||
    value instanceof WholeNumber;
}

/** Tells if a member is there; some clients write null for what they omit. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** True if a message answers a request rather than making one. */
export function isAnswer(message: JsonObject): boolean {
  return !isGiven(message.method) &&
    (message.result !== undefined || message.error !== undefined);
}

/**
 * Fault of a call's envelope, or `undefined`. A request's id is never
 * null: its sender would wait for an answer that it can't tell from others.
 */
export function envelopeFault(message: unknown): string | undefined {
  if (!isObject(message)) return "the message must be a JSON object";
  const { jsonrpc, id, method, params } = message;
  if (jsonrpc !== "2.0") return 'jsonrpc must be "2.0"';
  if (typeof method !== "string") return "method must be a string";
  if (
    id !== undefined && !isRequestId(id) &&
    !(id === null && method.startsWith("notifications/"))
  ) return "id must be a string or a whole number";
  if (isGiven(params) && !isObject(params)) return "params must be an object";
  return undefined;
}

/** Fault of an answer's envelope, or `undefined`. */
export function answerFault(
  { jsonrpc, id }: JsonObject,
): string | undefined {
  if (jsonrpc !== "2.0") return 'jsonrpc must be "2.0"';
  if (!isRequestId(id)) return "id must be a string or a whole number";
  return undefined;
}

/** Fault of what an answer says, or `undefined`. */
export function outcomeFault(
  { result, error }: JsonObject,
): string | undefined {
  if (!isGiven(error)) {
    return isObject(result) ? undefined : "result must be an object";
  }
  if (isGiven(result) && !isObject(result)) return "result must be an object";
  if (
    !isObject(error) || typeof error.code !== "number" ||
    typeof error.message !== "string"
  ) return "error must have a code and a message";
  return undefined;
}

/** The id of a broken message, where it is one that can be echoed. */
export function readableId(message: unknown): RequestId | null {
  return isObject(message) && isRequestId(message.id) ? message.id : null;
}

/** The text of a response around a result that is already JSON. */
export function resultText(id: RequestId, resultJson: string): string {
  return typeof id === "number"
    ? `{"jsonrpc":"2.0","id":${id},"result":${resultJson}}`
    : `{"jsonrpc":"2.0","id":${idText(id)},"result":${resultJson}}`;
}

/** The text of an error response; data without a form in JSON goes in the nearest. */
export function errorText(id: RequestId | null, error: ProtocolError): string {
  const body: JsonObject = { code: error.code, message: error.message };
  if (error.data !== undefined) body.data = nearestJson(error.data);
  return `{"jsonrpc":"2.0","id":${idText(id)},"error":${jsonText(body)}}`;
}

function idText(id: RequestId | null): string {
  return typeof id === "string"
    ? wellFormedJson(JSON.stringify(id))
    : String(id);
}

/**
 * The text of a notification.
 *
 * @throws {JsonValueError} for parameters without a form in JSON
 */
export function notificationText(method: string, params?: unknown): string {
  return params === undefined
    ? `{"jsonrpc":"2.0","method":${JSON.stringify(method)}}`
    : `{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${
      jsonText(params)
    }}`;
}

/**
 * Makes the texts of one notification for those who follow it: what they have in
 * common is written once (bench/cluster.ts, "notices").
 *
 * @param member of `_meta` that says which id a text is for
 * @throws {JsonValueError} for parameters without a form in JSON
 */
export function notificationTexts(
  method: string,
  params: JsonObject,
  member: string,
): (id: RequestId) => string {
  const others = jsonText({ ...params, _meta: undefined });
  const before = `{"jsonrpc":"2.0","method":${
    JSON.stringify(method)
  },"params":{"_meta":{${JSON.stringify(member)}:`;
  const after = others === "{}" ? "}}}" : `},${others.slice(1)}}`;
  // Clients count their requests alike, so that many have the same id.
  let last: RequestId | undefined;
  let text = "";
  return (id) => {
    if (id !== last) {
      last = id;
      text = before + idText(id) + after;
    }
    return text;
  };
}

/**
 * The text of a progress notification. Written by hand it costs half of what a
 * look at its parameters and `JSON.stringify` take (bench/http.ts, "progress").
 */
export function progressText(
  token: ProgressToken,
  progress: number,
  total: number | undefined,
  message: string | undefined,
): string {
  let params = `"progressToken":${idText(token)},"progress":${progress}`;
  if (Number.isFinite(total)) params += `,"total":${total}`;
  if (message !== undefined) params += `,"message":${jsonText(message)}`;
  return `{"jsonrpc":"2.0","method":"notifications/progress","params":{${params}}}`;
}

/**
 * The text of a request to the client.
 *
 * @throws {JsonValueError} for parameters without a form in JSON
 */
export function requestText(
  id: RequestId,
  method: string,
  params: unknown,
): string {
  return jsonText({ jsonrpc: "2.0", id, method, params });
}

/** Time after which a full queue may have room again, and what is away be back. */
const RETRY_MS = 1_000;

/**
 * Any thrown value as the error that goes on the wire.
 *
 * @param textOf what a client may know of it
 */
export function toProtocolError(
  error: unknown,
  maskDetails: boolean,
  textOf: (error: unknown) => string,
): ProtocolError {
  if (error instanceof ProtocolError) return error;
  if (error instanceof RateLimitedError) {
    return new RefusedError("overloaded", error.retryAfterMs);
  }
  if (error instanceof QueueFullError) {
    return new RefusedError("overloaded", RETRY_MS);
  }
  if (error instanceof UnavailableError) {
    return new RefusedError("unavailable", RETRY_MS);
  }
  const foreign = error as {
    code?: unknown;
    message?: unknown;
    data?: unknown;
  };
  if (
    error instanceof Error && Number.isSafeInteger(foreign.code) &&
    foreign.code !== 0 && !(error instanceof DOMException)
  ) {
    // The official SDK's ProtocolError, thrown by code that still imports it.
    return new ProtocolError(
      foreign.code as number,
      textOf(error),
      foreign.data,
    );
  }
  return new ProtocolError(
    ProtocolErrorCode.InternalError,
    maskDetails ? "Internal error" : `Internal error: ${textOf(error)}`,
  );
}
