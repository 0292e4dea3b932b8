import { isThenable } from "../../base/thenable.ts";
import { thrownText } from "../../base/thrown.ts";
import { stderrWarn } from "./stderr_log.ts";

/**
 * Tells a listener of the author's something. One that fails, at once or later,
 * is warned of: what it was told of must not suffer.
 *
 * @param name what it is called among the options
 */
export function tellListener(name: string, tell: () => unknown): void {
  const warn = (error: unknown) =>
    stderrWarn(`${name} failed: ${thrownText(error)}`);
  try {
    const told = tell();
    if (isThenable(told)) told.then(undefined, warn);
  } catch (error) {
    warn(error);
  }
}
