import { isObject } from "../../protocol/jsonrpc.ts";
import { toJsonSchema } from "../../protocol/schema.ts";
import {
  type InferOutput,
  isStandardSchema,
  type StandardSchema,
  type StandardSchemaWithJSON,
} from "../../protocol/standard_schema.ts";
import type {
  CreateMessageRequestParams,
  CreateMessageResult,
  CreateMessageResultWithTools,
  ElicitRequestFormParams,
  ElicitRequestURLParams,
  InputRequest,
  InputRequests,
  InputRequiredResult,
  Root,
} from "../../protocol/types.ts";

/** Argument of {@linkcode inputRequired}; at least one of the two. */
export interface InputRequiredSpec {
  /** Questions for the client, each under a key of your choice. */
  inputRequests?: InputRequests;
  /** Anything that the handler wants back with the answers. */
  requestState?: string;
}

/** A form to fill in, its schema in JSON Schema or as a Standard Schema. */
export type ElicitInputParams =
  & Omit<ElicitRequestFormParams, "requestedSchema">
  & {
    requestedSchema:
      | ElicitRequestFormParams["requestedSchema"]
      | StandardSchema;
  };

/** The builder of `input_required` results, with one maker per kind of question. */
export interface InputRequiredBuilder {
  /** @throws {TypeError} if there is neither a question nor a state */
  (spec: InputRequiredSpec): InputRequiredResult;
  /** Asks the user to fill in a form. */
  elicit(params: ElicitInputParams): InputRequest;
  /** Asks the user to open a page. */
  elicitUrl(
    params: Omit<ElicitRequestURLParams, "mode" | "elicitationId">,
  ): InputRequest;
  /** Asks the client's model. */
  createMessage(params: CreateMessageRequestParams): InputRequest;
  /** Asks for the client's roots. */
  listRoots(): InputRequest;
}

/**
 * Answers a request with questions (specification 2026-07-28, "Multi Round-Trip
 * Requests"): the client collects the answers and repeats the request with them
 * in `ctx.mcpReq.inputResponses`. A legacy client is asked in the old way, and
 * the handler runs again just the same. A form is held to its schema before the
 * handler sees it, provided that the client brings the `requestState` along, as it
 * must; where it doesn't, `acceptedContent` with a schema does.
 *
 * @example
 * ```ts
 * import { acceptedContent, inputRequired, McpServer } from "@sluice/mcp";
 *
 * const server = new McpServer({ name: "deployer", version: "1.0.0" });
 * server.registerTool("deploy", {}, (ctx) => {
 *   const sure = acceptedContent<{ sure: boolean }>(
 *     ctx.mcpReq.inputResponses,
 *     "sure",
 *   );
 *   if (sure?.sure) return "deployed";
 *   return inputRequired({
 *     inputRequests: {
 *       sure: inputRequired.elicit({
 *         message: "Deploy now?",
 *         requestedSchema: {
 *           type: "object",
 *           properties: { sure: { type: "boolean" } },
 *         },
 *       }),
 *     },
 *   });
 * });
 * ```
 */
export const inputRequired: InputRequiredBuilder = Object.assign(
  (spec: InputRequiredSpec): InputRequiredResult => {
    const asks = Object.keys(spec.inputRequests ?? {}).length > 0;
    if (!asks && typeof spec.requestState !== "string") {
      throw new TypeError(
        "inputRequired() needs at least one entry in inputRequests, or a requestState",
      );
    }
    return { resultType: "input_required", ...spec } as InputRequiredResult;
  },
  {
    elicit: (params: ElicitInputParams): InputRequest =>
      ({
        method: "elicitation/create",
        params: formParams(params),
      }) as InputRequest,
    elicitUrl: (
      params: Omit<ElicitRequestURLParams, "mode" | "elicitationId">,
    ): InputRequest =>
      ({
        method: "elicitation/create",
        params: { ...params, mode: "url" },
      }) as InputRequest,
    createMessage: (params: CreateMessageRequestParams): InputRequest =>
      ({ method: "sampling/createMessage", params }) as InputRequest,
    listRoots: (): InputRequest => ({ method: "roots/list" }) as InputRequest,
  },
);

/** A form's parameters with their schema in JSON Schema. */
export function formParams(params: ElicitInputParams): Record<string, unknown> {
  const { requestedSchema } = params;
  const schema = isStandardSchema(requestedSchema)
    ? toJsonSchema(requestedSchema as StandardSchemaWithJSON, "input")
    : requestedSchema;
  const { $schema: _, additionalProperties: __, ...plain } = schema as Record<
    string,
    unknown
  >;
  const nested = Object.entries(
    isObject(plain.properties) ? plain.properties : {},
  )
    .find(([, field]) => isObject(field) && field.type === "object");
  if (nested !== undefined) {
    throw new TypeError(
      `requestedSchema.properties.${
        nested[0]
      } must be a flat field: a form has ` +
        "strings, numbers, booleans and choices",
    );
  }
  return {
    mode: "form",
    ...params,
    requestedSchema: isStandardSchema(requestedSchema)
      ? plain
      : requestedSchema,
  };
}

/** Tells if a handler's return value asks for input. */
export function isInputRequiredResult(
  value: unknown,
): value is InputRequiredResult {
  return isObject(value) && value.resultType === "input_required" &&
    Object.entries(value).every(isMemberOfQuestion) &&
    (value.inputRequests ?? value.requestState) !== undefined;
}

function isMemberOfQuestion([key, value]: [string, unknown]): boolean {
  switch (key) {
    case "inputRequests":
    case "_meta":
      return value === undefined || isObject(value);
    case "requestState":
      return value === undefined || typeof value === "string";
    default:
      return key === "resultType";
  }
}

/** One answer, told apart by its shape. */
export type InputResponseView =
  | { kind: "missing" }
  | {
    kind: "elicit";
    action: "accept" | "decline" | "cancel";
    content?: Record<string, unknown>;
  }
  | {
    kind: "sampling";
    result: CreateMessageResult | CreateMessageResultWithTools;
  }
  | { kind: "roots"; roots: Root[] };

/** Reads one answer. It comes from the client: treat it as untrusted. */
export function inputResponse(
  responses: Record<string, unknown> | undefined,
  key: string,
): InputResponseView {
  const answer = isObject(responses) && Object.hasOwn(responses, key)
    ? responses[key]
    : undefined;
  if (!isObject(answer)) return { kind: "missing" };
  const { action, content, roots, role } = answer;
  if (action === "accept" || action === "decline" || action === "cancel") {
    return {
      kind: "elicit",
      action,
      ...(isObject(content) && { content }),
    };
  }
  if (Array.isArray(roots)) return { kind: "roots", roots: roots as Root[] };
  if (typeof role === "string" && content !== undefined) {
    return {
      kind: "sampling",
      result: answer as unknown as CreateMessageResult,
    };
  }
  return { kind: "missing" };
}

/** The content of an accepted form, or `undefined`. */
export function acceptedContent<
  T extends Record<string, unknown> = Record<string, unknown>,
>(
  responses: Record<string, unknown> | undefined,
  key: string,
): T | undefined;
/** The content of an accepted form if it satisfies the schema, or `undefined`. */
export function acceptedContent<Schema extends StandardSchema>(
  responses: Record<string, unknown> | undefined,
  key: string,
  schema: Schema,
): InferOutput<Schema> | undefined;
/** The content of an accepted form, or `undefined`. */
export function acceptedContent(
  responses: Record<string, unknown> | undefined,
  key: string,
  schema?: StandardSchema,
): unknown {
  const answer = inputResponse(responses, key);
  if (answer.kind !== "elicit" || answer.action !== "accept") return undefined;
  if (schema === undefined || answer.content === undefined) {
    return answer.content;
  }
  const result = schema["~standard"].validate(answer.content);
  if (result instanceof Promise) {
    throw new TypeError(
      "acceptedContent() takes schemas that validate at once",
    );
  }
  return result.issues === undefined ? result.value : undefined;
}
