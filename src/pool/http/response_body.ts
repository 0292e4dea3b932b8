/** How much is read at a time, at first. */
const firstBytes = 4_096;

/** What came of reading a body. */
export interface ReadBody {
  bytes: Uint8Array<ArrayBuffer>;
  /** Whether that is all of it. */
  complete: boolean;
}

/**
 * Reads a body until it ends or there is more of it than `maxBytes`; what is
 * left over is let go. It reads into one growing buffer, which costs half of
 * what a chunk for each read does (bench/http_pool.ts).
 *
 * @param onPiece Told of each piece that has arrived.
 */
export async function readUpTo(
  { body }: Response,
  maxBytes: number,
  onPiece: () => void,
): Promise<ReadBody> {
  if (body === null) return { bytes: new Uint8Array(), complete: true };
  const reader = body.getReader({ mode: "byob" });
  let buffer = new Uint8Array(firstBytes);
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read(buffer.subarray(length));
    if (value === undefined) break;
    buffer = new Uint8Array(value.buffer as ArrayBuffer);
    length += value.byteLength;
    if (done) return { bytes: buffer.subarray(0, length), complete: true };
    if (length > maxBytes) break;
    onPiece();
    if (length === buffer.length) buffer = doubled(buffer);
  }
  reader.cancel().catch(() => {});
  const bytes = buffer.subarray(0, Math.min(length, maxBytes));
  return { bytes, complete: false };
}

function doubled(buffer: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(2 * buffer.length);
  larger.set(buffer);
  return larger;
}
