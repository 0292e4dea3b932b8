/** A server over stdio under pipelined load, every answer checked. */
import { pinnedServer } from "./pinning.ts";
import { processCpuMs } from "./server_process.ts";
import { modernMessage } from "./wire.ts";

const chunkSize = 100;
const maxInFlight = 2_000;

/** What one slice of load measured. */
export interface StdioSample {
  perSecond: number;
  perCpuSecond: number;
}

interface Answer {
  id: number;
  /** In an echoed request. */
  params?: { arguments: { data: string } };
  /** In a server's answer. */
  result?: { content: { text: string }[] };
}

/** A stdio server's process; disposing closes its stdin and waits for its end. */
export class StdioSubject implements AsyncDisposable {
  readonly label: string;
  readonly samples: StdioSample[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #encoder = new TextEncoder();
  readonly #reading: Promise<void>;
  #sent = 0;
  #answered = 0;
  #failure: Error | undefined;
  #wake = () => {};

  constructor(label: string, script: string) {
    this.label = label;
    this.#child = new Deno.Command("taskset", {
      args: pinnedServer(script),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reading = this.#read().catch((error) => {
      this.#failure = error;
      this.#wake();
    });
  }

  /** Loads the server without keeping the figures. */
  async warmUp(durationMs: number): Promise<void> {
    await this.#slice(durationMs);
  }

  /** Loads the server and keeps what was measured. */
  async measure(durationMs: number): Promise<void> {
    this.samples.push(await this.#slice(durationMs));
  }

  async #slice(durationMs: number): Promise<StdioSample> {
    const cpuBefore = processCpuMs(this.#child.pid);
    const answeredBefore = this.#answered;
    const start = performance.now();
    while (performance.now() - start < durationMs) {
      await this.#roomFor(maxInFlight - chunkSize);
      await this.#writer.write(this.#encoder.encode(this.#nextChunk()));
    }
    await this.#roomFor(0);
    const count = this.#answered - answeredBefore;
    return {
      perSecond: count * 1_000 / (performance.now() - start),
      perCpuSecond: count * 1_000 /
        (processCpuMs(this.#child.pid) - cpuBefore),
    };
  }

  #nextChunk(): string {
    let chunk = "";
    for (let i = 0; i < chunkSize; i++) chunk += callOf(this.#sent++) + "\n";
    return chunk;
  }

  /** Waits until at most `inFlight` messages are unanswered. */
  async #roomFor(inFlight: number): Promise<void> {
    while (this.#sent - this.#answered > inFlight) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  async #read(): Promise<void> {
    const expected = new Set<number>();
    let known = 0;
    let pending = "";
    const texts = this.#child.stdout.pipeThrough(new TextDecoderStream());
    for await (const text of texts) {
      while (known < this.#sent) expected.add(known++);
      const lines = (pending + text).split("\n");
      pending = lines.pop()!;
      for (const line of lines) {
        const answer: Answer = JSON.parse(line);
        if (!expected.delete(answer.id) || !isRight(answer)) {
          throw new Error(`${this.label} answered wrongly: ${line}`);
        }
      }
      this.#answered += lines.length;
      this.#wake();
    }
    if (this.#answered < this.#sent) {
      throw new Error(`${this.label} ended before it had answered`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {});
    await this.#reading;
    await this.#child.status;
  }
}

const [head, middle, tail] = modernMessage(7_777_777, "tools/call", {
  name: "echo",
  arguments: { data: "m7777777" },
}).split("7777777");

function callOf(id: number): string {
  return `${head}${id}${middle}${id}${tail}`;
}

function isRight({ id, params, result }: Answer): boolean {
  return result?.content[0].text === `processed_m${id}` ||
    params?.arguments.data === `m${id}`;
}
