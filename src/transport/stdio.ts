import { checkInteger } from "../base/options.ts";
import { Connection } from "../server/connection.ts";
import type { Engine } from "../server/engine.ts";

const READ_BYTES = 256 * 1024;

/** The two streams of a process; Deno's own by default. */
export interface StdioStreams {
  /** Fills the buffer and says with how many bytes, or null at the end. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes some of the bytes and says how many. */
  write(bytes: Uint8Array): Promise<number>;
}

/** How a server speaks over stdio. */
export interface StdioOptions {
  /** @default Deno.stdin and Deno.stdout */
  streams?: StdioStreams;
  /**
   * The longest message taken, in bytes; a longer one is refused and skipped.
   * @default 4194304
   */
  maxMessageBytes?: number;
}

/**
 * Serves one client over newline-delimited JSON until its input ends: reads in
 * large pieces, and writes all that a turn of the event loop has to say at once.
 *
 * @returns once the input has ended and every answer is written
 */
export async function serveStdio(
  engine: Engine,
  { streams = processStreams(), maxMessageBytes = 4 * 1024 * 1024 }:
    StdioOptions = {},
): Promise<void> {
  checkInteger("maxMessageBytes", maxMessageBytes, 1);
  const writer = new LineWriter(streams);
  const connection = new Connection(engine, (text) => writer.add(text));
  const lines = new LineSplitter(maxMessageBytes);
  const buffer = new Uint8Array(READ_BYTES);
  try {
    while (!writer.broken) {
      const count = await streams.read(buffer);
      if (count === null) break;
      lines.push(buffer.subarray(0, count), connection);
    }
    lines.end(connection);
    await engine.idle();
    await writer.flushed();
  } finally {
    connection.close("the input has ended");
  }
}

function processStreams(): StdioStreams {
  return {
    read: (buffer) => Deno.stdin.read(buffer),
    write: (bytes) => Deno.stdout.write(bytes),
  };
}

/** Cuts bytes into lines and hands each to the connection. */
class LineSplitter {
  readonly #maxChars: number;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #rest = "";
  #skipping = false;

  constructor(maxBytes: number) {
    this.#maxChars = maxBytes;
  }

  push(bytes: Uint8Array, connection: Connection): void {
    let text: string;
    try {
      text = this.#decoder.decode(bytes, { stream: true });
    } catch {
      this.#skipBroken(bytes, connection);
      return;
    }
    this.#split(text, connection);
  }

  #split(text: string, connection: Connection): void {
    let start = 0;
    let end = text.indexOf("\n");
    while (end >= 0) {
      const line = this.#rest + text.slice(start, end);
      this.#rest = "";
      if (this.#skipping) this.#skipping = false;
      else this.#line(line, connection);
      start = end + 1;
      end = text.indexOf("\n", start);
    }
    if (this.#skipping) return;
    this.#rest += text.slice(start);
    if (this.#rest.length > this.#maxChars) {
      this.#rest = "";
      this.#skipping = true;
      connection.refuseUnparsed(
        `the message is larger than ${this.#maxChars} bytes`,
      );
    }
  }

  /** Bytes that are not UTF-8 cost the line they are in, not the ones around it. */
  #skipBroken(bytes: Uint8Array, connection: Connection): void {
    let start = 0;
    while (start < bytes.length) {
      const newline = bytes.indexOf(10, start);
      const end = newline < 0 ? bytes.length : newline + 1;
      const piece = bytes.subarray(start, end);
      const text = decodeWhole(piece);
      if (text !== undefined) this.#split(text, connection);
      else {
        if (!this.#skipping) {
          connection.refuseUnparsed("the message is not valid UTF-8");
        }
        this.#rest = "";
        this.#skipping = newline < 0;
      }
      start = end;
    }
  }

  #line(line: string, connection: Connection): void {
    if (line === "" || line === "\r") return;
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      connection.refuseUnparsed("the line is not valid JSON");
      return;
    }
    connection.receive(message);
  }

  /** A last line may lack its newline. */
  end(connection: Connection): void {
    const line = this.#rest;
    this.#rest = "";
    if (!this.#skipping && line.trim() !== "") this.#line(line, connection);
  }
}

function decodeWhole(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Collects lines and writes them together, one write at a time. */
class LineWriter {
  readonly #streams: StdioStreams;
  readonly #encoder = new TextEncoder();
  #pending = "";
  #writing: Promise<void> | undefined;
  #broken = false;

  constructor(streams: StdioStreams) {
    this.#streams = streams;
  }

  /** Whether the other side no longer reads. */
  get broken(): boolean {
    return this.#broken;
  }

  add(line: string): void {
    this.#pending += line + "\n";
    this.#writing ??= this.#drain();
  }

  async #drain(): Promise<void> {
    try {
      // Whatever the current turn still has to say goes into the same write.
      await Promise.resolve();
      while (this.#pending !== "" && !this.#broken) {
        const bytes = this.#encoder.encode(this.#pending);
        this.#pending = "";
        for (let at = 0; at < bytes.length;) {
          at += await this.#streams.write(bytes.subarray(at));
        }
      }
    } catch {
      this.#broken = true;
    } finally {
      this.#writing = undefined;
    }
  }

  async flushed(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }
}
