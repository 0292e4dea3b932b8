import assert from "node:assert/strict";
import {
  HttpFailedError,
  HttpTimeoutError,
} from "../../src/pool/http/http_errors.ts";
import { HttpPool } from "../../src/pool/http/http_pool.ts";
import { Http1Transport } from "../../src/pool/http/http1/http1_transport.ts";
import {
  type TcpConnection,
  TcpConnector,
} from "../../src/pool/http/tcp_connector.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { runScript } from "../support/scripts.ts";
import { ClosedDoor, RawServer, TestServer } from "./http_server.ts";

const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

Deno.test("a connection that the server closed while it lay idle is not used", async () => {
  let close = () => {};
  await using server = new RawServer(async (connection) => {
    close = connection.close;
    await connection.write(ok);
  });
  await using http = new HttpPool({ maxRetries: 0, circuit: false });
  for (let turn = 1; turn <= 3; turn++) {
    const request = { method: "POST", body: "once" };
    assert.equal(await http.getText(server.origin, request), "ok");
    assert.equal(server.connections, turn);
    close();
    await pause();
  }
  assert.equal(server.requests, 3);
});

Deno.test("a server that closes instead of answering is asked again on a new connection, if that is safe", async () => {
  let drop = false;
  await using server = new RawServer(async ({ write, close }) => {
    if (!drop) return await write(ok);
    drop = false;
    close();
  });
  await using http = new HttpPool({ maxRetries: 0, circuit: false });
  await http.getText(server.origin);
  drop = true;
  assert.equal(await http.getText(server.origin), "ok");
  assert.equal(server.connections, 2);
  drop = true;
  await assert.rejects(
    http.getText(server.origin, { method: "POST", body: "once" }),
    (error) => error instanceof HttpFailedError && error.sent,
  );
  assert.equal(server.requests, 4);
});

Deno.test("what a server says without being asked is nobody's answer", async () => {
  await using server = new RawServer(async ({ write, request }) => {
    await write(ok);
    if (!request.startsWith("GET /chatty")) return;
    await pause();
    await write(ok.replace("ok", "no")).catch(() => {});
  });
  await using http = new HttpPool();
  assert.equal(await http.getText(`${server.origin}/chatty`), "ok");
  await pause();
  await pause();
  assert.equal(await http.getText(server.origin), "ok");
  assert.equal(server.connections, 2);
});

Deno.test("a connection with something left over is closed", async () => {
  await using server = new RawServer(({ write }) => write(`${ok}surplus`));
  await using http = new HttpPool();
  assert.equal(await http.getText(server.origin), "ok");
  assert.equal(await http.getText(server.origin), "ok");
  assert.equal(server.connections, 2);
});

Deno.test("connections are kept for keepAliveMs, or as long as the server says", async () => {
  let keepAlive = "";
  await using server = new RawServer(({ write }) =>
    write(ok.replace("\r\n\r\n", `${keepAlive}\r\n\r\n`))
  );
  const clock = new FakeClock();
  await using http = new HttpPool({ clock, keepAliveMs: 10_000 });
  const connectionsAfter = async (ms: number) => {
    await clock.advance(ms);
    await http.getText(server.origin);
    return server.connections;
  };
  assert.equal(await connectionsAfter(0), 1);
  assert.equal(await connectionsAfter(9_999), 1);
  assert.equal(await connectionsAfter(10_000), 2);
  keepAlive = "\r\nKeep-Alive: timeout=5, max=100";
  assert.equal(await connectionsAfter(0), 2);
  assert.equal(await connectionsAfter(3_999), 2);
  assert.equal(await connectionsAfter(4_000), 3);
  keepAlive = "\r\nKeep-Alive: timeout=1";
  assert.equal(await connectionsAfter(0), 3);
  assert.equal(await connectionsAfter(0), 4);
  await http.close();
  assert.equal(clock.pending, 0);
});

Deno.test("connectTimeoutMs is for what may do harm when it is repeated too", async () => {
  await using door = new ClosedDoor();
  await door.fillUp();
  const clock = new FakeClock();
  await using http = new HttpPool({
    clock,
    connectTimeoutMs: 700,
    maxRetries: 0,
  });
  const late = assert.rejects(
    http.getText(door.origin, { method: "POST", body: "x" }),
    (error) => error instanceof HttpTimeoutError && error.phase === "connect",
  );
  await eventually(() => http.stats.requests === 1);
  await clock.advance(700);
  await late;
  assert.equal(http.stats.active, 0);
});

Deno.test("a request is written as HTTP/1.1 has it", async () => {
  const received: string[] = [];
  await using server = new RawServer(async ({ request, write }) => {
    received.push(request);
    await write(ok);
  });
  await using http = new HttpPool({ headers: { "x-pool": "p\xfc" } });
  await http.getText(`${server.origin}/a b/../c?d=e f&g=%20#fragment`);
  await http.getText(`${server.origin}?q`, {
    method: "post",
    body: "hé",
    headers: { "X-Own": "1", "user-agent": "me", host: "elsewhere" },
  });
  const { host } = new URL(server.origin);
  assert.equal(
    received[0],
    [
      "GET /c?d=e%20f&g=%20 HTTP/1.1",
      `host: ${host}`,
      `user-agent: ${navigator.userAgent}`,
      "accept: */*",
      "accept-language: *",
      "accept-encoding: gzip",
      "x-pool: p\ufffd",
      "\r\n",
    ].join("\r\n"),
  );
  assert.equal(
    received[1],
    [
      "POST /?q HTTP/1.1",
      "host: elsewhere",
      "user-agent: me",
      "accept: */*",
      "accept-language: *",
      "accept-encoding: gzip",
      "x-pool: p\ufffd",
      "x-own: 1",
      "content-type: text/plain;charset=UTF-8",
      "content-length: 3",
      "",
      "hé",
    ].join("\r\n"),
  );
});

Deno.test("callers don't say how a message is cut, nor write beyond their header", async () => {
  const received: string[] = [];
  await using server = new RawServer(async ({ request, write }) => {
    received.push(request);
    await write(ok);
  });
  await using http = new HttpPool();
  await http.getText(server.origin, {
    method: "PUT",
    body: "abc",
    headers: { "content-length": "1", "transfer-encoding": "chunked" },
  });
  assert.match(received[0], /\r\ncontent-length: 3\r\n\r\nabc$/);
  assert.doesNotMatch(received[0], /transfer-encoding|content-length: 1\r/);
  for (const value of ["a\r\nx: y", "a\nb", "a\0b"]) {
    await assert.rejects(
      http.getText(server.origin, { headers: { evil: value } }),
      TypeError,
    );
  }
  const path = `${server.origin}/a\r\nx: y\r\n\r\nGET /b`;
  await http.getText(path);
  assert.match(received[1], /^GET \/ax:%20yGET%20\/b HTTP\/1\.1\r\n/);
  assert.equal(received[1].split("\r\n\r\n").length, 2);
});

Deno.test("bodies of every kind and size arrive whole", async () => {
  await using server = new TestServer(async (request) => {
    const bytes = await request.bytes();
    const sum = bytes.reduce((sum, byte) => (sum * 31 + byte) % 1_000_003, 0);
    return Response.json([bytes.length, sum]);
  });
  await using http = new HttpPool();
  for (const size of [0, 1, 2_000, 65_536, 65_537, 3_000_000]) {
    const bytes = Uint8Array.from({ length: size }, (_, at) => at * 7 % 251);
    const sum = bytes.reduce((sum, byte) => (sum * 31 + byte) % 1_000_003, 0);
    const bodies = [
      bytes,
      new Blob([bytes]),
      new Blob([bytes]).stream(),
      new DataView(bytes.buffer),
      bytes.buffer,
    ];
    for (const body of bodies) {
      assert.deepEqual(
        await http.getJson(server.origin, { method: "PUT", body }),
        [size, sum],
      );
    }
  }
  assert.equal(server.connections, 1);
});

Deno.test("answers of every size arrive whole, read at once or as a stream", async () => {
  await using server = new TestServer((request) => {
    const url = new URL(request.url);
    const size = Number(url.searchParams.get("size"));
    const bytes = new Uint8Array(size).map((_, at) => at % 251);
    const body = url.pathname === "/chunked"
      ? new Blob([bytes]).stream()
      : bytes;
    return new Response(body);
  });
  await using http = new HttpPool();
  for (const path of ["/length", "/chunked"]) {
    for (const size of [0, 1, 4_095, 16_384, 65_537, 2_000_000]) {
      const url = `${server.origin}${path}?size=${size}`;
      const expected = new Uint8Array(size).map((_, at) => at % 251);
      assert.deepEqual(await http.getBytes(url), expected);
      assert.deepEqual(await (await http.fetch(url)).bytes(), expected);
    }
  }
  assert.equal(http.stats.active, 0);
  assert.ok(server.connections <= 2, `${server.connections} connections`);
});

Deno.test("what comes compressed is as it was before", async () => {
  const text = "the same again, ".repeat(5_000);
  const encodings = ["gzip", "x-gzip"];
  await using server = new TestServer((request) => {
    const encoding = new URL(request.url).pathname.slice(1);
    return new Response(
      new Blob([text]).stream()
        .pipeThrough(new CompressionStream("gzip")),
      { headers: { "content-encoding": encoding } },
    );
  });
  await using http = new HttpPool();
  for (const encoding of encodings) {
    const url = `${server.origin}/${encoding}`;
    assert.equal(await http.getText(url), text);
    assert.equal(await (await http.fetch(url)).text(), text);
  }
  assert.equal(server.connections, 1);
  await using cutter = new RawServer(({ write }) =>
    write(
      "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope",
    )
  );
  await assert.rejects(
    http.getText(cutter.origin),
    (error) =>
      error instanceof HttpFailedError &&
      /its body is no gzip/.test(error.message),
  );
  assert.equal(http.stats.active, 0);
});

Deno.test("a server may answer before it has all of the request", async () => {
  await using server = new RawServer(async ({ write }) => {
    await write(
      "HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno",
    );
  });
  await using http = new HttpPool({ maxRetries: 0 });
  const cancelled = Promise.withResolvers<void>();
  let pulls = 0;
  const endless = new ReadableStream({
    pull(controller) {
      if (pulls++ === 0) controller.enqueue(new Uint8Array(10));
      else return new Promise<void>(() => {});
    },
    cancel: () => cancelled.resolve(),
  });
  const response = await http.fetch(server.origin, {
    method: "POST",
    body: endless,
  });
  assert.equal(response.status, 413);
  assert.equal(await response.text(), "no");
  await cancelled.promise;
  assert.equal(http.stats.active, 0);
});

Deno.test("a long upload may take longer than readTimeoutMs, a server that takes nothing may not", async () => {
  const clock = new FakeClock();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const origin = `http://127.0.0.1:${listener.addr.port}`;
  await using http = new HttpPool({
    clock,
    readTimeoutMs: 500,
    connectTimeoutMs: Infinity,
    maxRetries: 0,
  });
  const buffer = new Uint8Array(65_536);
  try {
    const size = 20_000_000;
    const bytes = new Uint8Array(size);
    for (const body of [bytes, new Blob([bytes]).stream()]) {
      const answer = http.getText(origin, { method: "PUT", body });
      using conn = await listener.accept();
      let received = 0;
      let left = size / 4;
      while (received < size) {
        const count = (await conn.read(buffer))!;
        received += count;
        left -= count;
        if (left > 0) continue;
        left = size / 4;
        await pause();
        await clock.advance(400);
      }
      const last = ok.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
      await conn.write(new TextEncoder().encode(last));
      assert.equal(await answer, "ok");
    }
    const late = assert.rejects(
      http.getText(origin, { method: "PUT", body: bytes }),
      (error) => error instanceof HttpTimeoutError && error.phase === "read",
    );
    using _conn = await listener.accept();
    await pause();
    await pause();
    await clock.advance(500);
    await late;
  } finally {
    listener.close();
  }
  assert.equal(http.stats.active, 0);
});

Deno.test("giving up a request lets the caller's stream go", async () => {
  await using server = new RawServer(() => {});
  await using http = new HttpPool();
  const cancelled = Promise.withResolvers<unknown>();
  const controller = new AbortController();
  const given = assert.rejects(
    http.fetch(server.origin, {
      method: "POST",
      signal: controller.signal,
      body: new ReadableStream({ cancel: cancelled.resolve }),
    }),
    /enough/,
  );
  await eventually(() => server.requests === 1);
  controller.abort(new Error("enough"));
  await given;
  await cancelled.promise;
  assert.equal(http.stats.active, 0);
});

Deno.test("idle connections don't keep a process alive, requests do", async () => {
  await using server = new TestServer(async () => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    return new Response("late");
  });
  const printed = await runScript(
    `
    import { HttpPool } from "src/pool/http/http_pool.ts";
    const http = new HttpPool();
    const url = ${JSON.stringify(server.origin)};
    http.getText(url).then(console.log)
      .then(() => http.getText(url)).then(console.log);
    `,
    "--no-check",
    "--allow-net",
  );
  assert.equal(printed, "late\nlate\n");
  assert.equal(server.connections, 1);
});

Deno.test("a host that may not be asked is the caller's mistake", async () => {
  const printed = await runScript(
    `
    import { HttpPool } from "src/pool/http/http_pool.ts";
    await using http = new HttpPool();
    await http.getText("http://127.0.0.1:9/").catch((error) =>
      console.log(error.name, error.message)
    );
    console.log(http.stats.retries);
    `,
    "--no-check",
    "--allow-net=127.0.0.1:8",
  );
  assert.match(
    printed,
    /^InvalidOptionError GET http:\/\/127\.0\.0\.1:9\/ can't be sent: Requires net access.*\n0\n$/,
  );
});

Deno.test("a call that gets its turn and runs out of time in one moment sends nothing", async () => {
  await using server = new RawServer(() => {});
  const clock = new FakeClock();
  await using http = new HttpPool({
    clock,
    maxConcurrency: 1,
    maxRetries: 0,
    queueTimeoutMs: 9_000,
    totalTimeoutMs: 1_000,
  });
  const late = [1, 2, 3].map((call) =>
    assert.rejects(http.getText(`${server.origin}/${call}`), HttpTimeoutError)
  );
  await eventually(() => server.requests === 1);
  await clock.advance(1_000);
  await Promise.all(late);
  await pause();
  assert.equal(server.connections, 1);
  assert.equal(http.stats.active, 0);
});

Deno.test("few bytes that are many once decompressed take no more room than is allowed", async () => {
  const zeros = new Blob(Array(64).fill(new Uint8Array(1_000_000)));
  const bomb = await new Response(
    zeros.stream().pipeThrough(new CompressionStream("gzip")),
  ).bytes();
  await using server = new TestServer((request) => {
    const encoding = new URL(request.url).pathname.slice(1);
    return new Response(bomb, { headers: { "content-encoding": encoding } });
  });
  await using http = new HttpPool();
  await assert.rejects(
    http.getBytes(`${server.origin}/gzip`, { maxBodyBytes: 1_000 }),
    /more than 1000 bytes/,
  );
  const { body } = await http.fetch(`${server.origin}/gzip`);
  let largest = 0;
  let length = 0;
  for await (const piece of body!) {
    largest = Math.max(largest, piece.length);
    length += piece.length;
  }
  assert.equal(length, zeros.size);
  assert.ok(largest < 8_000_000, `${largest} bytes at once`);
  // What was not asked for, because nothing stops it, is left as it came.
  assert.deepEqual(await http.getBytes(`${server.origin}/br`), bomb);
});

Deno.test("an empty body is empty, whatever it says that it is compressed with", async () => {
  await using server = new RawServer(({ write }) =>
    write(
      "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 0\r\n\r\n",
    )
  );
  await using http = new HttpPool();
  assert.equal(await http.getText(server.origin), "");
  assert.equal(await (await http.fetch(server.origin)).text(), "");
  assert.equal(server.connections, 1);
});

Deno.test("a connection that the caller wants closed carries no other request", async () => {
  await using server = new RawServer(({ write }) => write(ok));
  await using http = new HttpPool();
  const headers = { connection: "x, Close" };
  for (let turn = 1; turn <= 2; turn++) {
    assert.equal(await http.getText(server.origin, { headers }), "ok");
    assert.equal(server.connections, turn);
  }
});

Deno.test("port 0 is not port 80", async () => {
  await using http = new HttpPool({ maxRetries: 0 });
  await assert.rejects(
    http.getText("http://127.0.0.1:0/"),
    (error) => error instanceof HttpFailedError && !error.sent,
  );
});

Deno.test("what is written goes out at once", async () => {
  // With Nagle's algorithm a body in pieces waits 40 ms for the server's system.
  let isDelayed = true;
  const socket = {
    setNoDelay: () => isDelayed = false,
  } as unknown as TcpConnection;
  const transport = new Http1Transport("http://example.com", {
    connect: () => Promise.resolve(socket),
    keepAliveMs: 1_000,
    clock: new FakeClock(),
  });
  await transport.open(new AbortController().signal);
  assert.ok(!isDelayed);
});

Deno.test("a stream that is never sent is let go", async () => {
  await using server = new RawServer(() => {});
  await using http = new HttpPool({
    maxConcurrency: 1,
    maxRetries: 0,
    allowUrl: ({ pathname }) => pathname !== "/refused",
  });
  const post = async (url: string, signal?: AbortSignal) => {
    const cancelled = Promise.withResolvers<unknown>();
    const body = new ReadableStream({ cancel: cancelled.resolve });
    const call = http.fetch(url, { method: "POST", body, signal });
    await assert.rejects(call);
    await cancelled.promise;
  };
  await post("http://127.0.0.1:0/");
  await post(`${server.origin}/refused`);
  const blocking = new AbortController();
  const blocked = assert.rejects(
    http.fetch(server.origin, { signal: blocking.signal }),
  );
  await eventually(() => server.requests === 1);
  await post(server.origin, AbortSignal.timeout(10));
  blocking.abort();
  await blocked;
});

Deno.test("a connection given up just when it is made is closed", async () => {
  await using server = new RawServer(() => {});
  await using http = new HttpPool({ maxRetries: 0, circuit: false });
  const open = () => Array.from(Deno.readDirSync("/proc/self/fd")).length;
  const before = open();
  for (let turn = 0; turn < 40; turn++) {
    await Promise.all(Array.from({ length: 20 }, () =>
      assert.rejects(
        http.fetch(server.origin, {
          signal: AbortSignal.timeout(Math.random() * 3),
        }),
      )));
  }
  await eventually(() => open() <= before + 2);
});

Deno.test("nothing is connected to for a caller that has given up", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = new URL(`http://127.0.0.1:${listener.addr.port}`);
  const connector = new TcpConnector();
  const reason = new Error("given up");
  await assert.rejects(
    connector.connect(url, AbortSignal.abort(reason)),
    reason,
  );
  await connector.settled();
});

Deno.test("a body whose bytes were taken away is the caller's mistake, told at once", async () => {
  await using server = new RawServer(({ write }) => write(ok));
  await using http = new HttpPool();
  const body = new Uint8Array(3);
  structuredClone(body, { transfer: [body.buffer] });
  await assert.rejects(
    http.getText(server.origin, { method: "POST", body }),
    TypeError,
  );
  assert.equal(http.stats.active, 0);
});

Deno.test("a part is asked for as it is, not of what is compressed", async () => {
  let received = "";
  await using server = new RawServer(async ({ request, write }) => {
    received = request;
    await write(ok);
  });
  await using http = new HttpPool();
  const headers = { Range: "bytes=0-1" };
  await http.getText(`${server.origin}/<>?#fragment`, { headers });
  assert.match(received, /^GET \/%3C%3E\? HTTP/);
  assert.match(received, /\r\naccept-encoding: identity\r\n/);
});
