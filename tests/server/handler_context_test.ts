import assert from "node:assert/strict";
import { McpServer, ResourceTemplate, type ServerContext } from "../../mod.ts";
import { ask } from "../transport/wire.ts";

const info = { name: "t", version: "1" };

/** Everything that can be reached from a value, by its path. */
function reachable(root: object): Map<string, unknown> {
  const found = new Map<string, unknown>();
  const seen = new Set<unknown>();
  const visit = (value: unknown, path: string): void => {
    const isNode = typeof value === "object" || typeof value === "function";
    if (!isNode || value === null || seen.has(value)) return;
    seen.add(value);
    found.set(path, value);
    for (const [key, each] of members(value)) visit(each, `${path}.${key}`);
  };
  visit(root, "ctx");
  return found;
}

/** Own and inherited members, symbols and getters included, up to the platform's own. */
function members(value: object): [string, unknown][] {
  const all: [string, unknown][] = [];
  for (
    let holder: object | null = value;
    holder !== null && !PLATFORM.has(holder);
    holder = Object.getPrototypeOf(holder)
  ) {
    for (const key of Reflect.ownKeys(holder)) {
      if (key === "constructor") continue;
      all.push([String(key), Reflect.get(holder, key, value)]);
    }
  }
  return all;
}

const PLATFORM = new Set<object>([
  Object.prototype,
  Function.prototype,
  Array.prototype,
  Promise.prototype,
  EventTarget.prototype,
  AbortSignal.prototype,
  Request.prototype,
  Map.prototype,
  Set.prototype,
]);

const SERVERS_OWN =
  /^(Call|Dispatcher|Intake|Catalog|Session|Inquiry|Subscriptions|StateSealer|McpServer|MethodTable|ModernEra|LegacyEra|HttpReply|TasksExtension)$/;

async function contextsOf(): Promise<ServerContext[]> {
  const contexts: ServerContext[] = [];
  const keep = (ctx: ServerContext) => {
    contexts.push(ctx);
    void ctx.signal;
    void ctx.mcpReq.signal;
    ctx.log.info("seen");
    return "seen";
  };
  const server = new McpServer(info, {
    log: () => {},
    lifespan: () => ({ db: "shared" }),
  });
  server.use((request, next) => {
    keep(request.ctx);
    return next(request);
  });
  server.registerTool("look", {}, keep);
  server.registerPrompt("look", {}, keep);
  server.registerResource("fixed", "look://1", {}, (_uri, ctx) => keep(ctx));
  server.registerResource(
    "family",
    new ResourceTemplate("look://{id}/more", {
      list: (ctx) => {
        keep(ctx);
        return { resources: [] };
      },
    }),
    {},
    (_uri, _variables, ctx) => keep(ctx),
  );
  server.server.setRequestHandler("own/look", (_request, ctx) => ({
    seen: keep(ctx),
  }));
  await ask(server, "tools/call", { name: "look" });
  await ask(server, "prompts/get", { name: "look" });
  await ask(server, "resources/read", { uri: "look://1" });
  await ask(server, "resources/read", { uri: "look://2/more" });
  await ask(server, "resources/list", {});
  await ask(server, "own/look", {});
  await server.close();
  return contexts;
}

Deno.test("nothing of the server's own is in a handler's reach", async () => {
  const contexts = await contextsOf();
  assert.equal(contexts.length, 12);
  for (const ctx of contexts) {
    const found = reachable(ctx);
    assert.ok(found.size > 20, "the walk goes through what there is");
    for (const [path, value] of found) {
      const { name } = (value as object).constructor ?? {};
      assert.doesNotMatch(String(name), SERVERS_OWN, path);
      assert.doesNotMatch(path, /engine|dispatcher|catalog|#/, path);
    }
  }
});

Deno.test("a handler's context has the documented members, and no other", async () => {
  const [ctx] = await contextsOf();
  const names = new Set(
    members(ctx).map(([name]) => name).filter((name) =>
      !name.startsWith("Symbol(")
    ),
  );
  assert.deepEqual([...names].sort(), [
    "_meta",
    "authInfo",
    "callId",
    "caller",
    "clientCapabilities",
    "clientInfo",
    "closeSSEStream",
    "closeStandaloneSSEStream",
    "elicit",
    "era",
    "http",
    "lifespan",
    "listRoots",
    "log",
    "mcpReq",
    "progress",
    "readResource",
    "requestId",
    "requestInfo",
    "requestState",
    "runAsTask",
    "sample",
    "sendNotification",
    "sendRequest",
    "sessionId",
    "signal",
    "subject",
    "traceId",
  ]);
});

Deno.test("a tool that reads a mounted server's resource keeps its own lifespan", async () => {
  const inner = new McpServer(info, {
    log: () => {},
    lifespan: () => ({ who: "inner" }),
  });
  inner.registerResource(
    "who",
    "who://am/i",
    {},
    (_uri, ctx) => String((ctx.lifespan as { who: string }).who),
  );
  const server = new McpServer(info, {
    log: () => {},
    lifespan: () => ({ who: "outer" }),
  });
  server.mount("in", inner);
  server.registerTool("both", {}, async (ctx) => {
    const { contents } = await ctx.readResource("who://in/am/i");
    const [{ text }] = contents as { text: string }[];
    return `${text}, ${(ctx.lifespan as { who: string }).who}`;
  });
  const result = await server.call("tools/call", { name: "both" });
  assert.deepEqual(result.content, [{ type: "text", text: "inner, outer" }]);
  await server.close();
});
