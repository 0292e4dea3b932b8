import type { LogLevel } from "./log.ts";

const encoder = new TextEncoder();

/** What is used of Deno here. */
interface DenoStderr {
  stderr?: { writeSync(bytes: Uint8Array): number };
}

/**
 * Writes a text and the end of its line to stderr. With `OTEL_DENO=true`, Deno
 * exports what the console writes, as grave as the method that wrote it. Those
 * that are no warning or error write to stdout, which is the protocol's on
 * stdio; so what is less grave goes past the console, and isn't exported.
 */
export function writeStderr(level: LogLevel, text: string): void {
  const { stderr } = (globalThis as { Deno?: DenoStderr }).Deno ?? {};
  if (level === "error" || stderr === undefined) console.error(text);
  else if (level === "warning") console.warn(text);
  else writeAll(stderr, encoder.encode(`${text}\n`));
}

function writeAll(
  stderr: Required<DenoStderr>["stderr"],
  bytes: Uint8Array,
): void {
  for (let at = 0; at < bytes.length;) {
    at += stderr.writeSync(bytes.subarray(at));
  }
}
