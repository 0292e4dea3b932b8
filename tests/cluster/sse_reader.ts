import type { JsonObject } from "../../src/protocol/jsonrpc.ts";
import { eventually } from "../support/eventually.ts";

/** Reads the messages of an event stream as they come. */
export class SseReader implements AsyncDisposable {
  readonly messages: JsonObject[] = [];
  /** The id of the last event, if it had one. */
  lastId: string | undefined;
  /** When something came last, or when it began to read. */
  lastAt: number = performance.now();
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #done: Promise<void>;

  constructor(response: Response) {
    this.#reader = response.body!
      .pipeThrough(new TextDecoderStream() as never)
      .getReader() as ReadableStreamDefaultReader<string>;
    this.#done = this.#readAll().catch(() => {});
  }

  async #readAll(): Promise<void> {
    let rest = "";
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) return;
      this.lastAt = performance.now();
      const frames = (rest + value).split("\n\n");
      rest = frames.pop()!;
      for (const frame of frames) {
        this.lastId = /^id: (.+)$/m.exec(frame)?.[1] ?? this.lastId;
        const data = /^data: (.+)$/m.exec(frame)?.[1];
        if (data !== undefined) this.messages.push(JSON.parse(data));
      }
    }
  }

  /** Resolves when the server has ended the stream. */
  get ended(): Promise<void> {
    return this.#done;
  }

  /** The methods of the notifications so far. */
  get methods(): string[] {
    return this.messages.flatMap(({ method }) =>
      typeof method === "string" ? [method] : []
    );
  }

  /** Waits until so many notifications of a method have come. */
  async has(method: string, count = 1): Promise<void> {
    await eventually(() =>
      this.methods.filter((each) => each === method).length >= count
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel();
    await this.#done;
  }
}
