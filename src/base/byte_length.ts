type Measure = (text: string) => number;

/**
 * Number of texts that are encoded to be measured. Node's `Buffer` counts
 * faster (bench/http.ts, "observe"), but takes 8 ms to load, which a process
 * that has only begun has better uses for (bench/startup.ts).
 */
const ENCODED = 100;

const encoder = new TextEncoder();
let measured = 0;
let measure: Measure = (text) => {
  if (++measured === ENCODED) measure = fastestMeasure();
  return encodedLength(text);
};

/** Counts the bytes that a text has in UTF-8. */
export function byteLength(text: string): number {
  return measure(text);
}

/** Node's counts without encoding, in all runtimes that have it. */
function fastestMeasure(): Measure {
  const { Buffer } = globalThis as { Buffer?: { byteLength: Measure } };
  return Buffer?.byteLength ?? encodedLength;
}

function encodedLength(text: string): number {
  return encoder.encode(text).length;
}
