import { isThenable } from "../../base/thenable.ts";
import { AccessDeniedError } from "../identity/access_errors.ts";
import { type Guard, hasScopes, requireScopes } from "../identity/guard.ts";
import type { Call } from "./call.ts";

/** Something registered, with what keeps it from some callers. */
export interface Kept {
  readonly item: { readonly guard: Guard | undefined };
  /** Scopes of the servers that it is reached through, and of its own. */
  readonly scopes: readonly string[];
}

/** The scopes that a caller needs, all of them. */
export function neededFor({ item: { guard }, scopes }: Kept): string[] {
  return [...scopes, ...guard?.scopes ?? []];
}

/**
 * Lets a call on to something registered, as far as scopes go.
 *
 * @returns false if it must look to the caller as if it weren't there
 * @throws {InsufficientScopeError}
 */
export function admits(
  call: Call,
  guard: Guard | undefined,
  scopes: readonly string[],
): boolean {
  if (guard === undefined) {
    if (scopes.length > 0) requireScopes(call.identity, scopes);
    return true;
  }
  if (guard.hidden && !hasScopes(call.identity, [...scopes, ...guard.scopes])) {
    return false;
  }
  requireScopes(call.identity, scopes, guard.scopes);
  return true;
}

/** Asks the author's predicate; one that fails lets nobody in. */
export function allows(
  call: Call,
  { allow }: Guard,
  args: unknown,
): boolean | Promise<boolean> {
  if (allow === undefined) return true;
  const failed = (error: unknown) => {
    call.host.report("allow", error, call);
    return false;
  };
  try {
    const verdict = allow(call.identity, args as Record<string, unknown>);
    return isThenable(verdict)
      ? Promise.resolve(verdict).then((each) => each === true, failed)
      : verdict === true;
  } catch (error) {
    return failed(error);
  }
}

/**
 * Asks the author's predicate, if there is one: who isn't asked needn't wait,
 * which the watchdog would take for a handler's own waiting.
 *
 * @returns what rejects with an {@linkcode AccessDeniedError}
 */
export function demandAllowed(
  call: Call,
  guard: Guard | undefined,
  args: unknown,
  kind: string,
  name: string,
): Promise<void> | undefined {
  return guard?.allow &&
    demand(allows(call, guard, args), `${kind} ${name}`);
}

async function demand(
  verdict: boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  if (!await verdict) throw new AccessDeniedError(what);
}

/** Tells if something registered is in a caller's lists. */
export function shows(
  call: Call,
  guard: Guard | undefined,
  scopes: readonly string[],
): boolean | Promise<boolean> {
  if (guard === undefined) return true;
  if (guard.hidden && !hasScopes(call.identity, [...scopes, ...guard.scopes])) {
    return false;
  }
  return allows(call, guard, undefined);
}
