import { UrlElicitationRequiredError } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";
import { isInputRequiredResult } from "./input_required.ts";
import type { RequestContext } from "../calls/call.ts";

/** Whether a repeated request brings answers or state along. */
export function isRepeat({ params }: RequestContext): boolean {
  return params.inputResponses !== undefined ||
    params.requestState !== undefined;
}

/**
 * Takes what a handler returned through its rounds of questions. A modern client
 * gets the questions as the answer; a legacy one is asked on the spot, and the
 * handler runs again with what it said.
 *
 * @param again runs the handler once more
 * @param finish makes the result of a value that is no question
 */
export function throughRounds(
  context: RequestContext,
  value: unknown,
  again: () => unknown,
  finish: (value: unknown) => unknown,
): unknown {
  const inquiry = context.begunInquiry;
  const asks = isInputRequiredResult(value);
  if (inquiry === undefined && !asks) return finish(value);
  if (context.era === "modern") {
    return asks || inquiry!.waiting
      ? context.inquiry.requiredResult(asks ? value : undefined)
      : finish(value);
  }
  if (!asks) return finish(value);
  return context.inquiry.fulfil(value)
    .then(again)
    .then((next) => throughRounds(context, next, again, finish));
}

/**
 * What a handler's failure means if it has asked something: the questions go out
 * all the same. `undefined` if it is a plain failure.
 */
export function questionsOf(
  context: RequestContext,
  error: unknown,
): Promise<JsonObject> | undefined {
  if (context.era === "legacy") return undefined;
  if (context.begunInquiry?.waiting) {
    return context.inquiry.requiredResult();
  }
  return error instanceof UrlElicitationRequiredError
    ? context.inquiry.requireUrls(error)
    : undefined;
}
