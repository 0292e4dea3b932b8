import assert from "node:assert/strict";
import { type LogRecord, McpServer, ResourceTemplate } from "../../mod.ts";
import { prefixUri } from "../../src/server/catalog/resource_uri.ts";

function child(): McpServer {
  const server = new McpServer({ name: "child", version: "1.0.0" });
  server.registerTool("add", {}, () => "added");
  server.registerPrompt("ask", {}, () => "asked");
  server.registerResource("note", "note://one", {}, (uri) => uri.href);
  server.registerResource(
    "notes",
    new ResourceTemplate("note://by/{id}", {
      list: () => ({ resources: [{ uri: "note://by/7", name: "seven" }] }),
    }),
    {},
    (_uri, { id }) => `note ${id}`,
  );
  return server;
}

Deno.test("a mounted server's registrations show under its prefix, the later ones too", async () => {
  const inner = child();
  const server = new McpServer({ name: "parent", version: "1.0.0" });
  server.registerTool("own", {}, () => "own");
  server.mount("sub", inner);
  inner.registerTool("late", {}, () => "late");

  const { tools } = await server.call("tools/list");
  assert.deepEqual(
    (tools as { name: string }[]).map(({ name }) => name),
    ["own", "sub_add", "sub_late"],
  );
  const { prompts } = await server.call("prompts/list");
  assert.deepEqual(
    (prompts as { name: string }[]).map(({ name }) => name),
    ["sub_ask"],
  );
  const { resources } = await server.call("resources/list");
  assert.deepEqual(
    (resources as { uri: string }[]).map(({ uri }) => uri),
    ["note://sub/one", "note://sub/by/7"],
  );
  const { resourceTemplates } = await server.call("resources/templates/list");
  assert.equal(
    (resourceTemplates as { uriTemplate: string }[])[0].uriTemplate,
    "note://sub/by/{id}",
  );
  const { contents } = await server.call("resources/read", {
    uri: "note://sub/by/7",
  });
  assert.equal((contents as { text: string }[])[0].text, "note 7");
  await server.close();
});

Deno.test("what is disabled in a mounted server can't be called through its parent", async () => {
  const inner = new McpServer({ name: "child", version: "1.0.0" });
  const tool = inner.registerTool("add", {}, () => "added");
  const server = new McpServer({ name: "parent", version: "1.0.0" });
  server.mount("sub", inner);
  tool.disable();
  await assert.rejects(
    server.call("tools/call", { name: "sub_add" }),
    /Tool sub_add disabled/,
  );
  assert.deepEqual((await server.call("tools/list")).tools, []);
  tool.remove();
  await assert.rejects(
    server.call("tools/call", { name: "sub_add" }),
    /Tool sub_add not found/,
  );
  await server.close();
});

Deno.test("a prefix goes right behind a URI's scheme", () => {
  assert.equal(prefixUri("api", "data://x/y"), "data://api/x/y");
  assert.equal(prefixUri("api", "note:///1"), "note://api/1");
  assert.equal(prefixUri("api", "mailto:x"), "mailto:api/x");
  assert.equal(prefixUri("api", "data://{id}"), "data://api/{id}");
});

Deno.test("a server is never mounted into itself, by whatever way round", () => {
  const [outer, middle, inner] = ["outer", "middle", "inner"].map((name) =>
    new McpServer({ name, version: "1.0.0" })
  );
  assert.throws(() => outer.mount("a", outer), /mounted into itself/);
  outer.mount("m", middle);
  middle.mount("i", inner);
  assert.throws(() => inner.mount("o", outer), /mounted into itself/);
});

Deno.test("a mounted registration that another hides is told of, once", async () => {
  const log: LogRecord[] = [];
  await using server = new McpServer({ name: "parent", version: "1.0.0" }, {
    log: (record) => log.push(record),
  });
  server.registerTool("sub_add", {}, () => "its own");
  server.mount("sub", child());
  for (let i = 0; i < 2; i++) {
    const { content } = await server.call("tools/call", { name: "sub_add" });
    assert.deepEqual(content, [{ type: "text", text: "its own" }]);
    server.registerTool(`later_${i}`, {}, () => "more");
  }
  const warnings = log.filter(({ level }) => level === "warning");
  assert.equal(warnings.length, 1);
  assert.match(warnings[0].message, /sub_add of .* under "sub" is hidden/);
});
