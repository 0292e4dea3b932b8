import { InvalidOptionError } from "../../base/errors.ts";
import { option, type OptionRule } from "../../base/option_rules.ts";
import { checkObject } from "../../base/options.ts";
import { isIconList } from "../../protocol/content_check.ts";
import { jsonFault } from "../../protocol/json_value.ts";
import { CallRecord } from "../../observe/metrics/call_record.ts";
import {
  ACCESS_RULES,
  type AccessRules,
  type Guard,
  guardOf,
} from "../identity/guard.ts";

/** What lists show as it is: a client that refuses one of a list refuses the list. */
export const shown: OptionRule<object | undefined> = (name, given) =>
  sayable(name, checkObject(name, given as object | undefined));

const icons: OptionRule<unknown> = (name, given) => {
  if (given === undefined || isIconList(given)) return sayable(name, given);
  throw new InvalidOptionError(
    `${name} must be a list of { src } and what belongs to it`,
  );
};

function sayable<Value>(name: string, value: Value): Value {
  const fault = jsonFault(value);
  if (fault === undefined) return value;
  throw new InvalidOptionError(`${name}: ${fault}`);
}

/** How the options are read that all that is registered has in common. */
export const COMMON_OPTIONS = {
  ...ACCESS_RULES,
  title: option.text,
  description: option.text,
  icons,
  _meta: shown,
  // The official SDK's: here it is the business of who lets callers in.
  scopeChallenge: option.optional(),
};

/** Common base of the handles of everything that is registered. */
export abstract class Registration<Updates extends { enabled?: boolean }> {
  #enabled = true;
  #removed = false;
  #rules: AccessRules<never> = {};
  #guard: Guard | undefined;
  /**
   * Record of its calls, on the server that it was registered with.
   * @internal
   */
  readonly record: CallRecord = new CallRecord();

  /** True if it is shown: what is disabled is neither listed nor served. */
  get enabled(): boolean {
    return this.#enabled && !this.#removed;
  }

  /** True if its author has taken it out for good. */
  get removed(): boolean {
    return this.#removed;
  }

  /** Shows it again. */
  enable(): void {
    this.update({ enabled: true } as Updates);
  }

  /** Hides it until it is enabled again. */
  disable(): void {
    this.update({ enabled: false } as Updates);
  }

  /** Takes it out for good. */
  abstract remove(): void;

  /** Changes it in place and tells every client that listens. */
  abstract update(updates: Updates): void;

  /**
   * Guard that keeps it for those who may use it.
   * @internal
   */
  get guard(): Guard | undefined {
    return this.#guard;
  }

  /**
   * Takes over the rules that are given, and stays with the others.
   *
   * @throws {InvalidOptionError} naming the rule
   */
  protected guardBy(
    { scopes, allow, hidden }: AccessRules<never>,
    where: string,
  ): void {
    const rules = { ...this.#rules };
    if (scopes !== undefined) rules.scopes = scopes;
    if (allow !== undefined) rules.allow = allow;
    if (hidden !== undefined) rules.hidden = hidden;
    this.#guard = guardOf(rules, where);
    this.#rules = rules;
  }

  /** Notes what an update says of `enabled`. */
  protected show(enabled: boolean | undefined): void {
    if (enabled !== undefined) this.#enabled = enabled;
  }

  /** Notes that it is out for good. */
  protected takeOut(): void {
    this.#removed = true;
  }
}
