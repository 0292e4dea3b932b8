import assert from "node:assert/strict";
import {
  type AuthInfo,
  InsufficientScopeError,
  McpServer,
  ResourceTemplate,
  Skill,
} from "../../mod.ts";

/** What a caller may not have is not had by way of something else either. */

function as(...scopes: string[]): { authInfo: AuthInfo } {
  const extra = { iss: "https://login.example.com", sub: "ada" };
  return { authInfo: { token: "t", clientId: "c", scopes, extra } };
}

/** A server within one that needs the scope `mid`, within one that needs none. */
async function nested(): Promise<McpServer> {
  const inner = new McpServer({ name: "inner", version: "1.0.0" });
  inner.registerTool("look", {}, () => "seen");
  inner.registerPrompt("say", {}, () => "said");
  inner.registerResource("doc", "doc:///x", {}, () => "read");
  inner.registerResource(
    "page",
    new ResourceTemplate("page:///{id}", { list: undefined }),
    {},
    () => "turned",
  );
  inner.registerSkill(
    await Skill.from({
      "SKILL.md": "---\nname: pdf\ndescription: PDF\n---\nRead them.\n",
      "notes/a.md": "a",
    }, { path: "pdf" }),
  );
  const middle = new McpServer({ name: "middle", version: "1.0.0" }, {
    scopes: ["mid"],
  });
  middle.mount("in", inner);
  const outer = new McpServer({ name: "outer", version: "1.0.0" });
  outer.registerTool("via", {}, async (ctx) => {
    const { contents } = await ctx.readResource("doc://m/in/x");
    return JSON.stringify(contents);
  });
  outer.mount("m", middle);
  return outer;
}

const USES: [string, Record<string, unknown>][] = [
  ["tools/call", { name: "m_in_look" }],
  ["tools/call", { name: "via" }],
  ["prompts/get", { name: "m_in_say" }],
  ["resources/read", { uri: "doc://m/in/x" }],
  ["resources/read", { uri: "page://m/in/7" }],
  ["resources/read", { uri: "skill://m/in/pdf/SKILL.md" }],
  ["skills/get", { uri: "skill://m/in/pdf/SKILL.md" }],
  ["resources/directory/read", { uri: "skill://m/in/pdf" }],
];

for (const [method, params] of USES) {
  const what = `${method} ${Object.values(params)}`;
  Deno.test(`scopes of a server between two others hold: ${what}`, async () => {
    await using server = await nested();
    await assert.rejects(
      server.call(method, params, as()),
      (error) =>
        error instanceof InsufficientScopeError &&
        /needs mid\b/.test(error.message),
    );
    await server.call(method, params, as("mid"));
  });
}

Deno.test("what is remembered for a caller is not shown to it with fewer scopes", async () => {
  await using server = new McpServer({ name: "notes", version: "1.0.0" });
  let runs = 0;
  server.registerResource("key", "key:///1", { scopes: ["admin"] }, () => "K");
  server.registerTool("report", {
    annotations: { readOnlyHint: true },
    cache: { ttlMs: 60_000 },
  }, async (ctx) => {
    runs++;
    const { contents } = await ctx.readResource("key:///1");
    return JSON.stringify(contents);
  });
  const report = (...scopes: string[]) =>
    server.call("tools/call", { name: "report" }, as(...scopes));
  const shown = await report("admin", "read");
  await assert.rejects(report("read"), InsufficientScopeError);
  assert.deepEqual(await report("read", "admin"), shown);
  assert.equal(runs, 2);
});

Deno.test("a task is its caller's for as long as the caller has the tool's scopes", async () => {
  await using server = new McpServer({ name: "notes", version: "1.0.0" });
  server.registerTool("work", {
    scopes: ["admin"],
    execution: { taskSupport: "optional" },
  }, (ctx) => ctx.runAsTask(() => Promise.resolve("done")));
  const capabilities = {
    extensions: { "io.modelcontextprotocol/tasks": {} },
  };
  const use = (
    method: string,
    params: Record<string, unknown>,
    ...scopes: string[]
  ) => server.call(method, params, { ...as(...scopes), capabilities });
  const { taskId } = await use("tools/call", { name: "work" }, "admin");
  for (const method of ["tasks/get", "tasks/cancel"]) {
    await assert.rejects(
      use(method, { taskId }, "read"),
      InsufficientScopeError,
    );
  }
  assert.equal((await use("tasks/get", { taskId }, "admin")).taskId, taskId);
});

Deno.test("what a hidden tool needs is not told to who lacks the server's scope", async () => {
  await using server = new McpServer({ name: "notes", version: "1.0.0" }, {
    scopes: ["notes"],
  });
  server.registerTool("plan", { scopes: ["merger"], hidden: true }, () => "x");
  const refusal = async (name: string) => {
    const error = await server.call("tools/call", { name }, as())
      .then(() => undefined, (error: Error) => error);
    return error?.message.replace(name, "…");
  };
  assert.match(await refusal("none") ?? "", /notes/);
  assert.equal(await refusal("plan"), await refusal("none"));
});
