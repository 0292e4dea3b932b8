import assert from "node:assert/strict";
import { within } from "../../transport/wire.ts";
import { MessageGrammar } from "./message_grammar.ts";
import { SeededRandom } from "./seeded_random.ts";
import { assertSoundMessage } from "./sound_answer.ts";

/** The streams of a server that speaks over stdio. */
export type StdioServer = Pick<Deno.ChildProcess, "stdin" | "stdout">;

/** A client that sends a server over stdio what its grammar makes. */
export class StdioFuzz {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #lines: AsyncIterator<string>;
  readonly #grammar: MessageGrammar;
  #rounds = 0;

  constructor({ stdin, stdout }: StdioServer, seed: number) {
    this.#writer = stdin.getWriter();
    this.#lines = linesOf(stdout);
    this.#grammar = new MessageGrammar(new SeededRandom(seed));
  }

  /** Sends some inputs and a ping; all that comes up to its answer must be sound. */
  async send(count: number): Promise<void> {
    const inputs = Array.from({ length: count }, () => this.#grammar.next());
    const id = `round ${++this.#rounds}`;
    const lines = inputs.map(({ text }) => text.replaceAll("\n", " "));
    lines.push(JSON.stringify({ jsonrpc: "2.0", id, method: "ping" }), "");
    await this.#writer.write(new TextEncoder().encode(lines.join("\n")));
    const awaited = new Set<unknown>([id]);
    for (const { intactId, message } of inputs) {
      if (message.method === "subscriptions/listen") continue;
      if (intactId !== undefined) awaited.add(intactId);
    }
    while (awaited.size > 0) awaited.delete((await this.#read()).id);
  }

  async #read(): Promise<{ id?: unknown }> {
    const { value, done } = await within(this.#lines.next(), 60_000);
    assert(!done, "the server has ended");
    const said = JSON.parse(value);
    assertSoundMessage(said);
    return said;
  }

  /** Ends the input, and reads what is left. */
  async close(): Promise<void> {
    await this.#writer.close();
    for (;;) {
      const { value, done } = await within(this.#lines.next(), 60_000);
      if (done) return;
      assertSoundMessage(JSON.parse(value));
    }
  }
}

async function* linesOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  assert.equal(rest, "");
}
