import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type LogRecord,
  McpServer,
  ResourceTemplate,
  UriTemplate,
  type Variables,
} from "../../mod.ts";
import { ask, LegacyClient } from "./wire.ts";
import { connectMemory } from "../support/legs.ts";
import type { Loose } from "../support/clients.ts";

/** A thing that is listed is found under every spelling that clients have for it. */

const URIS = [
  "note:///My Notes/to do.md",
  "NOTE://Inbox/First",
  "note://host/a/../b/./c",
  "note://host/%7euser/%c3%a9",
  "note://host/é/漢字?q=a b&c=é#ü",
  "https://Example.COM:443/A%2fB",
  "https://example.org",
  "urn:ISBN:0 395 36341 1",
  "note:///cut \ud83d",
  "note:///a|b^c`d{e".replace("{", "%7B"),
];

/** How clients in other languages write a URI that they were given. */
const REWRITE: Record<string, (uri: string) => string> = {
  "as listed": (uri) => uri,
  "as a URL": (uri) => new URL(uri).href,
  "encoded": (uri) => encodeURI(uri).replaceAll("%25", "%"),
  "escapes in small letters": (uri) =>
    new URL(uri).href.replace(/%[\dA-F]{2}/g, (each) => each.toLowerCase()),
  "unreserved decoded": (uri) => new URL(uri).href.replaceAll(/%7e/gi, "~"),
  "scheme and host in small letters": (uri) =>
    uri.replace(/^[^:]+:(\/\/[^/]*)?/, (begin) => begin.toLowerCase()),
};

Deno.test("a listed resource is read under its URI as listed, however clients write it", async () => {
  const server = new McpServer({ name: "uris", version: "1.0.0" }, {
    log: () => {},
  });
  URIS.forEach((uri, index) =>
    server.registerResource(`r${index}`, uri, {}, () => `content ${index}`)
  );
  const { resources } = await server.call("resources/list") as Loose;
  const client = await LegacyClient.open(server);
  for (const [index, { uri }] of resources.entries()) {
    for (const [how, rewrite] of Object.entries(REWRITE)) {
      const asked = rewrite(uri);
      const expected = `content ${index}`;
      const { contents } = await server.call("resources/read", {
        uri: asked,
      }) as Loose;
      assert.equal(contents[0].text, expected, `${how}: ${asked}`);
      const { body } = await client.ask("resources/read", { uri: asked });
      assert.equal(body.result.contents[0].text, expected, asked);
    }
  }
  await assert.rejects(
    server.call("resources/read", { uri: "note:///my notes/to do.md" }),
    /not found/,
  );
  await server.close();
});

Deno.test("updates reach who subscribed under another spelling", async () => {
  const server = new McpServer({ name: "uris", version: "1.0.0" }, {
    log: () => {},
  });
  const uri = "NOTE:///My Notes/%7euser";
  server.registerResource("r", uri, {}, () => "x");
  await using client = await connectMemory(
    { generation: "v1", era: "legacy" },
    server,
  );
  await client.ask("resources/subscribe", {
    uri: "note:///My%20Notes/~user",
  });
  await server.server.sendResourceUpdated({ uri });
  const { uri: told } = await client.hears("notifications/resources/updated");
  assert.equal(told, uri);
  await client.ask("resources/unsubscribe", { uri });
  client.heard.length = 0;
  await server.server.sendResourceUpdated({ uri });
  await client.ask("ping");
  assert.deepEqual(client.heard, []);
  await server.close();
});

Deno.test("templates: what expand makes and lists show is what match reads", () => {
  const cases: [written: string, variables: Variables, uris: string[]][] = [
    ["notes://My Docs/{name}", { name: "a b" }, [
      "notes://My%20Docs/a%20b",
    ]],
    ["files:///My Docs/{name}", { name: "x" }, [
      "files:///My%20Docs/x",
      "files:///My Docs/x",
      "FILES:///My%20Docs/x",
    ]],
    ["files:///é/%7e{name}", { name: "x" }, [
      "files:///%C3%A9/~x",
      "files:///%c3%a9/%7Ex",
      "files:///é/%7ex",
    ]],
    ["NOTES://Host/{name}", { name: "A" }, ["notes://host/A"]],
    ["x://list?sort=up{&page,size}", { page: "2" }, [
      "x://list?sort=up&page=2",
      "x://list?page=2&sort=up",
    ]],
    ["x://list?kind=a b{&q}", { q: "é" }, ["x://list?kind=a%20b&q=%C3%A9"]],
    ["x://files/{+path}", { path: "a/b c/%7e" }, ["x://files/a/b%20c/%7e"]],
    ["x://{id}", { id: "cut \ud83d" }, ["x://cut%20%EF%BF%BD"]],
    ["x://{+id}", { id: "cut \ud83d" }, ["x://cut%20%EF%BF%BD"]],
  ];
  for (const [written, variables, uris] of cases) {
    const template = new UriTemplate(written);
    assert.equal(String(template), written);
    const expanded = template.expand(variables);
    const matched = template.match(expanded);
    assert.notEqual(matched, null, written);
    for (const uri of uris) {
      const decoded = (values: Variables | null) =>
        values &&
        Object.entries(values).map((
          [name, value],
        ) => [name, decodeURIComponent(String(value))]);
      assert.deepEqual(decoded(template.match(uri)), decoded(matched), uri);
    }
    assert(URL.canParse(expanded), expanded);
  }
  // A comma parts the variables of one expression, and is like any letter else.
  const parted: [written: string, uri: string, values: Variables | null][] = [
    ["x://{a}", "x://1,2", { a: "1,2" }],
    ["x:/{/a,b}", "x://1,2/3", { a: "1,2", b: "3" }],
    ["x://{a,b}", "x://1,2", { a: "1", b: "2" }],
    ["x://{a,b}", "x://1,2,3", null],
    ["x://{a*}", "x://1,2", { a: ["1", "2"] }],
  ];
  for (const [written, uri, values] of parted) {
    assert.deepEqual({ ...new UriTemplate(written).match(uri) }, { ...values });
  }
  const strict = new UriTemplate("x://list?sort=up{&page}");
  for (const uri of ["x://list?page=2", "x://list?sort=down", "x://list"]) {
    assert.equal(strict.match(uri), null, uri);
  }
});

Deno.test("a template that a URL parser would write otherwise is read all the same", async () => {
  await using server = new McpServer({ name: "uris", version: "1.0.0" });
  const cases: [template: string, uri: string, variables: Variables][] = [
    ["https://Example.org:443/{id}", "https://example.org/A", { id: "A" }],
    ["https://Example.net:443/{id}", "https://Example.net:443/A", { id: "A" }],
    ["https://query.example{?q}", "https://query.example?q=1", { q: "1" }],
    ["https://slash.example{/p}", "https://slash.example/1", { p: "1" }],
    ["https://{host}.example", "https://Any.example", { host: "any" }],
    ["dots://h/a/../{id}", "dots://h/a/../1", { id: "1" }],
    ["users://{id}", "USERS://Ada", { id: "Ada" }],
    ["part://x{#frag}", "part://x#Top", { frag: "Top" }],
    ["all:{+rest}", "all:a b", { rest: "a%20b" }],
    ["Ports://h:{port}/{id}", "ports://h:80/A", { port: "80", id: "A" }],
  ];
  for (const [template] of cases) {
    server.registerResource(
      template,
      new ResourceTemplate(template, { list: undefined }),
      {},
      (_url, variables) => JSON.stringify(variables),
    );
  }
  for (const [template, uri, variables] of cases) {
    const { contents } = await server.call("resources/read", { uri }) as Loose;
    assert.deepEqual(JSON.parse(contents[0].text), variables, template);
  }
});

Deno.test("any template matches what it expands to, as a URL too", () => {
  const literal = fc.string({ unit: "grapheme", maxLength: 8 })
    .map((each) => each.replace(/[{}?#/\\%,.&;=\t\n\r]/g, "").trim());
  fc.assert(
    fc.property(literal, literal, fc.string({ minLength: 1 }), (a, b, id) => {
      const template = new UriTemplate(`x://h/${a}/{id}/${b}`);
      const expanded = template.expand({ id });
      const expected = { id: encodeURIComponent(id.toWellFormed()) };
      assert.deepEqual(template.match(expanded), expected);
      if (/^\.+$/.test(id)) return;
      assert.notEqual(template.match(new URL(expanded).href), null);
    }),
    { examples: [["", "¡", "."], ["É", "", ".."]] },
  );
});

Deno.test("what a template lists and nobody can read is left out, and told of once", async () => {
  const log: LogRecord[] = [];
  const server = new McpServer({ name: "uris", version: "1.0.0" }, {
    log: (record) => log.push(record),
  });
  const uris = [
    "docs:///Read Me.md",
    "Read Me.md",
    "docs:///é",
    "docs:///Lovelace, Ada.md",
    "/b",
  ];
  server.registerResource(
    "docs",
    new ResourceTemplate("docs:///{name}", {
      list: () => ({ resources: uris.map((uri) => ({ uri, name: uri })) }),
    }),
    {},
    (_uri, { name }) => String(name),
  );
  for (let round = 0; round < 2; round++) {
    const { resources } = await server.call("resources/list") as Loose;
    assert.deepEqual(
      resources.map(({ uri }: Loose) => uri),
      ["docs:///Read Me.md", "docs:///é", "docs:///Lovelace, Ada.md"],
    );
    for (const { uri } of resources) {
      await server.call("resources/read", { uri });
      await server.call("resources/read", { uri: new URL(uri).href });
    }
  }
  assert.equal(log.length, 2);
  assert.match(log[0].message, /lists "Read Me\.md", which is no URI/);
  await server.close();
});

Deno.test("the endpoint's path and hosts have one form on both sides", async () => {
  const status = async (server: McpServer, url: string) =>
    (await ask(server, "ping/none", {}, { url })).body.error?.code === -32601
      ? "served"
      : "not served";
  const paths: [path: string, served: string[], not: string[]][] = [
    ["/My Server", ["/My%20Server", "/My Server", "/x/../My%20Server"], [
      "/my%20server",
      "/My%2520Server",
    ]],
    ["/é/mcp", ["/%C3%A9/mcp", "/%c3%a9/mcp", "/é/mcp"], ["/e/mcp"]],
    ["/a/./b/../mcp", ["/a/mcp"], ["/a/b/mcp"]],
    ["/%7euser", ["/~user", "/%7Euser", "/%7euser"], ["/user"]],
    ["/mcp", ["/mcp", "/%6dcp"], ["/MCP", "/mcp/", "/mcp%2f"]],
  ];
  for (const [path, served, not] of paths) {
    const server = new McpServer({ name: "p", version: "1.0.0" }, {
      path,
      log: () => {},
    });
    for (const each of served) {
      assert.equal(await status(server, `http://localhost${each}`), "served");
    }
    for (const each of not) {
      assert.equal(
        await status(server, `http://localhost${each}`),
        "not served",
        each,
      );
    }
    await server.close();
  }
  for (const path of ["/%68ealth", "/x/../metrics", "/./debug/x"]) {
    assert.throws(
      () => new McpServer({ name: "p", version: "1.0.0" }, { path }).app,
      /operator's own/,
    );
  }
  const hosts: [allowed: string, served: string[]][] = [
    ["API.Example.com", ["api.example.com", "API.EXAMPLE.COM:8443"]],
    ["example.com.", ["example.com", "example.com."]],
    ["example.com", ["example.com."]],
    ["münchen.example", ["xn--mnchen-3ya.example", "MÜNCHEN.example"]],
    ["::ffff:1", ["[::ffff:1]:80", "[0:0:0:0:0:0:ffff:1]"]],
    ["[2001:DB8::1]", ["[2001:db8:0::1]"]],
    ["10.1", ["10.0.0.1"]],
  ];
  for (const [allowed, served] of hosts) {
    const server = new McpServer({ name: "p", version: "1.0.0" }, {
      allowedHosts: [allowed],
      log: () => {},
    });
    for (const host of served) {
      assert.equal(await status(server, `http://${host}/mcp`), "served", host);
    }
    assert.equal(await status(server, "http://example.org/mcp"), "not served");
    await server.close();
  }
  assert.throws(
    () =>
      new McpServer({ name: "p", version: "1.0.0" }, {
        allowedHosts: ["[::1]:80"],
      }).app,
    /without a scheme or a port/,
  );
});
