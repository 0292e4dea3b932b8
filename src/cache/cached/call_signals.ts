import { isPlainObject } from "../../base/plain_value.ts";

/** Abort signals among a call's arguments. */
export interface CallSignals {
  /** Aborts with the first of them. */
  readonly signal: AbortSignal;
  /** The arguments without them: what identifies the call. */
  readonly identity: unknown[];
  /** The arguments with another signal in their place. */
  replaced(signal: AbortSignal): unknown[];
}

/**
 * Finds the signals among a call's arguments: an argument that is one, or the
 * `signal` of one that is a plain object of options.
 */
export function findSignals(args: readonly unknown[]): CallSignals | undefined {
  if (!hasSignal(args)) return undefined;
  const signals = args.map(signalOf).filter((signal) => signal !== undefined);
  return {
    signal: signals.length === 1 ? signals[0] : AbortSignal.any(signals),
    identity: withoutSignals(args),
    replaced: (signal) => args.map((arg) => replaceSignal(arg, signal)),
  };
}

/** Without making anything: nearly all calls have none. */
function hasSignal(args: readonly unknown[]): boolean {
  for (let i = 0; i < args.length; i++) {
    if (signalOf(args[i]) !== undefined) return true;
  }
  return false;
}

function signalOf(arg: unknown): AbortSignal | undefined {
  if (typeof arg !== "object" || arg === null) return undefined;
  if (arg instanceof AbortSignal) return arg;
  const signal = (arg as { signal?: unknown }).signal;
  if (signal instanceof AbortSignal && isPlainObject(arg)) return signal;
  return undefined;
}

/** `f(1, { signal })` is the same call as `f(1)`. */
function withoutSignals(args: readonly unknown[]): unknown[] {
  const identity = args.map((arg) => {
    if (signalOf(arg) === undefined) return arg;
    if (!isPlainObject(arg)) return undefined;
    const { signal: _, ...rest } = arg;
    return Object.keys(rest).length === 0 ? undefined : rest;
  });
  while (identity.length > 0 && isSpent(args, identity)) identity.pop();
  return identity;
}

function isSpent(args: readonly unknown[], identity: unknown[]): boolean {
  const last = identity.length - 1;
  return identity[last] === undefined && args[last] !== undefined;
}

function replaceSignal(arg: unknown, signal: AbortSignal): unknown {
  if (signalOf(arg) === undefined) return arg;
  return isPlainObject(arg) ? { ...arg, signal } : signal;
}
