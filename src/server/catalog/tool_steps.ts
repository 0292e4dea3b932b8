import { isObject } from "../../protocol/jsonrpc.ts";
import type { Call } from "../calls/call.ts";
import type { ToolStep } from "./tool_config.ts";

/** The steps of a tool on its way to its result. */
export type ToolSteps = AsyncGenerator<ToolStep, unknown, void>;

/** Tells if a handler answers in steps. */
export function isSteps(value: unknown): value is ToolSteps {
  return isObject(value) && typeof value.next === "function" &&
    Symbol.asyncIterator in value;
}

/** Gives what a handler returned, its steps gone through if there are any. */
export function drained(
  value: unknown,
  call: Call,
): unknown | Promise<unknown> {
  return isSteps(value) ? drain(value, call) : value;
}

/** Reports steps as progress; what the generator returns is the result. */
export async function drain(
  steps: ToolSteps,
  call: Call,
): Promise<unknown> {
  let count = 0;
  while (true) {
    const { done, value } = await steps.next();
    if (done) return value;
    if (call.over) {
      await steps.return(undefined);
      return undefined;
    }
    count++;
    await call.progress(...progressOf(value, count));
  }
}

/**
 * What a step reports.
 *
 * @param count how many steps there have been, this one included
 */
export function progressOf(
  step: ToolStep,
  count: number,
): [progress: number, total?: number, message?: string] {
  if (typeof step === "number") return [step];
  if (typeof step === "string") return [count, undefined, step];
  const { progress = count, total, message } = step;
  return [progress, total, message];
}
