import assert from "node:assert/strict";
import { type Extension, type ExtensionHost, McpServer } from "../../mod.ts";
import { eventually } from "../support/eventually.ts";
import { ask, LegacyClient } from "../transport/wire.ts";

const info = { name: "t", version: "1" };
const ID = "com.example/notes";

/** An extension as an author outside would write it. */
class Notes implements Extension, AsyncDisposable {
  readonly id = ID;
  readonly settings = { search: true };
  readonly namedBy = { "notes/get": "note" };
  readonly methods = {
    "notes/get": ({ note }: Record<string, unknown>) => ({ text: `${note}!` }),
    "notes/private": (
      _params: Record<string, unknown>,
      ctx: Parameters<ExtensionHost["require"]>[0],
    ) => {
      this.host.require(ctx);
      return {};
    },
  };
  readonly topics = {
    notes: (keys: readonly string[]) => keys.filter((key) => key !== "secret"),
  };
  readonly seen: string[] = [];
  readonly beforeTool = ({ name }: { name: string }) => {
    this.seen.push(name);
    if (name === "barred") throw new Error("not today");
  };
  readonly around: Extension["around"] = async (request, next) => {
    const result = await next(request);
    if (request.method !== "notes/get") return result;
    return { ...result, _meta: { ...result._meta as object, noted: true } };
  };
  host!: ExtensionHost;
  closed = false;

  attach(host: ExtensionHost): void {
    this.host = host;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

function subject() {
  const notes = new Notes();
  const server = new McpServer(info, { log: () => {}, extensions: [notes] });
  server.registerTool("open", {}, () => "in");
  server.registerTool("barred", {}, () => "in");
  return { notes, server };
}

Deno.test("an author's extension is declared and answers its methods in both eras", async () => {
  const { notes, server } = subject();
  const { capabilities } = await server.call("server/discover");
  const { extensions } = capabilities as { extensions: object };
  assert.deepEqual(Object.keys(extensions), [
    "io.modelcontextprotocol/tasks",
    ID,
  ]);
  const result = await server.call("notes/get", { note: "n1" });
  assert.equal(result.text, "n1!");
  assert.equal((result._meta as Record<string, unknown>).noted, true);
  await server.close();
  assert.equal(notes.closed, true);
});

Deno.test("Mcp-Name mirrors what an extension says it does", async () => {
  const { server } = subject();
  const call = (name: string) =>
    ask(server, "notes/get", { note: "n1" }, { headers: { "mcp-name": name } });
  assert.equal((await call("n1")).status, 200);
  const refused = await call("n2");
  assert.equal(refused.status, 400);
  assert.match(JSON.stringify(refused.body), /params\.note/);
  await server.close();
});

Deno.test("an extension may demand that its client knows it", async () => {
  const { server } = subject();
  await assert.rejects(
    server.call("notes/private"),
    /client capability|requires|capabilities/i,
  );
  const knowing = { capabilities: { extensions: { [ID]: {} } } };
  assert.equal(
    (await server.call("notes/private", {}, knowing)).resultType,
    "complete",
  );
  await server.close();
});

Deno.test("an extension looks at tools before they run", async () => {
  const { notes, server } = subject();
  await server.call("tools/call", { name: "open" });
  await assert.rejects(
    server.call("tools/call", { name: "barred" }),
    /not today/,
  );
  assert.deepEqual(notes.seen, ["open", "barred"]);
  await server.close();
});

Deno.test("an extension's topics are listened to, as far as it allows", async () => {
  const { notes, server } = subject();
  const heard: { method: string; params?: Record<string, unknown> }[] = [];
  const leave = new AbortController();
  const listening = server.call("subscriptions/listen", {
    notifications: { notes: ["a", "secret"] },
  }, {
    signal: leave.signal,
    onNotification: (each) => heard.push(each),
  });
  await eventually(() => heard.length > 0);
  assert.deepEqual(heard[0].params?.notifications, { notes: ["a"] });
  const notice = { method: "notifications/notes", params: { at: 1 } };
  notes.host.publish("notes", "secret", notice);
  notes.host.publish("notes", "a", notice);
  assert.equal(heard.length, 2);
  assert.equal(heard[1].method, "notifications/notes");
  leave.abort(new Error("enough"));
  await assert.rejects(listening, /enough/);
  await server.close();
});

/** A server with an extension that breaks its word, and what its log says. */
function broken(members: object) {
  const logged: string[] = [];
  const server = new McpServer(info, {
    log: ({ message }) => logged.push(message),
    extensions: [{ id: ID, ...members } as Extension],
  });
  server.registerTool("open", {}, () => "in");
  return { server, logged };
}

const LISTEN = ["subscriptions/listen", { notifications: { notes: ["a"] } }];
const CALL = ["tools/call", { name: "open" }];

/** Each with what is called, and what the error and the log say. */
const BROKEN: [members: object, called: unknown[], says: RegExp][] = [
  [
    { topics: { notes: () => undefined } },
    LISTEN,
    /notes: topics\.notes must return an array of strings, got undefined/,
  ],
  [
    { topics: { notes: () => Promise.resolve([1]) } },
    LISTEN,
    /notes: topics\.notes must return an array of strings, got an array of 1/,
  ],
  [
    {
      around: async (request: unknown, next: (_: unknown) => unknown) => {
        await next(request);
      },
    },
    CALL,
    /notes: around must return a result, got undefined/,
  ],
  [
    { beforeTool: () => Promise.reject(new Error("not today")) },
    CALL,
    /notes: beforeTool must not be async/,
  ],
];

for (const [members, [method, params], says] of BROKEN) {
  Deno.test(`an extension that breaks its word is named: ${says.source}`, async () => {
    const { server, logged } = broken(members);
    await assert.rejects(
      server.call(method as string, params as Record<string, unknown>),
      says,
    );
    assert.match(logged.join("\n"), says);
    await server.close();
  });
}

const REFUSED: [extensions: unknown, message: RegExp][] = [
  [3, /^extensions must be an array, got 3/],
  [null, /^extensions must be an array, got null/],
  [[null], /^extensions\[0\] must be an object, got null/],
  [[{}], /^extensions\[0\]\.id must be a string .*, got undefined/],
  [[{ id: 3 }], /^extensions\[0\]\.id must be a string .*, got 3/],
  ...([
    [{ metods: {} }, /has no option "metods": did you mean methods\?/],
    [{ eras: ["new"] }, /eras must be one of "modern", "legacy", got "new"/],
    [{ eras: "modern" }, /eras must be an array/],
    [{ eras: [] }, /eras must be an array/],
    [{ settings: 3 }, /settings must be an object, got 3/],
    [{ active: 1 }, /active must be true or false/],
    [{ methods: { x: 1 } }, /methods\["x"\] must be a function, got 1/],
    [{ methods: { x: undefined } }, /methods\["x"\] must be a function/],
    [{ methods: 1 }, /methods must be an object/],
    [{ topics: { x: 1 } }, /topics\["x"\] must be a function/],
    [{ namedBy: { x: "y" } }, /namedBy must name .* got "x": "y"/],
    [{ around: 1 }, /around must be a function/],
    [{ beforeTool: 1 }, /beforeTool must be a function/],
    [{ attach: {} }, /attach must be a function/],
    [
      { methods: { "tools/call": () => {} } },
      /methods\["tools\/call"\] is tak/,
    ],
    [{ methods: { initialize: () => {} } }, /methods\["initialize"\] is taken/],
    [
      { methods: { "tasks/get": () => {} } },
      /methods\["tasks\/get"\] is taken/,
    ],
    [{ topics: { toolsListChanged: () => [] } }, /topics\[.*\] is taken/],
    [{ topics: { taskIds: () => [] } }, /topics\["taskIds"\] is taken/],
  ] as [object, RegExp][]).map(([members, { source }]) =>
    [
      [{ id: ID, ...members }],
      new RegExp(`^extension ${ID}:? .*${source}`),
    ] as [unknown, RegExp]
  ),
  [[{ id: ID }, { id: ID }], /the id is taken/],
  [[{ id: "io.modelcontextprotocol/tasks" }], /the id is taken/],
  [[{ id: "io.modelcontextprotocol/skills" }], /the id is taken/],
  [
    ["a", "b"].map((id) => ({ id, methods: { "x/y": () => ({}) } })),
    /^extension b: methods\["x\/y"\] is taken/,
  ],
];

Deno.test("what is no extension is refused when the server is made", () => {
  for (const [extensions, message] of REFUSED) {
    assert.throws(
      () => new McpServer(info, { extensions: extensions as never }),
      { name: "InvalidOptionError", message },
    );
  }
});

Deno.test("where tasks are switched off, somebody else's may take their place", async () => {
  const server = new McpServer(info, {
    capabilities: { tasks: false },
    extensions: [{
      id: "io.modelcontextprotocol/tasks",
      methods: { "tasks/get": () => ({ mine: true }) },
    }],
  });
  assert.equal((await server.call("tasks/get")).mine, true);
  await server.close();
});

Deno.test("topics of an extension that is not there are not followed", async () => {
  const server = new McpServer(info, {
    extensions: [
      { id: "a", active: false, topics: { a: (keys) => keys } },
      { id: "b", eras: ["legacy"], topics: { b: (keys) => keys } },
      { id: "c", topics: { c: (keys) => keys } },
    ],
  });
  const heard: { params?: Record<string, unknown> }[] = [];
  const listening = server.call("subscriptions/listen", {
    notifications: { a: ["1"], b: ["1"], c: ["1"] },
  }, { onNotification: (each) => heard.push(each) });
  await eventually(() => heard.length > 0);
  assert.deepEqual(heard[0].params?.notifications, { c: ["1"] });
  await server.close();
  await listening;
});

Deno.test("what is published is of a topic that the extension has", async () => {
  const { notes, server } = subject();
  assert.throws(
    () => notes.host.publish("nope", "a", { method: "m", params: {} }),
    {
      name: "InvalidOptionError",
      message: `extension ${ID} has no topic "nope"`,
    },
  );
  await server.close();
});

Deno.test("a legacy client declares an extension, or is refused by it, like any other", async () => {
  const { server } = subject();
  const plain = await LegacyClient.open(server);
  const { body } = await plain.ask("notes/private") as {
    body: { error: { code: number; data: unknown } };
  };
  assert.equal(body.error.code, -32021);
  assert.deepEqual(body.error.data, {
    requiredCapabilities: { extensions: { [ID]: {} } },
  });
  const knowing = await LegacyClient.open(server, "2025-11-25", {
    extensions: { [ID]: {} },
  });
  const answer = await knowing.ask("notes/private");
  assert.deepEqual((answer.body as { result: unknown }).result, {});
  await server.close();
});

Deno.test("an extension has no part in an era that is not among its own", async () => {
  const TASKS = "io.modelcontextprotocol/tasks";
  const seen: string[] = [];
  let host: ExtensionHost;
  const server = new McpServer(info, {
    log: () => {},
    extensions: [{
      id: ID,
      eras: ["modern"],
      attach: (lent) => host = lent,
      beforeTool: (_tool, { era }) => void seen.push(era),
    }, {
      id: "com.example/off",
      active: false,
      beforeTool: () => void seen.push("off"),
    }],
  });
  server.registerTool(
    "long",
    { execution: { taskSupport: "required" } },
    (ctx) => `${host.knows(ctx)}`,
  );
  const extensions = { [ID]: {}, [TASKS]: {} };
  const legacy = await LegacyClient.open(server, "2025-11-25", { extensions });
  const { body } = await legacy.ask("tools/call", { name: "long" });
  assert.match(JSON.stringify(body), /"text":"false"/);
  assert.deepEqual(seen, []);
  const call = { name: "long" };
  await server.call("tools/call", call, { capabilities: { extensions } });
  assert.deepEqual(seen, ["modern"]);
  await server.close();
});
