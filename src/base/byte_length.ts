type Measure = (text: string) => number;

let measure: Measure | undefined;

/** How many bytes a text has in UTF-8. */
export function byteLength(text: string): number {
  return (measure ??= fastestMeasure())(text);
}

/** Node's counts without encoding, in all runtimes that have it (bench/http.ts, "observe"). */
function fastestMeasure(): Measure {
  const { Buffer } = globalThis as { Buffer?: { byteLength: Measure } };
  if (Buffer !== undefined) return Buffer.byteLength;
  const encoder = new TextEncoder();
  return (text) => encoder.encode(text).length;
}
