import { asUrlElicitationRequired } from "../../protocol/protocol_errors.ts";
import { isInputRequiredResult } from "./input_required.ts";
import type { Call } from "../calls/call.ts";
import { WrongAnswerError } from "./wrong_answer.ts";

/** Tells if a repeated request brings answers or state along. */
export function isRepeat({ era, params }: Call): boolean {
  return era.asksByResult &&
    (params.inputResponses !== undefined || params.requestState !== undefined);
}

/** Tells if a call failed for an answer that its client may give anew, and better. */
export function isAnsweredWrong({ era }: Call, error: unknown): boolean {
  return era.asksByResult && error instanceof WrongAnswerError;
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
  call: Call,
  value: unknown,
  again: () => unknown,
  finish: (value: unknown) => unknown,
): unknown {
  const inquiry = call.begunInquiry;
  const asks = isInputRequiredResult(value);
  if (inquiry === undefined && !asks) return finish(value);
  if (call.era.asksByResult) {
    return asks || inquiry!.waiting
      ? call.inquiry.requiredResult(asks ? value : undefined)
      : finish(value);
  }
  if (!asks) return finish(value);
  return call.inquiry.fulfil(value)
    .then(again)
    .then((next) => throughRounds(call, next, again, finish));
}

/** Runs a handler that may put questions to the client. */
export async function withRounds(
  call: Call,
  run: () => unknown,
): Promise<unknown> {
  if (isRepeat(call)) await call.inquiry.resume();
  return await runThroughRounds(call, run);
}

async function runThroughRounds(
  call: Call,
  run: () => unknown,
): Promise<unknown> {
  try {
    return await throughRounds(call, await run(), run, (value) => value);
  } catch (error) {
    const questions = questionsOf(
      call,
      error,
      () => runThroughRounds(call, run),
    );
    if (questions === undefined) throw error;
    return await questions;
  }
}

/**
 * Meaning of a handler's failure if it has asked something: the questions go
 * out all the same. `undefined` if it is a plain failure.
 *
 * @param again runs the handler once more
 */
export function questionsOf(
  call: Call,
  error: unknown,
  again: () => unknown,
): Promise<unknown> | undefined {
  if (!call.era.asksByResult) return undefined;
  if (call.begunInquiry?.waiting) {
    return call.inquiry.requiredResult();
  }
  const required = asUrlElicitationRequired(error);
  return required && call.inquiry.requireUrls(required, again);
}
