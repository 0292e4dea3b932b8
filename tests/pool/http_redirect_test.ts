import assert from "node:assert/strict";
import { HttpError } from "../../src/pool/http/http_errors.ts";
import { HttpPool } from "../../src/pool/http/http_pool.ts";
import { eventually } from "../support/eventually.ts";
import { RawServer, TestServer } from "./http_server.ts";

/** Answers with what arrived, redirects from /<status>?<location>. */
function makeServer(): TestServer {
  return new TestServer(async (request) => {
    const { pathname, search } = new URL(request.url);
    const status = Number(pathname.slice(1));
    if (status >= 300) {
      await request.body?.cancel();
      return new Response(status === 304 ? null : "moved", {
        status,
        headers: { location: decodeURIComponent(search.slice(1)) },
      });
    }
    return Response.json({
      method: request.method,
      body: await request.text(),
      headers: Object.fromEntries(request.headers),
    });
  });
}

interface Echo {
  method: string;
  body: string;
  headers: Record<string, string>;
}

const redirectError = (error: unknown) =>
  error instanceof HttpError && error.code === "SLUICE_HTTP_REDIRECT";

Deno.test("a redirect keeps or changes the method as the status says", async () => {
  await using server = makeServer();
  await using http = new HttpPool();
  const cases: [number, string, string, string][] = [
    [301, "GET", "GET", ""],
    [301, "POST", "GET", ""],
    [302, "POST", "GET", ""],
    [302, "PUT", "PUT", "text"],
    [303, "PUT", "GET", ""],
    [303, "HEAD", "HEAD", ""],
    [307, "POST", "POST", "text"],
    [308, "POST", "POST", "text"],
  ];
  for (const [status, method, becomes, body] of cases) {
    const response = await http.fetch(`${server.origin}/${status}?/`, {
      method,
      body: method === "GET" || method === "HEAD" ? null : "text",
    });
    assert.equal(response.status, 200);
    assert.equal(response.url, `${server.origin}/`);
    assert.equal(server.requests.at(-1), `${becomes} /`, `${status} ${method}`);
    if (method === "HEAD") continue;
    const echo: Echo = await response.json();
    assert.equal(echo.body, body);
    assert.equal("content-type" in echo.headers, body !== "");
  }
  assert.equal(http.stats.redirects, cases.length);
  assert.equal(http.stats.active, 0);
});

Deno.test("credentials stay with their origin", async () => {
  await using server = makeServer();
  await using other = makeServer();
  await using http = new HttpPool();
  const headers = {
    authorization: "Bearer secret",
    cookie: "session=secret",
    host: "secret.example",
    "proxy-authorization": "Basic secret",
    "x-trace": "1",
  };
  const same = await http.getJson<Echo>(`${server.origin}/302?/`, { headers });
  assert.equal(same.headers.authorization, "Bearer secret");
  assert.equal(same.headers.host, "secret.example");
  const back = encodeURIComponent(`${server.origin}/302?/`);
  const away = await http.getJson<Echo>(
    `${server.origin}/302?${encodeURIComponent(`${other.origin}/302?${back}`)}`,
    { headers },
  );
  assert.equal(away.headers["x-trace"], "1");
  assert.equal(
    JSON.stringify(away).includes("secret"),
    false,
    "not even when it comes back",
  );
});

Deno.test("a response tells where it came from, as that of fetch does", async () => {
  await using server = makeServer();
  await using http = new HttpPool();
  for (const path of ["/200#part", "/302?/200%23part"]) {
    const url = server.origin + path;
    const expected = await fetch(url);
    await expected.body?.cancel();
    const response = await http.fetch(url);
    await response.body?.cancel();
    assert.equal(response.url, expected.url);
    assert.equal(response.redirected, expected.redirected);
  }
});

Deno.test("a loop ends at the limit, with its connections still good", async () => {
  await using server = makeServer();
  await using http = new HttpPool({ maxRedirects: 3 });
  await assert.rejects(http.fetch(`${server.origin}/302`), redirectError);
  assert.equal(server.requests.length, 4);
  assert.equal(server.connections, 1, "the bodies on the way were read");
  await using strict = new HttpPool({ maxRedirects: 0 });
  await assert.rejects(strict.fetch(`${server.origin}/302?/`), redirectError);
});

Deno.test('redirect: "manual" returns it, and no location is no redirect', async () => {
  await using server = makeServer();
  await using http = new HttpPool();
  const response = await http.fetch(`${server.origin}/302?/there`, {
    redirect: "manual",
  });
  assert.equal(response.status, 302);
  assert.equal(response.headers.get("location"), "/there");
  await response.body?.cancel();
  assert.equal((await http.fetch(`${server.origin}/304`)).status, 304);
});

Deno.test("a redirect to what can't be fetched is refused", async () => {
  await using server = makeServer();
  await using http = new HttpPool();
  for (const location of ["file:///etc/passwd", "ftp://x/", "http://["]) {
    await assert.rejects(
      http.fetch(`${server.origin}/302?${encodeURIComponent(location)}`),
      (error) =>
        error instanceof HttpError && error.code === "SLUICE_HTTP_URL_REFUSED",
    );
  }
  await eventually(() => http.stats.active === 0);
});

Deno.test("a stream is not sent twice", async () => {
  await using server = makeServer();
  await using http = new HttpPool();
  const stream = () => new Blob(["text"]).stream();
  await assert.rejects(
    http.fetch(`${server.origin}/307?/`, { method: "POST", body: stream() }),
    redirectError,
  );
  const echo = await http.getJson<Echo>(`${server.origin}/303?/`, {
    method: "POST",
    body: stream(),
  });
  assert.equal(echo.method, "GET");
});

Deno.test("an endless body on a redirect holds nobody up", async () => {
  await using server = makeServer();
  await using endless = new RawServer(async ({ write }) => {
    await write(
      `HTTP/1.1 302 Found\r\nlocation: ${server.origin}/\r\ntransfer-encoding: chunked\r\n\r\n`,
    );
    for (;;) await write(`1000\r\n${"x".repeat(4_096)}\r\n`);
  });
  await using http = new HttpPool();
  assert.equal((await http.getJson<Echo>(endless.origin)).method, "GET");
  assert.equal(http.stats.active, 0);
});
