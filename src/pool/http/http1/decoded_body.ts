import type { ResponseHead } from "../response_head.ts";
import { type BodyReader, type Bytes, TripError } from "../transport.ts";
import type { Http1Body } from "./http1_body.ts";

/**
 * What is asked for. Not Brotli: of 3 KB of it the runtime makes 4 GB before it
 * gives the first byte, and nothing stops it.
 */
export const acceptedEncodings = "gzip";

/**
 * What is decompressed at once, in bytes: of gzip that is a thousand times as
 * much at most.
 */
const pieceBytes = 4 * 1024;

/** Says if a body comes compressed in the way that was asked for (RFC 9110, section 8.4.1). */
export function isEncoded(head: ResponseHead): boolean {
  return /^(?:x-)?gzip$/i.test(head.get("content-encoding") ?? "");
}

/** A body that came compressed, as it was before. */
export class DecodedBody implements BodyReader {
  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  isOver = false;

  constructor(body: Http1Body) {
    const compressed = new ReadableStream<Bytes>({
      async pull(controller) {
        const piece = await body.read(pieceBytes);
        if (piece === undefined) controller.close();
        else controller.enqueue(piece.slice());
      },
    }, { highWaterMark: 0 });
    this.#reader = compressed.pipeThrough(new DecompressionStream("gzip"))
      .getReader();
  }

  async read(): Promise<Bytes | undefined> {
    const { done, value } = await this.#reader.read().catch(explain);
    this.isOver = done;
    return value;
  }
}

/** The runtime says of what it can't decompress only that it has failed. */
function explain(error: unknown): never {
  if (!(error instanceof TypeError)) throw error;
  const why = "its body is no gzip, or has something after it";
  throw new TripError(`the answer can't be decompressed: ${why}`, true, error);
}
