import assert from "node:assert/strict";
import { type HeaderSet, modernHeaders, within } from "../../transport/wire.ts";
import { httpText, RawSocket } from "../../transport/raw_socket.ts";
import { type FuzzInput, MessageGrammar } from "./message_grammar.ts";
import { SeededRandom } from "./seeded_random.ts";
import { assertSoundMessage } from "./sound_answer.ts";

/** How many inputs go by hand, where `fetch` would put them right. */
const RAW_SHARE = 0.03;

/** Values that headers don't expect. */
const ODD_HEADERS = ["", "x", "2026-07-28", "=?base64?!?=", "a".repeat(2_000)];

/** One client that sends a server over HTTP what its grammar makes. */
export class HttpFuzz {
  readonly #port: number;
  readonly #random: SeededRandom;
  readonly #grammar: MessageGrammar;
  #session: string | undefined;

  constructor(port: number, seed: number) {
    this.#port = port;
    this.#random = new SeededRandom(seed);
    this.#grammar = new MessageGrammar(this.#random);
  }

  /** Sends one input, and holds the answer to what answers must be. */
  async send(): Promise<void> {
    const input = this.#grammar.next();
    try {
      if (this.#random.chance(RAW_SHARE)) await this.#sendRaw(input);
      else await this.#post(input);
    } catch (error) {
      throw new Error(`after ${input.text.slice(0, 2_000)}`, { cause: error });
    }
  }

  #headers({ message, era, intactId }: FuzzInput): HeaderSet {
    const random = this.#random;
    const headers: HeaderSet = era === "modern"
      ? modernHeaders(message)
      : { "mcp-session-id": this.#session ?? null };
    if (intactId === undefined && random.chance(0.2)) {
      const name = random.pick([
        ...Object.keys(headers),
        "accept",
        "content-type",
        "origin",
        "mcp-session-id",
        "last-event-id",
      ]);
      headers[name] = random.chance(0.3) ? null : random.pick(ODD_HEADERS);
    }
    return headers;
  }

  async #post(input: FuzzInput): Promise<void> {
    const headers = Object.entries({
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...this.#headers(input),
    }).filter((each): each is [string, string] => each[1] !== null);
    const response = await within(
      fetch(`http://127.0.0.1:${this.#port}/mcp`, {
        method: "POST",
        headers,
        body: input.text,
      }),
      60_000,
    );
    const { status } = response;
    assert((status >= 200 && status < 500) || status === 503, `${status}`);
    this.#session = response.headers.get("mcp-session-id") ?? this.#session;
    if (status === 404 && input.era === "legacy") this.#session = undefined;
    const type = response.headers.get("content-type");
    if (type?.startsWith("text/event-stream")) await leave(response);
    else {await this.#check(
        input,
        status,
        await within(response.text(), 60_000),
      );}
  }

  #check({ intactId, era }: FuzzInput, status: number, text: string): void {
    if (text === "") return assert(status === 202, `${status} without a body`);
    const answer = JSON.parse(text);
    if (status !== 503) assertSoundMessage(answer);
    if (intactId !== undefined && era === "modern") {
      assert.equal(answer.id, intactId, text.slice(0, 500));
    }
  }

  /** A request that is no good HTTP, or breaks off: it ends in an answer or a close. */
  async #sendRaw(input: FuzzInput): Promise<void> {
    const random = this.#random;
    const whole = httpText({
      headers: this.#headers(input),
      body: input.text,
    });
    const bytes = new TextEncoder().encode(whole);
    const at = random.below(bytes.length);
    if (random.chance(0.5)) bytes[at] = random.below(256);
    using socket = await RawSocket.open(this.#port);
    const isCut = random.chance(0.5);
    await socket.write(isCut ? bytes.subarray(0, at) : bytes);
    // One that breaks off is left at once, as clients that crash do.
    if (isCut) return;
    // One whose length is wrong would wait for more.
    const timer = setTimeout(() => socket.drop(), 50);
    const text = await socket.readUntil("\r\n\r\n").catch(() => "");
    clearTimeout(timer);
    assert(text === "" || /^HTTP\/1\.1 [2-5]\d\d /.test(text), text);
  }
}

/** Reads the first event of a stream that may stay open, and leaves. */
async function leave(response: Response): Promise<void> {
  const reader = response.body!.pipeThrough(new TextDecoderStream())
    .getReader();
  let text = "";
  while (!/^data: .*\n\n/m.test(text)) {
    const { done, value } = await within(reader.read(), 60_000);
    if (done) break;
    text += value;
  }
  for (const [, data] of text.matchAll(/^data: (.+)\n/gm)) {
    assertSoundMessage(JSON.parse(data));
  }
  await reader.cancel();
}
