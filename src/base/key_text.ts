const MAX_LENGTH = 80;

/** Shows a key in a message, cut short when it is long. */
export function keyText(key: unknown): string {
  const text = jsonOf(key) ?? String(key);
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH - 1)}…` : text;
}

/** None for what JSON can't say. */
function jsonOf(key: unknown): string | undefined {
  try {
    return JSON.stringify(key);
  } catch {
    return undefined;
  }
}
