/** The size of a buffer at first, and the number of that size that are kept. */
const firstBytes = 4_096;
const maxSpares = 64;

/** Makes something of bytes, which are another body's after that. */
export type UseOfBody<T> = (
  bytes: Uint8Array<ArrayBuffer>,
  isComplete: boolean,
) => T;

/** A form that a body may be read in. */
export interface BodyForm<T> {
  ofResponse(response: Response): Promise<T>;
  ofBytes(bytes: Uint8Array<ArrayBuffer>): T;
}

const decoder = new TextDecoder();

/** The form of text in UTF-8. */
export const asText: BodyForm<string> = {
  ofResponse: (response) => response.text(),
  ofBytes: (bytes) => decoder.decode(bytes),
};

/** The form of bytes, which are the caller's own. */
export const asBytes: BodyForm<Uint8Array<ArrayBuffer>> = {
  ofResponse: (response) => response.bytes(),
  ofBytes: (bytes) => bytes.slice(),
};

/** Buffers between two bodies; a new one each time costs a thirtieth of a request. */
const spares: Uint8Array<ArrayBuffer>[] = [];

/**
 * Reads a body until it ends or there is more of it than `maxBytes`; what is
 * left over is let go. It reads into one growing buffer, which costs half of
 * what a chunk for each read does (bench/http_pool.ts).
 *
 * @param onPiece Told of each piece that has arrived.
 */
export async function readUpTo<T>(
  { body }: Response,
  maxBytes: number,
  onPiece: () => void,
  use: UseOfBody<T>,
): Promise<T> {
  if (body === null) return use(new Uint8Array(), true);
  const reader = body.getReader({ mode: "byob" });
  let buffer = spares.pop() ?? new Uint8Array(firstBytes);
  let length = 0;
  let isComplete = false;
  while (!isComplete && length <= maxBytes) {
    const read = await reader.read(buffer.subarray(length));
    // Nothing at all comes of a body that is cancelled meanwhile.
    if (read.value === undefined) break;
    buffer = new Uint8Array(read.value.buffer as ArrayBuffer);
    length += read.value.byteLength;
    isComplete = read.done;
    if (!isComplete) onPiece();
    if (length === buffer.length) buffer = doubled(buffer);
  }
  if (!isComplete) reader.cancel().catch(() => {});
  const used = use(buffer.subarray(0, Math.min(length, maxBytes)), isComplete);
  const isSpare = buffer.length === firstBytes && spares.length < maxSpares;
  if (isSpare) spares.push(buffer);
  return used;
}

function doubled(buffer: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(2 * buffer.length);
  larger.set(buffer);
  return larger;
}
