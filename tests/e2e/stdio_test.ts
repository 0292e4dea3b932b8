import assert from "node:assert/strict";
import type { Loose } from "../support/clients.ts";
import { initialize, modernCall } from "../transport/wire.ts";

const SCRIPT = new URL("./fixtures/stdio_server.ts", import.meta.url);

const encoder = new TextEncoder();

/** A server at work as a process of its own, spoken to by hand. */
class StdioProcess implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #rest = "";
  #ended = false;

  constructor() {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-prompt", SCRIPT.pathname],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#process.stdin.getWriter();
    this.#reader = this.#process.stdout
      .pipeThrough(new TextDecoderStream("utf-8", { fatal: true })).getReader();
  }

  async write(bytes: Uint8Array | string): Promise<void> {
    await this.#writer.write(
      typeof bytes === "string" ? encoder.encode(bytes) : bytes,
    );
  }

  async send(message: unknown): Promise<void> {
    await this.write(JSON.stringify(message) + "\n");
  }

  /** The next message; `undefined` at the end. */
  async next(): Promise<Loose | undefined> {
    let newline = this.#rest.indexOf("\n");
    while (newline < 0) {
      const { value, done } = await this.#reader.read();
      if (done) {
        this.#ended = true;
        assert.equal(this.#rest, "", "the last line has its newline");
        return undefined;
      }
      this.#rest += value;
      newline = this.#rest.indexOf("\n");
    }
    const line = this.#rest.slice(0, newline);
    this.#rest = this.#rest.slice(newline + 1);
    const message = JSON.parse(line);
    assert.equal(message.jsonrpc, "2.0", `${line} is no protocol`);
    return message;
  }

  async call(message: unknown): Promise<Loose> {
    await this.send(message);
    const answer = await this.next();
    assert.ok(answer, "the output has ended");
    return answer;
  }

  /** Ends the input; resolves with the exit code and what was still said. */
  async end(): Promise<{ code: number; rest: Loose[] }> {
    await this.#writer.close();
    const rest: Loose[] = [];
    for (let each = await this.next(); each; each = await this.next()) {
      rest.push(each);
    }
    return { code: (await this.#process.status).code, rest };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) await this.end().catch(() => {});
    await this.#process.status;
  }
}

function echo(text: string, id: unknown = 1): Loose {
  return modernCall("tools/call", { name: "echo", arguments: { text } }, id);
}

function textIn({ result }: Loose): string {
  return result.content[0].text;
}

Deno.test("stdio: says nothing unasked, and ends with its input", async () => {
  await using process = new StdioProcess();
  const opened = await process.call(initialize());
  assert.equal(opened.result.serverInfo.name, "showcase");
  await process.send({ jsonrpc: "2.0", method: "notifications/initialized" });
  assert.equal(textIn(await process.call(echo("hi"))), "hi");
  assert.deepEqual(await process.end(), { code: 0, rest: [] });
});

Deno.test("stdio: answers what is in flight before it ends", async () => {
  await using process = new StdioProcess();
  await process.send(echo("one", 1));
  await process.send(
    modernCall("tools/call", {
      name: "count",
      arguments: { to: 2 },
      _meta: { progressToken: "p" },
    }, 2),
  );
  const { code, rest } = await process.end();
  assert.equal(code, 0);
  assert.deepEqual(rest.map(({ id, method }) => id ?? method), [
    1,
    "notifications/progress",
    "notifications/progress",
    2,
  ]);
});

Deno.test("stdio: a last line may lack its newline", async () => {
  await using process = new StdioProcess();
  await process.write(JSON.stringify(echo("last")));
  const { code, rest } = await process.end();
  assert.equal(code, 0);
  assert.deepEqual(rest.map(textIn), ["last"]);
});

Deno.test("stdio: takes messages in pieces, and many in one", async () => {
  await using process = new StdioProcess();
  const bytes = encoder.encode(JSON.stringify(echo("häß 😀 \u2028")) + "\r\n");
  for (let at = 0; at < bytes.length; at += 7) {
    await process.write(bytes.subarray(at, at + 7));
  }
  assert.equal(textIn((await process.next())!), "häß 😀 \u2028");

  const many = Array.from({ length: 500 }, (_, n) => echo(`text ${n}`, n));
  await process.write(many.map((each) => JSON.stringify(each)).join("\n\n"));
  await process.write("\n");
  for (let n = 0; n < many.length; n++) {
    const answer = (await process.next())!;
    assert.equal(textIn(answer), `text ${answer.id}`);
  }
});

Deno.test("stdio: a message of megabytes goes there and back", async () => {
  await using process = new StdioProcess();
  const large = "0123456789abcdef".repeat(3 * 64 * 1024);
  // Written while the answer is read: a pipe holds far less than this.
  const [, answer] = await Promise.all([
    process.send(echo(large)),
    process.next(),
  ]);
  assert.equal(textIn(answer!), large);

  const tooLarge = process.send(echo("x".repeat(5 * 1024 * 1024), 2));
  const refused = (await process.next())!;
  await tooLarge;
  assert.equal(refused.id, 2);
  assert.equal(refused.error.code, -32700);
  assert.match(refused.error.message, /4194304 bytes/);
  assert.equal(textIn(await process.call(echo("on", 3))), "on");
});

Deno.test("stdio: a broken line costs itself and no other", async () => {
  await using process = new StdioProcess();
  const broken: [what: string, line: string | Uint8Array, code: number][] = [
    ["not JSON", "{not json", -32700],
    ["cut off", '{"jsonrpc":"2.0","id":1,"method":"pi', -32700],
    ["no message", '"hello"', -32600],
    ["no method", '{"jsonrpc":"2.0","id":5}', -32600],
    ["another protocol", '{"jsonrpc":"1.0","id":5,"method":"ping"}', -32600],
    ["not UTF-8", Uint8Array.of(0x22, 0xff, 0xfe, 0x22), -32700],
    ["cut in a character", Uint8Array.of(0x22, 0xe2, 0x82), -32700],
  ];
  for (const [what, line, code] of broken) {
    await process.write(line);
    await process.write("\n");
    const { error } = (await process.next())!;
    assert.equal(error?.code, code, what);
    const answer = await process.call(echo(`after ${what}`, what));
    assert.equal(answer.id, what);
    assert.equal(textIn(answer), `after ${what}`);
  }
  assert.deepEqual(await process.end(), { code: 0, rest: [] });
});

Deno.test("stdio: both eras share one process", async () => {
  await using process = new StdioProcess();
  await process.call(initialize("2025-06-18"));
  const who = { name: "whoami", arguments: {} };
  const legacy = await process.call({
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: who,
  });
  const modern = await process.call(modernCall("tools/call", who, 2));
  assert.equal(legacy.result.structuredContent.era, "legacy");
  assert.equal(modern.result.structuredContent.era, "modern");
});
