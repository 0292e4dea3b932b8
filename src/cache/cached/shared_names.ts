import { InvalidOptionError } from "../../base/errors.ts";

/** The functions that share a cache, by their own names: what each one's text is. */
const sharers = new WeakMap<object, Map<string, string>>();

/**
 * Refuses a function that would take another's values for its own. One that is made
 * again, as in a second server, has the same text; other functions have not.
 *
 * @throws {InvalidOptionError}
 */
export function claimName(cache: object, fn: { readonly name: string }): void {
  const texts = sharers.get(cache) ?? new Map<string, string>();
  sharers.set(cache, texts);
  const text = Function.prototype.toString.call(fn);
  const before = texts.get(fn.name);
  if (before !== undefined && before !== text) {
    throw new InvalidOptionError(
      `name must be given: another function named "${fn.name}" shares this cache`,
    );
  }
  texts.set(fn.name, text);
}
