import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteInput } from "../../src/pool/http/http1/byte_input.ts";
import { bodyAfter } from "../../src/pool/http/http1/http1_body.ts";
import { readHead } from "../../src/pool/http/http1/http1_head.ts";
import { TripError } from "../../src/pool/http/transport.ts";

const encoder = new TextEncoder();

/** Gives a text's bytes in pieces of the sizes given, over and over. */
function inputOf(text: string | Uint8Array, sizes = [Infinity]): ByteInput {
  const bytes = typeof text === "string" ? encoder.encode(text) : text;
  let at = 0;
  let turn = 0;
  return new ByteInput((into) => {
    if (at === bytes.length) return Promise.resolve(null);
    const size = Math.min(
      sizes[turn++ % sizes.length],
      into.length,
      bytes.length - at,
    );
    into.set(bytes.subarray(at, at + size));
    at += size;
    return Promise.resolve(size);
  });
}

async function readAll(input: ByteInput, method = "GET") {
  const head = await readHead(input);
  const body = bodyAfter(head, method, input);
  const pieces: number[] = [];
  for (;;) {
    const piece = await body?.read();
    if (piece === undefined) break;
    assert.notEqual(piece.length, 0);
    pieces.push(...piece);
  }
  return {
    status: head.status,
    statusText: head.statusText,
    headers: [...head.toHeaders()],
    body: body && new TextDecoder().decode(new Uint8Array(pieces)),
    keepsConnection: head.keepsConnection,
    isOver: body?.isOver ?? true,
    rest: new TextDecoder().decode(input.here),
  };
}

function chunked(body: string, sizes: number[]): string {
  let text = "";
  let at = 0;
  for (let turn = 0; at < body.length; turn++) {
    const chunk = body.slice(at, at + sizes[turn % sizes.length]);
    text += `${chunk.length.toString(16)};x="y"\r\n${chunk}\r\n`;
    at += chunk.length;
  }
  return `${text}0\r\nx-trailer: 1\r\n\r\n`;
}

Deno.test("a response is the same in whatever pieces it comes", async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), {
    minLength: 1,
    maxLength: 8,
  });
  const token = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/);
  const value = fc.stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/);
  await fc.assert(fc.asyncProperty(
    fc.stringMatching(/^[ -~]{0,300}$/),
    fc.dictionary(token.map((name) => `x-${name}`), value, { maxKeys: 6 }),
    sizes,
    sizes,
    fc.constantFrom("length", "chunked", "end"),
    async (body, headers, cuts, chunks, framing) => {
      const lines = Object.entries(headers)
        .map(([name, value]) => `${name.toUpperCase()}: \t${value} \r\n`);
      const head = `HTTP/1.1 200 Fine\r\n${lines.join("")}`;
      const text = framing === "length"
        ? `${head}Content-Length: ${body.length}\r\n\r\n${body}next`
        : framing === "chunked"
        ? `${head}Transfer-Encoding: Chunked\r\n\r\n${
          chunked(body, chunks)
        }next`
        : `${head}\r\n${body}`;
      const got = await readAll(inputOf(text, cuts));
      assert.equal(got.body, body);
      assert.equal(got.status, 200);
      assert.equal(got.statusText, "Fine");
      assert.ok(got.isOver);
      for (const [name, value] of Object.entries(headers)) {
        assert.equal(new Headers(got.headers).get(name), value);
      }
      if (framing !== "end") assert.ok("next".startsWith(got.rest));
    },
  ));
});

Deno.test("a response cut off anywhere is never taken for a whole one", async () => {
  for (
    const text of [
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${
        chunked("hello world", [4])
      }`,
    ]
  ) {
    for (let end = 0; end < text.length; end++) {
      await assert.rejects(
        readAll(inputOf(text.slice(0, end))),
        TripError,
        JSON.stringify(text.slice(0, end)),
      );
    }
    await readAll(inputOf(text));
  }
});

Deno.test("what is no HTTP/1.1 is refused by name", async () => {
  const ok = "HTTP/1.1 200 OK\r\n";
  const chunks = `${ok}transfer-encoding: chunked\r\n\r\n`;
  const cases: [text: string, why: RegExp][] = [
    ["BONJOUR\r\n\r\n", /something else than HTTP\/1\.1/],
    ["HTTP/2.0 200 OK\r\n\r\n", /something else/],
    ["HTTP/1.1 20 OK\r\n\r\n", /something else/],
    ["HTTP/1.1 099 OK\r\n\r\n", /something else/],
    ["HTTP/1.1  200 OK\r\n\r\n", /something else/],
    ["HTTP/1.1 200 O\0K\r\n\r\n", /something else/],
    [`${ok}no colon\r\n\r\n`, /something else/],
    [`${ok}: no name\r\n\r\n`, /something else/],
    [`${ok}spaced : name\r\n\r\n`, /something else/],
    [`${ok}folded: a\r\n b\r\n\r\n`, /something else/],
    [`${ok}bare: a\nb: c\r\n\r\n`, /something else/],
    [`${ok}nul: a\0b\r\n\r\n`, /something else/],
    [`${ok}content-length: 1 2\r\n\r\n`, /content-length "1 2"/],
    [`${ok}content-length: -1\r\n\r\n`, /content-length "-1"/],
    [`${ok}content-length: 0x1\r\n\r\n`, /content-length/],
    [
      `${ok}content-length: 3\r\ncontent-length: 4\r\n\r\nabcd`,
      /content-length "3, 4"/,
    ],
    [`${ok}content-length: 99999999999999999\r\n\r\n`, /content-length/],
    [`${ok}transfer-encoding: gzip, chunked\r\n\r\n`, /transfer-encoding/],
    [`${ok}transfer-encoding: identity\r\n\r\n`, /transfer-encoding/],
    [
      "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
      /transfer-encoding/,
    ],
    ["HTTP/1.1 101 Switching\r\n\r\n", /switching/],
    [`${chunks}x\r\n`, /no length/],
    [`${chunks}-1\r\n`, /no length/],
    [`${chunks}1 2\r\nab`, /no length/],
    [`${chunks}ffffffffffffffff\r\n`, /no length/],
    [`${chunks}2\r\nabc\r\n0\r\n\r\n`, /longer than it said/],
    [`${chunks}2\nab\n0\n\n`, /not HTTP\/1\.1/],
    [`${chunks}${"1".repeat(20_000)}`, /not HTTP\/1\.1/],
    [`${chunks}0\r\n${"x: y\r\n".repeat(5_000)}\r\n`, /endless trailers/],
    [`${ok}long: ${"x".repeat(70_000)}\r\n\r\n`, /more than 65536 bytes/],
    [`${ok}${"a:\r\n".repeat(1_001)}\r\n`, /more than 1000 headers/],
    ["HTTP/1.1 100 Go on\r\n\r\n".repeat(4_000), /more than 65536 bytes/],
  ];
  for (const [text, why] of cases) {
    await assert.rejects(
      readAll(inputOf(text)),
      (error) =>
        error instanceof TripError && error.sent && why.test(error.message),
      JSON.stringify(text.slice(0, 80)),
    );
  }
});

Deno.test("a head says what its response has, and what becomes of its connection", async () => {
  const keeps = async (text: string, method?: string) => {
    const { body, keepsConnection, rest } = await readAll(
      inputOf(text),
      method,
    );
    return [body, keepsConnection, rest];
  };
  const ok = "HTTP/1.1 200 OK\r\n";
  assert.deepEqual(await keeps(`${ok}content-length: 0\r\n\r\n`), [
    "",
    true,
    "",
  ]);
  assert.deepEqual(
    await keeps(`${ok}content-length: 9\r\n\r\n`, "HEAD"),
    [undefined, true, ""],
  );
  assert.deepEqual(
    await keeps("HTTP/1.1 304\r\ncontent-length: 9\r\n\r\n"),
    [undefined, true, ""],
  );
  assert.deepEqual(
    await keeps("HTTP/1.1 204 \r\n\r\nleft"),
    [undefined, true, "left"],
  );
  assert.deepEqual(
    await keeps(`${ok}connection: x, Close\r\ncontent-length: 1\r\n\r\na`),
    ["a", false, ""],
  );
  assert.deepEqual(
    await keeps(
      `${ok}content-length: 1\r\ncontent-length: 1\r\n\r\na`,
    ),
    ["a", true, ""],
  );
  assert.deepEqual(
    await keeps("HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na"),
    ["a", false, ""],
  );
  assert.deepEqual(
    await keeps(
      "HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 1\r\n\r\na",
    ),
    ["a", true, ""],
  );
  assert.deepEqual(
    await keeps(
      `${ok}content-length: 9\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`,
    ),
    ["a", false, ""],
  );
  assert.deepEqual(
    await keeps(
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: </a>\r\n\r\n${ok}content-length: 1\r\n\r\na`,
    ),
    ["a", true, ""],
  );
});

Deno.test("bytes beyond ASCII in a head are one character each", async () => {
  const bytes = Uint8Array.from(
    "HTTP/1.1 200 Fran\xe7ais\r\nx-name: J\xfcrgen\r\ncontent-length: 0\r\n\r\n",
    (char) => char.charCodeAt(0),
  );
  const { statusText, headers } = await readAll(inputOf(bytes));
  assert.equal(statusText, "Fran\xe7ais");
  assert.equal(new Headers(headers).get("x-name"), "J\xfcrgen");
  const utf8 = await readAll(
    inputOf("HTTP/1.1 200 OK\r\nx-name: Jürgen\r\ncontent-length: 0\r\n\r\n"),
  );
  assert.equal(new Headers(utf8.headers).get("x-name"), "J\xc3\xbcrgen");
});

Deno.test("cookies are not joined into one", async () => {
  const { headers } = await readAll(inputOf(
    "HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nx: 1\r\nX: 2\r\ncontent-length: 0\r\n\r\n",
  ));
  assert.deepEqual(new Headers(headers).getSetCookie(), ["a=1", "b=2"]);
  assert.equal(new Headers(headers).get("x"), "1, 2");
});
