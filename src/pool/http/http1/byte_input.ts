const firstBytes = 16 * 1024;

/** Bytes as they come in, from somewhere that gives some at a time. */
export class ByteInput {
  readonly #source: (into: Uint8Array) => Promise<number | null>;
  #buffer = new Uint8Array(firstBytes);
  #start = 0;
  #end = 0;
  #filling: Promise<boolean> | undefined;

  /** @param source Reads into a buffer; says how much that was, null at the end. */
  constructor(source: (into: Uint8Array) => Promise<number | null>) {
    this.#source = source;
  }

  /** The number of bytes that are here. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** What is here; good until the next {@linkcode fill}. */
  get here(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Takes so many of the bytes that are here; good until the next {@linkcode fill}. */
  take(count: number): Uint8Array<ArrayBuffer> {
    const start = this.#start;
    this.#start = Math.min(start + count, this.#end);
    return this.#buffer.subarray(start, this.#start);
  }

  /** Waits for more; false if there is no more. */
  fill(): Promise<boolean> {
    return this.#filling ??= this.#fill();
  }

  async #fill(): Promise<boolean> {
    this.#makeRoom();
    try {
      const count = await this.#source(this.#buffer.subarray(this.#end));
      if (count === null) return false;
      this.#end += count;
      return true;
    } finally {
      this.#filling = undefined;
    }
  }

  #makeRoom(): void {
    if (this.#start === this.#end) this.#start = this.#end = 0;
    if (this.#end < this.#buffer.length) return;
    const from = this.#buffer;
    if (this.#start === 0) this.#buffer = new Uint8Array(2 * from.length);
    this.#buffer.set(from.subarray(this.#start, this.#end));
    this.#end -= this.#start;
    this.#start = 0;
  }
}
