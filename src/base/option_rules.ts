import {
  checkDurationMs,
  checkFlag,
  checkFunction,
  checkInteger,
  checkKnown,
  checkLimit,
  checkName,
  checkObject,
  checkTimeoutMs,
  checkWord,
} from "./options.ts";

/** Gives an option's value, or its default where it was left out; refuses what it can't be. */
export type OptionRule<Value> = (name: string, given: unknown) => Value;

/** A rule for each option of an interface: the compiler sees to it that none is missing. */
export type OptionRules<Options> = {
  readonly [Name in keyof Options]-?: OptionRule<Options[Name] | undefined>;
};

/** What rules make of options: every default filled in. */
export type ReadOptions<Rules> = {
  -readonly [Name in keyof Rules]: Rules[Name] extends OptionRule<infer Value>
    ? Value
    : never;
};

/** Reads options by their rules; those that there is no rule for are others' to read. */
export function readEach<Rules extends Record<string, OptionRule<unknown>>>(
  options: object,
  rules: Rules,
  prefix: string = "",
): ReadOptions<Rules> {
  const given = options as Record<string, unknown>;
  const read: Record<string, unknown> = {};
  for (const name in rules) {
    read[name] = rules[name](prefix + name, given[name]);
  }
  return read as ReadOptions<Rules>;
}

/**
 * Reads options by their rules, and refuses those that there is no rule for.
 *
 * @param what has the options, in messages
 * @param prefix of an option's name in messages
 */
export function readOptions<Rules extends Record<string, OptionRule<unknown>>>(
  what: string,
  options: object,
  rules: Rules,
  prefix: string = "",
): ReadOptions<Rules> {
  checkKnown(what, options, rules);
  return readEach(options, rules, prefix);
}

type Check = (name: string, value: number, ...bounds: number[]) => number;

function numberBy(check: Check) {
  return (fallback: number, ...bounds: number[]): OptionRule<number> =>
  (name, given = fallback) => check(name, given as number, ...bounds);
}

/** The rules there are; see what each is checked by. */
export const option = {
  integer: numberBy(checkInteger as Check),
  limit: numberBy(checkLimit as Check),
  durationMs: numberBy(checkDurationMs),
  timeoutMs: numberBy(checkTimeoutMs),
  flag: (fallback: boolean): OptionRule<boolean> => (name, given = fallback) =>
    checkFlag(name, given as boolean),
  name: (fallback: string): OptionRule<string> => (name, given = fallback) =>
    checkName(name, given as string),
  word: <const Words extends readonly string[]>(
    fallback: Words[number],
    words: Words,
  ): OptionRule<Words[number]> =>
  (name, given = fallback) => checkWord(name, given as string, words),
  function:
    <Value>(fallback: Value): OptionRule<Value> => (name, given = fallback) =>
      checkFunction(name, given as Value),
  object: <Value>(): OptionRule<Value | undefined> =>
    checkObject as OptionRule<Value | undefined>,
  /** Whatever was given; its type is all that is asked of it. */
  any: <Value>(fallback: Value): OptionRule<Value> => (_, given) =>
    (given ?? fallback) as Value,
  /** Whatever was given, if anything was. */
  optional: <Value>(): OptionRule<Value | undefined> => (_, given) =>
    given as Value | undefined,
};
