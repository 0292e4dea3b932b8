import assert from "node:assert/strict";
import { makeSubject } from "./subject.ts";
import {
  type Answer,
  ask,
  assertRefused,
  assertServes,
  CAPABILITIES_KEY,
  initialize,
  LegacyClient,
  MODERN,
  modernCall,
  modernHeaders,
  post,
  VERSION_KEY,
} from "./wire.ts";

const LIMIT = 4 * 1024 * 1024;
const encoder = new TextEncoder();
const { server, log } = makeSubject();

const META = `"_meta":{"${VERSION_KEY}":"${MODERN}","${CAPABILITIES_KEY}":{}}`;

/** Sends the text or bytes of a modern `tools/call`, its length declared or not. */
function send(
  body: string | Uint8Array,
  { tool = "echo", declared = true }: { tool?: string; declared?: boolean } =
    {},
): Promise<Answer> {
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  return post(server, bytes, {
    headers: {
      ...modernHeaders(modernCall("tools/call", { name: tool })),
      "content-length": declared ? String(bytes.length) : null,
    },
  });
}

/** The text of a call of `any` with these arguments, as they are. */
function anyCall(args: string, id = "1"): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call",` +
    `"params":{"name":"any","arguments":${args},${META}}}`;
}

function stream(...chunks: (string | Uint8Array)[]): ReadableStream {
  return ReadableStream.from(
    chunks.map((each) =>
      typeof each === "string" ? encoder.encode(each) : each
    ),
  );
}

Deno.test("a body past the limit is refused by its declared length", async () => {
  for (
    const declared of [
      LIMIT + 1,
      "9".repeat(30),
      "1e9",
      "Infinity",
      "abc",
      `${LIMIT}, ${LIMIT}`,
    ]
  ) {
    const message = modernCall("tools/call", { name: "echo" });
    const answer = await post(server, message, {
      headers: {
        ...modernHeaders(message),
        "content-length": String(declared),
      },
    });
    assertRefused(answer, {
      status: 413,
      code: -32600,
      says: /larger than 4194304 bytes/,
      id: 1,
    });
  }
  await assertServes(server);
});

Deno.test("a body past the limit is refused while it is counted", async () => {
  const blank = encoder.encode(" ".repeat(64 * 1024));
  let pulled = 0;
  let cancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled++;
      controller.enqueue(blank);
    },
    cancel: () => {
      cancelled = true;
    },
  });
  const answer = await post(server, endless, {
    headers: modernHeaders(modernCall("tools/list")),
  });
  assertRefused(answer, { status: 413, code: -32600 });
  assert.ok(cancelled, "the rest is not read");
  assert.ok(pulled <= LIMIT / blank.length + 3, `${pulled} chunks were read`);
  await assertServes(server);
});

Deno.test("a body of exactly the limit is taken, however it comes", async () => {
  const rest = LIMIT - encoder.encode(anyCall(`{"x":""}`)).length;
  const whole = anyCall(`{"x":"${"x".repeat(rest)}"}`);
  assert.equal(encoder.encode(whole).length, LIMIT);
  assert.equal((await send(whole, { tool: "any" })).status, 200);
  const undeclared = await send(whole, { tool: "any", declared: false });
  assert.equal(undeclared.status, 200);
  const over = await send(whole + " ", { tool: "any", declared: false });
  assert.equal(over.status, 413);
});

Deno.test("the limit can be set, and must make sense", async () => {
  const { server: small } = makeSubject({ maxBodyBytes: 300 });
  await assertServes(small);
  const answer = await ask(small, "tools/call", {
    name: "echo",
    arguments: { data: "x".repeat(300) },
  });
  assertRefused(answer, { status: 413, code: -32600, says: /300 bytes/ });
});

Deno.test("what is not JSON is a parse error", async () => {
  const good = anyCall("{}");
  const broken = [
    "",
    " ",
    "{",
    "nonsense",
    "{'a':1}",
    "[1,]",
    '{"a":NaN}',
    "01",
    "\u0000",
    "undefined",
    good + "}",
    good + good,
    good.slice(0, -1),
    good.slice(0, 40),
    good.replaceAll(":", "="),
    '{"a":"\u0001"}',
    '{"a":Infinity}',
    '"\\ud800',
  ];
  for (const body of broken) {
    for (const declared of [true, false]) {
      assertRefused(await send(body, { declared }), {
        status: 400,
        code: -32700,
        says: /Parse error/,
        id: body.startsWith(`{"jsonrpc":"2.0","id":1,`) ? 1 : null,
      });
    }
  }
  await assertServes(server);
});

Deno.test("a body that breaks off is a parse error", async () => {
  const broken = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(anyCall("{}").slice(0, 50)));
    },
    pull(controller) {
      controller.error(new Error("connection reset"));
    },
  });
  const answer = await post(server, broken, {
    headers: modernHeaders(modernCall("tools/list")),
  });
  assertRefused(answer, {
    status: 400,
    code: -32700,
    says: /ended before it was complete/,
  });
  await assertServes(server);
});

Deno.test("a body in pieces of any size is put together", async () => {
  const text = anyCall(`{"x":"grüße 👋"}`);
  const bytes = encoder.encode(text);
  for (const size of [1, 2, 3, 7, 64, bytes.length]) {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      pieces.push(bytes.slice(at, at + size));
    }
    const answer = await post(server, stream(...pieces), {
      headers: modernHeaders(modernCall("tools/call", { name: "any" })),
    });
    assert.equal(answer.body.result.structuredContent.args.x, "grüße 👋");
  }
});

/** The bytes of a text in which `¿` stands for a byte that is no UTF-8. */
function mangled(text: string, bytes = [0xff]): Uint8Array {
  return Uint8Array.from(
    [...text].flatMap((char) =>
      char === "¿" ? bytes : Array.from(encoder.encode(char))
    ),
  );
}

/** JSON as Python's `json.dumps` writes it by default. */
function spaced(value: unknown): string {
  return JSON.stringify(value, null, 1)
    .replace(/\n */g, (_, offset, text) => text[offset - 1] === "," ? " " : "");
}

Deno.test("what is not UTF-8 is refused, compact or spaced, declared or not", async () => {
  const message = modernCall("tools/call", {
    name: "any",
    arguments: { a: "1¿2", list: [1, "x", { b: true }], c: null },
  });
  const wrong = [
    [0xff],
    [0xc3],
    [0xe2, 0x82],
    [0xed, 0xa0, 0x80],
    [0xc0, 0x80],
    [0xf5, 0x80, 0x80, 0x80],
    [0x80],
  ];
  for (const text of [JSON.stringify(message), spaced(message)]) {
    for (const bytes of wrong) {
      for (const declared of [true, false]) {
        const answer = await send(mangled(text, bytes), {
          tool: "any",
          declared,
        });
        assertRefused(answer, {
          status: 400,
          code: -32700,
          says: /UTF-8/,
        });
      }
    }
  }
  await assertServes(server);
});

Deno.test("U+FFFD itself is taken, raw or escaped, compact or spaced", async () => {
  const data = { a: "1\uFFFD2\uFFFD", "list": [1, "é\uFFFD", { b: true }] };
  const message = modernCall("tools/call", { name: "any", arguments: data });
  const escapes = (text: string) => text.replaceAll("\uFFFD", "\\ufffd");
  const ascii = (text: string) =>
    text.replace(
      /[^\x20-\x7e]/g,
      (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
  for (const text of [JSON.stringify(message), spaced(message)]) {
    for (const body of [text, escapes(text), ascii(text)]) {
      for (const declared of [true, false]) {
        const { body: answer } = await send(body, { tool: "any", declared });
        assert.deepEqual(answer.result?.structuredContent.args, data);
      }
    }
  }
});

Deno.test("thousands of levels are refused by the field's name", async () => {
  for (const depth of [65, 1_000, 100_000]) {
    const array = "[".repeat(depth) + "]".repeat(depth);
    const object = `{"a":`.repeat(depth) + "null" + "}".repeat(depth);
    for (const deep of [array, object]) {
      for (const declared of [true, false]) {
        const body = anyCall(`{"deep":${deep}}`);
        assertRefused(await send(body, { tool: "any", declared }), {
          status: 400,
          code: -32602,
          says: /params\.arguments\.deep.* nested deeper than 64 levels/,
          id: 1,
        });
      }
    }
  }
  await assertServes(server);
});

Deno.test("depth where nobody looks does no harm", async () => {
  const deep = "[".repeat(200_000) + "null" + "]".repeat(200_000);
  const none = await send(deep, { tool: "any" });
  assertRefused(none, { status: 400, code: -32600, id: null });
  for (const text of ["x", "\uFFFD"]) {
    const body = anyCall(`{"x":"${text}"}`).replace("{", `{"deep":${deep},`);
    const answer = await send(body, { tool: "any" });
    assert.equal(answer.body.result?.structuredContent.args.x, text);
  }
  const inMeta = anyCall("{}").replace(`"_meta":{`, `"_meta":{"x":${deep},`);
  const { body } = await send(inMeta, { tool: "any" });
  assert.ok(body.result !== undefined || body.error!.code === -32602);
  await assertServes(server);
});

Deno.test("the depth allowed can be set", async () => {
  const { server: shallow } = makeSubject({ maxDepth: 4 });
  const call = (args: unknown) =>
    ask(shallow, "tools/call", { name: "any", arguments: args });
  assert.equal((await call({ a: { b: 1 } })).status, 200);
  assertRefused(await call({ a: { b: { c: {} } } }), {
    status: 400,
    code: -32602,
    says: /params\.arguments\.a\.b\.c is nested deeper than 4/,
  });
});

Deno.test("huge arrays and objects are refused by the field's name", async () => {
  const { server: narrow } = makeSubject({ maxToolInputElements: 1_000 });
  const call = (args: unknown) =>
    ask(narrow, "tools/call", { name: "any", arguments: args });
  assert.equal((await call({ list: Array(900).fill(0) })).status, 200);
  const huge = [
    Array(1_001).fill(0),
    Array(600).fill({ a: 1 }),
    Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`k${i}`, i])),
    Array(40).fill(Array(40).fill("x")),
  ];
  for (const value of huge) {
    assertRefused(await call({ ok: 1, wide: value }), {
      status: 400,
      code: -32602,
      says: /params\.arguments\.wide.* past 1000 elements/,
    });
  }
  const default_ = await send(
    anyCall(`{"wide":[${"0,".repeat(1_000_001)}0]}`),
    {
      tool: "any",
    },
  );
  assertRefused(default_, {
    status: 400,
    code: -32602,
    says: /100000 elements/,
  });
  await assertServes(narrow);
});

Deno.test("of duplicate keys the last one wins, for the headers too", async () => {
  const body = anyCall("{}").replace(
    `"name":"any","arguments":{}`,
    `"name":"fixed","name":"echo","arguments":{"data":"first","data":"last"}`,
  );
  const { body: answer } = await send(body, { tool: "echo" });
  assert.equal(answer.result.content[0].text, "last");
  assertRefused(await send(body, { tool: "fixed" }), {
    status: 400,
    code: -32020,
  });
  const twoMethods = body.replace(
    `"method":"tools/call"`,
    `"method":"tools/list","method":"tools/call"`,
  );
  assert.equal((await send(twoMethods)).status, 200);
  const twoIds = body.replace(`"id":1`, `"id":1,"id":2`);
  assert.equal((await send(twoIds)).body.id, 2);
});

Deno.test("the key __proto__ is refused wherever a handler could meet it", async () => {
  const places = [
    `{"__proto__":{"polluted":true}}`,
    `{"a":{"b":[{"__proto__":1}]}}`,
    `{"\\u005f_proto__":{"polluted":true}}`,
  ];
  for (const args of places) {
    assertRefused(await send(anyCall(args), { tool: "any" }), {
      status: 400,
      code: -32602,
      says: /params\.arguments.*__proto__ is not an allowed key/,
    });
  }
  const inParams = anyCall("{}").replace(
    `"params":{`,
    `"params":{"__proto__":{"polluted":true},`,
  );
  assertRefused(await send(inParams, { tool: "any" }), {
    status: 400,
    code: -32602,
    says: /params\.__proto__/,
  });
  const { body } = await send(
    anyCall(`{"constructor":{"prototype":{"polluted":true}},"toString":1}`),
    { tool: "any" },
  );
  assert.equal(body.result.structuredContent.args.toString, 1);
  assert.equal((({}) as Record<string, unknown>).polluted, undefined);
  await assertServes(server);
});

Deno.test("ids are strings and whole numbers", async () => {
  const good = [
    "0",
    "-1",
    "9007199254740991",
    `""`,
    `"a b"`,
    `"\\u0000"`,
    `"é"`,
    "1.0",
    "1e3",
    `"__proto__"`,
  ];
  for (const id of good) {
    const { status, body } = await send(anyCall("{}", id), { tool: "any" });
    assert.equal(status, 200, id);
    assert.deepEqual(body.id, JSON.parse(id));
  }
  const large = [
    "9007199254740993",
    "-9007199254740995",
    "1e21",
    "9".repeat(40),
  ];
  for (const id of large) {
    const { status, text } = await send(anyCall("{}", id), { tool: "any" });
    assert.equal(status, 200, id);
    assert.ok(text.startsWith(`{"jsonrpc":"2.0","id":${id},"result"`), text);
  }
  const bad = [
    "null",
    "true",
    "false",
    "1.5",
    "1e999",
    "-1e999",
    "9".repeat(400),
    "{}",
    "[]",
    "[1]",
    `{"a":1}`,
  ];
  for (const id of bad) {
    assertRefused(await send(anyCall("{}", id), { tool: "any" }), {
      status: 400,
      code: -32600,
      says: /id must be a string or a whole number/,
      id: null,
    });
  }
  await assertServes(server);
});

Deno.test("numbers that JSON can't write back are met by the schema", async () => {
  const call = (number: string) =>
    send(
      anyCall(`{"to":{"x":${number},"y":0}}`).replace(`"any"`, `"move"`),
      { tool: "move" },
    );
  for (const number of ["1e999", "-1e999", "1.5", "1e300", `"NaN"`, "null"]) {
    const { status, body } = await call(number);
    assert.equal(status, 200);
    assert.equal(body.result.isError, true, number);
    assert.match(body.result.content[0].text, /to\.x/);
  }
  assert.equal((await call("-0")).body.result.content[0].text, "0,0");
  assert.equal((await call("1E2")).body.result.content[0].text, "100,0");
  for (const number of ["NaN", "Infinity", "+1", ".5", "0x10", "1_000"]) {
    assertRefused(await call(number), { status: 400, code: -32700 });
  }
  // `any` echoes what it gets: that Infinity has no form is said, not hidden.
  const { body } = await send(anyCall(`{"x":1e999}`), { tool: "any" });
  assert.equal(body.result.isError, true);
  assert.match(
    body.result.content[0].text,
    /^Infinity can't be sent as JSON \(structuredContent\.args\.x\)/,
  );
  assert.equal(log.splice(0).length, 1);
});

const envelopes: [body: string, says: RegExp][] = [
  [`{"jsonrpc":"1.0","id":7,"method":"ping"}`, /jsonrpc must be "2\.0"/],
  [`{"jsonrpc":2.0,"id":7,"method":"ping"}`, /jsonrpc/],
  [`{"id":7,"method":"ping"}`, /jsonrpc/],
  [`{"jsonrpc":"2.0","id":7}`, /method must be a string/],
  [`{"jsonrpc":"2.0","id":7,"method":null}`, /method/],
  [`{"jsonrpc":"2.0","id":7,"method":1}`, /method/],
  [`{"jsonrpc":"2.0","id":7,"method":["ping"]}`, /method/],
  [
    `{"jsonrpc":"2.0","id":7,"method":"ping","params":[]}`,
    /params must be an object/,
  ],
  [`{"jsonrpc":"2.0","id":7,"method":"ping","params":"x"}`, /params/],
  [`{"jsonrpc":"2.0","id":7,"method":"ping","params":1}`, /params/],
];

Deno.test("a broken envelope is an invalid request that names the field", async () => {
  for (const version of [MODERN, "2025-11-25", null]) {
    for (const [body, says] of envelopes) {
      const answer = await post(server, body, {
        headers: { "mcp-protocol-version": version },
      });
      assertRefused(answer, { status: 400, code: -32600, says, id: 7 });
    }
    for (const body of ["null", "1", `"x"`, "true", "0", `""`]) {
      const answer = await post(server, body, {
        headers: { "mcp-protocol-version": version },
      });
      assertRefused(answer, {
        status: 400,
        code: -32600,
        says: /must be a JSON object/,
        id: null,
      });
    }
  }
  await assertServes(server);
});

Deno.test("a legacy body meets the same limits", async () => {
  const client = await LegacyClient.open(server);
  const deep = "[".repeat(1_000) + "]".repeat(1_000);
  const call = (args: string) =>
    client.post(
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"any","arguments":${args}}}`,
    );
  assertRefused(await call(`{"a":${deep}}`), {
    status: 400,
    code: -32602,
    says: /nested deeper/,
  });
  assertRefused(await call(`{"__proto__":1}`), { status: 400, code: -32602 });
  assertRefused(await call(`{"a":`), { status: 400, code: -32700 });
  assertRefused(await call(" ".repeat(LIMIT)), { status: 413, code: -32600 });
  assertRefused(
    await client.post(
      JSON.stringify([{
        jsonrpc: "2.0",
        id: 1,
        result: {},
        params: "x".repeat(3_000_000),
      }]),
    ),
    { status: 400, code: -32600 },
  );
  assert.equal((await call("{}")).status, 200);
  await client.end();
  assert.equal((await post(server, initialize())).status, 200);
});

Deno.test("none of this was worth a line in the log", () => {
  assert.deepEqual(log, []);
});
