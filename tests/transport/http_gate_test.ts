import assert from "node:assert/strict";
import { HostGate } from "../../src/transport/http/host_gate.ts";
import { makeSubject } from "./subject.ts";
import {
  type Answer,
  ask,
  assertRefused,
  assertServes,
  type HeaderSet,
  initialize,
  LegacyClient,
  modernCall,
  modernHeaders,
  post,
  type Posting,
} from "./wire.ts";

const { server, log } = makeSubject();
const list = (posting: Posting) => ask(server, "tools/list", {}, posting);

Deno.test("methods other than POST, GET and DELETE are refused with 405", async () => {
  for (const method of ["PUT", "PATCH", "HEAD", "OPTIONS", "PROPFIND"]) {
    const answer = await post(server, undefined, { method });
    assert.equal(answer.status, 405, method);
    assert.equal(answer.headers.get("allow"), "GET, POST, DELETE");
    if (method !== "HEAD") {
      assertRefused(answer, { status: 405, code: -32000, id: null });
    }
  }
  await assertServes(server);
});

Deno.test("a modern client may only POST", async () => {
  for (const method of ["GET", "DELETE", "PUT"]) {
    const answer = await post(server, undefined, {
      method,
      headers: { "mcp-protocol-version": "2026-07-28" },
    });
    assertRefused(answer, { status: 405, code: -32000 });
    assert.equal(answer.headers.get("allow"), "POST");
  }
});

Deno.test("other paths are not found", async () => {
  for (
    const path of ["/", "/mcp/", "/MCP", "/mcp2", "/mcp%2f", "/sse", "//mcp"]
  ) {
    const url = `http://localhost${path}`;
    assert.equal((await list({ url })).status, 404, path);
  }
  assert.equal((await list({ url: "http://localhost/mcp?x=1" })).status, 200);
  assert.equal((await list({ url: "http://localhost/x/../mcp" })).status, 200);
  await assertServes(server);
});

Deno.test("only known hosts are served", async () => {
  const status = async (host: string) =>
    (await list({ url: `http://${host}/mcp` })).status;
  for (const host of ["localhost", "127.0.0.1", "[::1]", "localhost:8123"]) {
    assert.equal(await status(host), 200, host);
  }
  const strangers = [
    "evil.com",
    "localhost.evil.com",
    "evil.com:80",
    "0.0.0.0",
  ];
  for (const host of [...strangers, "localhost.", "xn--lcalhost-54a"]) {
    assert.equal(await status(host), 403, host);
    // A host that has passed before does not let the next one in.
    assert.equal(await status("localhost"), 200);
  }
  assertRefused(await list({ url: "http://evil.com/mcp" }), {
    status: 403,
    code: -32600,
    says: /"evil\.com".*allowedHosts/,
    id: null,
  });
});

Deno.test("hosts can be allowed by name, or all of them", async () => {
  const named = makeSubject({ allowedHosts: ["API.example.com"] }).server;
  const any = makeSubject({ allowedHosts: "*" }).server;
  const url = "https://api.example.com:8443/mcp";
  assert.equal((await ask(named, "tools/list", {}, { url })).status, 200);
  assert.equal((await ask(any, "tools/list", {}, { url })).status, 200);
  const other = { url: "https://example.com/mcp" };
  assert.equal((await ask(named, "tools/list", {}, other)).status, 403);
  assert.equal((await ask(any, "tools/list", {}, other)).status, 200);
});

Deno.test("a server that is reached from outside takes any host, unless some are named", () => {
  const publicUrl = new URL("https://mcp.example.com");
  const allows = (names: string[], hostname: string, isOutside = true) => {
    const options = {
      allowedHosts: new Set(names),
      allowedOrigins: new Set<string>(),
    };
    const gate = new HostGate(options, publicUrl);
    if (isOutside) gate.openToAnyHost();
    return gate.allowsHost(new URL(`http://${hostname}/`));
  };
  // What it is called in public says nothing of its address in a cluster.
  assert.equal(allows([], "10.1.2.3"), true);
  assert.equal(allows([], "10.1.2.3", false), false);
  assert.equal(allows(["inner.example.com"], "10.1.2.3"), false);
  assert.equal(allows(["inner.example.com"], "inner.example.com"), true);
  assert.equal(allows(["inner.example.com"], "mcp.example.com"), true);
});

Deno.test("only known origins are served", async () => {
  const answer = (origin: string, url?: string) =>
    list({ url, headers: { origin } });
  const own = "http://localhost:8123";
  for (
    const origin of [
      own,
      "http://127.0.0.1:3000",
      "http://[::1]",
      "http://localhost",
    ]
  ) {
    const { status, headers } = await answer(origin, `${own}/mcp`);
    assert.equal(status, 200, origin);
    assert.equal(headers.get("access-control-allow-origin"), origin);
  }
  for (
    const origin of [
      "https://evil.com",
      "null",
      "",
      "localhost",
      "file://",
      "http://localhost.evil.com",
      "http://localhost, http://evil.com",
    ]
  ) {
    const refused = await answer(origin, `${own}/mcp`);
    assertRefused(refused, {
      status: 403,
      code: -32600,
      says: /Origin.*allowedOrigins/,
      id: null,
    });
    assert.equal(refused.headers.get("access-control-allow-origin"), null);
  }
  await assertServes(server);
});

Deno.test("origins that are not the web's can be allowed", async () => {
  const origins = [
    "chrome-extension://abcdefghijklmnop",
    "moz-extension://7a2b-11",
    "vscode-webview://1k2j3",
    "tauri://app.local",
    "file://",
    "capacitor://app.local:8080",
    "app+x.y-z://-",
    "null",
  ];
  for (const origin of origins) {
    const { server: one } = makeSubject({ allowedOrigins: [origin] });
    for (const other of origins) {
      const { status, headers } = await ask(one, "tools/list", {}, {
        headers: { origin: other },
      });
      assert.equal(status, other === origin ? 200 : 403, other);
      if (other !== origin) continue;
      assert.equal(headers.get("access-control-allow-origin"), origin);
    }
  }
  for (
    const origin of [
      "chrome-extension://abc/",
      "tauri://a b",
      "://x",
      "x://",
      "https://Example.com",
      "https://example.com/",
      "file://x",
      "NULL",
      "",
    ]
  ) {
    assert.throws(
      () => makeSubject({ allowedOrigins: [origin] }).server.app,
      /allowedOrigins/,
      origin,
    );
  }
});

Deno.test("preflights are answered for known origins alone", async () => {
  const preflight = (origin: string) =>
    post(server, undefined, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type, mcp-method",
      },
    });
  const known = await preflight("http://localhost:3000");
  assert.equal(known.status, 204);
  assert.match(known.headers.get("access-control-allow-methods")!, /POST/);
  assert.equal((await preflight("https://evil.com")).status, 403);
});

const bodies: [string, unknown, HeaderSet, number][] = [
  [
    "modern",
    modernCall("tools/list"),
    modernHeaders(modernCall("tools/list")),
    -32600,
  ],
  ["legacy", initialize(), {}, -32000],
];

for (const [era, body, headers, code] of bodies) {
  const send = (more: HeaderSet): Promise<Answer> =>
    post(server, body, { headers: { ...headers, ...more } });

  Deno.test(`${era}: the body must be JSON by its type`, async () => {
    for (
      const type of [
        null,
        "",
        "text/plain",
        "application/jsonp",
        "text/json",
        "application/json-seq",
        "multipart/form-data; x=application/json",
        "application/x-www-form-urlencoded",
      ]
    ) {
      // A string body would get a type of its own.
      const bytes = new TextEncoder().encode(JSON.stringify(body));
      const answer = await post(server, bytes, {
        headers: { ...headers, "content-type": type },
      });
      assertRefused(answer, { status: 415, code, says: /Content-Type/ });
    }
    for (
      const type of [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        " application/json ; x=y",
      ]
    ) {
      assert.equal((await send({ "content-type": type })).status, 200, type);
    }
  });

  Deno.test(`${era}: the client must accept both kinds of answer`, async () => {
    for (
      const accept of [
        null,
        "",
        "application/json",
        "text/event-stream",
        "text/html",
        "application/*",
        "application/jsonx, text/event-stream",
        "application/json, text/event-stream;q=0",
        "*/*, application/json; Q=0.000",
      ]
    ) {
      const answer = await send({ accept });
      assertRefused(answer, { status: 406, code, says: /must accept both/ });
    }
    for (
      const accept of [
        "*/*",
        "text/event-stream,application/json",
        "application/*, text/*",
        "APPLICATION/JSON, Text/Event-Stream;q=0.5",
        "text/html, */*;q=0.1",
        "text/html;q=0, */*",
      ]
    ) {
      assert.equal((await send({ accept })).status, 200, accept);
    }
  });
}

Deno.test("a legacy GET must accept an event stream", async () => {
  const client = await LegacyClient.open(server);
  const refused = [
    null,
    "",
    "application/json",
    "text/event-streams",
    "text/event-stream;q=0, */*",
  ];
  for (const accept of refused) {
    const answer = await client.post(undefined, {
      method: "GET",
      headers: { accept },
    });
    assertRefused(answer, { status: 406, code: -32000 });
  }
  const taken = [
    "*/*",
    "text/*",
    "Text/Event-Stream",
    "x/y, text/event-stream",
  ];
  for (const accept of taken) {
    const response = await server.fetch(
      new Request("http://localhost/mcp", {
        headers: { accept, "mcp-session-id": client.sessionId },
      }),
    );
    assert.equal(response.status, 200, accept);
    await response.body!.cancel();
  }
  await client.end();
});

Deno.test("hosts and origins that make no sense are refused at once", () => {
  assert.throws(() => makeSubject({ allowedHosts: ["a:8080"] }).server.app, {
    code: "SLUICE_INVALID_OPTION",
    message: /"a:8080"/,
  });
  assert.throws(
    () => makeSubject({ allowedOrigins: ["example.com"] }).server.app,
    { code: "SLUICE_INVALID_OPTION", message: /"example\.com"/ },
  );
});

Deno.test("none of this was worth a line in the log", () => {
  assert.deepEqual(log, []);
});
