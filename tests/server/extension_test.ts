import assert from "node:assert/strict";
import { type Extension, type ExtensionHost, McpServer } from "../../mod.ts";
import { eventually } from "../support/eventually.ts";
import { ask } from "../transport/wire.ts";

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

Deno.test("an extension whose members are none is refused", () => {
  for (
    const [members, says] of [
      [{ id: 5 }, /an extension must be an object with an id/],
      [{ methods: { "notes/get": 5 } }, /notes: methods\.notes\/get must be/],
      [{ topics: { notes: [] } }, /notes: topics\.notes must be a function/],
      [{ beforeTool: "no" }, /notes: beforeTool must be a function/],
      [{ around: {} }, /notes: around must be a function/],
      [{ attach: true }, /notes: attach must be a function/],
    ] as const
  ) assert.throws(() => broken(members), says);
});
