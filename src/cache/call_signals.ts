/** Where a call's arguments carry abort signals. */
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
  if (!hasObject(args)) return undefined;
  const signals = args.map(signalOf).filter((signal) => signal !== undefined);
  if (signals.length === 0) return undefined;
  return {
    signal: signals.length === 1 ? signals[0] : AbortSignal.any(signals),
    identity: withoutSignals(args),
    replaced: (signal) => args.map((arg) => replaceSignal(arg, signal)),
  };
}

function hasObject(args: readonly unknown[]): boolean {
  for (let i = 0; i < args.length; i++) {
    if (typeof args[i] === "object" && args[i] !== null) return true;
  }
  return false;
}

function signalOf(arg: unknown): AbortSignal | undefined {
  if (arg instanceof AbortSignal) return arg;
  if (isPlain(arg) && arg.signal instanceof AbortSignal) return arg.signal;
  return undefined;
}

/** `f(1, { signal })` is the same call as `f(1)`. */
function withoutSignals(args: readonly unknown[]): unknown[] {
  const identity = args.map((arg) => {
    if (signalOf(arg) === undefined) return arg;
    if (!isPlain(arg)) return undefined;
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
  return isPlain(arg) ? { ...arg, signal } : signal;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
