import { isObject } from "../../protocol/jsonrpc.ts";

/** JSON with its keys in order, so that equal values give equal text. */
export function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, each) =>
      isObject(each)
        ? Object.fromEntries(
          Object.entries(each).sort(([a], [b]) => a < b ? -1 : 1),
        )
        : each,
  ) ?? "null";
}

/** A short digest (FNV-1a) that tells questions apart; nothing secret rests on it. */
export function fingerprint(value: unknown): string {
  let hash = 0x811c9dc5;
  for (const char of canonical(value)) {
    hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193);
  }
  return (hash >>> 0).toString(36);
}
