import { isThenable } from "../base/thenable.ts";
import { thrownText } from "../base/thrown.ts";
import type { CallRecord } from "../observe/metrics/call_record.ts";
import {
  InvalidParamsError,
  MissingRequiredClientCapabilityError,
  UrlElicitationRequiredError,
} from "../protocol/errors.ts";
import { isObject } from "../protocol/jsonrpc.ts";
import { checkParamHeaders } from "../protocol/param_headers.ts";
import type { CallToolResult } from "../protocol/types.ts";
import type { Slot } from "./collection.ts";
import { failureKindOf } from "./failure_kind.ts";
import type { RequestContext } from "./request_context.ts";
import { requestFields } from "./request_log.ts";
import { isRepeat, questionsOf, throughRounds } from "./rounds.ts";
import { requireTasks } from "./subscriptions.ts";
import { type RegisteredTool, ToolInputError } from "./tool.ts";
import { errorResult } from "./tool_result.ts";
import { drain, drained, isSteps } from "./tool_steps.ts";

/**
 * `tools/call`. Not async on purpose: a handler that answers at once costs no
 * promise (bench/http.ts, "echo").
 */
export function callTool(context: RequestContext): unknown {
  const { item: tool, owner, record } = findTool(context);
  const args = context.params.arguments ?? {};
  if (!isObject(args)) {
    throw new InvalidParamsError("Invalid params: arguments must be an object");
  }
  if (context.era === "modern") {
    const { request } = context.reply;
    if (tool.paramHeaders.length > 0 && request !== undefined) {
      checkParamHeaders(tool.paramHeaders, request.headers, args);
    }
    if (tool.execution?.taskSupport === "required") requireTasks(context);
  }
  context.owner = owner;
  return isRepeat(context)
    ? context.inquiry.resume().then(() => run(tool, record, context, args))
    : run(tool, record, context, args);
}

function findTool(context: RequestContext): Slot<RegisteredTool> {
  const { name } = context.params;
  if (typeof name !== "string") {
    throw new InvalidParamsError("Invalid params: name must be a string");
  }
  const slot = context.engine.registry.tools.slots.get(name);
  if (slot === undefined) {
    throw new InvalidParamsError(`Tool ${name} not found`);
  }
  if (!slot.item.enabled) throw new InvalidParamsError(`Tool ${name} disabled`);
  return slot;
}

function run(
  tool: RegisteredTool,
  record: CallRecord,
  context: RequestContext,
  args: unknown,
): unknown {
  context.countWith(record, context.params.name as string);
  try {
    const input = tool.validate(args);
    const outcome = isThenable(input)
      ? input.then((value) => invoke(tool, context, value))
      : invoke(tool, context, input);
    return isThenable(outcome)
      ? outcome.then(
        (result) => ended(context, result),
        (error) => failed(tool, context, error),
      )
      : ended(context, outcome);
  } catch (error) {
    return failed(tool, context, error);
  }
}

function ended(context: RequestContext, result: unknown): unknown {
  if ((result as CallToolResult).isError === true) {
    context.failure = "tool_error";
  }
  return result;
}

function failed(
  tool: RegisteredTool,
  context: RequestContext,
  error: unknown,
): unknown {
  return questionsOf(context, error) ?? toolFailure(tool, context, error);
}

/** Runs the handler and makes its result, whichever way it comes. */
function invoke(
  tool: RegisteredTool,
  context: RequestContext,
  input: unknown,
): unknown {
  const value = tool.invoke(input, context);
  return isThenable(value)
    ? value.then((each) => conclude(tool, context, input, each))
    : conclude(tool, context, input, value);
}

function conclude(
  tool: RegisteredTool,
  context: RequestContext,
  input: unknown,
  value: unknown,
): unknown {
  if (isPlainOutcome(value, context)) return tool.complete(value, context);
  if (isSteps(value)) {
    return drain(value, context)
      .then((last) => conclude(tool, context, input, last));
  }
  return throughRounds(
    context,
    value,
    async () => await drained(await tool.invoke(input, context), context),
    (final) => isTaskResult(final) ? final : tool.complete(final, context),
  );
}

/** Whether there is nothing to it but to complete it, as with most values. */
function isPlainOutcome(value: unknown, context: RequestContext): boolean {
  return context.begunInquiry === undefined && isObject(value) &&
    value.resultType === undefined && value.next === undefined;
}

/** A failed call as its result: the model reads it and may do better. */
function toolFailure(
  tool: RegisteredTool,
  context: RequestContext,
  error: unknown,
): CallToolResult {
  if (
    error instanceof UrlElicitationRequiredError ||
    error instanceof MissingRequiredClientCapabilityError
  ) throw error;
  const { engine } = context;
  const message = thrownText(error);
  context.failure = error instanceof ToolInputError
    ? "invalid_arguments"
    : failureKindOf(error, "tool_error");
  if (error instanceof ToolInputError) return errorResult(message);
  // Its client has called it off: this goes nowhere, and nothing is wrong.
  if (context.cancelled) return errorResult(message);
  engine.reportFailure(`tool ${tool.name}`, error, requestFields(context));
  return errorResult(
    engine.options.maskErrors ? `Tool ${tool.name} failed` : message,
  );
}

function isTaskResult(value: unknown): boolean {
  return isObject(value) && value.resultType === "task";
}
