import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type LogRecord,
  McpServer,
  ResourceTemplate,
  type Variables,
} from "@sluice/mcp";
import { ask } from "../transport/wire.ts";

const TEMPLATES = [
  "one://host/{id}",
  "rest://host/{+path}",
  "opaque:{+path}",
  "list://host/{ids*}",
  "slash://host{/a,b}",
  "dot://host/x{.ext}",
  "query://host/x{?q}",
  "hash://host/x{#part}",
];

/** A server that notes all that its rules and handlers are given. */
function makeServer(unsafe?: boolean) {
  const seen: Variables[] = [];
  const lines: LogRecord[] = [];
  const server = new McpServer({ name: "safe", version: "1.0.0" }, {
    log: (line) => void lines.push(line),
  });
  for (const [index, form] of TEMPLATES.entries()) {
    server.registerResource(
      `template ${index}`,
      new ResourceTemplate(form, { list: undefined, unsafe }),
      {
        allow: (_caller, variables) => {
          seen.push(variables as Variables);
          return true;
        },
        cache: { ttlMs: 60_000 },
      },
      (_uri, variables) => {
        seen.push(variables);
        return "read";
      },
    );
  }
  return { server, seen, lines };
}

async function reads(server: McpServer, uri: string): Promise<boolean> {
  const { body } = await ask(server, "resources/read", { uri });
  if (body.result === undefined) assert.equal(body.error!.code, -32602);
  return body.result !== undefined;
}

const HOSTILE = [
  "one://host/%2e%2e",
  "one://host/a%2fb",
  "one://host/a%2Fb",
  "one://host/a%5cb",
  "one://host/%00",
  "one://host/a%00.png",
  "one://host/%0d%0aSet-Cookie:x",
  "one://host/%7f",
  "one://host/%c2%85",
  "one://host/%c0%ae%c0%ae",
  "one://host/%ff",
  "rest://host/a/..%2fb",
  "rest://host/a/%2e%2e%2fetc/passwd",
  "rest://host/%5c..%5c..%5cwindows",
  "rest://host/a\\..\\b",
  "opaque:../../etc/passwd",
  "opaque:a/%2e%2e/b",
  "opaque:a/.%2e/b",
  "opaque:..",
  "list://host/a,%2e%2e",
  "list://host/a,%2fb",
  "slash://host/a/%2e%2e%00",
  "dot://host/x.%2fetc",
  "query://host/x?q=../../etc",
  "query://host/x?q=%00",
  "hash://host/x#%2e%2e/%2e%2e",
];

Deno.test("what could lead elsewhere reaches neither rule nor handler", async () => {
  const { server, seen } = makeServer();
  for (const uri of HOSTILE) {
    assert.equal(await reads(server, uri), false, uri);
    await server.call("resources/subscribe", { uri }).catch(() => {});
  }
  assert.deepEqual(seen, []);
  await server.close();
});

Deno.test("it does where its template asks for it", async () => {
  const { server, seen } = makeServer(true);
  assert.ok(await reads(server, "one://host/a%2Fb"));
  assert.ok(await reads(server, "opaque:../../etc/passwd"));
  assert.deepEqual(seen.at(-1), { path: "../../etc/passwd" });
  assert.ok(await reads(server, "query://host/x?q=a%00"));
  await server.close();
});

Deno.test("plain values are read as ever", async () => {
  const { server, seen } = makeServer();
  const uris = [
    "one://host/caf%C3%A9",
    "one://host/100%25",
    "one://host/...",
    "one://host/a..b",
    "rest://host/a/b/c.txt",
    "opaque:a/b",
    "query://host/x?q=a%20b",
  ];
  for (const uri of uris) assert.ok(await reads(server, uri), uri);
  assert.deepEqual(seen[0], { id: "caf%C3%A9" });
  await server.close();
});

Deno.test("whatever a client writes, what a handler decodes is safe", async () => {
  const { server, seen } = makeServer();
  const piece = fc.constantFrom(
    ..."..|.|/|%2e|%2E|%2f|%2F|%5c|\\|%00|\0|%0a|\n|\t|%25|%252e|%|a|b|,|?|#|q=|%c0%ae|%ff|%c3%a9|é|;|:|@|//|://"
      .split("|"),
  );
  const prefixes = TEMPLATES.map((each) => each.replace(/\{.*$/, ""));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...prefixes),
      fc.array(piece, { minLength: 1, maxLength: 8 }),
      async (prefix, pieces) => {
        seen.length = 0;
        await reads(server, prefix + pieces.join(""));
        for (
          const value of seen.flatMap((each) => Object.values(each).flat())
        ) {
          const text = decodeURIComponent(value);
          assert.doesNotMatch(value, /%2f|%5c/i);
          assert.doesNotMatch(text, /[\p{Cc}\\]/u);
          assert.ok(!text.split("/").includes(".."), text);
        }
      },
    ),
    { numRuns: 3_000 },
  );
  await server.close();
});

Deno.test("completers see nothing that a URI of theirs could not hold", async () => {
  const seen: unknown[] = [];
  const server = new McpServer({ name: "safe", version: "1.0.0" }, {
    log: () => {},
  });
  const register = (name: string, form: string, unsafe?: boolean) =>
    server.registerResource(
      name,
      new ResourceTemplate(form, {
        list: undefined,
        unsafe,
        complete: {
          path: (value, context) => {
            seen.push([value, context?.arguments]);
            return ["found"];
          },
        },
      }),
      {},
      () => "",
    );
  register("safe", "a://host/{dir}/{+path}");
  register("unsafe", "b://host/{+path}", true);
  const complete = async (uri: string, value: string, args?: object) => {
    const { completion } = await server.call("completion/complete", {
      ref: { type: "ref/resource", uri },
      argument: { name: "path", value },
      context: { arguments: args },
    });
    return (completion as { values: string[] }).values;
  };
  const safe = "a://host/{dir}/{+path}";
  for (const value of ["../../etc", "..", "a\\b", "a\0", "a\nb"]) {
    assert.deepEqual(await complete(safe, value), []);
    assert.deepEqual(await complete(safe, "a", { dir: value }), []);
  }
  assert.deepEqual(await complete(safe, "a", { dir: 7 }), []);
  assert.deepEqual(seen, []);
  assert.deepEqual(await complete(safe, "100%", { dir: "x" }), ["found"]);
  assert.deepEqual(await complete("b://host/{+path}", "../x"), ["found"]);
  await server.close();
});

Deno.test("a list leaves out, and tells of, what its own template would not read", async () => {
  const { server, lines } = makeServer();
  const uris = ["files://host/a", "files://host/a%2Fb", "other://host/%2e"];
  const resources = uris.map((uri) => ({ name: uri, uri }));
  server.registerResource(
    "listing",
    new ResourceTemplate("files://host/{id}", { list: () => ({ resources }) }),
    {},
    () => "",
  );
  const { resources: listed } = await server.call("resources/list") as {
    resources: { uri: string }[];
  };
  assert.deepEqual(listed.map(({ uri }) => uri), [uris[0], uris[2]]);
  assert.equal(lines.length, 1);
  assert.match(lines[0].message, /a%2Fb", which can't be read by a template/);
  await server.close();
});

Deno.test("unsafe is true or false", () => {
  assert.throws(
    () =>
      new ResourceTemplate("a://{b}", { list: undefined, unsafe: 1 as never }),
    /template a:\/\/\{b\}: unsafe must be true or false/,
  );
});
