import { InvalidOptionError } from "../../base/errors.ts";
import { option, type OptionRules, readEach } from "../../base/option_rules.ts";
import { quote } from "../../base/options.ts";
import type { Caller } from "./caller.ts";
import { InsufficientScopeError } from "./access_errors.ts";

/**
 * Says whether a caller may use something; without arguments, whether it is in
 * the caller's lists.
 */
export type Allow<Args = Record<string, unknown>> = (
  caller: Caller | undefined,
  args: Args | undefined,
) => boolean | Promise<boolean>;

/** Says who may use a tool, a resource, a template or a prompt. */
export interface AccessRules<Args = Record<string, unknown>> {
  /**
   * Scopes that a caller must have, all of them, beside the server's. Who lacks
   * one is told which would do, and may come back with a token that has it.
   * @default none
   */
  scopes?: readonly string[];
  /**
   * Says who may use it, by the caller and the validated arguments. Lists ask it
   * without arguments, and leave out what it denies. It has the tool's `timeoutMs`
   * to answer a call, and otherwise ten seconds; then nobody is let in.
   * @default anybody
   */
  allow?: Allow<Args>;
  /**
   * Keep it from the lists of callers who lack a scope, and unknown to them: then
   * their clients can't ask for the scope either.
   * @default false
   */
  hidden?: boolean;
}

/** How they are read. */
export const ACCESS_RULES = {
  scopes: readScopes,
  allow: option.function<Allow<never> | undefined>(undefined),
  hidden: option.flag(false),
} satisfies OptionRules<AccessRules<never>>;

/** A caller in front of a guard. */
export interface Visitor {
  readonly identity: Caller | undefined;
}

/** Keeps something for those who may use it. */
export class Guard {
  readonly scopes: readonly string[];
  readonly hidden: boolean;
  readonly allow: Allow | undefined;
  /** Names what it keeps, such as `tool add`. */
  readonly where: string;

  constructor(
    { scopes, allow, hidden }:
      & Required<Pick<AccessRules<never>, "scopes" | "hidden">>
      & Pick<AccessRules<never>, "allow">,
    where: string,
  ) {
    this.where = where;
    this.scopes = scopes;
    this.hidden = hidden;
    this.allow = allow as Allow | undefined;
  }

  /** Tells if lists differ from caller to caller because of it. */
  get isSelective(): boolean {
    return this.allow !== undefined || this.hidden;
  }
}

/**
 * The guard of something registered; none if anybody may use it.
 *
 * @throws {InvalidOptionError} naming the rule
 */
export function guardOf(
  rules: AccessRules<never>,
  where: string,
): Guard | undefined {
  const read = readEach(rules, ACCESS_RULES, `${where}: `);
  return read.scopes.length === 0 && read.allow === undefined && !read.hidden
    ? undefined
    : new Guard(read, where);
}

/** Scopes as RFC 6749 has them: any visible ASCII, but no quotes or backslashes. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Tells if a value is a scope as RFC 6749 has them. */
export function isScope(value: unknown): value is string {
  return typeof value === "string" && SCOPE.test(value);
}

/** @throws {InvalidOptionError} for what is no list of scopes */
export function readScopes(
  name: string,
  scopes: unknown = [],
): readonly string[] {
  const fault = Array.isArray(scopes)
    ? scopes.find((scope) => !isScope(scope))
    : scopes;
  if (fault === undefined) return scopes as readonly string[];
  throw new InvalidOptionError(
    `${name} must be an array of scopes, each without spaces or quotes, got ${
      quote(fault)
    }`,
  );
}

/** Tells if a caller has every scope. */
export function hasScopes(
  caller: Caller | undefined,
  scopes: readonly string[],
): boolean {
  return scopes.every((scope) => caller?.hasScope(scope) === true);
}

/** @throws {InsufficientScopeError} naming all scopes, if one is missing */
export function requireScopes(
  caller: Caller | undefined,
  ...needed: readonly (readonly string[])[]
): void {
  if (needed.every((scopes) => hasScopes(caller, scopes))) return;
  throw new InsufficientScopeError([...new Set(needed.flat())]);
}
