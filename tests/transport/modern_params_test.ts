import assert from "node:assert/strict";
import { z } from "zod";
import type { JsonObject } from "../../mod.ts";
import { makeSubject } from "./subject.ts";
import {
  ask,
  assertRefused,
  assertServes,
  CAPABILITIES_KEY,
  MODERN,
  post,
  VERSION_KEY,
} from "./wire.ts";

const { server, log } = makeSubject({ pageSize: 2 });
const TASKS = "io.modelcontextprotocol/tasks";
const knowsTasks = { [CAPABILITIES_KEY]: { extensions: { [TASKS]: {} } } };

/** Sends a request whose `_meta` is exactly this. */
function withMeta(_meta: unknown) {
  const message = {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/list",
    params: { _meta },
  };
  return post(server, message, {
    headers: { "mcp-protocol-version": MODERN, "mcp-method": "tools/list" },
  });
}

Deno.test("_meta must hold what the revision asks for", async () => {
  const whole = { [VERSION_KEY]: MODERN, [CAPABILITIES_KEY]: {} };
  const LOG = "io.modelcontextprotocol/logLevel";
  const INFO = "io.modelcontextprotocol/clientInfo";
  const bad: [meta: unknown, says: RegExp][] = [
    [undefined, /_meta is required/],
    [null, /_meta/],
    ["x", /_meta/],
    [[], /_meta/],
    [{}, /protocolVersion.*required/],
    [{ ...whole, [VERSION_KEY]: undefined }, /protocolVersion/],
    [{ ...whole, [VERSION_KEY]: null }, /protocolVersion/],
    [{ ...whole, [VERSION_KEY]: 20260728 }, /protocolVersion/],
    [{ ...whole, [VERSION_KEY]: [MODERN] }, /protocolVersion/],
    [{ [VERSION_KEY]: MODERN }, /clientCapabilities.*required/],
    [{ ...whole, [CAPABILITIES_KEY]: null }, /clientCapabilities/],
    [{ ...whole, [CAPABILITIES_KEY]: "x" }, /clientCapabilities/],
    [{ ...whole, [CAPABILITIES_KEY]: [] }, /clientCapabilities/],
    [{ ...whole, [INFO]: "me" }, /clientInfo.* must be an object/],
    [{ ...whole, [LOG]: "loud" }, /logLevel.*must be one of debug, info/],
    [{ ...whole, [LOG]: 3 }, /logLevel/],
    [
      { ...whole, progressToken: {} },
      /progressToken.*string or a whole number/,
    ],
    [{ ...whole, progressToken: 1.5 }, /progressToken/],
    [{ ...whole, progressToken: true }, /progressToken/],
    [{ ...whole, progressToken: [1] }, /progressToken/],
  ];
  for (const [meta, says] of bad) {
    assertRefused(await withMeta(meta), {
      status: 400,
      code: -32602,
      says,
      id: 1,
    });
  }
  const good = [
    whole,
    { ...whole, [LOG]: "emergency", progressToken: "", "x.y/z": [1, { a: 2 }] },
    { ...whole, progressToken: 0, [INFO]: { name: "a", version: "b" } },
    { ...whole, progressToken: null, [INFO]: null, [LOG]: null },
  ];
  for (const meta of good) assert.equal((await withMeta(meta)).status, 200);
  await assertServes(server);
});

const unknown: [
  method: string,
  params: JsonObject,
  code: number,
  says: RegExp,
][] = [
  ["tools/call", { name: "nobody" }, -32602, /Tool nobody not found/],
  ["tools/call", { name: "__proto__" }, -32602, /__proto__ not found/],
  ["tools/call", { name: "constructor" }, -32602, /not found/],
  ["tools/call", { name: "" }, -32602, /not found/],
  ["tools/call", {}, -32602, /name must be a string/],
  ["tools/call", { name: 1 }, -32602, /name must be a string/],
  ["tools/call", { name: ["echo"] }, -32602, /name must be a string/],
  [
    "tools/call",
    { name: "echo", arguments: [] },
    -32602,
    /arguments must be an object/,
  ],
  ["tools/call", { name: "echo", arguments: "x" }, -32602, /arguments/],
  ["tools/call", { name: "echo", arguments: 0 }, -32602, /arguments/],
  ["prompts/get", { name: "nobody" }, -32602, /Prompt nobody not found/],
  ["prompts/get", { name: null }, -32602, /name must be a string/],
  [
    "prompts/get",
    { name: "greet", arguments: [] },
    -32602,
    /arguments must be an object/,
  ],
  ["prompts/get", { name: "greet" }, -32602, /greet.*name/],
  ["prompts/get", { name: "greet", arguments: { name: 5 } }, -32602, /name/],
  [
    "resources/read",
    { uri: "test://nothing/here" },
    -32602,
    /test:\/\/nothing\/here/,
  ],
  ["resources/read", { uri: "no uri" }, -32602, /"no uri" is not a URI/],
  ["resources/read", { uri: "" }, -32602, /uri/],
  ["resources/read", { uri: {} }, -32602, /uri must be a string/],
  ["resources/read", {}, -32602, /uri must be a string/],
  ["completion/complete", {}, -32602, /argument/],
  [
    "completion/complete",
    { argument: { name: "name", value: 1 } },
    -32602,
    /argument/,
  ],
  [
    "completion/complete",
    { argument: { name: "name", value: "" } },
    -32602,
    /ref/,
  ],
  [
    "completion/complete",
    { argument: { name: "n", value: "" }, ref: { type: "ref/tool" } },
    -32602,
    /ref\.type/,
  ],
  [
    "completion/complete",
    { argument: { name: "n", value: "" }, ref: { type: "ref/prompt" } },
    -32602,
    /ref\.name must be a string/,
  ],
  [
    "completion/complete",
    {
      argument: { name: "n", value: "" },
      ref: { type: "ref/prompt", name: { toString: 1 } },
    },
    -32602,
    /ref\.name/,
  ],
  [
    "completion/complete",
    {
      argument: { name: "n", value: "" },
      ref: { type: "ref/resource", uri: 1 },
    },
    -32602,
    /ref\.uri/,
  ],
  [
    "completion/complete",
    {
      argument: { name: "n", value: "" },
      ref: { type: "ref/prompt", name: "nobody" },
    },
    -32602,
    /nobody/,
  ],
  [
    "completion/complete",
    {
      argument: { name: "n", value: "" },
      ref: { type: "ref/resource", uri: "x://{y}" },
    },
    -32602,
    /x:\/\/\{y\}/,
  ],
  [
    "tasks/get",
    { taskId: 1, _meta: knowsTasks },
    -32602,
    /taskId must be a string/,
  ],
  ["tasks/get", { taskId: "nobody", _meta: knowsTasks }, -32602, /nobody/],
  ["tasks/cancel", { taskId: "nobody", _meta: knowsTasks }, -32602, /nobody/],
  ["tasks/update", { taskId: "nobody", _meta: knowsTasks }, -32602, /nobody/],
];

Deno.test("what there is not is refused by its name, under 200", async () => {
  for (const [method, params, code, says] of unknown) {
    const answer = await ask(server, method, params);
    assertRefused(answer, { status: 200, code, says, id: 1 });
  }
  await assertServes(server);
});

Deno.test("a method that there is not is 404, whoever asks", async () => {
  for (
    const method of [
      "tools/delete",
      "initialize",
      "ping",
      "logging/setLevel",
      "resources/subscribe",
      "",
      "__proto__",
      "toString",
      "rpc.discover",
    ]
  ) {
    assertRefused(await ask(server, method), {
      status: 404,
      code: -32601,
      says: /Method not found/,
      id: 1,
    });
  }
});

Deno.test("arguments that miss the schema come back as the field's name", async () => {
  const bad: [args: unknown, says: RegExp][] = [
    [undefined, /Invalid arguments for tool move.*to/],
    [{}, /to: /],
    [{ to: null }, /to: /],
    [{ to: { x: 1 } }, /to\.y: /],
    [{ to: { x: "1", y: 1.5 } }, /to\.x: .*to\.y: /],
    [{ to: { x: 1, y: 2 }, steps: [1, 2, "x"] }, /steps\.2: /],
    [{ to: { x: 1, y: 2 }, steps: { length: 1 } }, /steps: /],
  ];
  for (const [args, says] of bad) {
    const { status, body } = await ask(server, "tools/call", {
      name: "move",
      arguments: args,
    });
    assert.equal(status, 200);
    assert.equal(body.result.isError, true);
    assert.match(body.result.content[0].text, says);
  }
});

Deno.test("arguments that miss a plain JSON Schema come back likewise", async () => {
  const { server: plain } = makeSubject();
  plain.registerTool("plain", {
    inputSchema: {
      type: "object",
      properties: { list: { type: "array", items: { type: "integer" } } },
      required: ["list"],
      additionalProperties: false,
    },
  }, () => "x");
  const bad: [args: unknown, says: RegExp][] = [
    [{}, /list/],
    [{ list: [1, "2"] }, /list\.1: must be integer/],
    [{ list: [], extra: 1 }, /additional.*extra/],
  ];
  for (const [args, says] of bad) {
    const { body } = await ask(plain, "tools/call", {
      name: "plain",
      arguments: args,
    });
    assert.equal(body.result.isError, true);
    assert.match(body.result.content[0].text, says);
  }
});

Deno.test("a tool without a schema takes no notice of arguments", async () => {
  const { server: other } = makeSubject();
  other.registerTool("none", {}, (...args: unknown[]) => `${args.length}`);
  const { body } = await ask(other, "tools/call", {
    name: "none",
    arguments: { a: 1 },
  });
  assert.equal(body.result.content[0].text, "1");
});

Deno.test("a tool that is taken away while it is called for is refused, and the rest go on", async () => {
  const { server: other } = makeSubject();
  const tool = other.registerTool("fleeting", {}, () => "here");
  const call = () => ask(other, "tools/call", { name: "fleeting" });
  assert.equal((await call()).status, 200);
  tool.disable();
  assertRefused(await call(), { status: 200, code: -32602, says: /disabled/ });
  tool.remove();
  assertRefused(await call(), { status: 200, code: -32602, says: /not found/ });
  await assertServes(other);
});

Deno.test("cursors that are none are refused", async () => {
  const first = await ask(server, "tools/list");
  const { nextCursor } = first.body.result;
  assert.equal(typeof nextCursor, "string");
  const next = await ask(server, "tools/list", { cursor: nextCursor });
  assert.notDeepEqual(next.body.result.tools, first.body.result.tools);
  const bad = [
    1,
    {},
    [],
    true,
    "",
    "x",
    "%%%",
    nextCursor + "x",
    nextCursor.slice(1),
    btoa("1 nobody"),
    btoa("-1 echo"),
    btoa("1e9 x"),
    btoa("x".repeat(100_000)),
    "é",
    "\u0000",
  ];
  for (
    const method of [
      "tools/list",
      "prompts/list",
      "resources/list",
      "resources/templates/list",
    ]
  ) {
    for (const cursor of bad) {
      assertRefused(await ask(server, method, { cursor }), {
        status: 200,
        code: -32602,
        says: /cursor/,
        id: 1,
      });
    }
  }
  await assertServes(server);
});

Deno.test("a cursor goes on where it was although its entry has moved", async () => {
  const { server: other } = makeSubject({ pageSize: 2 });
  const names = async (cursor?: string) => {
    const { body } = await ask(other, "tools/list", cursor ? { cursor } : {});
    return {
      names: body.result.tools.map(({ name }: { name: string }) => name),
      next: body.result.nextCursor,
    };
  };
  const first = await names();
  const expected = (await names(first.next)).names;
  const before = other.registerTool("added", {}, () => "x");
  assert.deepEqual((await names(first.next)).names, expected);
  before.remove();
  assert.deepEqual((await names(first.next)).names, expected);
});

Deno.test("subscriptions/listen must be told what to listen to", async () => {
  const bad: [notifications: unknown, says: RegExp][] = [
    [undefined, /notifications must be an object/],
    [null, /notifications/],
    [[], /notifications/],
    ["toolsListChanged", /notifications/],
    [
      { resourceSubscriptions: "test://fixed" },
      /notifications\.resourceSubscriptions must be an array/,
    ],
    [{ resourceSubscriptions: [1] }, /resourceSubscriptions/],
    [{ resourceSubscriptions: {} }, /resourceSubscriptions/],
    [{ resourceSubscriptions: Array(1_001).fill("x://y") }, /at most 1000/],
  ];
  for (const [notifications, says] of bad) {
    const answer = await ask(server, "subscriptions/listen", { notifications });
    assertRefused(answer, { status: 200, code: -32602, says, id: 1 });
  }
  const watching = { notifications: { taskIds: ["a"] } };
  assertRefused(await ask(server, "subscriptions/listen", watching), {
    status: 400,
    code: -32021,
  });
  const wrong = { notifications: { taskIds: "a" }, _meta: knowsTasks };
  assertRefused(await ask(server, "subscriptions/listen", wrong), {
    status: 200,
    code: -32602,
    says: /taskIds/,
  });
  assert.equal(server.stats.subscriptions, 0);
  await assertServes(server);
});

Deno.test("tasks are for clients that declare the extension", async () => {
  for (
    const capabilities of [{}, { extensions: null }, { extensions: [] }, {
      extensions: { other: {} },
    }]
  ) {
    const answer = await ask(server, "tasks/get", {
      taskId: "x",
      _meta: { [CAPABILITIES_KEY]: capabilities },
    });
    assertRefused(answer, { status: 400, code: -32021 });
    assert.deepEqual(answer.body.error!.data, {
      requiredCapabilities: { extensions: { [TASKS]: {} } },
    });
  }
});

Deno.test("what an author's method must be given is said by its name", async () => {
  const { server: other } = makeSubject();
  other.server.setRequestHandler("acme/search", {
    params: z.object({ query: z.string() }),
  }, ({ query }) => ({ found: query }));
  const good = await ask(other, "acme/search", { query: "x" });
  assert.equal(good.body.result.found, "x");
  assertRefused(await ask(other, "acme/search", { query: 1 }), {
    status: 200,
    code: -32602,
    says: /acme\/search.*query/,
  });
});

Deno.test("none of this was worth a line in the log", () => {
  assert.deepEqual(log, []);
});
