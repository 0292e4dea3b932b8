import { deadline } from "../../base/deadline.ts";
import { isThenable } from "../../base/thenable.ts";
import { AccessDeniedError } from "../identity/access_errors.ts";
import { type Guard, hasScopes, requireScopes } from "../identity/guard.ts";
import type { Call } from "./call.ts";

/** Milliseconds for which an author's predicate is waited for, as a rule. */
const MAX_RULE_MS = 10_000;

/** Something registered, with what keeps it from some callers. */
export interface Kept {
  readonly item: { readonly guard: Guard | undefined };
  /** Scopes of the servers that it is reached through, and of its own. */
  readonly scopes: readonly string[];
}

/**
 * Demands scopes that every call needs.
 *
 * @param catalog knows which more a call needs, so that all are named at once
 * @throws {InsufficientScopeError}
 */
export function demandScopes(
  call: Call,
  scopes: readonly string[],
  catalog: { scopesFor(call: Call): readonly string[] },
): void {
  if (hasScopes(call.identity, scopes)) return;
  requireScopes(call.identity, scopes, catalog.scopesFor(call));
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

/**
 * Asks the author's predicate; one that fails, or doesn't answer in time, lets
 * nobody in.
 */
export function allows(
  call: Call,
  { allow, where }: Guard,
  args: unknown,
  limitMs: number = MAX_RULE_MS,
): boolean | Promise<boolean> {
  if (allow === undefined) return true;
  const failed = (error: unknown) => {
    if (call.cancelled) throw error;
    call.host.report(`allow of ${where}`, error, call);
    return false;
  };
  try {
    const verdict = allow(call.identity, args as Record<string, unknown>);
    return isThenable(verdict)
      ? inTime(call, verdict, limitMs).then((each) => each === true, failed)
      : verdict === true;
  } catch (error) {
    return failed(error);
  }
}

/** Waits for an answer while somebody waits for the call, and so long at most. */
function inTime<T>(
  call: Call,
  answer: PromiseLike<T>,
  limitMs: number,
): Promise<T> {
  const promise = Promise.resolve(answer);
  // Nobody hears of it if the call has been called off already.
  promise.catch(() => {});
  const { signal, host: { clock } } = call;
  return deadline(() => promise, limitMs, {
    signal,
    clock,
    name: "its answer",
  });
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
  limitMs?: number,
): Promise<void> | undefined {
  return guard?.allow &&
    demand(allows(call, guard, args, limitMs), `${kind} ${name}`);
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
