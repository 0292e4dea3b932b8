import { byteLength } from "../base/byte_length.ts";

/** Bytes that a value takes beside its text. */
const BYTES_EACH = 8;

/** Bytes that a value of JSON takes, about: its texts, and a little for everything else. */
export function bytesOf(value: unknown): number {
  if (typeof value === "string") return BYTES_EACH + byteLength(value);
  if (typeof value !== "object" || value === null) return BYTES_EACH;
  let bytes = BYTES_EACH;
  if (Array.isArray(value)) {
    for (const item of value) bytes += bytesOf(item);
  } else {
    for (const [key, member] of Object.entries(value)) {
      bytes += byteLength(key) + bytesOf(member);
    }
  }
  return bytes;
}
