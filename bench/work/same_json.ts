/** Says where two JSON values differ first, or nothing. The order of an object's fields does not count. */
export function differenceOf(
  got: unknown,
  expected: unknown,
  path = "",
): string | undefined {
  if (got === expected) return undefined;
  if (
    typeof got !== "object" || typeof expected !== "object" ||
    got === null || expected === null ||
    Array.isArray(got) !== Array.isArray(expected)
  ) {
    return `${path || "/"} is ${JSON.stringify(got)} instead of ${
      JSON.stringify(expected)
    }`;
  }
  const theirs = got as Record<string, unknown>;
  const ours = expected as Record<string, unknown>;
  for (const key in ours) {
    const difference = differenceOf(theirs[key], ours[key], `${path}/${key}`);
    if (difference !== undefined) return difference;
  }
  for (const key in theirs) {
    if (!(key in ours)) return `${path}/${key} is too much`;
  }
  return undefined;
}
