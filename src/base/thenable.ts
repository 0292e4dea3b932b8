/** Tells whether a value must be waited for. */
export function isThenable(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then ===
    "function";
}

/** A promise whose rejection takes nothing down if it is awaited late, or never. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
