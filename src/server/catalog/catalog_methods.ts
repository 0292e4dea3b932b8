import {
  InvalidParamsError,
  MethodNotFoundError,
} from "../../protocol/errors.ts";
import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import { LEGACY_REVISIONS } from "../../protocol/revision.ts";
import type {
  ClientCapabilities,
  Implementation,
  LoggingLevel,
} from "../../protocol/types.ts";
import type { CompleteCallback } from "./completable.ts";
import { STAYS_OPEN } from "../calls/reply.ts";
import { LOG_LEVELS, type RequestContext } from "../calls/call.ts";
import { isRepeat, questionsOf, throughRounds } from "../questions/rounds.ts";
import { callTool } from "./tool_call.ts";

/** Answers one method: with a result, or with ready JSON, now or later. */
export type Method = (context: RequestContext) => unknown;

/** What a list of suggestions may hold (specification, "Completion"). */
const MAX_SUGGESTIONS = 100;

const shared: Record<string, Method> = {
  "tools/list": (context) => {
    requireKind(context, "tools");
    return context.engine.registry.toolList.page(context.params.cursor);
  },
  "tools/call": callTool,
  "prompts/list": (context) => {
    requireKind(context, "prompts");
    return context.engine.registry.promptList.page(context.params.cursor);
  },
  "prompts/get": getPrompt,
  "resources/list": (context) => {
    requireKind(context, "resources");
    return context.engine.registry.resources.list(
      context.params.cursor,
      context,
    );
  },
  "resources/templates/list": (context) => {
    requireKind(context, "resources");
    return context.engine.registry.resources.templateList.page(
      context.params.cursor,
    );
  },
  "resources/read": readResource,
  "completion/complete": complete,
};

/** The methods of revision 2026-07-28. */
export const modernMethods: ReadonlyMap<string, Method> = new Map(
  Object.entries(
    {
      ...shared,
      "server/discover": ({ engine }) => engine.capabilities.discovery(),
      "subscriptions/listen": async (context) => {
        const { subscriptions, tasks } = context.engine;
        await subscriptions.open(
          context,
          (taskId) => tasks.mayWatch(context, taskId),
        );
        return STAYS_OPEN;
      },
      "tasks/get": (context) => context.engine.tasks.get(context),
      "tasks/update": (context) => context.engine.tasks.update(context),
      "tasks/cancel": (context) => context.engine.tasks.cancel(context),
    } satisfies Record<string, Method>,
  ),
);

/** The methods of the revisions up to 2025-11-25. */
export const legacyMethods: ReadonlyMap<string, Method> = new Map(
  Object.entries(
    {
      ...shared,
      initialize,
      "ping": () => ({}),
      "logging/setLevel": setLevel,
      "resources/subscribe": ({ params, session }) => {
        session?.subscriptions.add(uriOf(params));
        return {};
      },
      "resources/unsubscribe": ({ params, session }) => {
        session?.subscriptions.delete(uriOf(params));
        return {};
      },
    } satisfies Record<string, Method>,
  ),
);

/** A method whose capability the server does not have is not found. */
function requireKind(
  { engine, method }: RequestContext,
  kind: "tools" | "prompts" | "resources",
): void {
  if (!engine.capabilities.offers(kind)) throw new MethodNotFoundError(method);
}

function initialize({ params, engine, session }: RequestContext): JsonObject {
  const { protocolVersion, capabilities, clientInfo } = params;
  if (typeof protocolVersion !== "string") {
    throw new InvalidParamsError(
      "Invalid params: protocolVersion must be a string",
    );
  }
  if (!isObject(capabilities)) {
    throw new InvalidParamsError(
      "Invalid params: capabilities must be an object",
    );
  }
  if (!isObject(clientInfo) || typeof clientInfo.name !== "string") {
    throw new InvalidParamsError(
      "Invalid params: clientInfo must be an object with a name",
    );
  }
  const revision = LEGACY_REVISIONS.includes(protocolVersion)
    ? protocolVersion
    : LEGACY_REVISIONS[0];
  if (session !== undefined) {
    session.revision = revision;
    session.capabilities = capabilities as ClientCapabilities;
    session.clientInfo = clientInfo as unknown as Implementation;
    session.initialized = true;
  }
  return {
    protocolVersion: revision,
    capabilities: engine.capabilities.legacy(),
    serverInfo: engine.info,
    ...(engine.options.instructions !== undefined &&
      { instructions: engine.options.instructions }),
  };
}

function setLevel({ params, session }: RequestContext): JsonObject {
  const { level } = params;
  if (!LOG_LEVELS.includes(level as LoggingLevel)) {
    throw new InvalidParamsError(
      `Invalid params: level must be one of ${LOG_LEVELS.join(", ")}`,
    );
  }
  if (session !== undefined) session.logLevel = level as LoggingLevel;
  return {};
}

function uriOf(params: JsonObject): string {
  if (typeof params.uri !== "string") {
    throw new InvalidParamsError("Invalid params: uri must be a string");
  }
  return params.uri;
}

async function getPrompt(context: RequestContext): Promise<unknown> {
  const { name, arguments: args } = context.params;
  if (typeof name !== "string") {
    throw new InvalidParamsError("Invalid params: name must be a string");
  }
  const slot = context.engine.registry.prompts.slots.get(name);
  if (slot === undefined) {
    throw new InvalidParamsError(`Prompt ${name} not found`);
  }
  if (!slot.item.enabled) {
    throw new InvalidParamsError(`Prompt ${name} disabled`);
  }
  if (args !== undefined && !isObject(args)) {
    throw new InvalidParamsError("Invalid params: arguments must be an object");
  }
  context.owner = slot.owner;
  context.countWith(slot.record, slot.key);
  return await withRounds(context, () => slot.item.get(args, context));
}

async function readResource(context: RequestContext): Promise<unknown> {
  const uri = uriOf(context.params);
  return await withRounds(
    context,
    () => context.engine.registry.resources.read(uri, context),
  );
}

/** Runs a handler that may put questions to the client. */
async function withRounds(
  context: RequestContext,
  run: () => Promise<unknown>,
): Promise<unknown> {
  if (context.era === "modern" && isRepeat(context)) {
    await context.inquiry.resume();
  }
  try {
    return await throughRounds(context, await run(), run, (value) => value);
  } catch (error) {
    const questions = questionsOf(context, error);
    if (questions === undefined) throw error;
    return await questions;
  }
}

async function complete(context: RequestContext): Promise<JsonObject> {
  const { ref, argument, context: given } = context.params;
  if (!context.engine.registry.completes) {
    throw new MethodNotFoundError(context.method);
  }
  if (
    !isObject(argument) || typeof argument.name !== "string" ||
    typeof argument.value !== "string"
  ) {
    throw new InvalidParamsError(
      "Invalid params: argument must be an object with a name and a value",
    );
  }
  const completer = findCompleter(context, ref, argument.name);
  const suggestions = await completer?.(
    argument.value,
    isObject(given)
      ? given as { arguments?: Record<string, string> }
      : undefined,
  ) ?? [];
  return {
    completion: {
      values: suggestions.slice(0, MAX_SUGGESTIONS),
      total: suggestions.length,
      hasMore: suggestions.length > MAX_SUGGESTIONS,
    },
  };
}

function findCompleter(
  { engine }: RequestContext,
  ref: unknown,
  argument: string,
): CompleteCallback | undefined {
  const { prompts, resources } = engine.registry;
  if (isObject(ref) && ref.type === "ref/prompt") {
    const name = textOf(ref, "name");
    const slot = prompts.slots.get(name);
    if (slot === undefined || !slot.item.enabled) {
      throw new InvalidParamsError(`Prompt ${name} not found`);
    }
    return slot.item.completer(argument);
  }
  if (isObject(ref) && ref.type === "ref/resource") {
    const uri = textOf(ref, "uri");
    const template = resources.findTemplate(uri);
    if (template !== undefined) {
      return template.item.resourceTemplate.completeCallback(argument);
    }
    if (resources.fixed.slots.has(uri)) return undefined;
    throw new InvalidParamsError(`Resource template ${uri} not found`);
  }
  throw new InvalidParamsError(
    'Invalid params: ref.type must be "ref/prompt" or "ref/resource"',
  );
}

function textOf(ref: JsonObject, field: "name" | "uri"): string {
  const value = ref[field];
  if (typeof value === "string") return value;
  throw new InvalidParamsError(
    `Invalid params: ref.${field} must be a string`,
  );
}
