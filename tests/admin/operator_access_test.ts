import assert from "node:assert/strict";
import { McpServer } from "../../mod.ts";

const info = { name: "guarded", version: "1.0.0" };
const local = { remoteAddr: { hostname: "127.0.0.1" } };

function ask(
  server: McpServer,
  { url = "http://localhost/debug/profile?seconds=0", peer, ...init }: {
    url?: string;
    peer?: object;
  } & RequestInit,
): Response | Promise<Response> {
  return server.fetch(new Request(url, init), peer);
}

Deno.test("without being asked for, there are no debug routes", async () => {
  await using server = new McpServer(info);
  const response = await ask(server, { peer: local });
  assert.equal(response.status, 404);
  await response.body?.cancel();
});

Deno.test("debug routes are for callers on this machine, and nobody who only looks so", async () => {
  await using server = new McpServer(info, {
    debug: true,
    allowedHosts: ["public.example"],
  });
  // What gets through is told that no profile takes 0 seconds.
  const cases: [number, Parameters<typeof ask>[1]][] = [
    [400, { peer: local }],
    [400, { peer: { remoteAddr: { hostname: "127.9.9.9" } } }],
    [400, { peer: { remoteAddr: { hostname: "::1" } } }],
    [400, { peer: { remoteAddr: { hostname: "::ffff:127.0.0.1" } } }],
    [403, { peer: undefined }],
    [403, { peer: {} }],
    [403, { peer: { remoteAddr: { hostname: "10.0.0.7" } } }],
    [403, { peer: { remoteAddr: { hostname: "127.0.0.1.evil.example" } } }],
    [403, { peer: local, headers: { "x-forwarded-for": "1.2.3.4" } }],
    [403, { peer: local, headers: { forwarded: "for=1.2.3.4" } }],
    [403, { peer: local, headers: { "x-real-ip": "1.2.3.4" } }],
    [403, { peer: local, headers: { origin: "https://evil.example" } }],
    [403, { peer: local, headers: { origin: "null" } }],
    [403, { peer: local, headers: { "x-forwarded-proto": "https" } }],
    [403, { peer: local, headers: { connection: "close" } }],
    [403, { peer: local, headers: { connection: "Close, TE" } }],
    [400, { peer: local, headers: { connection: "keep-alive" } }],
    [403, { peer: local, headers: { "sec-fetch-site": "cross-site" } }],
    [403, { peer: local, headers: { "sec-fetch-site": "same-site" } }],
    [400, { peer: local, headers: { "sec-fetch-site": "same-origin" } }],
    [400, { peer: local, headers: { "sec-fetch-site": "none" } }],
    [403, {
      peer: local,
      url: "http://public.example/debug/profile?seconds=0",
    }],
    [403, { peer: local, url: "http://evil.example/debug/profile?seconds=0" }],
  ];
  for (const [status, asked] of cases) {
    const response = await ask(server, asked);
    assert.equal(response.status, status, JSON.stringify(asked));
    await response.body?.cancel();
  }
});

Deno.test("authorizeOperator decides alone where it is given", async () => {
  await using server = new McpServer(info, {
    debug: true,
    authorizeOperator: (request) =>
      request.headers.get("authorization") === "Bearer s3cret" ||
      new Response("Who are you?", {
        status: 401,
        headers: { "www-authenticate": "Bearer" },
      }),
  });
  const refused = await ask(server, { peer: local });
  assert.equal(refused.status, 401);
  assert.equal(refused.headers.get("www-authenticate"), "Bearer");
  await refused.body?.cancel();
  const entered = await ask(server, {
    headers: { authorization: "Bearer s3cret" },
  });
  assert.equal(entered.status, 400);
  await entered.body?.cancel();
});

Deno.test("only operators read what failed checks say", async () => {
  await using server = new McpServer(info);
  server.health.add("database", () => {
    throw new Error("db.internal refused the connection");
  });
  const details = async (peer: object) => {
    const response = await ask(server, {
      url: "http://localhost/health/detailed",
      peer,
    });
    assert.equal(response.status, 503);
    return await response.text();
  };
  assert.match(await details(local), /db\.internal/);
  const stranger = await details({ remoteAddr: { hostname: "10.0.0.7" } });
  assert.doesNotMatch(stranger, /db\.internal/);
  assert.match(stranger, /"database":\{"status":"unhealthy"/);
});

Deno.test("a real profile is taken over HTTP, and a shutdown doesn't wait for one", async () => {
  const server = new McpServer(info, { debug: true });
  const running = await server.serve({
    port: 0,
    signals: false,
    onListen: () => {},
  });
  const origin = new URL(running.url).origin;
  const profile = await fetch(`${origin}/debug/profile?seconds=1`);
  assert.equal(profile.status, 200);
  const { nodes, samples } = await profile.json();
  assert.ok(nodes.length > 0 && samples.length > 0);
  const unfinished = await fetch(`${origin}/debug/profile?seconds=60`);
  const begun = performance.now();
  await Promise.all([
    server.close(),
    unfinished.text().catch(() => "broken off"),
  ]);
  assert.ok(performance.now() - begun < 10_000);
});
