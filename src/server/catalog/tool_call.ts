import { failureText } from "../calls/failure_text.ts";
import { isThenable } from "../../base/thenable.ts";
import {
  asUrlElicitationRequired,
  IdempotencyError,
  InvalidParamsError,
  MissingRequiredClientCapabilityError,
  RefusedError,
} from "../../protocol/protocol_errors.ts";
import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import type { CallToolResult } from "../../protocol/types.ts";
import type { Collection, Slot } from "./collection.ts";
import { failureKindOf } from "../calls/failure_kind.ts";
import { admits, demandAllowed, neededFor } from "../calls/access_check.ts";
import {
  AccessDeniedError,
  InsufficientScopeError,
} from "../identity/access_errors.ts";
import type { Call } from "../calls/call.ts";
import type { Method } from "../calls/method_table.ts";
import type { Extension } from "../extension.ts";
import { isPartOf, lookAtTool } from "../extension_hooks.ts";
import { isCreateTaskResult } from "../tasks/task.ts";
import {
  isAnsweredWrong,
  isRepeat,
  questionsOf,
  throughRounds,
} from "../questions/rounds.ts";
import { WrongAnswerError } from "../questions/wrong_answer.ts";
import { type RegisteredTool, ToolInputError } from "./tool.ts";
import { errorResult } from "./tool_result.ts";
import { drain, drained, isSteps } from "./tool_steps.ts";

/**
 * Makes `tools/call`. Not async on purpose: a handler that answers at once costs
 * no promise (bench/http.ts, "echo").
 */
export function callTool(
  tools: Collection<RegisteredTool>,
  extensions: readonly Extension[],
): Method {
  const hooked = extensions.filter(({ beforeTool }) => beforeTool);
  return (call) => {
    const slot = findTool(tools, call);
    const args = call.params.arguments ?? {};
    if (!isObject(args)) {
      throw new InvalidParamsError(
        "Invalid params: arguments must be an object",
      );
    }
    return begin(slot, call, args, hooked);
  };
}

function findTool(
  tools: Collection<RegisteredTool>,
  call: Call,
): Slot<RegisteredTool> {
  const { name } = call.params;
  if (typeof name !== "string") {
    throw new InvalidParamsError("Invalid params: name must be a string");
  }
  const slot = tools.slots.get(name);
  if (slot === undefined || !admits(call, slot.item.guard, slot.scopes)) {
    throw new InvalidParamsError(`Tool ${name} not found`);
  }
  if (!slot.item.enabled) throw new InvalidParamsError(`Tool ${name} disabled`);
  return slot;
}

function begin(
  slot: Slot<RegisteredTool>,
  call: Call,
  args: JsonObject,
  hooked: readonly Extension[],
): unknown {
  const { key, item: tool, owner, record } = slot;
  call.era.checkParamHeaders(tool.paramHeaders, call.reply.request, args);
  for (const extension of hooked) {
    if (isPartOf(extension, call.era.name)) {
      lookAtTool(extension, tool, call.passingContext);
    }
  }
  call.aimAt(owner, key, record);
  call.completer = tool;
  if (tool.guard !== undefined || slot.scopes.length > 0) {
    call.needs = neededFor(slot);
  }
  call.maxResultBytes = tool.maxResultBytes;
  if (tool.slowMs !== undefined && call.measure !== undefined) {
    call.measure.slowMs = tool.slowMs;
  }
  const { rateLimit } = tool;
  return rateLimit === undefined
    ? resume(tool, call, args)
    : rateLimit.admit(call).then(() =>
      call.host.enter(call, () => resume(tool, call, args))
    );
}

/** Runs the tool, with what earlier requests of the call have brought, if it had any. */
function resume(tool: RegisteredTool, call: Call, args: JsonObject): unknown {
  return isRepeat(call)
    ? call.inquiry.resume().then(() =>
      call.host.enter(call, () => run(tool, call, args))
    )
    : run(tool, call, args);
}

function run(tool: RegisteredTool, call: Call, args: unknown): unknown {
  try {
    const input = tool.validate(args);
    const outcome = isThenable(input)
      ? input.then((value) => enter(tool, call, args, value))
      : enter(tool, call, args, input);
    return isThenable(outcome)
      ? outcome.then(
        (result) => ended(call, result),
        (error) => failed(tool, call, args, error),
      )
      : ended(call, outcome);
  } catch (error) {
    return failed(tool, call, args, error);
  }
}

function ended(call: Call, result: unknown): unknown {
  if ((result as CallToolResult).isError === true) {
    call.failure = "tool_error";
  }
  return result;
}

function failed(
  tool: RegisteredTool,
  call: Call,
  args: unknown,
  error: unknown,
): unknown {
  return questionsOf(call, error, () => run(tool, call, args)) ??
    toolFailure(tool, call, error);
}

/** Goes on to the handler if the author's predicate has nothing against it. */
function enter(
  tool: RegisteredTool,
  call: Call,
  args: unknown,
  input: unknown,
): unknown {
  const admitted = demandAllowed(
    call,
    tool.guard,
    input ?? args,
    "tool",
    tool.name,
    tool.timeoutMs,
  );
  return admitted === undefined
    ? invoke(tool, call, input)
    : admitted.then(() => invoke(tool, call, input));
}

/** Runs the handler and makes its result, whichever way it comes. */
function invoke(
  tool: RegisteredTool,
  call: Call,
  input: unknown,
): unknown {
  const value = tool.invoke(input, call);
  return isThenable(value)
    ? value.then((each) => conclude(tool, call, input, each))
    : conclude(tool, call, input, value);
}

function conclude(
  tool: RegisteredTool,
  call: Call,
  input: unknown,
  value: unknown,
): unknown {
  if (isPlainOutcome(value, call)) return tool.complete(value, call);
  if (isSteps(value)) {
    return drain(value, call)
      .then((last) => conclude(tool, call, input, last));
  }
  return throughRounds(
    call,
    value,
    async () => await drained(await tool.invoke(input, call), call),
    (final) => isCreateTaskResult(final) ? final : tool.complete(final, call),
  );
}

/** Tells if there is nothing to it but to complete it, as with most values. */
function isPlainOutcome(value: unknown, call: Call): boolean {
  return call.begunInquiry === undefined && isObject(value) &&
    value.resultType === undefined && value.next === undefined;
}

/** A failed call as its result: the model reads it and may do better. */
function toolFailure(
  tool: RegisteredTool,
  call: Call,
  error: unknown,
): CallToolResult {
  if (
    error instanceof AccessDeniedError ||
    error instanceof InsufficientScopeError ||
    error instanceof MissingRequiredClientCapabilityError ||
    error instanceof RefusedError ||
    error instanceof IdempotencyError ||
    isAnsweredWrong(call, error)
  ) throw error;
  const required = asUrlElicitationRequired(error);
  if (required !== undefined) throw required;
  const message = failureText(error, call.host.revealUrls);
  call.error = error;
  call.failure = error instanceof ToolInputError
    ? "invalid_arguments"
    : failureKindOf(error, "tool_error");
  if (error instanceof ToolInputError || error instanceof WrongAnswerError) {
    return errorResult(message);
  }
  // Its client has called it off: this goes nowhere, and nothing is wrong.
  if (call.cancelled) return errorResult(message);
  call.host.report(`tool ${tool.name}`, error, call);
  return errorResult(
    call.host.maskErrors ? `Tool ${tool.name} failed` : message,
  );
}
