import type { ResponseHead } from "../response_head.ts";
import type { Http1Body } from "./http1_body.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What is asked for, as the runtime's `fetch` does. */
export const acceptedEncodings = "gzip,br";

/** By the name that HTTP has for it (RFC 9110, section 8.4.1; RFC 7932). */
const formats: Record<string, string> = {
  gzip: "gzip",
  "x-gzip": "gzip",
  br: "brotli",
};

/** Says if a body comes compressed in a way that was asked for. */
export function isEncoded(head: ResponseHead): boolean {
  return formatOf(head) !== undefined;
}

/** A body that came compressed, as it was before. */
export class DecodedBody implements Http1Body {
  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  isOver = false;

  constructor(body: Http1Body, head: ResponseHead) {
    const compressed = new ReadableStream<Bytes>({
      async pull(controller) {
        const piece = await body.read();
        if (piece === undefined) controller.close();
        else controller.enqueue(piece.slice());
      },
    }, { highWaterMark: 0 });
    const format = formatOf(head) as CompressionFormat;
    this.#reader = compressed.pipeThrough(new DecompressionStream(format))
      .getReader();
  }

  async read(): Promise<Bytes | undefined> {
    const { done, value } = await this.#reader.read();
    this.isOver = done;
    return value;
  }
}

function formatOf(head: ResponseHead): string | undefined {
  return formats[head.get("content-encoding")?.toLowerCase() ?? ""];
}
