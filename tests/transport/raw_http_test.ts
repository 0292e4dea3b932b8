import assert from "node:assert/strict";
import type { RunningServer } from "../../mod.ts";
import { exchange, httpText, RawSocket } from "./raw_socket.ts";
import { makeSubject, type Subject } from "./subject.ts";
import { assertServes, modernCall, modernHeaders } from "./wire.ts";

const LIST = modernCall("tools/list");
const BODY = JSON.stringify(LIST);
const HEADERS = { ...modernHeaders(LIST), "Connection": "close" };

interface Listening extends Subject, AsyncDisposable {
  running: RunningServer;
}

async function listen(): Promise<Listening> {
  const subject = makeSubject();
  const running = await subject.server.serve({
    port: 0,
    signals: false,
    onListen() {},
  });
  return {
    ...subject,
    running,
    async [Symbol.asyncDispose]() {
      await running.shutdown();
    },
  };
}

Deno.test("the Host that counts is the one that the request is for", async () => {
  await using subject = await listen();
  const { port } = subject.running;
  const status = async (host: string | null, line?: string) =>
    (await exchange(
      port,
      httpText({ line, host, headers: HEADERS, body: BODY }),
    ))
      .status;
  assert.equal(await status("localhost"), 200);
  assert.equal(await status(`127.0.0.1:${port}`), 200);
  assert.equal(await status("evil.com"), 403);
  assert.equal(await status("localhost@evil.com"), 403);
  assert.equal(await status("é"), 403);
  // An absolute target goes before the header (RFC 9112, 3.2.2).
  assert.equal(
    await status("localhost", "POST http://evil.com/mcp HTTP/1.1"),
    403,
  );
  assert.equal(
    await status("evil.com", "POST http://localhost/mcp HTTP/1.1"),
    200,
  );
  // Without a Host, Deno takes the address that it listens on.
  assert.equal(await status(null), 200);
  assert.equal(await status(null, "POST /mcp HTTP/1.0"), 200);
  await assertServes(subject.server);
});

Deno.test("a Host that makes no URL is a bad request, and no line in the log", async () => {
  await using subject = await listen();
  for (
    const host of ["a b", "[", "%", "localhost:99999", "local<host", "a:b"]
  ) {
    const { status, body } = await exchange(
      subject.running.port,
      httpText({ host, headers: HEADERS, body: BODY }),
    );
    assert.equal(status, 400, host);
    assert.match(body, /Host header is invalid/);
  }
  const twice = httpText({ headers: HEADERS, body: BODY })
    .replace("\r\n", "\r\nHost: evil.com\r\n");
  assert.equal((await exchange(subject.running.port, twice)).status, 400);
  assert.deepEqual(subject.log, []);
  await assertServes(subject.server);
});

Deno.test("targets that are no path are not found", async () => {
  await using subject = await listen();
  for (
    const target of [
      "*",
      "//evil.com/mcp",
      "//[",
      "/%zz",
      "/mcp/../x",
      "evil.com:80",
    ]
  ) {
    const method = target === "*" ? "OPTIONS" : "POST";
    const { status } = await exchange(
      subject.running.port,
      httpText({
        line: `${method} ${target} HTTP/1.1`,
        headers: HEADERS,
        body: BODY,
      }),
    );
    assert.ok(status >= 400 && status < 500, `${target}: ${status}`);
  }
  await assertServes(subject.server);
});

Deno.test("lengths that contradict each other are refused", async () => {
  await using subject = await listen();
  const lengths: [length: string | null, more: Record<string, string>][] = [
    [`+${BODY.length}`, {}],
    ["-1", {}],
    ["0x10", {}],
    [`${BODY.length}, ${BODY.length + 1}`, {}],
    ["5", { "Transfer-Encoding": "chunked" }],
    [null, { "Transfer-Encoding": "gzip" }],
    [null, { "Transfer-Encoding": "chunked, identity" }],
  ];
  for (const [length, more] of lengths) {
    const { status } = await exchange(
      subject.running.port,
      httpText({
        headers: { ...HEADERS, "Content-Length": length, ...more },
        body: BODY,
      }),
    );
    assert.ok(
      status === 400 || status === 501 || status === 0,
      `${length}: ${status}`,
    );
  }
  await assertServes(subject.server);
});

Deno.test("a body too large is refused on the wire, however its length is told", async () => {
  await using subject = await listen();
  const { port } = subject.running;
  const large = BODY.slice(0, -1) + `,"x":"${"x".repeat(4 * 1024 * 1024)}"}`;
  const length = `${large.length}`;
  const chunked = `${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`;
  const declared = httpText({
    headers: { ...HEADERS, "Content-Length": "99999999999" },
  });
  using socket = await RawSocket.open(port);
  await socket.write(declared);
  const refused = await socket.readUntil("bytes");
  assert.match(refused, /^HTTP\/1\.1 413 .*larger than 4194304 bytes/s);
  const others = [
    httpText({ headers: HEADERS, body: large }),
    httpText({ headers: HEADERS, body: large }).replace(
      `Content-Length: ${length}`,
      `Content-Length: ${length}\r\nContent-Length: ${length}`,
    ),
    httpText({
      headers: {
        ...HEADERS,
        "Content-Length": null,
        "Transfer-Encoding": "chunked",
      },
      body: chunked,
    }),
  ];
  for (const text of others) {
    assert.equal((await exchange(port, text)).status, 413);
  }
  await assertServes(subject.server);
});

Deno.test("requests one after the other on a connection are answered in order", async () => {
  await using subject = await listen();
  using socket = await RawSocket.open(subject.running.port);
  const call = (id: number, headers = {}) => {
    const message = modernCall("tools/call", {
      name: "echo",
      arguments: { data: `<${id}>` },
    }, id);
    return httpText({
      headers: { ...modernHeaders(message), ...headers },
      body: JSON.stringify(message),
    });
  };
  await socket.write(
    call(1) + call(2) + call(3, { "Mcp-Name": "x" }) + call(4),
  );
  const text = await socket.readUntil("<4>");
  const ids = Array.from(text.matchAll(/"id":(\d)/g), (match) => match[1]);
  assert.deepEqual(ids, ["1", "2", "3", "4"]);
  assert.equal(text.match(/HTTP\/1\.1 400/g)?.length, 1);
  socket.drop();
  await assertServes(subject.server);
});

Deno.test("what is not HTTP costs its own connection", async () => {
  await using subject = await listen();
  for (
    const nonsense of [
      "\r\n\r\n",
      "GARBAGE\r\n\r\n",
      "\u0000\u0001\u0002",
      "POST\r\n\r\n",
      `${BODY}\n`,
      "GET / HTTP/9.9\r\n\r\n",
      `POST /mcp HTTP/1.1\r\n${"X: y\r\n".repeat(10_000)}\r\n`,
    ]
  ) {
    using socket = await RawSocket.open(subject.running.port);
    await socket.write(nonsense).catch(() => {});
    socket.drop();
  }
  await assertServes(subject.server);
});
