import {
  answerFault,
  envelopeFault,
  type IncomingAnswer,
  type IncomingCall,
  isAnswer,
  isObject,
  type JsonObject,
  outcomeFault,
  readableId,
} from "./jsonrpc.ts";
import { ProtocolErrorCode } from "./protocol_errors.ts";
import { type Era, isModernRevision, metaKey } from "./revision.ts";
import type { RequestId } from "./types.ts";

/** Number of messages that a batch may hold. */
export const MAX_BATCH = 100;

/** A request of the client's. */
export interface RequestMessage {
  readonly kind: "request";
  readonly era: Era;
  readonly id: RequestId;
  readonly method: string;
  readonly params: JsonObject;
}

/** A notification of the client's: nothing is ever answered to one. */
export interface NotificationMessage {
  readonly kind: "notification";
  readonly era: Era;
  readonly method: string;
  readonly params: JsonObject;
}

/** The client's answer to a request of the server's. */
export interface AnswerMessage {
  readonly kind: "answer";
  readonly era: Era;
  readonly answer: IncomingAnswer;
}

/** Data that is no message. */
export interface MalformedMessage {
  readonly kind: "malformed";
  readonly era: Era;
  /** The id that a refusal can name. */
  readonly id: RequestId | null;
  readonly fault: string;
  /** True if it means to be an answer, to which nothing is ever answered. */
  readonly isAnswer: boolean;
}

/** One message, known for what it is. */
export type Message =
  | RequestMessage
  | NotificationMessage
  | AnswerMessage
  | MalformedMessage;

/** Several messages at once, as the revisions before 2025-06-18 have it. */
export interface Batch {
  readonly kind: "batch";
  readonly era: "legacy";
  readonly messages: readonly Message[];
}

/**
 * Sorts out what a client sent, whatever brought it. The body decides the era: a
 * request of the modern one says its revision in `_meta`.
 *
 * @param version the revision that the transport names, where it does
 */
export function classify(
  value: unknown,
  version: string | null = null,
): Message | Batch {
  return Array.isArray(value) && !isModernVersion(version)
    ? classifyBatch(value, version)
    : classifyOne(value, version);
}

function classifyBatch(
  values: unknown[],
  version: string | null,
): Batch | MalformedMessage {
  const fault = values.length === 0
    ? "the batch is empty"
    : values.length > MAX_BATCH
    ? `a batch takes at most ${MAX_BATCH} messages`
    : undefined;
  return fault === undefined
    ? {
      kind: "batch",
      era: "legacy",
      messages: values.map((each) => classifyOne(each, version)),
    }
    : { kind: "malformed", era: "legacy", id: null, fault, isAnswer: false };
}

function classifyOne(value: unknown, version: string | null): Message {
  const era = eraOf(value, version);
  if (era === "legacy" && isObject(value) && isAnswer(value)) {
    const fault = answerFault(value);
    return fault === undefined
      ? { kind: "answer", era, answer: takenAnswer(value) }
      : malformed(value, era, fault, true);
  }
  const fault = envelopeFault(value);
  if (fault !== undefined) return malformed(value, era, fault, false);
  const call = value as unknown as IncomingCall;
  const { id, method } = call;
  const params = call.params ?? {};
  return id === undefined || id === null
    ? { kind: "notification", era, method, params }
    : { kind: "request", era, id, method, params };
}

/** Whoever asked is told if what came is no answer, and waits no longer. */
function takenAnswer(value: JsonObject): IncomingAnswer {
  const { id, result, error } = value as unknown as IncomingAnswer;
  const fault = outcomeFault(value);
  if (fault !== undefined) {
    const message = `Invalid Request: the client's answer is invalid: ${fault}`;
    const code = ProtocolErrorCode.InvalidRequest;
    return { jsonrpc: "2.0", id, error: { code, message } };
  }
  return error === undefined || error === null
    ? { jsonrpc: "2.0", id, result }
    : { jsonrpc: "2.0", id, error };
}

function malformed(
  value: unknown,
  era: Era,
  fault: string,
  isAnswer: boolean,
): MalformedMessage {
  return { kind: "malformed", era, id: readableId(value), fault, isAnswer };
}

function eraOf(value: unknown, version: string | null): Era {
  const params = isObject(value) ? value.params : undefined;
  const meta = isObject(params) ? params._meta : undefined;
  return (isObject(meta) && meta[metaKey.protocolVersion] !== undefined) ||
      isModernVersion(version)
    ? "modern"
    : "legacy";
}

function isModernVersion(version: string | null): boolean {
  return version !== null && isModernRevision(version);
}
