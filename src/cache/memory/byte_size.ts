/**
 * Roughly what a value takes in memory, in bytes: two for each character,
 * eight for each number and reference, and what buffers hold. What is shared
 * within the value counts once.
 */
export function byteSize(value: unknown): number {
  const seen = new Set<object>();
  const waiting: unknown[] = [value];
  let bytes = 0;
  while (waiting.length > 0) {
    const part = waiting.pop();
    bytes += 8;
    if (typeof part === "string") bytes += 2 * part.length;
    else if (typeof part === "object" && part !== null && !seen.has(part)) {
      seen.add(part);
      bytes += ownBytes(part, waiting);
    }
  }
  return bytes;
}

/** Counts what the object itself holds and leaves its parts in `waiting`. */
function ownBytes(part: object, waiting: unknown[]): number {
  if (part instanceof ArrayBuffer || ArrayBuffer.isView(part)) {
    return part.byteLength;
  }
  if (part instanceof Map) {
    for (const [key, value] of part) waiting.push(key, value);
    return 0;
  }
  if (Array.isArray(part) || part instanceof Set) {
    for (const value of part) waiting.push(value);
    return 0;
  }
  let bytes = 0;
  for (const [name, value] of Object.entries(part)) {
    bytes += 2 * name.length;
    waiting.push(value);
  }
  return bytes;
}
