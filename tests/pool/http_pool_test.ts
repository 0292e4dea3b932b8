import assert from "node:assert/strict";
import {
  ClosedError,
  InvalidOptionError,
  QueueFullError,
} from "../../src/base/errors.ts";
import {
  HttpError,
  HttpStatusError,
  HttpTimeoutError,
} from "../../src/pool/http/http_errors.ts";
import type { HttpPoolOptions } from "../../src/pool/http/http_pool_options.ts";
import { HttpPool } from "../../src/pool/http/http_pool.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { overEachTransport, TestServer } from "./http_server.ts";

const codeIs = (code: string) => (error: unknown) =>
  error instanceof HttpError && error.code === code;

Deno.test("fetch is fetch: method, headers, body, status, url", async () => {
  await using server = new TestServer(async (request) =>
    Response.json({
      method: request.method,
      body: await request.text(),
      mine: request.headers.get("x-mine"),
      agent: request.headers.get("user-agent"),
    }, { status: 418 })
  );
  await using http = new HttpPool({
    headers: { "user-agent": "sluice-test", "x-mine": "default" },
  });
  const response = await http.fetch(`${server.origin}/a`, {
    method: "POST",
    body: "hello",
    headers: { "x-mine": "1" },
  });
  assert.equal(response.status, 418);
  assert.equal(response.url, `${server.origin}/a`);
  assert.deepEqual(await response.json(), {
    method: "POST",
    body: "hello",
    mine: "1",
    agent: "sluice-test",
  });
  assert.equal(http.stats.active, 0);
});

overEachTransport(
  "responses without a body are empty, and leave nothing behind",
  async (way) => {
    await using server = new TestServer(({ method, url }) => {
      const status = Number(new URL(url).pathname.slice(1));
      return new Response(method === "HEAD" ? "hidden" : null, { status });
    }, way.tls);
    await using http = new HttpPool(way.options);
    assert.equal((await http.fetch(`${server.origin}/204`)).status, 204);
    const head = { method: "HEAD" };
    const response = await http.fetch(`${server.origin}/200`, head);
    assert.equal(await response.text(), "");
    for (const [path, options] of [["204", {}], ["205", {}], ["200", head]]) {
      const url = `${server.origin}/${path}`;
      assert.equal(await http.getText(url, options as object), "");
      assert.equal((await http.getBytes(url, options as object)).length, 0);
      await assert.rejects(http.getJson(url, options as object), {
        code: "SLUICE_HTTP_NOT_JSON",
      });
    }
    for (const [path, options] of [["304", {}], ["404", head]]) {
      await assert.rejects(
        http.getText(`${server.origin}/${path}`, options as object),
        HttpStatusError,
      );
    }
    assert.equal(http.stats.active, 0);
  },
);

Deno.test("getJson, getText and getBytes read successes and throw the rest", async () => {
  await using server = new TestServer((request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/json") {
      return Response.json({ accept: request.headers.get("accept") });
    }
    if (pathname === "/text") return new Response("grüße");
    return new Response(`no such thing: ${"x".repeat(5_000)}`, { status: 404 });
  });
  await using http = new HttpPool();
  assert.deepEqual(await http.getJson(`${server.origin}/json`), {
    accept: "application/json",
  });
  assert.equal(await http.getText(`${server.origin}/text`), "grüße");
  assert.equal((await http.getBytes(`${server.origin}/text`)).length, 7);
  await assert.rejects(
    http.getJson(`${server.origin}/none`),
    (error) =>
      error instanceof HttpStatusError && error.status === 404 &&
      error.code === "SLUICE_HTTP_STATUS" &&
      error.bodyText.startsWith("no such thing") &&
      error.bodyText.length === 1_024,
  );
  await assert.rejects(
    http.getJson(`${server.origin}/text`),
    codeIs("SLUICE_HTTP_NOT_JSON"),
  );
  assert.equal(
    http.stats.failures,
    1,
    "an answer that is no JSON is an answer",
  );
  await eventually(() => http.stats.active === 0);
});

Deno.test("a body larger than allowed is refused, announced or not", async () => {
  let sent = 0;
  await using server = new TestServer((request) => {
    if (request.url.endsWith("/announced")) {
      return new Response("x".repeat(10_001));
    }
    return new Response(
      new ReadableStream({
        async pull(controller) {
          await new Promise((resolve) => setTimeout(resolve));
          sent += 65_536;
          controller.enqueue(new Uint8Array(65_536));
        },
      }),
    );
  });
  await using http = new HttpPool({ maxBodyBytes: 10_000 });
  for (const path of ["announced", "endless"]) {
    await assert.rejects(
      http.getText(`${server.origin}/${path}`),
      codeIs("SLUICE_HTTP_BODY_TOO_LARGE"),
    );
  }
  assert.equal(
    (await http.getBytes(`${server.origin}/announced`, {
      maxBodyBytes: 10_001,
    }))
      .length,
    10_001,
  );
  assert.ok(sent < 10_000_000);
  assert.equal(http.stats.active, 0);
});

Deno.test("a compressed body counts as what it becomes", async () => {
  const bomb = await new Response(
    new Blob(["0".repeat(5_000_000)]).stream()
      .pipeThrough(new CompressionStream("gzip")),
  ).bytes();
  await using server = new TestServer(() =>
    new Response(bomb, { headers: { "content-encoding": "gzip" } })
  );
  await using http = new HttpPool({ maxBodyBytes: 100_000 });
  assert.ok(bomb.length < 100_000);
  await assert.rejects(
    http.getText(server.origin),
    codeIs("SLUICE_HTTP_BODY_TOO_LARGE"),
  );
});

Deno.test("a small body that nobody reads gives its place back", async () => {
  await using server = new TestServer(() => new Response("unread"));
  await using http = new HttpPool({ maxPerOrigin: 1 });
  for (let call = 0; call < 5; call++) await http.fetch(server.origin);
  await eventually(() => http.stats.active === 0);
  assert.equal(server.requests.length, 5);
  assert.equal(server.connections, 1);
});

Deno.test("a large body that nobody reads takes up room until its time is over", async () => {
  await using server = new TestServer(() =>
    new Response(new Uint8Array(5_000_000))
  );
  const clock = new FakeClock();
  await using http = new HttpPool({ clock });
  const response = await http.fetch(server.origin);
  await eventually(() => server.requests.length === 1);
  assert.equal(http.stats.active, 1);
  await clock.advance(60_000);
  assert.equal(http.stats.active, 0);
  await assert.rejects(response.text(), HttpTimeoutError);
  const cancelled = await http.fetch(server.origin);
  await cancelled.body!.cancel();
  assert.equal(http.stats.active, 0);
  await http.close();
  assert.equal(clock.pending, 0);
});

Deno.test("no more run at once than allowed, per origin and in all", async () => {
  const gates = { a: { now: 0, most: 0 }, b: { now: 0, most: 0 } };
  let most = 0;
  const serve = (gate: { now: number; most: number }) =>
    new TestServer(async () => {
      gate.most = Math.max(gate.most, ++gate.now);
      most = Math.max(most, gates.a.now + gates.b.now);
      await new Promise((resolve) => setTimeout(resolve, 5));
      gate.now--;
      return new Response("ok");
    });
  await using a = serve(gates.a);
  await using b = serve(gates.b);
  await using http = new HttpPool({ maxPerOrigin: 4, maxConcurrency: 6 });
  await Promise.all(
    Array.from(
      { length: 60 },
      (_, call) => http.getText(call % 2 === 0 ? a.origin : b.origin),
    ),
  );
  // Which of them have theirs at the same time is a matter of chance.
  assert.equal(Math.max(gates.a.most, gates.b.most), 4);
  assert.equal(most, 6);
  assert.ok(a.connections <= 4 && b.connections <= 4);
  assert.equal(http.stats.requests, 60);
  assert.equal(http.stats.active + http.stats.waiting, 0);
});

Deno.test("connections are kept: a burst opens as many as may run, once", async () => {
  await using server = new TestServer(async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return new Response("ok");
  });
  await using http = new HttpPool({ maxPerOrigin: 32 });
  for (let burst = 0; burst < 8; burst++) {
    await Promise.all(
      Array.from({ length: 32 }, () => http.getText(server.origin)),
    );
  }
  assert.equal(server.requests.length, 256);
  assert.ok(server.connections <= 40, `${server.connections} connections`);
});

Deno.test("who waits too long, or finds too many waiting, is sent away", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = new TestServer(async () => {
    await gate.promise;
    return new Response("ok");
  });
  const clock = new FakeClock();
  await using http = new HttpPool({
    maxPerOrigin: 1,
    maxWaiting: 1,
    queueTimeoutMs: 500,
    clock,
  });
  const running = http.getText(server.origin);
  await eventually(() => server.requests.length === 1);
  const late = assert.rejects(
    http.getText(server.origin),
    (error) =>
      error instanceof HttpTimeoutError && error.phase === "queue" &&
      error.name === "HttpTimeoutError" &&
      error.timeoutMs === 500,
  );
  await eventually(() => http.stats.waiting === 1);
  await assert.rejects(http.getText(server.origin), QueueFullError);
  await clock.advance(500);
  await late;
  gate.resolve();
  assert.equal(await running, "ok");
  assert.equal(server.requests.length, 1, "a queue's time-out is not retried");
});

Deno.test("fetchAll: one outcome per URL, in order, so many at a time", async () => {
  let now = 0;
  let most = 0;
  await using server = new TestServer(async (request) => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, 2));
    now--;
    const { pathname } = new URL(request.url);
    return pathname === "/3"
      ? new Response("gone", { status: 410 })
      : Response.json({ pathname });
  });
  await using http = new HttpPool();
  const urls = Array.from(
    { length: 12 },
    (_, index) => `${server.origin}/${index}`,
  );
  urls[5] = "not a url";
  const outcomes = await http.fetchAll<{ pathname: string }>(urls, {
    concurrency: 3,
  });
  assert.equal(most, 3);
  assert.deepEqual(outcomes.map(({ url }) => url), urls);
  outcomes.forEach((outcome, index) => {
    if (index === 3) {
      assert.ok(
        outcome.status === "error" && outcome.error instanceof HttpStatusError,
      );
    } else if (index === 5) {
      assert.ok(
        outcome.status === "error" &&
          codeIs("SLUICE_HTTP_URL_REFUSED")(outcome.error),
      );
    } else {
      assert.ok(outcome.status === "success");
      assert.equal(outcome.data.pathname, `/${index}`);
    }
  });
  const [text] = await http.fetchAll([`${server.origin}/x`], { as: "text" });
  assert.deepEqual(text, {
    url: `${server.origin}/x`,
    status: "success",
    data: '{"pathname":"/x"}',
  });
  await assert.rejects(
    http.fetchAll(urls, { concurrency: 0 }),
    InvalidOptionError,
  );
  await assert.rejects(
    http.fetchAll(urls, { as: "xml" as "text" }),
    /as must be.*"xml"/,
  );
});

Deno.test("fetchAll still has an outcome for each when its caller gives up", async () => {
  await using server = new TestServer((request) =>
    request.url.endsWith("/0") ? Response.json(0) : new Promise(() => {})
  );
  await using http = new HttpPool();
  const controller = new AbortController();
  const all = http.fetchAll(
    [0, 1, 2, 3].map((index) => `${server.origin}/${index}`),
    { concurrency: 2, signal: controller.signal },
  );
  await eventually(() => server.requests.length === 3);
  controller.abort(new Error("enough"));
  const outcomes = await all;
  assert.deepEqual(outcomes.map(({ status }) => status), [
    "success",
    "error",
    "error",
    "error",
  ]);
  await http.close();
});

Deno.test("URLs that must not be fetched are refused, redirects too", async () => {
  await using inside = new TestServer(() => new Response("secret"));
  await using outside = new TestServer(() =>
    Response.redirect(`${inside.origin}/metadata`)
  );
  const asked: string[] = [];
  await using http = new HttpPool({
    allowUrl: async (url) => {
      asked.push(url.origin);
      return await Promise.resolve(url.origin === outside.origin);
    },
  });
  const refused = codeIs("SLUICE_HTTP_URL_REFUSED");
  await assert.rejects(http.fetch(inside.origin), refused);
  await assert.rejects(http.fetch(outside.origin), refused);
  assert.deepEqual(asked, [inside.origin, outside.origin, inside.origin]);
  assert.equal(inside.requests.length, 0);
  for (
    const url of [
      "file:///etc/passwd",
      "data:text/plain,x",
      "//no-scheme",
      "",
      "http://user:secret@127.0.0.1/",
    ]
  ) {
    await assert.rejects(
      http.fetch(url),
      (error) => refused(error) && !String(error).includes("secret"),
    );
  }
});

Deno.test("close ends what runs and waits; nothing goes after it", async () => {
  await using server = new TestServer(() => new Promise(() => {}));
  const http = new HttpPool({ maxPerOrigin: 1 });
  const running = assert.rejects(http.fetch(server.origin), ClosedError);
  const waiting = assert.rejects(http.fetch(server.origin), ClosedError);
  await eventually(() => server.requests.length === 1);
  await http.close();
  await Promise.all([running, waiting]);
  await assert.rejects(http.fetch(server.origin), ClosedError);
  await http.close();
});

Deno.test("drain waits for what runs", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = new TestServer(async () => {
    await gate.promise;
    return new Response("ok");
  });
  await using http = new HttpPool();
  await http.drain();
  const running = http.getText(server.origin);
  await eventually(() => server.requests.length === 1);
  const controller = new AbortController();
  const impatient = http.drain({ signal: controller.signal });
  controller.abort(new Error("no patience"));
  await assert.rejects(impatient, /no patience/);
  const drained = http.drain();
  gate.resolve();
  await drained;
  assert.equal(await running, "ok");
});

Deno.test("options that make no sense are refused, quoted", async () => {
  const refused = (options: HttpPoolOptions, message: RegExp) =>
    assert.throws(
      () => new HttpPool(options),
      (error) =>
        error instanceof InvalidOptionError && message.test(error.message),
    );
  refused({ maxConcurrency: 0 }, /maxConcurrency.*got 0/);
  refused({ maxPerOrigin: NaN }, /maxPerOrigin.*NaN/);
  refused({ maxWaiting: -1 }, /maxWaiting.*-1/);
  refused({ readTimeoutMs: 0 }, /readTimeoutMs.*0/);
  refused({ maxRetries: 1.5 }, /maxRetries.*1.5/);
  refused({ maxRedirects: -2 }, /maxRedirects.*-2/);
  refused({ retryDelayMs: 500, maxRetryDelayMs: 100 }, /500.*100/);
  refused({ circuit: { failures: 0 } }, /circuit.failures.*0/);
  refused({ circuit: { openMs: -1 } }, /circuit.openMs.*-1/);
  refused({ circuit: true as never }, /circuit.*true/);
  refused({ maxBodyBytes: -1 }, /maxBodyBytes.*-1/);
  await using http = new HttpPool();
  await assert.rejects(
    http.fetch("http://127.0.0.1:9/", { readTimeoutMs: NaN }),
    /readTimeoutMs.*NaN/,
  );
});
