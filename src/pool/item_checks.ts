import { deadline } from "../base/deadline.ts";
import type { CheckedPoolOptions } from "./pool_options.ts";

/** Whether an item is good; a promise only if its `validate` gives one. */
export function isGood<T>(
  item: T,
  options: CheckedPoolOptions<T>,
): boolean | Promise<boolean> {
  const { validate } = options;
  if (validate === undefined) return true;
  try {
    const verdict = validate(item);
    return typeof verdict === "boolean" ? verdict : inTime(verdict, options);
  } catch {
    return false;
  }
}

async function inTime<T>(
  verdict: PromiseLike<boolean>,
  { validateTimeoutMs, clock }: CheckedPoolOptions<T>,
): Promise<boolean> {
  try {
    return await deadline(
      async () => await verdict,
      validateTimeoutMs,
      { clock },
    ) === true;
  } catch {
    return false;
  }
}
