import type { BodyReader, Bytes } from "./transport.ts";

/** The size of a buffer at first, and the number of that size that are kept. */
const firstBytes = 4_096;
const maxSpares = 64;

/** Makes something of bytes, which are another body's after that. */
export type UseOfBody<T> = (bytes: Bytes, isComplete: boolean) => T;

const decoder = new TextDecoder();

/** Text in UTF-8. */
export function asText(bytes: Bytes): string {
  return decoder.decode(bytes);
}

/** Bytes that are the caller's own. */
export function asBytes(bytes: Bytes): Bytes {
  return bytes.slice();
}

/** Buffers between two bodies; a new one each time costs a thirtieth of a request. */
const spares: Bytes[] = [];

/**
 * Reads a body until it ends or there is more of it than `maxBytes`. One that
 * comes in one piece is used where it lies.
 *
 * @param onPiece Told of each piece that has arrived.
 */
export async function readUpTo<T>(
  body: BodyReader,
  maxBytes: number,
  onPiece: () => void,
  use: UseOfBody<T>,
): Promise<T> {
  let buffer: Bytes | undefined;
  let length = 0;
  while (!body.isOver && length <= maxBytes) {
    const next = body.read();
    const piece = next instanceof Promise ? await next : next;
    if (piece === undefined) break;
    onPiece();
    if (buffer === undefined && body.isOver) {
      return use(piece.subarray(0, maxBytes), piece.length <= maxBytes);
    }
    buffer = withRoom(
      buffer ?? spares.pop() ?? new Uint8Array(firstBytes),
      length,
      piece.length,
    );
    buffer.set(piece, length);
    length += piece.length;
  }
  const bytes = buffer?.subarray(0, Math.min(length, maxBytes));
  const used = use(bytes ?? new Uint8Array(), length <= maxBytes);
  const isSpare = buffer?.length === firstBytes && spares.length < maxSpares;
  if (isSpare) spares.push(buffer!);
  return used;
}

function withRoom(buffer: Bytes, used: number, more: number): Bytes {
  if (used + more <= buffer.length) return buffer;
  const larger = new Uint8Array(Math.max(2 * buffer.length, used + more));
  larger.set(buffer.subarray(0, used));
  return larger;
}
