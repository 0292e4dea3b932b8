import assert from "node:assert/strict";
import {
  type AuthInfo,
  completable,
  McpServer,
  MemoryEventStore,
  ResourceTemplate,
} from "../../mod.ts";
import { z } from "zod";
import {
  type Answer,
  ask,
  LegacyClient,
  post,
  type Posting,
} from "../transport/wire.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { Issuer } from "./issuer.ts";

function callerOf(scopes: string[], sub = "ada", extra = {}): AuthInfo {
  return {
    token: "t",
    clientId: "client-1",
    scopes,
    extra: { iss: "https://login.example.com", sub, ...extra },
  };
}

/** Every kind of thing, once with a scope, once with a predicate, once hidden. */
function guarded(
  options: ConstructorParameters<typeof McpServer>[1] = {},
): McpServer {
  const server = new McpServer({ name: "notes", version: "1.0.0" }, options);
  const isAda = (caller?: { subject?: string }) => caller?.subject === "ada";
  const rules = {
    open: {},
    scoped: { scopes: ["write"] },
    hidden: { scopes: ["write"], hidden: true },
    allowed: { allow: isAda },
  };
  for (const [name, rule] of Object.entries(rules)) {
    server.registerTool(name, rule, () => name);
    server.registerPrompt(name, {
      ...rule,
      argsSchema: { to: completable(z.string().optional(), () => [name]) },
    }, () => name);
    server.registerResource(name, `note://${name}`, rule, () => name);
    server.registerResource(
      `all-${name}`,
      new ResourceTemplate(`${name}://{id}`, {
        list: () => ({
          resources: [{ uri: `${name}://1`, name: `${name}-1` }],
        }),
        complete: { id: () => [name] },
      }),
      rule,
      () => name,
    );
  }
  return server;
}

const NAMES = ["open", "scoped", "hidden", "allowed"];

const USES: Record<string, (name: string) => [string, object]> = {
  tool: (name) => ["tools/call", { name, arguments: {} }],
  prompt: (name) => ["prompts/get", { name, arguments: {} }],
  resource: (name) => ["resources/read", { uri: `note://${name}` }],
  template: (name) => ["resources/read", { uri: `${name}://7` }],
  "prompt's completion": (name) => ["completion/complete", {
    ref: { type: "ref/prompt", name },
    argument: { name: "to", value: "" },
  }],
  "template's completion": (name) => ["completion/complete", {
    ref: { type: "ref/resource", uri: `${name}://{id}` },
    argument: { name: "id", value: "" },
  }],
};

async function use(
  server: McpServer,
  kind: string,
  name: string,
  authInfo: AuthInfo,
): Promise<Answer> {
  const [method, params] = USES[kind](name);
  return await ask(server, method, params as Record<string, unknown>, {
    authInfo,
  });
}

for (const kind of Object.keys(USES)) {
  Deno.test(`a ${kind} is its callers' alone`, async () => {
    const server = guarded();
    const writer = callerOf(["write"]);
    for (const name of NAMES) {
      const { status, body } = await use(server, kind, name, writer);
      assert.equal(status, 200);
      assert.equal(body.error, undefined, name);
    }
    const eve = callerOf(["read"], "eve");
    const scoped = await use(server, kind, "scoped", eve);
    assert.equal(scoped.status, 403);
    assert.equal(scoped.body.error?.code, -32003);
    assert.match(
      scoped.headers.get("www-authenticate")!,
      /^Bearer error="insufficient_scope", error_description="[^"]*", scope="read write"$/,
    );
    const hidden = await use(server, kind, "hidden", eve);
    assert.equal(hidden.status, 200);
    assert.match(hidden.body.error!.message, /not found/);
    const denied = await use(server, kind, "allowed", eve);
    assert.equal(denied.status, 200);
    assert.ok(denied.body.error !== undefined);
    if (!kind.includes("completion")) {
      assert.equal(denied.body.error.code, -32004);
    }
    const open = await use(server, kind, "open", eve);
    assert.equal(open.body.error, undefined);
  });
}

Deno.test("a completion tells nobody that a hidden resource is there", async () => {
  const server = guarded();
  const eve = callerOf(["read"], "eve");
  const complete = async (uri: string) =>
    (await ask(server, "completion/complete", {
      ref: { type: "ref/resource", uri },
      argument: { name: "id", value: "" },
    }, { authInfo: eve })).body.error?.message.replace(uri, "");
  const unknown = await complete("note://nowhere");
  assert.match(unknown!, /not found/);
  assert.equal(await complete("note://hidden"), unknown);
  assert.equal(await complete("note://allowed"), unknown);
  assert.equal(await complete("note://open"), undefined);
});

Deno.test("lists leave out what a predicate denies and what is hidden, and only that", async () => {
  const server = guarded();
  const listed = async (authInfo: AuthInfo) => {
    const names: Record<string, string[]> = {};
    for (
      const [method, field] of [
        ["tools/list", "tools"],
        ["prompts/list", "prompts"],
        ["resources/list", "resources"],
        ["resources/templates/list", "resourceTemplates"],
      ]
    ) {
      const { body } = await ask(server, method, {}, { authInfo });
      assert.equal(body.result.cacheScope, "private");
      names[field] = body.result[field].map(({ name }: { name: string }) =>
        name.replace(/^all-/, "")
      );
    }
    return names;
  };
  const all = ["open", "scoped", "hidden", "allowed"];
  const some = ["open", "scoped"];
  const withListed = (names: string[]) => [
    ...names,
    ...names.map((name) => `${name}-1`),
  ];
  assert.deepEqual(await listed(callerOf(["write"])), {
    tools: all,
    prompts: all,
    resources: withListed(all),
    resourceTemplates: all,
  });
  assert.deepEqual(await listed(callerOf(["read"], "eve")), {
    tools: some,
    prompts: some,
    resources: withListed(some),
    resourceTemplates: some,
  });
});

Deno.test("a list that is the same for all stays public, one that isn't does not", async () => {
  const server = new McpServer({ name: "notes", version: "1.0.0" }, {
    cacheHints: { "tools/list": { ttlMs: 1_000, cacheScope: "public" } },
  });
  server.registerTool("scoped", { scopes: ["write"] }, () => 1);
  const scope = async () =>
    (await ask(server, "tools/list")).body.result.cacheScope;
  assert.equal(await scope(), "public");
  const tool = server.registerTool("allowed", { allow: () => true }, () => 1);
  assert.equal(await scope(), "private");
  tool.remove();
  assert.equal(await scope(), "public");
});

Deno.test("what is read of a guarded resource is private to its reader", async () => {
  const server = new McpServer({ name: "notes", version: "1.0.0" });
  const cacheHint = { ttlMs: 1_000, cacheScope: "public" } as const;
  const rules = { free: {}, scoped: { scopes: ["write"] } };
  for (const [name, rule] of Object.entries(rules)) {
    server.registerResource(
      name,
      `note://${name}`,
      { cacheHint, ...rule },
      () => name,
    );
  }
  const scopeOf = async (uri: string) =>
    (await ask(server, "resources/read", { uri }, {
      authInfo: callerOf(["write"]),
    })).body.result.cacheScope;
  assert.equal(await scopeOf("note://free"), "public");
  assert.equal(await scopeOf("note://scoped"), "private");
});

Deno.test("pages are made of what the caller may see, and a cursor is its caller's", async () => {
  const server = new McpServer({ name: "notes", version: "1.0.0" }, {
    pageSize: 2,
  });
  for (let at = 0; at < 7; at++) {
    const allow = (caller?: { subject?: string }) =>
      at % 2 === 0 || caller?.subject === "ada";
    server.registerTool(`t${at}`, { allow }, () => at);
  }
  const pages = async (authInfo?: AuthInfo) => {
    const found: string[][] = [];
    let cursor: string | undefined;
    do {
      const { body } = await ask(
        server,
        "tools/list",
        cursor ? { cursor } : {},
        {
          authInfo,
        },
      );
      found.push(
        body.result.tools.map(({ name }: { name: string }) => name),
      );
      cursor = body.result.nextCursor;
    } while (cursor !== undefined);
    return found;
  };
  const ada = callerOf([]);
  const eve = callerOf([], "eve");
  assert.deepEqual(await pages(ada), [
    ["t0", "t1"],
    ["t2", "t3"],
    ["t4", "t5"],
    [
      "t6",
    ],
  ]);
  assert.deepEqual(await pages(eve), [["t0", "t2"], ["t4", "t6"]]);
  assert.deepEqual(await pages(), [["t0", "t2"], ["t4", "t6"]]);
  const { body } = await ask(server, "tools/list", {}, { authInfo: eve });
  const cursor = body.result.nextCursor;
  const again = callerOf(["more"], "eve");
  for (
    const [authInfo, isGood] of [[again, true], [ada, false], [
      undefined,
      false,
    ]] as const
  ) {
    const answer = await ask(server, "tools/list", { cursor }, { authInfo });
    assert.equal(answer.body.error === undefined, isGood);
  }
});

Deno.test("a predicate sees the validated arguments, and failing lets nobody in", async () => {
  const server = new McpServer({ name: "notes", version: "1.0.0" }, {
    log: () => {},
  });
  const seen: unknown[] = [];
  server.registerTool("read", {
    inputSchema: z.object({ tenant: z.string().trim() }),
    allow: (caller, args) => {
      seen.push(args);
      return args === undefined || args.tenant === caller?.claims.tenant;
    },
  }, () => "read");
  server.registerTool("late", {
    allow: async (_caller, args) => {
      await Promise.resolve();
      if (args !== undefined) throw new Error("the directory is away");
      return true;
    },
  }, () => "late");
  const authInfo = callerOf([], "ada", { tenant: "one" });
  const call = (name: string, args: Record<string, unknown>) =>
    ask(server, "tools/call", { name, arguments: args }, { authInfo });
  assert.equal((await call("read", { tenant: " one " })).body.error, undefined);
  assert.equal(
    (await call("read", { tenant: "two" })).body.error?.code,
    -32004,
  );
  assert.deepEqual(seen, [{ tenant: "one" }, { tenant: "two" }]);
  const { body } = await call("late", {});
  assert.equal(body.error?.code, -32004);
  assert.ok(!JSON.stringify(body).includes("directory"));
});

Deno.test("scopes that come with others are enough", async () => {
  const server = guarded({ implies: { admin: ["editor"], editor: ["write"] } });
  const answer = await use(server, "tool", "scoped", callerOf(["admin"]));
  assert.equal(answer.status, 200);
});

Deno.test("the server's scopes are needed for everything, and named with the rest", async () => {
  const server = guarded({ scopes: ["notes"] });
  for (
    const method of ["tools/list", "server/discover", "subscriptions/listen"]
  ) {
    const answer = await ask(server, method, { notifications: {} }, {
      authInfo: callerOf(["write"]),
    });
    assert.equal(answer.status, 403);
  }
  for (const kind of ["tool", "prompt", "resource", "template"]) {
    const { headers } = await use(server, kind, "scoped", callerOf([]));
    assert.match(headers.get("www-authenticate")!, /scope="notes write"/);
  }
  const legacy = await post(server, {
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: {
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: "c", version: "1" },
    },
  }, { authInfo: callerOf([]) });
  assert.equal(legacy.status, 403);
  assert.equal(server.stats.sessions, 0, "no session is left behind");
});

Deno.test("offline_access is never asked for", async () => {
  const server = guarded();
  const caller = callerOf(["read", "offline_access"]);
  const { headers } = await use(server, "tool", "scoped", caller);
  assert.match(headers.get("www-authenticate")!, /scope="read write"/);
});

Deno.test("who is nobody is asked who it is", async () => {
  const answer = await ask(guarded(), "tools/call", { name: "scoped" });
  assert.equal(answer.status, 401);
  assert.equal(answer.headers.get("www-authenticate"), 'Bearer scope="write"');
});

Deno.test("mounted servers keep their rules, and their server's scopes", async () => {
  const inner = guarded({ scopes: ["inner"] });
  const outer = new McpServer({ name: "outer", version: "1.0.0" });
  outer.mount("in", inner);
  const call = (name: string, scopes: string[], sub?: string) =>
    ask(outer, "tools/call", { name: `in_${name}`, arguments: {} }, {
      authInfo: callerOf(scopes, sub),
    });
  assert.equal((await call("open", ["inner"])).status, 200);
  const scoped = await call("scoped", []);
  assert.equal(scoped.status, 403);
  assert.match(scoped.headers.get("www-authenticate")!, /scope="inner write"/);
  assert.equal((await call("open", [])).status, 403);
  assert.equal(
    (await call("allowed", ["inner"], "eve")).body.error?.code,
    -32004,
  );
  const { body } = await ask(outer, "tools/list", {}, {
    authInfo: callerOf([], "eve"),
  });
  assert.deepEqual(
    body.result.tools.map(({ name }: { name: string }) => name),
    ["in_open", "in_scoped"],
  );
});

Deno.test("who may not read a resource can't follow it, in either era", async () => {
  const server = guarded();
  const eve = callerOf(["read"], "eve");
  const listen = (uris: string[]) =>
    ask(server, "subscriptions/listen", {
      notifications: { resourceSubscriptions: uris },
    }, { authInfo: eve, signal: AbortSignal.timeout(10) });
  const refused = await listen(["note://open", "note://scoped"]);
  assert.equal(refused.status, 403);
  const heard: unknown[] = [];
  const controller = new AbortController();
  const listening = server.call("subscriptions/listen", {
    notifications: {
      resourceSubscriptions: ["note://open", "note://allowed", "note://hidden"],
    },
  }, {
    authInfo: eve,
    signal: controller.signal,
    onNotification: ({ params }) => heard.push(params),
  }).catch(() => {});
  while (heard.length === 0) await new Promise((go) => setTimeout(go, 1));
  assert.deepEqual(
    (heard[0] as Record<string, unknown>).notifications,
    // What is hidden looks like what isn't there, which may be followed.
    { resourceSubscriptions: ["note://open", "note://hidden"] },
  );
  controller.abort();
  await listening;
});

Deno.test("legacy clients get the same answers, with and without an event store", async () => {
  for (const eventStore of [undefined, new MemoryEventStore()]) {
    const server = guarded({ eventStore, authenticate: () => eve });
    const eve = callerOf(["read"], "eve");
    const client = await LegacyClient.open(server);
    const call = (name: string, posting?: Posting) =>
      client.post({
        jsonrpc: "2.0",
        id: name,
        method: "tools/call",
        params: { name, arguments: {} },
      }, posting);
    const scoped = await call("scoped");
    assert.equal(scoped.status, 403);
    assert.match(
      scoped.headers.get("www-authenticate")!,
      /error="insufficient_scope"/,
    );
    assert.equal((await call("allowed")).body.error?.code, -32004);
    assert.equal((await call("open")).body.result.content[0].text, "open");
    const subscribed = await client.post({
      jsonrpc: "2.0",
      id: 9,
      method: "resources/subscribe",
      params: { uri: "note://scoped" },
    });
    assert.equal(subscribed.status, 403);
    await server.close();
  }
});

Deno.test("in a batch, each request has its own answer, with and without an event store", async () => {
  const eve = callerOf(["read"], "eve");
  const CODES = { open: undefined, scoped: -32003, allowed: -32004 };
  const ORDERS = [
    ["open", "scoped", "allowed"],
    ["scoped", "open", "allowed"],
    ["scoped"],
  ];
  for (const eventStore of [undefined, new MemoryEventStore()]) {
    const server = guarded({ eventStore, authenticate: () => eve });
    const client = await LegacyClient.open(server, "2025-03-26");
    for (const order of ORDERS) {
      const { body, messages } = await client.post(
        order.map((name) => ({
          jsonrpc: "2.0",
          id: name,
          method: "tools/call",
          params: { name, arguments: {} },
        })),
      );
      const answers =
        (Array.isArray(body) ? body : messages) as Answer["body"][];
      const codes = answers.map(({ id, error }) => [id, error?.code]);
      assert.deepEqual(
        Object.fromEntries(codes),
        Object.fromEntries(
          Object.entries(CODES).filter(([name]) => order.includes(name)),
        ),
      );
    }
    await server.close();
  }
});

Deno.test("rules can be changed while the server runs", async () => {
  const server = new McpServer({ name: "notes", version: "1.0.0" });
  const tool = server.registerTool("t", { scopes: ["write"] }, () => 1);
  const status = async () =>
    (await ask(server, "tools/call", { name: "t" }, {
      authInfo: callerOf(["read"]),
    })).status;
  assert.equal(await status(), 403);
  tool.update({ scopes: [] });
  assert.equal(await status(), 200);
  tool.update({ scopes: ["admin"] });
  assert.equal(await status(), 403);
});

Deno.test("rules that are none are refused", () => {
  const server = new McpServer({ name: "notes", version: "1.0.0" });
  for (
    const rules of [
      { scopes: "write" },
      { scopes: ["a b"] },
      { scopes: ['a"b'] },
      { scopes: [1] },
      { allow: true },
      { hidden: "yes" },
    ]
  ) {
    assert.throws(
      () => server.registerTool("t", rules as never, () => 1),
      /tool t: (scopes|allow|hidden)/,
    );
  }
  assert.throws(
    () => new McpServer({ name: "n", version: "1" }, { scopes: ["a b"] }),
    /scopes/,
  );
});

Deno.test("claims are typed by a schema, and demanded by the issuer's options", async () => {
  const Claims = z.object({ tenant: z.string(), seats: z.coerce.number() });
  const issuer = await Issuer.make();
  const server = new McpServer({ name: "notes", version: "1.0.0" }, {
    auth: issuer.auth({ claims: Claims }),
  });
  server.registerTool("seats", {}, (ctx) => {
    const { tenant, seats } = ctx.caller!.claimsAs(Claims);
    return `${tenant} ${seats + 1}`;
  });
  const call = async (claims: Record<string, unknown>) => {
    const authorization = `Bearer ${await issuer.token(claims)}`;
    return await ask(server, "tools/call", { name: "seats" }, {
      headers: { authorization },
    });
  };
  const { body } = await call({ tenant: "one", seats: "4" });
  assert.equal(body.result.content[0].text, "one 5");
  const refused = await call({ seats: 4 });
  assert.equal(refused.status, 401);
  assert.match(refused.headers.get("www-authenticate")!, /tenant/);
});

Deno.test("a predicate that never answers lets nobody in, and holds up nothing", async () => {
  const clock = new FakeClock();
  const lines: string[] = [];
  await using server = new McpServer({ name: "notes", version: "1.0.0" }, {
    clock,
    log: ({ message }) => void lines.push(message),
    capabilities: { resources: { subscribe: true } },
  });
  const allow = () => new Promise<boolean>(() => {});
  let runs = 0;
  const run = () => `${++runs}`;
  server.registerTool("hurried", { allow, timeoutMs: 300 }, run);
  server.registerTool("patient", { allow }, run);
  server.registerTool("open", {}, run);
  server.registerPrompt("p", { allow }, run);
  server.registerResource("r", "note://r", { allow }, run);
  const uses: [ms: number, method: string, params: object, code?: number][] = [
    [300, "tools/call", { name: "hurried" }, -32004],
    [10_000, "tools/call", { name: "patient" }, -32004],
    [10_000, "prompts/get", { name: "p" }, -32004],
    [10_000, "resources/read", { uri: "note://r" }, -32004],
    [10_000, "tools/list", {}],
  ];
  for (const [ms, method, params, code] of uses) {
    lines.length = 0;
    let ended = false;
    const answer = ask(server, method, { ...params }).finally(() =>
      ended = true
    );
    await clock.advance(ms - 1);
    assert.equal(ended, false, method);
    await clock.advance(1);
    const { body } = await answer;
    assert.equal(body.error?.code, code, method);
    const names = body.result?.tools?.map(({ name }: { name: string }) => name);
    assert.deepEqual(names ?? ["open"], ["open"]);
    const told = lines.filter((line) => line.includes("allow of"));
    assert.equal(told.length, names === undefined ? 1 : 2, lines.join());
    assert.match(
      told[0],
      /allow of (tool|prompt|resource) \w+ failed: its answer/,
    );
  }
  assert.equal(runs, 0);
});

Deno.test("a predicate is not waited for once its call has been called off", async () => {
  const lines: string[] = [];
  await using server = new McpServer({ name: "notes", version: "1.0.0" }, {
    log: ({ message }) => void lines.push(message),
  });
  const asked = Promise.withResolvers<void>();
  let runs = 0;
  server.registerTool("held", {
    allow: () => {
      asked.resolve();
      return new Promise<boolean>(() => {});
    },
  }, () => ++runs);
  const gone = new AbortController();
  const outcome = server.call("tools/call", { name: "held" }, {
    signal: gone.signal,
  });
  await asked.promise;
  gone.abort();
  await assert.rejects(outcome);
  assert.deepEqual(lines.filter((line) => line.includes("allow")), []);
  assert.equal(runs, 0);
});
