/** Begins a name that is not written as it is. */
const MARK = "\uFFFD";

/**
 * A name as Redis gets it. Half a character has no form in UTF-8, and all of
 * them would come out as one and the same: the names that differ in it alone are
 * written in JSON, which has a form for each.
 */
export function redisName(name: string): string {
  return name.isWellFormed() && !name.startsWith(MARK)
    ? name
    : MARK + JSON.stringify(name);
}
