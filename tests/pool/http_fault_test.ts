import assert from "node:assert/strict";
import {
  HttpCircuitOpenError,
  HttpFailedError,
  HttpTimeoutError,
} from "../../src/pool/http/http_errors.ts";
import { HttpPool } from "../../src/pool/http/http_pool.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";
import {
  ClosedDoor,
  overEachTransport,
  RawServer,
  TestServer,
} from "./http_server.ts";

const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const okAndClose =
  "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

const timedOut = (phase: string) => (error: unknown) =>
  error instanceof HttpTimeoutError && error.phase === phase &&
  error.code === "SLUICE_TIMEOUT";

/** A port where nobody listens. */
function closedOrigin(): string {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return `http://127.0.0.1:${port}`;
}

overEachTransport(
  "a server that never answers is given up after readTimeoutMs",
  async (way) => {
    await using server = new RawServer(() => {}, way.tls);
    const clock = new FakeClock();
    await using http = new HttpPool({
      ...way.options,
      clock,
      maxRetries: 0,
      connectTimeoutMs: Infinity,
    });
    const late = assert.rejects(http.getText(server.origin), timedOut("read"));
    await eventually(() => server.requests === 1);
    await clock.advance(29_999);
    assert.equal(http.stats.active, 1);
    await clock.advance(1);
    await late;
    assert.equal(http.stats.active, 0);
    await http.close();
    assert.equal(clock.pending, 0);
  },
);

overEachTransport(
  "a body that stalls is given up after readTimeoutMs, one that drips is not",
  async (way) => {
    const drip = Promise.withResolvers<(text: string) => Promise<void>>();
    await using server = new RawServer(async ({ request, write }) => {
      await write(
        request.startsWith("GET /small")
          ? "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nab"
          : "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n",
      );
      if (request.startsWith("GET /drip")) drip.resolve(write);
    }, way.tls);
    const clock = new FakeClock();
    await using http = new HttpPool({
      ...way.options,
      clock,
      maxRetries: 0,
      readTimeoutMs: 1_000,
    });
    const small = assert.rejects(
      http.fetch(`${server.origin}/small`),
      timedOut("read"),
    );
    await eventually(() => server.requests === 1);
    await clock.advance(1_000);
    await small;
    const stalled = await http.fetch(`${server.origin}/stall`);
    const text = assert.rejects(stalled.text(), timedOut("read"));
    await clock.advance(1_000);
    await text;
    const dripping = await http.fetch(`${server.origin}/drip`);
    const reader = dripping.body!.getReader();
    const write = await drip.promise;
    let received = "";
    for (const part of ["cd", "ef"]) {
      const { value } = await reader.read();
      received += new TextDecoder().decode(value);
      await clock.advance(999);
      await write(`2\r\n${part}\r\n`);
    }
    const { value } = await reader.read();
    received += new TextDecoder().decode(value);
    assert.equal(received, "abcdef");
    await write("0\r\n\r\n");
    assert.equal((await reader.read()).done, true);
    assert.equal(http.stats.active, 0);
    await http.close();
    assert.equal(clock.pending, 0);
  },
);

overEachTransport(
  "totalTimeoutMs covers all: dripping bodies, retries and queueing",
  async (way) => {
    await using server = new RawServer(async ({ write }) => {
      await write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\na");
    }, way.tls);
    const clock = new FakeClock();
    await using http = new HttpPool({ ...way.options, clock, maxPerOrigin: 1 });
    const late = assert.rejects(
      http.getText(server.origin, { totalTimeoutMs: 700 }),
      (error) => timedOut("total")(error) && /700 ms/.test(String(error)),
    );
    await eventually(() => server.requests === 1);
    const queued = assert.rejects(
      http.getText(server.origin, { totalTimeoutMs: 500 }),
      timedOut("total"),
    );
    await eventually(() => http.stats.waiting === 1);
    await clock.advance(700);
    await Promise.all([late, queued]);
    assert.equal(http.stats.active + http.stats.waiting, 0);
    assert.equal(server.requests, 1);
    assert.equal(clock.pending, 0);
  },
);

Deno.test("an origin that accepts no connection is given up after connectTimeoutMs", async () => {
  await using door = new ClosedDoor();
  await door.fillUp();
  const clock = new FakeClock();
  await using http = new HttpPool({ clock, maxRetries: 0 });
  const late = assert.rejects(
    http.getText(door.origin),
    (error) => timedOut("connect")(error) && /5000 ms/.test(String(error)),
  );
  await eventually(() => http.stats.requests === 1);
  await clock.advance(5_000);
  await late;
  assert.equal(clock.pending, 0);
});

Deno.test("an origin that is merely slow to answer is not taken for unconnectable", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = new TestServer(async () => {
    await gate.promise;
    return new Response("slow");
  });
  const clock = new FakeClock();
  await using http = new HttpPool({ clock, connectTimeoutMs: 1_000 });
  const text = http.getText(server.origin);
  await eventually(() => server.requests.length === 1);
  await clock.advance(500);
  await eventually(() => clock.pending === 1);
  await clock.advance(20_000);
  gate.resolve();
  assert.equal(await text, "slow");
  await http.close();
  assert.equal(clock.pending, 0);
});

overEachTransport(
  "what was refused, dropped or garbled is a named error with its cause",
  async (way) => {
    await using dropper = new RawServer(({ close }) => close(), way.tls);
    await using garbler = new RawServer(async ({ write, close }) => {
      await write("BONJOUR\r\n\r\n");
      close();
    }, way.tls);
    await using cutter = new RawServer(async ({ write, close }) => {
      await write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc");
      close();
    }, way.tls);
    await using tearer = new RawServer(async ({ write, close }) => {
      await write(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n",
      );
      close();
    }, way.tls);
    await using http = new HttpPool({ ...way.options, maxRetries: 0 });
    const failed = (sent: boolean) => (error: unknown) =>
      error instanceof HttpFailedError && error.code === "SLUICE_HTTP_FAILED" &&
      error.sent === sent && error.cause !== undefined &&
      /^GET https?:\/\/127\.0\.0\.1/.test(error.message);
    await assert.rejects(http.getText(closedOrigin()), failed(false));
    await assert.rejects(http.getText(dropper.origin), failed(true));
    await assert.rejects(http.getText(garbler.origin), failed(true));
    await assert.rejects(http.getText(cutter.origin), failed(true));
    await assert.rejects(http.fetch(cutter.origin), failed(true));
    const response = await http.fetch(tearer.origin);
    await assert.rejects(response.text(), failed(true));
    assert.equal(http.stats.active, 0);
  },
);

overEachTransport(
  "a dropped request is repeated if that is safe, also half-way through the body",
  async (way) => {
    let drops = 2;
    await using server = new RawServer(async ({ request, write, close }) => {
      if (drops-- > 0) {
        if (request.includes("/half")) {
          await write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc");
        }
        close();
      } else {
        await write(okAndClose);
        close();
      }
    }, way.tls);
    await using http = new HttpPool({
      ...way.options,
      retryDelayMs: 1,
      circuit: false,
    });
    assert.equal(await http.getText(`${server.origin}/`), "ok");
    drops = 2;
    assert.equal(await http.getText(`${server.origin}/half`), "ok");
    assert.equal(http.stats.retries, 4);
    drops = 3;
    await assert.rejects(http.getText(`${server.origin}/`), HttpFailedError);
    const before = server.requests;
    for (
      const request of [
        { method: "POST", body: "x" },
        { method: "PATCH", body: "x" },
        { method: "PUT", body: new Blob(["x"]).stream() },
        { method: "GET", idempotent: false },
      ]
    ) {
      drops = 1;
      await assert.rejects(
        http.fetch(`${server.origin}/`, request),
        HttpFailedError,
      );
    }
    assert.equal(server.requests, before + 4);
    for (
      const request of [
        { method: "POST", body: "x", headers: { "idempotency-key": "7" } },
        { method: "POST", body: "x", idempotent: true },
        { method: "PUT", body: "x" },
        { method: "delete" },
      ]
    ) {
      drops = 1;
      assert.equal(await http.getText(`${server.origin}/`, request), "ok");
    }
  },
);

overEachTransport(
  "the runtime doesn't repeat behind the pool's back what isn't safe to repeat",
  async (way) => {
    let drop = false;
    const received: string[] = [];
    await using server = new RawServer(async ({ request, write, close }) => {
      received.push(request);
      if (!drop) return await write(ok);
      drop = false;
      close();
    }, way.tls);
    await using http = new HttpPool({ ...way.options, circuit: false });
    const form = new FormData();
    form.set("field", "Value");
    const bodies: [BodyInit | null, string][] = [
      [null, "content-length: 0"],
      ["text", "content-type: text/plain;charset=UTF-8"],
      ["text", "content-length: 4"],
      [new TextEncoder().encode("bytes"), "content-length: 5"],
      [new URLSearchParams({ a: "1" }), "application/x-www-form-urlencoded"],
      [form, "multipart/form-data; boundary="],
      [new Blob(["blob"], { type: "text/x" }), "content-type: text/x"],
      [new Blob(["stream"]).stream(), "transfer-encoding: chunked"],
    ];
    for (const [body, header] of bodies) {
      await http.getText(server.origin);
      drop = true;
      const before = received.length;
      await assert.rejects(
        http.fetch(server.origin, { method: "POST", body }),
        HttpFailedError,
      );
      assert.equal(received.length, before + 1, "sent once");
      assert.ok(received.at(-1)!.includes(header), received.at(-1));
    }
    const posted = received.find((request) => request.includes("multipart"))!;
    const [, boundary] = posted.match(/boundary=(\S+)/)!;
    assert.ok(posted.includes(`\r\n\r\n--${boundary}\r\n`));
  },
);

Deno.test("what never reached the server may be repeated even if it is not idempotent", async () => {
  await using http = new HttpPool({ retryDelayMs: 1 });
  await assert.rejects(
    http.fetch(closedOrigin(), { method: "POST", body: "x" }),
    HttpFailedError,
  );
  assert.equal(http.stats.retries, 2);
});

overEachTransport(
  "an abort ends a request at any stage with its reason",
  async (way) => {
    await using server = new RawServer(async ({ request, write }) => {
      if (request.startsWith("GET /body")) {
        await write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc");
      }
      if (request.startsWith("GET /busy")) {
        await write(
          "HTTP/1.1 503 Busy\r\nretry-after: 5\r\ncontent-length: 0\r\n\r\n",
        );
      }
    }, way.tls);
    await using http = new HttpPool({ ...way.options, maxPerOrigin: 1 });
    for (const path of ["silent", "body", "busy", "queued"]) {
      const controller = new AbortController();
      const holder = new AbortController();
      const held = path === "queued"
        ? http.fetch(server.origin, { signal: holder.signal }).catch(() => {})
        : undefined;
      const before = http.stats.requests;
      const ended = assert.rejects(
        http.getText(`${server.origin}/${path}`, { signal: controller.signal }),
        /given up/,
      );
      await eventually(() =>
        http.stats.requests > before || held !== undefined
      );
      if (path === "busy") await eventually(() => http.stats.retries > 0);
      controller.abort(new Error("given up"));
      await ended;
      holder.abort();
      await held;
      assert.equal(http.stats.active + http.stats.waiting, 0, path);
    }
    await assert.rejects(
      http.fetch(server.origin, { signal: AbortSignal.abort(new Error("no")) }),
      /^Error: no$/,
    );
  },
);

overEachTransport(
  "429 and 503 are repeated when Retry-After says, if that is soon enough",
  async (way) => {
    const answers: [number, string | undefined][] = [];
    await using server = new TestServer(() => {
      const [status, retryAfter] = answers.shift() ?? [200, undefined];
      const headers = retryAfter === undefined
        ? undefined
        : { "retry-after": retryAfter };
      return new Response(`${status}`, { status, headers });
    });
    const clock = new FakeClock();
    await using http = new HttpPool({
      ...way.options,
      clock,
      circuit: false,
      random: () => 0,
    });
    const fetchAfter = async (
      waitsMs: number[],
      ...planned: [number, string | undefined][]
    ) => {
      answers.splice(0, Infinity, ...planned);
      const before = server.requests.length;
      const fetched = http.fetch(server.origin);
      let repeats = 0;
      for (const waitMs of waitsMs) {
        await eventually(() => http.stats.retries === retries + repeats + 1);
        await eventually(() => http.stats.active === 0);
        await clock.advance(waitMs - 1);
        assert.equal(server.requests.length, before + ++repeats);
        await clock.advance(1);
      }
      retries += repeats;
      const response = await fetched;
      await response.body?.cancel();
      return response.status;
    };
    let retries = 0;
    const inThreeSeconds = new Date(Date.now() + 3_000).toUTCString();
    assert.equal(await fetchAfter([2_000], [429, "2"]), 200);
    assert.equal(
      await fetchAfter([50, 100], [503, undefined], [502, "?"]),
      200,
    );
    assert.equal(await fetchAfter([], [503, "11"]), 503, "that is too long");
    assert.equal(await fetchAfter([], [500, "1"]), 500, "that is no promise");
    assert.equal(
      await fetchAfter([50, 100], [504, ""], [504, ""], [504, ""]),
      504,
      "the last answer is the caller's",
    );
    answers.splice(0, Infinity, [503, inThreeSeconds]);
    const dated = http.fetch(server.origin);
    await eventually(() => http.stats.retries === retries + 1);
    await eventually(() => http.stats.active === 0);
    // The server tells the time to the second, and may be one behind.
    await clock.advance(4_000);
    assert.equal((await dated).status, 200);
    answers.push([429, "1"]);
    const post = await http.fetch(server.origin, { method: "POST", body: "x" });
    assert.equal(post.status, 429, "a POST may have been acted upon");
  },
);

Deno.test("no retry is begun that would end after totalTimeoutMs", async () => {
  await using server = new TestServer(() =>
    new Response("busy", { status: 503, headers: { "retry-after": "2" } })
  );
  await using http = new HttpPool({ totalTimeoutMs: 2_000 });
  assert.equal((await http.fetch(server.origin)).status, 503);
  assert.equal(server.requests.length, 1);
});

Deno.test("an origin that keeps failing is left alone, then tried again with one request", async () => {
  let healthy = false;
  await using sick = new TestServer(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return new Response("", { status: healthy ? 200 : 500 });
  });
  await using well = new TestServer(() => new Response("ok"));
  const changes: string[] = [];
  await using http = new HttpPool({
    circuit: { failures: 3, openMs: 50 },
    onCircuitChange: (origin, state) =>
      changes.push(`${origin === sick.origin} ${state}`),
  });
  const open = (error: unknown) =>
    error instanceof HttpCircuitOpenError &&
    error.code === "SLUICE_HTTP_CIRCUIT_OPEN" &&
    error.message.includes(sick.origin);
  for (let call = 0; call < 3; call++) {
    assert.equal((await http.fetch(sick.origin)).status, 500);
  }
  assert.equal(http.stats.origins[sick.origin].circuit, "open");
  await assert.rejects(http.fetch(sick.origin), open);
  assert.equal(sick.requests.length, 3);
  assert.equal(await http.getText(well.origin), "ok");

  healthy = true;
  const outcomes = new Set<string>();
  await eventually(() => {
    http.fetch(sick.origin).then(
      ({ status }) => outcomes.add(String(status)),
      (error) => outcomes.add(open(error) ? "open" : String(error)),
    );
    return outcomes.has("200");
  });
  assert.deepEqual([...outcomes].sort(), ["200", "open"]);
  assert.deepEqual(changes, ["true open", "true closed"]);
  await http.drain();
});

Deno.test("a trial request that its caller gives up does not close the circuit", async () => {
  let failing = true;
  await using server = new RawServer(({ close }) => {
    if (failing) close();
  });
  await using http = new HttpPool({
    circuit: { failures: 1, openMs: 1 },
    maxRetries: 0,
  });
  await assert.rejects(http.fetch(server.origin), HttpFailedError);
  failing = false;
  await new Promise((resolve) => setTimeout(resolve, 20));
  const controller = new AbortController();
  const trial = assert.rejects(
    http.fetch(server.origin, { signal: controller.signal }),
    /given up/,
  );
  await eventually(() => server.requests === 2);
  assert.equal(http.stats.origins[server.origin].circuit, "half-open");
  controller.abort(new Error("given up"));
  await trial;
  assert.equal(http.stats.origins[server.origin].circuit, "open");
});
