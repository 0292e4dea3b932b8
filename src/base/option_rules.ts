import {
  checkDurationMs,
  checkFlag,
  checkFunction,
  checkInteger,
  checkKnown,
  checkLimit,
  checkMethods,
  checkName,
  checkObject,
  checkSignal,
  checkText,
  checkTimeoutMs,
  checkWord,
} from "./options.ts";

/** Gives an option's value, or its default where it was left out; refuses what it can't be. */
export type OptionRule<Value> = (name: string, given: unknown) => Value;

/** A rule for each option of an interface: the compiler sees to it that none is missing. */
export type OptionRules<Options> = {
  readonly [Name in keyof Options]-?: OptionRule<unknown>;
};

type AnyRules = Record<string, OptionRule<unknown>>;

/** What rules make of options: every default filled in. */
export type ReadOptions<Rules> = {
  -readonly [Name in keyof Rules]: Rules[Name] extends OptionRule<infer Value>
    ? Value
    : never;
};

/** Reads options by their rules; those that there is no rule for are others' to read. */
export function readEach<Rules extends AnyRules>(
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
export function readOptions<Rules extends AnyRules>(
  what: string,
  options: object,
  rules: Rules,
  prefix: string = "",
): ReadOptions<Rules> {
  checkKnown(what, options, rules);
  return readEach(options, rules, prefix);
}

/**
 * Refuses options of one call that there is no rule for, and what a rule refuses;
 * what is left out takes no time.
 */
export function checkGiven(
  what: string,
  options: object,
  rules: AnyRules,
): void {
  checkKnown(what, options, rules);
  const given = options as Record<string, unknown>;
  for (const name in rules) {
    if (given[name] !== undefined) rules[name](name, given[name]);
  }
}

type Check = (name: string, value: number, ...bounds: number[]) => number;

/** Without a fallback the option has to be given. */
function numberBy(check: Check) {
  return (
    fallback: number | undefined,
    ...bounds: number[]
  ): OptionRule<number> =>
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
  text: checkText as OptionRule<string | undefined>,
  signal: checkSignal as OptionRule<AbortSignal | undefined>,
  /** An object that has certain methods, if there is one. */
  methods:
    <Value>(...methods: string[]): OptionRule<Value | undefined> =>
    (name, given) => checkMethods(name, given as Value | undefined, methods),
  /** Options of their own. */
  group: <Rules extends AnyRules>(
    rules: Rules,
    fallback: object = {},
  ): OptionRule<ReadOptions<Rules>> =>
  (name, given = fallback) =>
    readOptions(name, given as object, rules, `${name}.`),
  /** What is left out has no value; else the other rule reads it. */
  ifGiven:
    <Value>(rule: OptionRule<Value>): OptionRule<Value | undefined> =>
    (name, given) => given === undefined ? undefined : rule(name, given),
  /** Likewise `false`. */
  unlessFalse:
    <Value>(rule: OptionRule<Value>): OptionRule<Value | false> =>
    (name, given) => given === false ? given : rule(name, given),
  /** Whatever was given; its type is all that is asked of it. */
  any: <Value>(fallback: Value): OptionRule<Value> => (_, given) =>
    (given ?? fallback) as Value,
  /** Whatever was given, if anything was. */
  optional: <Value>(): OptionRule<Value | undefined> => (_, given) =>
    given as Value | undefined,
};

/** How the options are read of what can but be given up. */
export const SIGNAL_OPTIONS = { signal: option.signal } satisfies AnyRules;
