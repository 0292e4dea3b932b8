import assert from "node:assert/strict";
import {
  HttpFailedError,
  HttpTimeoutError,
} from "../../src/pool/http/http_errors.ts";
import { HttpPool } from "../../src/pool/http/http_pool.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { RawServer, TestServer } from "./http_server.ts";

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
  const clock = new FakeClock();
  await using http = new HttpPool({
    clock,
    connectTimeoutMs: 700,
    maxRetries: 0,
  });
  const listener = Deno.listen({
    hostname: "127.0.0.1",
    port: 0,
    tcpBacklog: 1,
  });
  const { port } = listener.addr;
  const inLine: Deno.Conn[] = [];
  try {
    for (let isFull = false; !isFull;) {
      const signal = AbortSignal.timeout(200);
      await Deno.connect({ hostname: "127.0.0.1", port, signal })
        .then((conn) => inLine.push(conn), () => isFull = true);
    }
    const late = assert.rejects(
      http.getText(`http://127.0.0.1:${port}`, { method: "POST", body: "x" }),
      (error) => error instanceof HttpTimeoutError && error.phase === "connect",
    );
    await eventually(() => http.stats.requests === 1);
    await clock.advance(700);
    await late;
  } finally {
    for (const conn of inLine) conn.close();
    listener.close();
  }
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
      "accept-encoding: gzip,br",
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
      "accept-encoding: gzip,br",
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
  const formats = { gzip: "gzip", "x-gzip": "gzip", br: "brotli" };
  await using server = new TestServer((request) => {
    const encoding = new URL(request.url).pathname.slice(1);
    const format = formats[encoding as keyof typeof formats];
    return new Response(
      new Blob([text]).stream()
        .pipeThrough(new CompressionStream(format as CompressionFormat)),
      { headers: { "content-encoding": encoding } },
    );
  });
  await using http = new HttpPool();
  for (const encoding of Object.keys(formats)) {
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
  await assert.rejects(http.getText(cutter.origin), HttpFailedError);
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
  const pool = import.meta.resolve("../../src/pool/http/http_pool.ts");
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const { stdout, code } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      ...["--no-check", "--config", config],
      `
      import { HttpPool } from ${JSON.stringify(pool)};
      const http = new HttpPool();
      const url = ${JSON.stringify(server.origin)};
      http.getText(url).then(console.log)
        .then(() => http.getText(url)).then(console.log);
      `,
    ],
    stderr: "inherit",
  }).output();
  assert.equal(new TextDecoder().decode(stdout), "late\nlate\n");
  assert.equal(code, 0);
  assert.equal(server.connections, 1);
});

Deno.test("a host that may not be asked is the caller's mistake", async () => {
  const pool = import.meta.resolve("../../src/pool/http/http_pool.ts");
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(
      script,
      `
      import { HttpPool } from ${JSON.stringify(pool)};
      await using http = new HttpPool();
      await http.getText("http://127.0.0.1:9/").catch((error) =>
        console.log(error.name, error.message)
      );
      console.log(http.stats.retries);
      `,
    );
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-prompt", "--no-check", "--config", config],
        ...["--allow-net=127.0.0.1:8", script],
      ],
      stderr: "inherit",
    }).output();
    assert.match(
      new TextDecoder().decode(stdout),
      /^InvalidOptionError GET http:\/\/127\.0\.0\.1:9\/ can't be sent: Requires net access.*\n0\n$/,
    );
  } finally {
    await Deno.remove(script);
  }
});
