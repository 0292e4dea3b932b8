import assert from "node:assert/strict";
import { ClosedError, InvalidOptionError } from "../../src/base/errors.ts";
import {
  HttpCircuitOpenError,
  HttpError,
  HttpFailedError,
  HttpStatusError,
  HttpTimeoutError,
} from "../../src/pool/http/http_errors.ts";
import { HttpPool } from "../../src/pool/http/http_pool.ts";
import type { HttpRequestOptions } from "../../src/pool/http/http_pool_options.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { overEachTransport, RawServer, TestServer } from "./http_server.ts";

const codeIs = (code: string) => (error: unknown) =>
  error instanceof HttpError && error.code === code;

const timedOut = (phase: string) => (error: unknown) =>
  error instanceof HttpTimeoutError && error.phase === phase;

/** An origin where nobody listens. */
function closedOrigin(hostname = "127.0.0.1"): string {
  const listener = Deno.listen({ hostname, port: 0 });
  const { port } = listener.addr;
  listener.close();
  return `http://${hostname}:${port}`;
}

overEachTransport(
  "maxBodyBytes counts bytes, whatever the length header says",
  async (way) => {
    const bytes = "x".repeat(3_000);
    await using server = new RawServer(async ({ request, write }) => {
      const status = request.startsWith("GET /gone") ? "410 Gone" : "200 OK";
      await write(`HTTP/1.1 ${status}\r\ncontent-length: 7\r\n`);
      await write("transfer-encoding: chunked\r\n\r\n");
      for (let chunk = 0; chunk < 3; chunk++) {
        await write(`3e8\r\n${bytes.slice(0, 1_000)}\r\n`);
      }
      await write("0\r\n\r\n");
    }, way.tls);
    await using http = new HttpPool({ ...way.options, maxBodyBytes: 2_999 });
    const tooLarge = codeIs("SLUICE_HTTP_BODY_TOO_LARGE");
    await assert.rejects(http.getBytes(server.origin), tooLarge);
    await assert.rejects(http.getJson(server.origin), tooLarge);
    const exact = { maxBodyBytes: 3_000 };
    assert.equal(await http.getText(server.origin, exact), bytes);
    await assert.rejects(
      http.getText(`${server.origin}/gone`),
      (error) =>
        error instanceof HttpStatusError && error.bodyText.length < 1_100,
    );
    await eventually(() => http.stats.active === 0);
  },
);

overEachTransport(
  "fetch has its response at once where the length is none",
  async (way) => {
    const rest = Promise.withResolvers<void>();
    await using server = new RawServer(async ({ write }) => {
      await write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n");
      await write("transfer-encoding: chunked\r\n\r\n2\r\nab\r\n");
      await rest.promise;
      await write("3\r\ncde\r\n0\r\n\r\n");
    }, way.tls);
    await using http = new HttpPool(way.options);
    const response = await http.fetch(server.origin);
    rest.resolve();
    assert.equal(await response.text(), "abcde");
  },
);

Deno.test("an allowUrl that hangs ends with the call's time, its signal and the pool", async () => {
  await using server = new TestServer(() =>
    new Response(null, { status: 302, headers: { location: "/hang" } })
  );
  const clock = new FakeClock();
  const http = new HttpPool({
    clock,
    allowUrl: ({ pathname }) =>
      pathname === "/" || new Promise<boolean>(() => {}),
  });
  const hanging = `${server.origin}/hang`;
  const late = assert.rejects(
    http.getText(hanging, { totalTimeoutMs: 400 }),
    timedOut("total"),
  );
  const redirected = assert.rejects(
    http.fetch(server.origin, { totalTimeoutMs: 400 }),
    timedOut("total"),
  );
  await eventually(() => http.stats.redirects === 1);
  await clock.advance(400);
  await Promise.all([late, redirected]);
  const controller = new AbortController();
  const given = assert.rejects(
    http.getJson(hanging, { signal: controller.signal }),
    /no more patience/,
  );
  controller.abort(new Error("no more patience"));
  await given;
  const closed = assert.rejects(http.getBytes(hanging), ClosedError);
  await http.close();
  await closed;
  assert.equal(clock.pending, 0);
});

Deno.test("callers' own mistakes are told as such, and are nobody's failure", async () => {
  await using server = new TestServer(() => new Response("well"));
  await using http = new HttpPool({ circuit: { failures: 1 } });
  const locked = new Blob(["x"]).stream();
  locked.getReader();
  const mistakes: HttpRequestOptions[] = [
    { method: "HEAD", body: "x" },
    { body: new URLSearchParams({ a: "1" }) },
    { method: "CONNECT" },
    { method: "GET IT" },
    { method: "\ufb00" },
  ];
  for (const mistake of mistakes) {
    await assert.rejects(
      http.getText(server.origin, mistake),
      (error) =>
        error instanceof InvalidOptionError && /can't be sent/.test(`${error}`),
    );
  }
  await assert.rejects(
    http.getText(server.origin, { method: "PUT", body: locked }),
    TypeError,
  );
  const broken = new ReadableStream({
    pull: () => {
      throw new RangeError("the disk is gone");
    },
  });
  await assert.rejects(
    http.getText(server.origin, { method: "PUT", body: broken }),
    RangeError,
  );
  const { circuit, failures } = http.stats.origins[server.origin];
  assert.deepEqual([circuit, failures, http.stats.retries], ["closed", 0, 0]);
  assert.equal(await http.getText(server.origin), "well");
  assert.equal(http.stats.active, 0);
});

Deno.test("a time-out opens a circuit only if the origin had the pool's time", async () => {
  await using silent = new RawServer(() => {});
  const clock = new FakeClock();
  await using http = new HttpPool({
    clock,
    circuit: { failures: 1 },
    maxRetries: 0,
    readTimeoutMs: 2_000,
    connectTimeoutMs: Infinity,
  });
  const wait = async (options: HttpRequestOptions, afterMs: number) => {
    const before = silent.requests;
    const late = assert.rejects(http.fetch(silent.origin, options));
    await eventually(() => silent.requests === before + 1);
    await clock.advance(afterMs);
    await late;
    return http.stats.origins[silent.origin].circuit;
  };
  assert.equal(await wait({ readTimeoutMs: 1 }, 1), "closed");
  assert.equal(await wait({ totalTimeoutMs: 5 }, 5), "closed");
  assert.equal(await wait({}, 2_000), "open");
});

Deno.test("origins beyond the bound are forgotten, well or not, but not those at work", async () => {
  await using busy = new RawServer(() => {});
  await using http = new HttpPool({
    maxRetries: 0,
    circuit: { failures: 1, openMs: 3_600_000 },
  });
  const controller = new AbortController();
  const { signal } = controller;
  const running = assert.rejects(http.fetch(busy.origin, { signal }));
  const { port } = new URL(closedOrigin("127.0.0.2"));
  const urls = Array.from(
    { length: 1_050 },
    (_, index) => `http://127.0.${3 + (index >> 8)}.${index & 255}:${port}/`,
  );
  await http.fetchAll(urls, { concurrency: 50 });
  const { origins } = http.stats;
  assert.ok(Object.keys(origins).length <= 1_000);
  assert.equal(origins[busy.origin].active, 1);
  controller.abort();
  await running;
});

Deno.test("health is well again when openMs is over, without a call", async () => {
  const clock = new FakeClock();
  await using http = new HttpPool({
    clock,
    maxRetries: 0,
    circuit: { failures: 2, openMs: 750 },
  });
  const origin = closedOrigin();
  for (let calls = 0; calls < 2; calls++) {
    await assert.rejects(http.fetch(origin));
  }
  assert.equal(http.checkHealth().status, "degraded");
  await clock.advance(749);
  assert.equal(http.checkHealth().status, "degraded");
  await clock.advance(1);
  assert.equal(http.checkHealth().status, "healthy");
});

overEachTransport(
  "readTimeoutMs is silence between pieces for small bodies too",
  async (way) => {
    const writers: ((text: string) => Promise<void>)[] = [];
    await using server = new RawServer(async ({ write }) => {
      await write("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n");
      writers.push(write);
    }, way.tls);
    const clock = new FakeClock();
    await using http = new HttpPool({
      ...way.options,
      clock,
      maxRetries: 0,
      readTimeoutMs: 500,
      connectTimeoutMs: Infinity,
    });
    // For what was written to arrive, on a busy machine, too.
    const pause = () => new Promise((resolve) => setTimeout(resolve, 100));
    const ways = [
      () => http.getText(server.origin),
      async () => await (await http.fetch(server.origin)).text(),
    ];
    for (const get of ways) {
      const text = get();
      await eventually(() => writers.length === 1);
      for (const letter of "abc") {
        await pause();
        await clock.advance(499);
        await writers[0](letter);
      }
      assert.equal(await text, "abc");
      writers.pop();
      const stalled = assert.rejects(get(), timedOut("read"));
      await eventually(() => writers.length === 1);
      await pause();
      await clock.advance(499);
      await writers.pop()!("a");
      await pause();
      await clock.advance(500);
      await stalled;
    }
    assert.equal(http.stats.active, 0);
    await http.close();
    assert.equal(clock.pending, 0);
  },
);

overEachTransport(
  "an origin whose small bodies begin to drip is watched piece by piece",
  async (way) => {
    let drips = false;
    await using server = new RawServer(async ({ write }) => {
      await write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n");
      for (const piece of drips ? ["a", "b", "c", "d"] : ["abcd"]) {
        if (drips) await new Promise((resolve) => setTimeout(resolve, 120));
        await write(piece).catch(() => {});
      }
    }, way.tls);
    await using http = new HttpPool({
      ...way.options,
      readTimeoutMs: 300,
      retryDelayMs: 1,
      circuit: { failures: 2 },
    });
    for (let calls = 0; calls < 2; calls++) {
      assert.equal(await http.getText(server.origin), "abcd");
    }
    drips = true;
    for (let calls = 0; calls < 2; calls++) {
      assert.equal(await http.getText(server.origin), "abcd");
    }
    assert.equal(http.stats.retries, 0);
    assert.equal(http.stats.active, 0);
  },
);

overEachTransport("any status is a response", async (way) => {
  await using server = new RawServer(async ({ request, write }) => {
    const [, status] = request.match(/\/(\d+)/)!;
    await write(`HTTP/1.1 ${status} Odd\r\ncontent-length: 4\r\n\r\nbody`);
  }, way.tls);
  await using http = new HttpPool({ ...way.options, circuit: false });
  for (const status of [299, 418, 599, 600, 799, 999]) {
    const url = `${server.origin}/${status}`;
    const response = await http.fetch(url);
    assert.deepEqual(
      [response.status, response.ok, response.url, await response.text()],
      [status, status < 300, url, "body"],
    );
    if (status < 300) continue;
    await assert.rejects(
      http.getText(url),
      (error) =>
        error instanceof HttpStatusError && error.status === status &&
        error.bodyText === "body",
    );
  }
  assert.equal(http.stats.active, 0);
});

Deno.test("an odd Retry-After is backed off from", async () => {
  let retryAfter = "";
  await using server = new TestServer(() =>
    new Response("busy", {
      status: 503,
      headers: { "retry-after": retryAfter },
    })
  );
  const clock = new FakeClock();
  await using http = new HttpPool({
    clock,
    circuit: false,
    maxRetries: 1,
    retryDelayMs: 1_000,
    random: () => 0,
  });
  const past = new Date(Date.now() - 60_000).toUTCString();
  for (const odd of ["-7", "2.5", "+3", "0x10", "1 2", "3, 4", "May 5", past]) {
    retryAfter = odd;
    const { retries, requests } = http.stats;
    const response = http.fetch(server.origin);
    await eventually(() => http.stats.retries === retries + 1);
    await clock.advance(499);
    assert.equal(http.stats.requests, requests + 1, odd);
    await clock.advance(1);
    assert.equal((await response).status, 503);
    assert.equal(http.stats.requests, requests + 2, odd);
  }
});

overEachTransport("secrets in URLs stay out of errors", async (way) => {
  await using server = new RawServer(async ({ request, write, close }) => {
    if (request.startsWith("GET /drop")) return close();
    const status = request.startsWith("GET /no") ? "404 No" : "200 OK";
    await write(`HTTP/1.1 ${status}\r\ncontent-length: 4\r\n\r\nbody`);
  }, way.tls);
  await using http = new HttpPool({
    ...way.options,
    maxRetries: 0,
    circuit: false,
    maxBodyBytes: 4,
    allowUrl: ({ pathname }) => pathname !== "/refused",
  });
  const secret = "q=two words&sig=hunter2#hunter2";
  const urls = [
    ...["drop", "no", "ok", "refused"].map((path) =>
      `${server.origin}/${path}?${secret}`
    ),
    `${closedOrigin()}/?${secret}`,
    `http://ada:hunter2@127.0.0.1/`,
    `http://ada:hunter2@[not-an-address/`,
    `//ada:hunter2@127.0.0.1/?${secret}`,
    `ftp://ada:hunter2@127.0.0.1/?${secret}`,
  ];
  for (const url of urls) {
    const [outcome] = await http.fetchAll([url]);
    assert.ok(outcome.status === "error");
    const { error } = outcome;
    const shown = Deno.inspect(error, { depth: 9, showHidden: true }) +
      JSON.stringify(error) + error.stack;
    assert.ok(!shown.includes("hunter2"), shown);
    assert.ok(!shown.includes("words"), shown);
  }
  const large = http.getText(`${server.origin}/?${secret}`, {
    maxBodyBytes: 3,
  });
  await assert.rejects(large, (error) => !Deno.inspect(error).includes("sig"));
});

Deno.test("a pool's own headers don't follow a redirect to another origin unless allowed", async () => {
  await using other = new TestServer((request) =>
    Response.json(Object.fromEntries(request.headers))
  );
  await using server = new TestServer((request) =>
    new URL(request.url).pathname === "/there"
      ? Response.json(Object.fromEntries(request.headers))
      : new Response(null, {
        status: 308,
        headers: {
          location: request.url.endsWith("/away") ? other.origin : "/there",
        },
      })
  );
  const headers = { "x-tenant": "acme", authorization: "Bearer pool" };
  const options = { method: "PUT", body: "x", headers: { "x-mine": "1" } };
  type Echo = Record<string, string | undefined>;
  await using http = new HttpPool({ headers });
  const same = await http.getJson<Echo>(`${server.origin}/near`, options);
  assert.deepEqual(
    [same["x-tenant"], same.authorization, same["x-mine"]],
    ["acme", "Bearer pool", "1"],
  );
  const away = await http.getJson<Echo>(`${server.origin}/away`, options);
  assert.deepEqual(
    [away["x-tenant"], away.authorization, away["x-mine"], away.accept],
    [undefined, undefined, "1", "application/json"],
  );
  await using open = new HttpPool({ headers, headersToOtherOrigins: true });
  const allowed = await open.getJson<Echo>(`${server.origin}/away`, options);
  assert.deepEqual(
    [allowed["x-tenant"], allowed.authorization],
    ["acme", undefined],
  );
});

Deno.test("an answer that its caller can't use closes a circuit all the same", async () => {
  let failing = true;
  await using server = new TestServer(() =>
    failing
      ? new Response("", { status: 502 })
      : new Response("more than three bytes")
  );
  const clock = new FakeClock();
  await using http = new HttpPool({
    clock,
    maxRetries: 0,
    circuit: { failures: 1, openMs: 100 },
  });
  const state = () => http.stats.origins[server.origin].circuit;
  await assert.rejects(http.getText(server.origin), HttpStatusError);
  assert.equal(state(), "open");
  failing = false;
  await clock.advance(100);
  await assert.rejects(
    http.getText(server.origin, { maxBodyBytes: 3 }),
    codeIs("SLUICE_HTTP_BODY_TOO_LARGE"),
  );
  assert.equal(state(), "closed");
});

Deno.test("a hook that fails hurts nobody, whatever it was told of", async () => {
  const fails = () => {
    throw new Error("the hook's own");
  };
  const failsLater = () => Promise.reject(new Error("the hook's own"));
  const clock = new FakeClock();
  await using silent = new RawServer(() => {});
  for (const onCircuitChange of [fails, failsLater]) {
    await using http = new HttpPool({
      clock,
      maxRetries: 0,
      maxPerOrigin: 1,
      readTimeoutMs: 100,
      connectTimeoutMs: Infinity,
      circuit: { failures: 1, openMs: 1 },
      onCircuitChange,
    });
    await assert.rejects(http.fetch(closedOrigin()), HttpFailedError);
    const before = silent.requests;
    const late = assert.rejects(http.fetch(silent.origin), timedOut("read"));
    await eventually(() => silent.requests > before);
    await clock.advance(100);
    await late;
    assert.equal(http.stats.active, 0);
  }
});

Deno.test("a retry that isn't sent any more leaves what came before it", async () => {
  await using server = new TestServer(() =>
    new Response("not today", { status: 503, headers: { "x-why": "tired" } })
  );
  const retryAtOnce = { maxRetries: 5, retryDelayMs: 1 };
  {
    await using http = new HttpPool({
      ...retryAtOnce,
      circuit: { failures: 2 },
    });
    const answers = Array.from({ length: 5 }, () => http.fetch(server.origin));
    for (const answer of await Promise.all(answers)) {
      assert.equal(answer.status, 503);
      assert.equal(answer.headers.get("x-why"), "tired");
      assert.equal(await answer.text(), "not today");
    }
    await assert.rejects(http.fetch(server.origin), HttpCircuitOpenError);
  }
  {
    await using http = new HttpPool({
      ...retryAtOnce,
      circuit: { failures: 2 },
    });
    await assert.rejects(
      http.getJson(server.origin),
      (error) =>
        error instanceof HttpStatusError && error.bodyText === "not today",
    );
  }
  {
    await using http = new HttpPool({
      ...retryAtOnce,
      circuit: { failures: 2 },
    });
    const outcomes = await http.fetchAll(Array(8).fill(closedOrigin()));
    for (const outcome of outcomes) {
      assert.equal(outcome.status, "error");
      assert.ok(outcome.error instanceof HttpFailedError, `${outcome.error}`);
    }
  }
});

overEachTransport(
  "a caller's stream is let go at once when its request is given up",
  async (way) => {
    await using server = new RawServer(() => {}, way.tls);
    await using http = new HttpPool({ ...way.options, maxRetries: 0 });
    let pulled = 0;
    const cancelled = Promise.withResolvers<unknown>();
    const body = new ReadableStream({
      pull: async (controller) => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        pulled++;
        controller.enqueue(new Uint8Array(10));
      },
      cancel: cancelled.resolve,
    });
    const leaving = new AbortController();
    const given = assert.rejects(
      http.getText(server.origin, {
        method: "POST",
        body,
        signal: leaving.signal,
      }),
      /enough/,
    );
    await eventually(() => pulled > 5);
    leaving.abort(new Error("enough"));
    await given;
    await cancelled.promise;
  },
);

overEachTransport(
  "while a caller's own stream is waited for, the server is not",
  async (way) => {
    const clock = new FakeClock();
    await using server = new TestServer(
      async (request) => new Response(await request.text()),
      way.tls,
    );
    await using http = new HttpPool({
      ...way.options,
      clock,
      maxRetries: 0,
      readTimeoutMs: 100,
      connectTimeoutMs: Infinity,
      circuit: { failures: 1 },
    });
    const pulled = Promise.withResolvers<void>();
    const bytes = Promise.withResolvers<Uint8Array>();
    const body = new ReadableStream({
      async pull(controller) {
        pulled.resolve();
        controller.enqueue(await bytes.promise);
        controller.close();
      },
    }, { highWaterMark: 0 });
    const answer = http.getText(server.origin, { method: "POST", body });
    await pulled.promise;
    await clock.advance(1_000);
    bytes.resolve(new TextEncoder().encode("late"));
    assert.equal(await answer, "late");
  },
);

overEachTransport(
  "what is sent is the body as it was when the call was made",
  async (way) => {
    let failures = 2;
    const bodies: string[] = [];
    await using server = new TestServer(async (request) => {
      bodies.push(await request.text());
      return new Response(null, { status: failures-- > 0 ? 503 : 200 });
    }, way.tls);
    await using http = new HttpPool({
      ...way.options,
      maxRetries: 2,
      retryDelayMs: 1,
      allowUrl: () => Promise.resolve(true),
    });
    const body = new TextEncoder().encode("AAAA");
    const form = new URLSearchParams({ a: "1" });
    const put = http.getText(server.origin, { method: "PUT", body });
    body.fill(66);
    await put;
    const post = http.getText(server.origin, { method: "POST", body: form });
    form.set("a", "2");
    await post;
    assert.deepEqual(bodies, ["AAAA", "AAAA", "AAAA", "a=1"]);
  },
);

Deno.test("what can't become an answer is not waited for", async () => {
  await using http = new HttpPool({ maxRetries: 0 });
  const cases = [
    ["SSH-2.0-OpenSSH_9.6\r\n", /something else than HTTP\/1\.1/],
    ["\x15\x03\x01", /something else than HTTP\/1\.1/],
    ["HTTP/1.1 200 OK\ncontent-length: 2\n\nhi", /bare line feed/],
  ] as const;
  for (const [text, why] of cases) {
    const over = Promise.withResolvers<void>();
    await using server = new RawServer(async ({ write }) => {
      await write(text);
      await over.promise;
    });
    await assert.rejects(http.getText(server.origin), why);
    over.resolve();
  }
});
