import type { HasMeta } from "./base.ts";
import type { ElicitRequest, ElicitResult } from "./elicitation.ts";
import type { RequestMeta, Result } from "./message.ts";
import type {
  CreateMessageRequest,
  CreateMessageResult,
  CreateMessageResultWithTools,
} from "./sampling.ts";

/** A question to the client (specification, basic/patterns/mrtr, "InputRequests"). */
export type InputRequest =
  | CreateMessageRequest
  | ListRootsRequest
  | ElicitRequest;

/** The client's answer to a question. */
export type InputResponse =
  | CreateMessageResult
  | CreateMessageResultWithTools
  | ListRootsResult
  | ElicitResult;

/** Questions, each under a key of the server's choice. */
export interface InputRequests {
  /** The question under this key. */
  [key: string]: InputRequest;
}

/** Answers, under the keys of their questions (specification, basic/patterns/mrtr, "InputResponses"). */
export interface InputResponses {
  /** The answer to the question of this key. */
  [key: string]: InputResponse;
}

/** Asks the client before there is a result (specification, basic/patterns/mrtr, "InputRequiredResult"). */
export interface InputRequiredResult extends Result {
  /** Tells it from a complete result. */
  resultType: "input_required";
  /** The questions that the client has to answer. */
  inputRequests?: InputRequests;
  /** Opaque to the client, which sends it back with the answers. */
  requestState?: string;
}

/** A place that the client works in (specification, client/roots, "Root"). */
export interface Root extends HasMeta {
  /** A `file:` URI. */
  uri: string;
  /** A name for people. */
  name?: string;
}

/** Asks for the client's roots (specification, client/roots, "Listing Roots"). */
export interface ListRootsRequest {
  /** Tells it from other questions. */
  method: "roots/list";
  /** Nothing but `_meta`. */
  params?: { _meta?: RequestMeta };
}

/** The client's roots. */
export interface ListRootsResult extends Result {
  /** The places that it works in. */
  roots: Root[];
}
