import { isObject } from "../../protocol/jsonrpc.ts";
import type { RequestContext } from "../calls/call.ts";
import type { ToolStep } from "./tool_config.ts";

/** The steps of a tool on its way to its result. */
export type ToolSteps = AsyncGenerator<ToolStep, unknown, void>;

/** Whether a handler answers in steps. */
export function isSteps(value: unknown): value is ToolSteps {
  return isObject(value) && typeof value.next === "function" &&
    Symbol.asyncIterator in value;
}

/** What a handler returned, its steps gone through if there are any. */
export function drained(
  value: unknown,
  context: RequestContext,
): unknown | Promise<unknown> {
  return isSteps(value) ? drain(value, context) : value;
}

/** Reports steps as progress; what the generator returns is the result. */
export async function drain(
  steps: ToolSteps,
  context: RequestContext,
): Promise<unknown> {
  let count = 0;
  while (true) {
    const { done, value } = await steps.next();
    if (done) return value;
    if (context.over) {
      await steps.return(undefined);
      return undefined;
    }
    count++;
    if (typeof value === "number") await context.progress(value);
    else if (typeof value === "string") {
      await context.progress(count, undefined, value);
    } else {
      const { progress = count, total, message } = value;
      await context.progress(progress, total, message);
    }
  }
}
