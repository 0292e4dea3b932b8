import type { RequestId } from "../protocol/types/message.ts";
import { byteLength } from "../base/byte_length.ts";
import {
  option,
  type OptionRules,
  type ReadOptions,
} from "../base/option_rules.ts";
import { waitAtMost } from "../base/deadline.ts";
import {
  idInEnds,
  idInHead,
  readMessage,
  TAIL,
} from "../protocol/message_text.ts";
import { Connection, type MessageSink } from "./connection.ts";
import type { AuthInfo } from "../protocol/types.ts";
import type { Intake } from "../server/calls/intake.ts";
import { type Closing, DEFAULT_GRACE_MS } from "../server/lifecycle/closing.ts";

const READ_BYTES = 256 * 1024;
/** Characters of answers that may wait for a client before no more of it is read. */
const MAX_PENDING = 16 * 1024 * 1024;
/** Characters of answers written ahead of the client; with more waiting it is behind. */
const AHEAD = 64 * 1024;
const NEWLINE = 10;

/** The two streams of a process; Deno's own by default. */
export interface StdioStreams {
  /** Fills the buffer and says with how many bytes, or null at the end. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes some of the bytes and says how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Makes a `read` that waits end. */
  close?(): void;
}

/** Settings for how a server speaks over stdio. */
export interface StdioOptions {
  /**
   * Streams that messages come from and go to.
   * @default Deno.stdin and Deno.stdout
   */
  streams?: StdioStreams;
  /**
   * The longest message taken, in bytes; a longer one is refused and skipped.
   * @default 4194304
   */
  maxMessageBytes?: number;
  /**
   * Milliseconds that requests in flight have to finish once the input has ended.
   * @default 10000
   */
  graceMs?: number;
  /**
   * End in good order on SIGINT, SIGTERM and SIGHUP; a second one ends the
   * process itself.
   * @default true
   */
  signals?: boolean;
  /** Ends the server in good order, as the end of its input does. */
  signal?: AbortSignal;
  /**
   * Identity of the other end.
   * @default whose credential the variable SLUICE_TOKEN holds, where `auth` is given
   */
  authInfo?: AuthInfo;
}

/** How they are read. */
export const STDIO_OPTIONS = {
  streams: option.any<StdioStreams>({
    read: (buffer) => Deno.stdin.read(buffer),
    write: (bytes) => Deno.stdout.write(bytes),
    close: () => Deno.stdin.close(),
  }),
  maxMessageBytes: option.integer(4 * 1024 * 1024, 1),
  graceMs: option.durationMs(DEFAULT_GRACE_MS),
  signals: option.flag(true),
  signal: option.signal,
  authInfo: option.optional<AuthInfo>(),
} satisfies OptionRules<StdioOptions>;

/**
 * Serves one client over newline-delimited JSON until its input ends: reads in
 * large pieces, and writes all that a turn of the event loop has to say at once.
 *
 * @returns once the input has ended and every answer is written
 */
export async function serveStdio(
  { intake, closing }: { intake: Intake; closing: Closing },
  { streams, maxMessageBytes, graceMs, signal, authInfo }: ReadOptions<
    typeof STDIO_OPTIONS
  >,
): Promise<void> {
  const writer = new LineWriter(streams);
  const connection = new Connection(intake, writer, { authInfo });
  const lines = new LineSplitter(maxMessageBytes);
  const onAbort = () => streams.close?.();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    await readAll(streams, writer, lines, connection, signal);
    lines.end(connection);
    connection.endInput();
    await closing.close(graceMs);
    // Nobody may be reading.
    await waitAtMost(writer.flushed(), graceMs, { clock: intake.clock });
  } finally {
    signal?.removeEventListener("abort", onAbort);
    connection.close("the input has ended");
  }
}

async function readAll(
  streams: StdioStreams,
  writer: LineWriter,
  lines: LineSplitter,
  connection: Connection,
  signal: AbortSignal | undefined,
): Promise<void> {
  const buffer = new Uint8Array(READ_BYTES);
  while (!writer.broken && !signal?.aborted) {
    let count: number | null;
    try {
      count = await streams.read(buffer);
    } catch (error) {
      if (signal?.aborted) return;
      throw error;
    }
    if (count === null) return;
    lines.push(buffer.subarray(0, count), connection);
    if (writer.pending > MAX_PENDING) await writer.caughtUp();
  }
}

/**
 * Cuts bytes into lines and hands each to the connection. A line that is too
 * long, or not UTF-8, costs itself and not the ones around it.
 */
class LineSplitter {
  readonly #maxBytes: number;
  readonly #decoder = new TextDecoder("utf-8", {
    fatal: true,
    ignoreBOM: true,
  });
  /** The begin of a line whose end has yet to come. */
  #begun: Uint8Array[] = [];
  #begunBytes = 0;
  /** The line that is being skipped, because it is too long. */
  #skipped: SkippedLine | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @param bytes are only read during the call: the buffer is used again */
  push(bytes: Uint8Array, connection: Connection): void {
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end > 0) this.#takeLines(bytes.subarray(0, end), connection);
    if (end === bytes.length) return;
    if (this.#skipped !== undefined) {
      this.#skipped.add(bytes.subarray(end));
      return;
    }
    this.#begun.push(bytes.slice(end));
    this.#begunBytes += bytes.length - end;
    if (this.#begunBytes > this.#maxBytes) {
      this.#skipped = new SkippedLine(this.#takeBegun());
    }
  }

  /** A last line may lack its newline. */
  end(connection: Connection): void {
    this.#endSkipped(connection);
    this.#takeEach(this.#takeBegun(), connection);
  }

  #endSkipped(connection: Connection): void {
    if (this.#skipped === undefined) return;
    this.#refuseLength(connection, this.#skipped.id);
    this.#skipped = undefined;
  }

  #takeLines(bytes: Uint8Array, connection: Connection): void {
    let lines = bytes;
    if (this.#skipped !== undefined) {
      const end = bytes.indexOf(NEWLINE);
      this.#skipped.add(bytes.subarray(0, end));
      this.#endSkipped(connection);
      lines = bytes.subarray(end + 1);
    } else if (this.#begunBytes > 0) {
      this.#begun.push(bytes);
      lines = this.#takeBegun();
    }
    const text = lines.length > this.#maxBytes
      ? undefined
      : this.#decode(lines);
    if (text === undefined) this.#takeEach(lines, connection);
    else this.#splitText(text, text.length === lines.length, connection);
  }

  #takeBegun(): Uint8Array {
    const whole = concat(this.#begun);
    this.#begun = [];
    this.#begunBytes = 0;
    return whole;
  }

  /** The fast way, for lines that are known to be good. */
  #splitText(text: string, ascii: boolean, connection: Connection): void {
    let start = 0;
    let end = text.indexOf("\n");
    while (end >= 0) {
      const line = text.slice(start, end);
      this.#take(line, ascii ? line.length : byteLength(line), connection);
      start = end + 1;
      end = text.indexOf("\n", start);
    }
  }

  /** The careful way: looks at every line for itself. */
  #takeEach(bytes: Uint8Array, connection: Connection): void {
    for (let start = 0; start < bytes.length;) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline < 0 ? bytes.length : newline;
      const line = bytes.subarray(start, end);
      start = end + 1;
      if (line.length > this.#maxBytes) {
        this.#refuseLength(connection, idInEnds(line, line));
        continue;
      }
      const text = this.#decode(line);
      if (text !== undefined) this.#take(text, line.length, connection);
      else {
        const id = idInEnds(line, line);
        connection.refuseUnparsed("the message is not valid UTF-8", id);
      }
    }
  }

  #take(line: string, bytes: number, connection: Connection): void {
    if (line === "" || line === "\r") return;
    let message: unknown;
    try {
      message = readMessage(line);
    } catch {
      // A blank line says nothing.
      if (line.trim() === "") return;
      connection.refuseUnparsed("the line is not valid JSON", idInHead(line));
      return;
    }
    connection.receive(message, bytes);
  }

  #decode(bytes: Uint8Array): string | undefined {
    try {
      return this.#decoder.decode(bytes);
    } catch {
      return undefined;
    }
  }

  #refuseLength(connection: Connection, id: RequestId | null): void {
    connection.refuseUnparsed(
      `the message is larger than ${this.#maxBytes} bytes`,
      id,
    );
  }
}

/** A line that is not kept, but for where its id may be. */
class SkippedLine {
  readonly #headId: RequestId | null;
  #tail: Uint8Array;

  constructor(begun: Uint8Array) {
    this.#headId = idInEnds(begun, new Uint8Array());
    this.#tail = begun.slice(-TAIL);
  }

  /** @param bytes are only read during the call */
  add(bytes: Uint8Array): void {
    this.#tail = concat([this.#tail, bytes.subarray(-TAIL)]).slice(-TAIL);
  }

  get id(): RequestId | null {
    return this.#headId ?? idInEnds(new Uint8Array(), this.#tail);
  }
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(
    pieces.reduce((sum, { length }) => sum + length, 0),
  );
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}

/** Collects lines and writes them together, one write at a time. */
class LineWriter implements MessageSink {
  readonly network = "pipe";
  readonly #streams: StdioStreams;
  readonly #encoder = new TextEncoder();
  #pending = "";
  #writing: Promise<void> | undefined;
  #broken = false;
  /** Promise for those who wait for what is pending to be written. */
  #caughtUp: PromiseWithResolvers<void> | undefined;

  constructor(streams: StdioStreams) {
    this.#streams = streams;
  }

  /** True if the other side no longer reads. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Characters that wait to be written. */
  get pending(): number {
    return this.#pending.length;
  }

  send(line: string): void {
    this.#pending += line + "\n";
    this.#writing ??= this.#drain();
  }

  async #drain(): Promise<void> {
    try {
      // Whatever the current turn still has to say goes into the same write.
      await Promise.resolve();
      while (this.#pending !== "" && !this.#broken) {
        const bytes = this.#encoder.encode(this.#pending);
        const caughtUp = this.#caughtUp;
        this.#pending = "";
        this.#caughtUp = undefined;
        await this.#writeAll(bytes).finally(() => caughtUp?.resolve());
      }
    } catch {
      this.#broken = true;
    } finally {
      this.#writing = undefined;
      this.#caughtUp?.resolve();
      this.#caughtUp = undefined;
    }
  }

  caughtUp(): Promise<void> | undefined {
    if (this.#pending.length < AHEAD || this.#broken) return undefined;
    return (this.#caughtUp ??= Promise.withResolvers()).promise;
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += await this.#streams.write(bytes.subarray(at));
    }
  }

  async flushed(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }
}
