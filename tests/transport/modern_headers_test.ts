import assert from "node:assert/strict";
import { makeSubject } from "./subject.ts";
import {
  ask,
  assertRefused,
  assertServes,
  base64Header,
  encodeHeaderValue,
  type HeaderSet,
  MODERN,
  modernCall,
  modernHeaders,
  post,
  VERSION_KEY,
} from "./wire.ts";

const { server, log } = makeSubject();
const SUPPORTED = [
  MODERN,
  "2025-11-25",
  "2025-06-18",
  "2025-03-26",
  "2024-11-05",
];

server.registerTool("größe 📏", {}, () => "named");
server.registerTool("=?base64?YWJj?=", {}, () => "sentinel");
server.registerTool("abc", {}, () => "decoded");

const echo = { name: "echo", arguments: { data: "x" } };
const call = (headers: HeaderSet) =>
  ask(server, "tools/call", echo, { headers, id: "call-1" });
const mismatch = (says: RegExp) => ({
  status: 400,
  code: -32020,
  says,
  id: "call-1",
});

Deno.test("MCP-Protocol-Version must be there and say what the body says", async () => {
  assertRefused(
    await call({ "mcp-protocol-version": null }),
    mismatch(/MCP-Protocol-Version is missing.*"2026-07-28"/),
  );
  for (
    const version of [
      "2025-11-25",
      "2026-07-29",
      "2027-01-01",
      "x",
      "",
      "2026-07-28, 2026-07-28",
    ]
  ) {
    assertRefused(
      await call({ "mcp-protocol-version": version }),
      mismatch(/MCP-Protocol-Version header value .* does not match/),
    );
  }
  await assertServes(server);
});

Deno.test("a version that is not spoken is refused with those that are", async () => {
  for (
    const version of [
      "2026-07-29",
      "2099-12-31",
      "2025-11-25",
      "1999-01-01",
      "draft",
      "",
    ]
  ) {
    const answer = await ask(server, "tools/call", {
      ...echo,
      _meta: { [VERSION_KEY]: version },
    }, { headers: { "mcp-protocol-version": version } });
    assertRefused(answer, { status: 400, code: -32022, id: 1 });
    assert.deepEqual(answer.body.error!.data, {
      supported: SUPPORTED,
      requested: version,
    });
  }
});

Deno.test("Mcp-Method must be there and say what the body says", async () => {
  assertRefused(
    await call({ "mcp-method": null }),
    mismatch(/Mcp-Method is missing.*"tools\/call"/),
  );
  for (
    const method of [
      "tools/list",
      "Tools/Call",
      "tools/call, tools/call",
      "",
      base64Header("tools/call"),
    ]
  ) {
    assertRefused(
      await call({ "mcp-method": method }),
      mismatch(
        /Mcp-Method header value .* does not match body value "tools\/call"/,
      ),
    );
  }
});

Deno.test("Mcp-Name must be there and say what the body says", async () => {
  assertRefused(
    await call({ "mcp-name": null }),
    mismatch(/Mcp-Name is missing, params\.name is "echo"/),
  );
  for (const name of ["any", "Echo", "", "echo, echo", base64Header("any")]) {
    assertRefused(
      await call({ "mcp-name": name }),
      mismatch(/Mcp-Name header value .* does not match params\.name "echo"/),
    );
  }
  const read = await ask(server, "resources/read", { uri: "test://fixed" }, {
    headers: { "mcp-name": "test://other" },
  });
  assertRefused(read, { status: 400, code: -32020, says: /params\.uri/ });
  const prompt = await ask(server, "prompts/get", { name: "greet" }, {
    headers: { "mcp-name": null },
  });
  assertRefused(prompt, { status: 400, code: -32020, says: /params\.name/ });
});

Deno.test("Mcp-Name is not asked for where nothing is named", async () => {
  const answer = await ask(server, "tools/list", {}, {
    headers: { "mcp-name": null },
  });
  assert.equal(answer.status, 200);
});

Deno.test("a name outside ASCII comes as base64, and any name may", async () => {
  for (const name of ["größe 📏", "echo", "=?base64?YWJj?="]) {
    const { status } = await ask(server, "tools/call", {
      name,
      arguments: { data: "x" },
    }, { headers: { "mcp-name": base64Header(name) } });
    assert.equal(status, 200, name);
  }
});

Deno.test("broken base64 and raw bytes beyond ASCII are refused", async () => {
  for (
    const value of [
      "=?base64?%%%?=",
      "=?base64?ZWNobw?=",
      "=?base64?ZWNobw=?=",
      "=?base64?ZWNo bw==?=",
      "=?base64?/w==?=", // a byte that is no UTF-8
      "=?base64?ZWNobw==?=x",
      "=?BASE64?ZWNobw==?=",
      "=?base64?",
      "ech\u00f6",
      "echo\u00a0",
    ]
  ) {
    assertRefused(
      await call({ "mcp-name": value }),
      mismatch(/Mcp-Name (?:holds invalid|header value)/),
    );
  }
});

const PARAMS = "tools/call";
const mirrored = (args: unknown, headers: HeaderSet) =>
  ask(server, PARAMS, { name: "mirrored", arguments: args }, { headers });

Deno.test("Mcp-Param-* say what the arguments say", async () => {
  const good: [args: unknown, headers: HeaderSet][] = [
    [{ region: "eu" }, { "mcp-param-region": "eu" }],
    [{ region: "eu" }, { "MCP-PARAM-REGION": "eu" }],
    [{ region: "eu" }, { "mcp-param-region": base64Header("eu") }],
    [{ region: "größe" }, { "mcp-param-region": base64Header("größe") }],
    [{ region: " padded " }, { "mcp-param-region": base64Header(" padded ") }],
    [{ region: "" }, { "mcp-param-region": "" }],
    [{ deep: { count: 42 } }, { "mcp-param-count": "42" }],
    [{ deep: { count: 42 } }, { "mcp-param-count": "42.0" }],
    [{ deep: { count: -7 } }, { "mcp-param-count": "-7.00" }],
    [{ deep: { count: 0 } }, { "mcp-param-count": "0" }],
    [{ deep: { count: 1e21 } }, {
      "mcp-param-count": "1000000000000000000000",
    }],
    [{ deep: { sure: true } }, { "mcp-param-sure": "true" }],
    [{ deep: { sure: false } }, { "mcp-param-sure": "false" }],
    [{}, {}],
    [{ region: null, deep: null }, {}],
    [{ deep: { count: null } }, {}],
    [{ deep: [] }, {}],
    [{ region: "eu" }, { "mcp-param-region": "eu", "mcp-param-stranger": "x" }],
  ];
  for (const [args, headers] of good) {
    const { status, body } = await mirrored(args, headers);
    assert.equal(status, 200, `${JSON.stringify(args)} ${body.error?.message}`);
  }
  const bad: [args: unknown, headers: HeaderSet, says: RegExp][] = [
    [{ region: "eu" }, {}, /mcp-param-region is missing.*arguments\.region/],
    [
      { region: "eu" },
      { "mcp-param-region": "us" },
      /"us" does not match arguments\.region/,
    ],
    [{ region: "eu" }, { "mcp-param-region": "EU" }, /does not match/],
    [{ region: "eu" }, { "mcp-param-region": "eu, eu" }, /does not match/],
    [
      { region: "eu" },
      { "mcp-param-region": "=?base64?eu?=" },
      /invalid characters or broken base64/,
    ],
    [
      { region: "e\u00fc" },
      { "mcp-param-region": "e\u00fc" },
      /invalid characters/,
    ],
    [{}, { "mcp-param-region": "eu" }, /is set, but arguments\.region is not/],
    [{ region: null }, { "mcp-param-region": "null" }, /is set, but/],
    [{ deep: { count: 42 } }, {}, /mcp-param-count is missing.*deep\.count/],
    [{ deep: { count: 42 } }, { "mcp-param-count": "42.1" }, /does not match/],
    [{ deep: { count: 42 } }, { "mcp-param-count": "4.2e1" }, /does not match/],
    [{ deep: { count: 42 } }, { "mcp-param-count": "0x2a" }, /does not match/],
    [{ deep: { count: 42 } }, { "mcp-param-count": " " }, /does not match/],
    [{ deep: { count: 0 } }, { "mcp-param-count": "" }, /does not match/],
    [{ deep: { sure: true } }, { "mcp-param-sure": "True" }, /does not match/],
    [{ deep: { sure: true } }, { "mcp-param-sure": "1" }, /does not match/],
    [[], { "mcp-param-region": "eu" }, /arguments/],
  ];
  for (const [args, headers, says] of bad) {
    const { status, body } = await mirrored(args, headers);
    assert.match(body.error?.message ?? "", says, JSON.stringify(args));
    if (!Array.isArray(args)) {
      assert.deepEqual([status, body.error?.code], [400, -32020]);
    }
  }
  await assertServes(server);
});

Deno.test("a declaration that breaks the rules is refused at registration", () => {
  const string = (header: unknown) => ({
    type: "string",
    "x-mcp-header": header,
  });
  const bad: [properties: unknown, says: RegExp][] = [
    [{ a: string("") }, /x-mcp-header at a must be a header name/],
    [{ a: string("has space") }, /header name/],
    [{ a: string("colon:") }, /header name/],
    [{ a: string("line\nbreak") }, /header name/],
    [{ a: string("größe") }, /header name/],
    [{ a: string(1) }, /header name/],
    [{ a: string(null) }, /header name/],
    [{ a: string("X"), b: string("x") }, /"x" is declared twice/],
    [
      { a: { type: "number", "x-mcp-header": "A" } },
      /string, an integer or a boolean/,
    ],
    [{ a: { type: "object", "x-mcp-header": "A" } }, /string, an integer/],
    [{ a: { type: "array", "x-mcp-header": "A" } }, /string, an integer/],
    [{ a: { "x-mcp-header": "A" } }, /string, an integer/],
    [{ a: { type: "array", items: string("A") } }, /reachable/],
    [{ a: { oneOf: [string("A")] } }, /reachable/],
    [
      { a: { anyOf: [{ type: "object", properties: { b: string("A") } }] } },
      /reachable/,
    ],
    [{ a: { type: "object", additionalProperties: string("A") } }, /reachable/],
    [
      { a: { type: "object", patternProperties: { b: string("A") } } },
      /reachable/,
    ],
    [{ a: { not: string("A") } }, /reachable/],
    [{ a: { if: {}, then: { properties: { b: string("A") } } } }, /reachable/],
  ];
  for (const [properties, says] of bad) {
    assert.throws(
      () =>
        makeSubject().server.registerTool("bad", {
          inputSchema: {
            type: "object",
            properties: properties as Record<string, unknown>,
          },
        }, () => "x"),
      says,
      JSON.stringify(properties),
    );
  }
  assert.throws(
    () =>
      makeSubject().server.registerTool("bad", {
        inputSchema: {
          type: "object",
          properties: {},
          $defs: { a: { type: "string", "x-mcp-header": "A" } },
        },
      }, () => "x"),
    /reachable/,
  );
});

Deno.test("a value that only looks like a declaration is none", async () => {
  const { server: other } = makeSubject();
  other.registerTool("lookalike", {
    inputSchema: {
      type: "object",
      properties: {
        a: { type: "object", default: { "x-mcp-header": 1 } },
        b: { const: { "x-mcp-header": 1 } },
        c: { enum: [{ "x-mcp-header": 1 }] },
      },
    },
  }, () => "fine");
  const { status } = await ask(other, "tools/call", { name: "lookalike" });
  assert.equal(status, 200);
});

Deno.test("notifications are accepted with 202, and refused for their version alone", async () => {
  const send = (meta: unknown, version: string | null) =>
    post(server, {
      jsonrpc: "2.0",
      method: "notifications/unheard-of",
      params: { _meta: meta },
    }, { headers: { "mcp-protocol-version": version } });
  const meta = (version: unknown) => ({ [VERSION_KEY]: version });
  for (const each of [{}, meta(MODERN), null, "x", [1]]) {
    const accepted = await send(each, MODERN);
    assert.equal(accepted.status, 202);
    assert.equal(accepted.text, "");
  }
  assert.equal((await send(meta(MODERN), null)).status, 202);
  assertRefused(await send(meta("2027-01-01"), MODERN), {
    status: 400,
    code: -32020,
    id: null,
  });
  for (const version of ["2027-01-01", 1, null, { toString: 1 }, []]) {
    assertRefused(await send(meta(version), null), {
      status: 400,
      code: -32022,
      id: null,
    });
  }
  await assertServes(server);
});

Deno.test("an answer to a question that a modern server never puts is refused", async () => {
  const answer = await post(server, { jsonrpc: "2.0", id: 1, result: {} }, {
    headers: { "mcp-protocol-version": MODERN },
  });
  assertRefused(answer, { status: 400, code: -32600, id: 1 });
});

Deno.test("a batch is no modern request", async () => {
  const message = modernCall("tools/list");
  const answer = await post(server, [message], {
    headers: modernHeaders(message),
  });
  assertRefused(answer, { status: 400, code: -32600, id: null });
});

Deno.test("a client writes every name that a header can hold as it is", () => {
  assert.equal(encodeHeaderValue("a b"), "a b");
  assert.notEqual(encodeHeaderValue(" a"), " a");
});

Deno.test("none of this was worth a line in the log", () => {
  const errors = log.filter(({ level }) => level === "error");
  assert.deepEqual(errors, []);
});
