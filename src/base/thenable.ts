/** Tells whether a value must be waited for. */
export function isThenable(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then ===
    "function";
}
