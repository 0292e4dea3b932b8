import assert from "node:assert/strict";
import { apiKeys, McpServer } from "../../mod.ts";
import { ask } from "../transport/wire.ts";
import { Issuer } from "./issuer.ts";

type Options = ConstructorParameters<typeof McpServer>[1];

const WELL_KNOWN = "/.well-known/oauth-protected-resource";

const serverOf = (options: Options) =>
  new McpServer({ name: "notes", version: "1.0.0" }, options);

async function get(
  server: McpServer,
  url: string,
  init?: RequestInit,
): Promise<Response> {
  return await server.fetch(new Request(url, init));
}

Deno.test("the metadata names the resource and its issuers, at the root and at the path", async () => {
  const server = serverOf({
    publicUrl: "https://MCP.example.com/",
    auth: [
      new Issuer().auth({ audience: undefined }),
      new Issuer("https://second.example.com").auth({ audience: undefined }),
    ],
    scopes: ["notes"],
  });
  for (const path of [WELL_KNOWN, `${WELL_KNOWN}/mcp`]) {
    for (const host of ["localhost:8000", "mcp.example.com"]) {
      const response = await get(server, `http://${host}${path}`, {
        headers: { origin: "https://page.example.org" },
      });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("access-control-allow-origin"), "*");
      assert.deepEqual(await response.json(), {
        resource: "https://mcp.example.com/mcp",
        resource_name: "notes",
        authorization_servers: [
          "https://login.example.com",
          "https://second.example.com",
        ],
        scopes_supported: ["notes"],
        bearer_methods_supported: ["header"],
      });
    }
  }
  const preflight = await get(server, `http://localhost${WELL_KNOWN}`, {
    method: "OPTIONS",
    headers: { origin: "https://page.example.org" },
  });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get("access-control-allow-origin"), "*");
  const posted = await get(server, `http://localhost${WELL_KNOWN}`, {
    method: "POST",
  });
  assert.equal(posted.status, 405);
});

Deno.test("no slash ends the resource, and a proxy's prefix is part of it", async () => {
  for (
    const [publicUrl, path, resource, metadata] of [
      ["https://a.example", "/", "https://a.example", ""],
      ["https://a.example/", "/mcp", "https://a.example/mcp", "/mcp"],
      ["https://a.example/x/", "/mcp", "https://a.example/x/mcp", "/x/mcp"],
      ["http://localhost:9/x", "/", "http://localhost:9/x", "/x"],
      ["http://mcp", "/mcp", "http://mcp/mcp", "/mcp"],
      [
        "https://a.example/mcp/x",
        "/mcp",
        "https://a.example/mcp/x/mcp",
        "/mcp/x/mcp",
      ],
      [
        "https://a.example/amcp",
        "/mcp",
        "https://a.example/amcp/mcp",
        "/amcp/mcp",
      ],
    ]
  ) {
    const auth = new Issuer().auth({ audience: undefined });
    const server = serverOf({ publicUrl, path, auth });
    const { origin } = new URL(publicUrl);
    const answer = await ask(server, "tools/list", {}, {
      url: `${origin}${path}`,
    });
    assert.match(
      answer.headers.get("www-authenticate")!,
      new RegExp(`resource_metadata="${origin}${WELL_KNOWN}${metadata}"`),
    );
    const found = await get(server, origin + WELL_KNOWN + metadata);
    assert.equal((await found.json()).resource, resource);
  }
});

Deno.test("metadata is not told to requests for foreign hosts, and reflects none", async () => {
  const auth = new Issuer().auth();
  for (const publicUrl of ["https://mcp.example.com", undefined]) {
    const server = serverOf({ publicUrl, auth });
    const foreign = await get(server, `http://evil.example.org${WELL_KNOWN}`);
    assert.equal(foreign.status, 403);
    assert.ok(!(await foreign.text()).includes("login.example.com"));
  }
  const open = serverOf({ allowedHosts: "*", auth });
  const answer = await get(open, `http://evil.example.org${WELL_KNOWN}`);
  assert.ok(!(await answer.text()).includes("evil"));
  const refused = await ask(open, "tools/list", {}, {
    url: "http://evil.example.org/mcp",
  });
  assert.ok(!refused.headers.get("www-authenticate")!.includes("evil"));
});

Deno.test("a server for keys alone has no metadata", async () => {
  const server = serverOf({ auth: apiKeys({}) });
  const answer = await get(server, `http://localhost${WELL_KNOWN}`);
  assert.equal(answer.status, 404);
});

Deno.test("a browser's client can read the challenge, from allowed origins alone", async () => {
  const issuer = new Issuer();
  const server = serverOf({
    auth: issuer.auth(),
    allowedOrigins: ["https://page.example.org"],
  });
  const from = (origin: string) =>
    ask(server, "tools/list", {}, { headers: { origin } });
  const { status, headers } = await from("https://page.example.org");
  assert.equal(status, 401);
  assert.match(
    headers.get("access-control-expose-headers")!,
    /www-authenticate/,
  );
  assert.equal((await from("https://evil.example.org")).status, 403);
});

Deno.test("a public URL that is none is refused", () => {
  for (
    const publicUrl of [
      "mcp.example.com",
      "ftp://mcp.example.com",
      "https://mcp.example.com/?a=b",
      "https://mcp.example.com/#a",
      "https://user:secret@mcp.example.com",
      "",
    ]
  ) {
    assert.throws(() => serverOf({ publicUrl }), /publicUrl/, publicUrl);
  }
});

Deno.test("a public URL with the endpoint's path in it is refused, and told what to write", () => {
  const auth = new Issuer().auth({ audience: undefined });
  for (
    const [publicUrl, path, write] of [
      ["https://a.example/mcp", "/mcp", "https://a.example"],
      ["https://a.example/x/mcp/", "/mcp/", "https://a.example/x"],
    ]
  ) {
    assert.throws(() => serverOf({ publicUrl, path, auth }), {
      name: "InvalidOptionError",
      message: new RegExp(`publicUrl must not .*: write "${write}", got`),
    });
  }
});
