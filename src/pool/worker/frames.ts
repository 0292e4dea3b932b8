import { deserialize, serialize } from "node:v8";

/** The length of a frame's head, which says how many bytes follow. */
const HEAD = 4;

/** A message as bytes: its length, and a structured clone of it. */
export function toFrame(message: unknown): Uint8Array<ArrayBuffer> {
  const body: Uint8Array = serialize(message);
  const frame = new Uint8Array(HEAD + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, HEAD);
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
