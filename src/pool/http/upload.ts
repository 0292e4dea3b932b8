/** Told who keeps an upload waiting. */
export interface UploadWatch {
  /** The caller's own stream has nothing yet. */
  waits(): void;
  /** There is more of it to send, or there has been. */
  progressed(): void;
}

/** A caller's stream on its way to a server: its faults are not the server's. */
export class Upload {
  /** The bytes, read from the caller's stream when somebody asks for them. */
  readonly stream: ReadableStream<Uint8Array>;
  /** The error that the caller's stream threw, if it did. */
  failure: { error: unknown } | undefined;
  watch: UploadWatch | undefined;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #cancelled: { reason: unknown } | undefined;

  /** @throws {TypeError} when somebody else reads the stream. */
  constructor(body: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>) {
    const source = body instanceof ReadableStream
      ? body
      : ReadableStream.from(body);
    this.#reader = source.getReader();
    this.stream = new ReadableStream({
      pull: (controller) => this.#pull(controller),
      cancel: (reason) => this.cancel(reason),
    }, { highWaterMark: 0 });
  }

  /** Lets the caller's stream go, also while its bytes are being sent. */
  cancel(reason: unknown): void {
    this.#cancelled ??= { reason };
    this.#reader.cancel(reason).catch(() => {});
  }

  async #pull(
    controller: ReadableStreamDefaultController<Uint8Array>,
  ): Promise<void> {
    this.watch?.waits();
    try {
      const { done, value } = await this.#reader.read();
      // What was given up half-way must not look whole.
      if (this.#cancelled !== undefined) throw this.#cancelled.reason;
      if (done) return controller.close();
      if (!(value instanceof Uint8Array)) {
        throw new TypeError(`a body is of bytes, got ${typeof value}`);
      }
      controller.enqueue(value);
    } catch (error) {
      this.failure ??= { error };
      throw error;
    } finally {
      this.watch?.progressed();
    }
  }
}
