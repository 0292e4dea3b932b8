import { deserialize, serialize } from "node:v8";

/** The length of a frame's head, which says how many bytes follow. */
const HEAD = 4;

/**
 * A structured clone of a message, in a buffer of its own. Given away to a thread,
 * it costs a fraction of what it does to post the message itself: for that the
 * runtime looks at every element of every array, bytes too.
 *
 * @throws what can't be cloned
 */
export function toBuffer(message: unknown): ArrayBuffer {
  const { buffer, byteOffset, byteLength }: Uint8Array = serialize(message);
  return byteLength === buffer.byteLength
    ? buffer as ArrayBuffer
    : buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}

/** The message that is in such a buffer. */
export function fromBuffer(buffer: ArrayBuffer): unknown {
  return deserialize(new Uint8Array(buffer));
}

/** Such a clone for a stream of bytes: its length comes first. */
export function toFrame(message: unknown): Uint8Array<ArrayBuffer> {
  const body = toBuffer(message);
  const frame = new Uint8Array(HEAD + body.byteLength);
  new DataView(frame.buffer).setUint32(0, body.byteLength);
  frame.set(new Uint8Array(body), HEAD);
  return frame;
}

/** Takes messages out of bytes, however those are cut. */
export async function* fromFrames(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<unknown, void, void> {
  let chunks: Uint8Array[] = [];
  let held = 0;
  let wanted = HEAD;
  let inBody = false;
  for await (const chunk of bytes) {
    chunks.push(chunk);
    held += chunk.length;
    while (held >= wanted) {
      const all = joined(chunks, held);
      const part = all.subarray(0, wanted);
      chunks = [all.subarray(wanted)];
      held -= wanted;
      if (inBody) yield deserialize(part);
      wanted = inBody
        ? HEAD
        : new DataView(part.buffer, part.byteOffset).getUint32(0);
      inBody = !inBody;
    }
  }
}

function joined(chunks: Uint8Array[], length: number): Uint8Array {
  if (chunks.length === 1) return chunks[0];
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
