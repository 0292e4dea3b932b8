import {
  capabilityNames,
  InvalidParamsError,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
} from "../../protocol/protocol_errors.ts";
import { isSamplingBlock } from "../../protocol/content_check.ts";
import { fromJsonSchema } from "../../protocol/json_schema.ts";
import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import { declaresSamplingContext } from "../../protocol/revision.ts";
import {
  isStandardSchema,
  issuesText,
  type JsonSchema,
  type StandardSchema,
} from "../../protocol/standard_schema.ts";
import type { ClientCapabilities, ElicitResult } from "../../protocol/types.ts";
import { WrongAnswerError } from "./wrong_answer.ts";

/** A request of the server's to its client. */
export interface Question {
  method: string;
  params?: unknown;
}

/** Facts known of the client that is asked. */
export interface Asked {
  readonly revision: string;
  readonly clientCapabilities: ClientCapabilities;
}

const QUESTIONS = [
  "elicitation/create",
  "sampling/createMessage",
  "roots/list",
];

/** Tells if a request is one of those that MCP lets every handler ask. */
export function isQuestion({ method }: Question): boolean {
  return QUESTIONS.includes(method);
}

/**
 * The client capability that a question needs, or `undefined` if the client has
 * declared it.
 *
 * @throws {InvalidParamsError} for tool results that belong to no tool use
 */
export function missingCapability(
  { method, params }: Question,
  { revision, clientCapabilities: has }: Asked,
): ClientCapabilities | undefined {
  const asked = isObject(params) ? params : {};
  switch (method) {
    case "elicitation/create":
      return missingElicitation(asked, has);
    case "sampling/createMessage":
      checkToolResults(asked.messages);
      return missingSampling(asked, has, revision);
    case "roots/list":
      return has.roots === undefined ? { roots: {} } : undefined;
    default:
      throw new InvalidParamsError(
        `inputRequests can't hold a ${method} request`,
      );
  }
}

/** An `elicitation` that names no mode has forms (2025-11-25, "Capabilities"). */
function missingElicitation(
  { mode, task }: JsonObject,
  { elicitation, tasks }: ClientCapabilities,
): ClientCapabilities | undefined {
  const url = mode === "url";
  if (!isObject(elicitation)) return { elicitation: url ? { url: {} } : {} };
  if (url && elicitation.url === undefined) return { elicitation: { url: {} } };
  if (!url && elicitation.form === undefined && elicitation.url !== undefined) {
    return { elicitation: { form: {} } };
  }
  return task !== undefined &&
      tasks?.requests?.elicitation?.create === undefined
    ? { tasks: { requests: { elicitation: { create: {} } } } }
    : undefined;
}

function missingSampling(
  { tools, toolChoice, includeContext = "none", task }: JsonObject,
  { sampling, tasks }: ClientCapabilities,
  revision: string,
): ClientCapabilities | undefined {
  if (!isObject(sampling)) return { sampling: {} };
  const withTools = tools !== undefined || toolChoice !== undefined;
  if (withTools && sampling.tools === undefined) {
    return { sampling: { tools: {} } };
  }
  if (
    includeContext !== "none" && sampling.context === undefined &&
    declaresSamplingContext(revision)
  ) return { sampling: { context: {} } };
  return task !== undefined &&
      tasks?.requests?.sampling?.createMessage === undefined
    ? { tasks: { requests: { sampling: { createMessage: {} } } } }
    : undefined;
}

/**
 * Refuses what the client did not declare.
 *
 * @throws {MissingRequiredClientCapabilityError}
 */
export function requireCapability(question: Question, client: Asked): void {
  const lacking = missingCapability(question, client);
  if (lacking) throw new MissingRequiredClientCapabilityError(lacking);
}

/**
 * Every use of a tool must be followed by its results, and by nothing else
 * (specification, client/sampling, "Message Content Constraints").
 */
function checkToolResults(messages: unknown): void {
  if (!Array.isArray(messages)) return;
  let open: string[] = [];
  messages.forEach((message, index) => {
    const blocks = [(message as { content?: unknown } | null)?.content].flat()
      .filter(isObject);
    const results = blocks.filter(({ type }) => type === "tool_result")
      .map(({ toolUseId }) => String(toolUseId));
    if (results.length > 0 && results.length < blocks.length) {
      throw unbalanced(index, "must hold nothing beside its tool results");
    }
    const unknown = results.find((id) => !open.includes(id));
    if (unknown !== undefined) {
      throw unbalanced(
        index,
        `has the result of ${unknown}, which is not open`,
      );
    }
    const missing = open.find((id) => !results.includes(id));
    if (missing !== undefined) {
      throw unbalanced(index, `must have the result of ${missing}`);
    }
    open = blocks.filter(({ type }) => type === "tool_use")
      .map(({ id }) => String(id));
  });
  if (open.length > 0) {
    throw unbalanced(messages.length, `must have the result of ${open[0]}`);
  }
}

function unbalanced(index: number, why: string): InvalidParamsError {
  return new InvalidParamsError(`Invalid params: messages[${index}] ${why}`);
}

/**
 * A client's answer, held to what the question allows; what a form's user
 * accepts is what the schema makes of it.
 *
 * @param key what an error calls the answer beside its method
 * @param form the schema that the form was made of, where that is not in the question
 * @throws {WrongAnswerError}
 */
export async function checkedAnswer(
  { method, params }: Question,
  answer: unknown,
  key?: string,
  form?: StandardSchema,
): Promise<unknown> {
  const fault = answerFault(method, answer);
  const name = key === undefined ? method : `${method} ${JSON.stringify(key)}`;
  if (fault !== undefined) {
    throw new WrongAnswerError(`the answer to ${name} is invalid: ${fault}`);
  }
  const requested = isObject(params)
    ? form ?? params.requestedSchema
    : undefined;
  return method === "elicitation/create" && requested !== undefined
    ? await checkedForm(name, requested, answer as ElicitResult)
    : answer;
}

/**
 * The answers to these questions, each held to its own under its key. What
 * nobody asked for, or is no answer to its question, is left out: it will be
 * asked for again.
 *
 * @throws {WrongAnswerError} naming the key of a form that is filled in wrong
 */
export async function checkedAnswers(
  questions: Readonly<Record<string, Question>>,
  answers: JsonObject,
): Promise<JsonObject> {
  const given = Object.entries(questions).filter(([key, { method }]) =>
    Object.hasOwn(answers, key) && !answerFault(method, answers[key])
  );
  return Object.fromEntries(
    await Promise.all(given.map(async ([key, question]) => [
      key,
      await checkedAnswer(question, answers[key], key),
    ])),
  );
}

/** What the check of the answers needs of the questions, and no more. */
export function carriedQuestions(
  questions: Readonly<Record<string, Question>> | undefined,
): Record<string, Question> | undefined {
  const entries = Object.entries(questions ?? {});
  if (entries.length === 0) return undefined;
  return Object.fromEntries(entries.map(([key, { method, params }]) => {
    const { requestedSchema } = (params ?? {}) as JsonObject;
    return [
      key,
      requestedSchema === undefined
        ? { method }
        : { method, params: { requestedSchema } },
    ];
  }));
}

/** An answer held to a schema of the author's. @throws {InvalidParamsError} */
export async function checkedResult(
  method: string,
  schema: StandardSchema,
  result: unknown,
): Promise<unknown> {
  const checked = await schema["~standard"].validate(result);
  if (checked.issues === undefined) return checked.value;
  throw new InvalidParamsError(
    `${method}: the client's answer is invalid: ${issuesText(checked.issues)}`,
  );
}

/** Fault in the shape of an answer, or `undefined`. */
function answerFault(method: string, answer: unknown): string | undefined {
  if (!isObject(answer)) return "it must be an object";
  const { action, role, model, content, roots } = answer;
  switch (method) {
    case "elicitation/create":
      return ["accept", "decline", "cancel"].includes(action as string)
        ? undefined
        : "action must be accept, decline or cancel";
    case "sampling/createMessage":
      if (role !== "user" && role !== "assistant") {
        return "role must be user or assistant";
      }
      if (typeof model !== "string") return "model must be a string";
      return [content].flat().every(isSamplingBlock)
        ? undefined
        : "content must be blocks of text, image, audio, tool_use or " +
          "tool_result, with what belongs to them";
    case "roots/list":
      return Array.isArray(roots) && roots.every(isRoot)
        ? undefined
        : "roots must be an array of { uri }, each a file:// URI";
    default:
      return undefined;
  }
}

function isRoot(root: unknown): boolean {
  return isObject(root) && typeof root.uri === "string" &&
    root.uri.startsWith("file://") &&
    (root.name === undefined || typeof root.name === "string");
}

/** Holds what the user filled in to the schema that the form was made of. */
async function checkedForm(
  name: string,
  requested: unknown,
  answer: ElicitResult,
): Promise<ElicitResult> {
  if (answer.action !== "accept") return answer;
  const schema: StandardSchema = isStandardSchema(requested)
    ? requested
    : fromJsonSchema(requested as JsonSchema);
  const checked = await schema["~standard"].validate(answer.content ?? {});
  if (checked.issues !== undefined) {
    throw new WrongAnswerError(
      `the content of the answer to ${name} does not match ` +
        `its requestedSchema: ${issuesText(checked.issues)}`,
    );
  }
  return { ...answer, content: checked.value as ElicitResult["content"] };
}

/** Error for a client of the legacy era that can't be asked. */
export function unsupportedQuestion(
  method: string,
  lacking: ClientCapabilities,
): ProtocolError {
  return new ProtocolError(
    ProtocolErrorCode.InvalidRequest,
    `Client does not support ${method}: it did not declare ${
      capabilityNames(lacking).join(", ")
    }`,
  );
}
