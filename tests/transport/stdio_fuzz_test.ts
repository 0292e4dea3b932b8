import assert from "node:assert/strict";
import fc from "fast-check";
import type { StdioOptions, StdioStreams } from "../../mod.ts";
import { makeSubject } from "./subject.ts";
import { modernCall, within } from "./wire.ts";

const encoder = new TextEncoder();

/** What a test reads from the output. */
interface Line {
  id?: unknown;
  // deno-lint-ignore no-explicit-any -- whatever the server answers
  result?: any;
  error?: { code: number; message: string };
}

/** Two streams in memory: what is read comes in these pieces, what is written is kept. */
class MemoryStreams implements StdioStreams {
  readonly #pieces: Uint8Array[];
  readonly #writeLimit: number;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  written = "";

  constructor(pieces: Iterable<Uint8Array>, writeLimit = Infinity) {
    this.#pieces = [...pieces];
    this.#writeLimit = writeLimit;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    const piece = this.#pieces.shift();
    if (piece === undefined) return Promise.resolve(null);
    const count = Math.min(piece.length, buffer.length);
    buffer.set(piece.subarray(0, count));
    if (count < piece.length) this.#pieces.unshift(piece.subarray(count));
    return Promise.resolve(count);
  }

  write(bytes: Uint8Array): Promise<number> {
    const count = Math.min(bytes.length, this.#writeLimit);
    this.written += this.#decoder.decode(bytes.subarray(0, count), {
      stream: true,
    });
    return Promise.resolve(count);
  }

  get lines(): Line[] {
    assert.ok(this.written === "" || this.written.endsWith("\n"));
    return this.written.split("\n").slice(0, -1).map((line) =>
      JSON.parse(line)
    );
  }
}

/** Serves an input to its end. */
async function serve(
  pieces: Iterable<Uint8Array>,
  { writeLimit, ...options }: Partial<StdioOptions> & {
    writeLimit?: number;
  } = {},
): Promise<Line[]> {
  const { server, log } = makeSubject();
  const streams = new MemoryStreams(pieces, writeLimit);
  await within(server.serveStdio({ streams, signals: false, ...options }));
  assert.deepEqual(log, []);
  assert.equal(server.stats.inFlight, 0);
  return streams.lines;
}

function echo(id: unknown, data = `${id}`): string {
  return JSON.stringify(
    modernCall("tools/call", { name: "echo", arguments: { data } }, id),
  );
}

/** The bytes, cut at these places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [
    ...places.map((each) => each % (bytes.length + 1)),
    bytes.length,
  ]
    .sort((a, b) => a - b);
  let begin = 0;
  return ends.map((end) => {
    const piece = bytes.subarray(begin, end);
    begin = end;
    return piece;
  }).filter(({ length }) => length > 0);
}

function join(...parts: (string | Uint8Array)[]): Uint8Array {
  const whole = parts.map((part) =>
    typeof part === "string" ? encoder.encode(part) : part
  );
  return Uint8Array.from(whole.flatMap((part) => Array.from(part)));
}

const cuts = fc.array(fc.nat(), { maxLength: 30 });

Deno.test("any chunking gives the same answers", async () => {
  const texts = ["plain", "grüße 👋 \u2028", "\uFFFD", "日本語".repeat(20)];
  const input = join(
    ...texts.map((text, id) => `${echo(id, text)}\n`),
    "\r\n\n",
    `${echo("crlf")}\r\n`,
    `  ${echo("blanks")}  \n`,
    echo("last"),
  );
  await fc.assert(
    fc.asyncProperty(
      cuts,
      fc.integer({ min: 1, max: 50 }),
      async (at, limit) => {
        const lines = await serve(cut(input, at), { writeLimit: limit });
        const said = Object.fromEntries(
          lines.map(({ id, result }) => [id, result.content[0].text]),
        );
        assert.deepEqual(said, {
          ...texts,
          crlf: "crlf",
          blanks: "blanks",
          last: "last",
        });
        assert.equal(lines.length, texts.length + 3);
      },
    ),
    { numRuns: 150 },
  );
});

/** A line of any kind, and how many answers it gets. */
interface Kind {
  bytes: Uint8Array;
  answers: number;
  /** Whether the answer is a parse error. */
  parse?: boolean;
}

const kinds: fc.Arbitrary<Kind> = fc.oneof(
  fc.string().map((text) => ({
    bytes: encoder.encode(echo("good", text)),
    answers: 1,
  })),
  fc.constantFrom("", "\r", " ", "\t \r").map((text) => ({
    bytes: encoder.encode(text),
    answers: 0,
  })),
  fc.constantFrom("{", "nonsense", '{"a":}', "]", "\u0000").map((text) => ({
    bytes: encoder.encode(text),
    answers: 1,
    parse: true,
  })),
  fc.constantFrom([0xff], [0xc3], [0xe2, 0x82], [0xed, 0xa0, 0x80], [
    0xf0,
    0x9f,
  ]).map((bad) => ({
    bytes: join(
      `{"jsonrpc":"2.0","id":1,"method":"é`,
      Uint8Array.from(bad),
      `"}`,
    ),
    answers: 1,
    parse: true,
  })),
  fc.constant({
    bytes: encoder.encode("é".repeat(300)),
    answers: 1,
    parse: true,
  }),
  fc.constant({
    bytes: encoder.encode("x".repeat(100_000)),
    answers: 1,
    parse: true,
  }),
  fc.constant({
    bytes: encoder.encode(`{"jsonrpc":"2.0","method":"notifications/x"}`),
    answers: 0,
  }),
  fc.jsonValue().map((value) => ({
    bytes: encoder.encode(JSON.stringify(value)),
    answers: Array.isArray(value) ? 1 : 1,
  })),
);

Deno.test("a broken line costs itself and none around it, however it is cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(kinds, { maxLength: 12 }),
      cuts,
      async (lines, at) => {
        const newline = "\n";
        const input = join(
          ...lines.flatMap(({ bytes }) => [bytes, newline]),
          echo("end"),
        );
        const answers = await serve(cut(input, at), { maxMessageBytes: 5_000 });
        const expected = lines.reduce((sum, each) => sum + each.answers, 1);
        assert.equal(answers.length, expected);
        assert.equal(answers.at(-1)!.id, "end");
        assert.equal(answers.at(-1)!.result.content[0].text, "end");
        const good = lines.filter(({ bytes }) =>
          new TextDecoder().decode(bytes).includes(`"id":"good"`)
        );
        const served = answers.filter(({ id, result }) =>
          id === "good" && result !== undefined
        );
        assert.equal(served.length, good.length);
        const unparsed = answers.filter(({ error }) => error?.code === -32700);
        assert.equal(
          unparsed.length,
          lines.filter(({ parse }) => parse).length,
        );
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("any bytes are survived", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 500 }),
      cuts,
      async (bytes, at) => {
        const lines = await serve([...cut(bytes, at), join("\n", echo("end"))]);
        assert.equal(lines.at(-1)!.result.content[0].text, "end");
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("the longest message taken is counted in bytes, wherever it is cut", async () => {
  const line = echo("é", "é".repeat(500));
  const { length } = encoder.encode(line);
  for (const size of [1, 100, 997, length + 1]) {
    const pieces = cut(
      join(line, "\n", echo("end")),
      Array.from(
        { length: Math.floor(length / size) },
        (_, index) => index * size,
      ),
    );
    const exact = await serve(pieces, { maxMessageBytes: length });
    assert.deepEqual(exact.map(({ id }) => id), ["é", "end"]);
    const over = await serve(pieces, { maxMessageBytes: length - 1 });
    assert.deepEqual(over.map(({ id }) => id), ["é", "end"]);
    assert.match(
      over[0].error!.message,
      new RegExp(`larger than ${length - 1} bytes`),
    );
  }
});

Deno.test("a message far too long is skipped without being kept", async () => {
  const piece = encoder.encode("x".repeat(64 * 1024));
  const pieces = Array.from({ length: 400 }, () => piece);
  const lines = await serve([...pieces, join("\n", echo("end"))]);
  assert.deepEqual(lines.map(({ id }) => id), [null, "end"]);
});

Deno.test("a reader that goes away ends the server", async () => {
  const { server } = makeSubject();
  let reads = 0;
  const streams: StdioStreams = {
    read(buffer) {
      reads++;
      const bytes = encoder.encode(`${echo(reads)}\n`);
      buffer.set(bytes);
      // Some turns of the loop, in which the write fails.
      return new Promise((go) => setTimeout(() => go(bytes.length)));
    },
    write: () => Promise.reject(new Deno.errors.BrokenPipe("gone")),
  };
  await within(server.serveStdio({ streams, signals: false }));
  assert.ok(reads < 10);
  assert.equal(server.stats.inFlight, 0);
});

Deno.test("the end of the input waits for what is in flight", async () => {
  const { server } = makeSubject();
  server.registerTool("slow", {}, async () => {
    await new Promise((go) => setTimeout(go, 5));
    return "slow";
  });
  const call = JSON.stringify(modernCall("tools/call", { name: "slow" }, "s"));
  const streams = new MemoryStreams([encoder.encode(call)]);
  await within(server.serveStdio({ streams, signals: false }));
  assert.equal(streams.lines[0].result.content[0].text, "slow");
});

Deno.test("a handler that keeps pace goes on once what it wrote has left, whatever else there is to write", async () => {
  const { server } = makeSubject();
  const steps: number[] = [];
  server.registerTool("flood", {}, async (ctx) => {
    for (let step = 1; step <= 50; step++) {
      await ctx.progress(step, 50, "x".repeat(100_000));
      steps.push(step);
    }
    return "all of it";
  });
  const call = modernCall(
    "tools/call",
    { name: "flood", _meta: { progressToken: 1 } },
    "flood",
  );
  const input = [`${JSON.stringify(call)}\n`];
  let written = "";
  let asked = 0;
  let mostAhead = 0;
  const streams: StdioStreams = {
    // Another request with every turn: the output is never idle.
    read(buffer) {
      const line = input.shift() ??
        (written.includes("all of it") ? undefined : `${echo(asked++)}\n`);
      if (line === undefined) return Promise.resolve(null);
      buffer.set(encoder.encode(line));
      return new Promise((go) => setTimeout(() => go(line.length)));
    },
    async write(bytes) {
      await new Promise((go) => setTimeout(go));
      const text = new TextDecoder().decode(bytes);
      written += text;
      mostAhead = Math.max(mostAhead, text.length);
      return bytes.length;
    },
  };
  await within(server.serveStdio({ streams, signals: false }));
  assert.equal(steps.length, 50);
  assert.ok(mostAhead < 500_000, `${mostAhead} at once`);
  assert.equal(written.split("\n").length - 1, 50 + 1 + asked);
});

Deno.test("the end comes even if nobody takes the last answers", async () => {
  const { server, clock } = makeSubject();
  const source = new MemoryStreams([encoder.encode(`${echo(1)}\n`)]);
  const streams: StdioStreams = {
    read: (buffer) => source.read(buffer),
    write: () => new Promise(() => {}),
  };
  const over = server.serveStdio({ streams, signals: false, graceMs: 100 });
  let ended = false;
  over.then(() => ended = true);
  for (let looks = 0; !ended; looks++) {
    assert.ok(looks < 100, "it waits for ever");
    await clock.advance(50);
  }
});
