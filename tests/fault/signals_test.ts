import assert from "node:assert/strict";
import { callText, EndingProcess } from "./ending_process.ts";
import { RawSocket } from "../transport/raw_socket.ts";
import { within } from "../transport/wire.ts";

const LONG_MS = 60_000;

/** Waits for a process to end by itself, with code 0. */
async function endsWell(server: EndingProcess): Promise<void> {
  const { code, signal } = await within(server.ended(), 30_000);
  assert.deepEqual({ code, signal }, { code: 0, signal: null }, server.log);
  assert.match(server.log, /ending is closed.*OVER/s);
}

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  Deno.test(`${signal}: what is in flight is answered, the lifespan closes, and the process ends`, async () => {
    await using server = await EndingProcess.start({ graceMs: LONG_MS });
    using socket = await server.calling("second");
    await server.says("has begun");
    server.signal(signal);
    const answer = await socket.readUntil("a second later");
    assert.match(answer, /^HTTP\/1\.1 200 .*\r\nconnection: close\r\n/si);
    await endsWell(server);
    assert.match(server.log, /the lifespan has closed/);
  });
}

for (const way of [{}, { operatorPort: 0 }, { stdio: true }, { workers: 2 }]) {
  Deno.test(`what is being opened when the signal comes is closed again: ${JSON.stringify(way)}`, async () => {
    await using server = await EndingProcess.start({
      ...way,
      lifespan: "opens slowly",
    });
    await server.says("begins to open");
    server.signal("SIGTERM");
    if ("stdio" in way) {
      await server.child.stdin.close();
      await server.child.stdout.cancel();
    }
    const { code, signal } = await within(server.ended(), 30_000);
    assert.deepEqual({ code, signal }, { code: 0, signal: null }, server.log);
    assert.match(server.log, /begins to open.*lifespan has closed.*OVER/s);
  });
}

Deno.test("a second signal ends a process that is still opening", async () => {
  await using server = await EndingProcess.start({ lifespan: "opens slowly" });
  await server.says("begins to open");
  server.signal("SIGTERM");
  await server.says("ends once it has opened");
  server.signal("SIGTERM");
  const { signal } = await within(server.ended(), 20_000);
  assert.equal(signal, "SIGTERM");
});

Deno.test("a second signal ends a process at once, even one that is blocked", async () => {
  await using server = await EndingProcess.start({ graceMs: LONG_MS });
  using _socket = await server.calling("block");
  await server.says("has begun");
  server.signal("SIGTERM");
  await server.says("blocks");
  server.signal("SIGTERM");
  const { signal } = await within(server.ended(), 20_000);
  assert.equal(signal, "SIGTERM");
});

Deno.test("a second signal doesn't wait for a drain", async () => {
  await using server = await EndingProcess.start({ drainMs: LONG_MS });
  server.signal("SIGTERM");
  await server.says("serves on while it is drained");
  server.signal("SIGINT");
  const { signal } = await within(server.ended(), 20_000);
  assert.equal(signal, "SIGINT");
});

Deno.test("a drain says no to probes, ends connections, then refuses, then closes", async () => {
  await using server = await EndingProcess.start({ drainMs: 4_000 });
  using kept = await server.calling("echo");
  assert.doesNotMatch(await kept.readUntil("echo"), /connection: close/i);
  server.signal("SIGTERM");
  await server.says("serves on while it is drained");
  const ready = await fetch(`http://127.0.0.1:${server.port}/health/ready`);
  assert.equal(ready.status, 503);
  assert.equal(ready.headers.get("connection"), "close");
  assert.equal((await ready.json()).status, "draining");
  const answers: string[] = [];
  // A client that takes no notice of `Connection: close`.
  while (answers.at(-1)?.startsWith("HTTP/1.1 503") !== true) {
    kept.received = "";
    await kept.write(callText("echo"));
    answers.push(await kept.readUntil("}}"));
  }
  const refused = answers.pop()!;
  assert.match(refused, /\r\nretry-after: 1\r\n/i);
  assert.match(refused, /"code":-32005,.*"reason":"draining"/);
  assert.ok(answers.length > 0, "it served on");
  for (const answer of [...answers, refused]) {
    assert.match(answer, /\r\nconnection: close\r\n/i);
  }
  for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 200/);
  await endsWell(server);
});

Deno.test("requests that wait unread in old connections when the signal comes are answered", async () => {
  await using server = await EndingProcess.start();
  const kept: RawSocket[] = [];
  for (let each = 0; each < 6; each++) {
    const socket = await server.calling("echo");
    await socket.readUntil("echo");
    socket.received = "";
    kept.push(socket);
  }
  using busy = await server.calling("busy");
  await server.says("has begun");
  server.signal("SIGTERM");
  for (const socket of kept) await socket.write(callText("echo"));
  for (const socket of kept) {
    assert.match(await socket.readUntil("}}"), /^HTTP\/1\.1 (200|503) /);
    socket.drop();
  }
  assert.match(await busy.readUntil("}}"), /^HTTP\/1\.1 200 /);
  await endsWell(server);
});

Deno.test("a stream ends with its final message", async () => {
  await using server = await EndingProcess.start({ graceMs: LONG_MS });
  using listening = await RawSocket.open(server.port);
  await listening.write(callText("", "subscriptions/listen", {
    notifications: { toolsListChanged: true },
  }));
  await listening.readUntil("acknowledged");
  server.signal("SIGTERM");
  const heard = await listening.readToEnd();
  assert.match(heard, /"id":1,"result":\{"resultType":"complete"/);
  assert.doesNotMatch(heard, /notifications\/cancelled/);
  await endsWell(server);
});

Deno.test("a client that stalls in its body can't hold the exit up", async () => {
  await using server = await EndingProcess.start({ graceMs: 300 });
  using stalled = await RawSocket.open(server.port);
  await stalled.write(callText("echo").slice(0, -10));
  await new Promise((go) => setTimeout(go, 300));
  server.signal("SIGTERM");
  await endsWell(server);
  assert.match(server.log, /leaves connections behind/);
});

Deno.test("a handler that never ends is named, answered, and left behind", async () => {
  await using server = await EndingProcess.start({ graceMs: 300 });
  using socket = await server.calling("never");
  await server.says("has begun");
  server.signal("SIGTERM");
  assert.match(await socket.readUntil("}}"), /The server is shutting down/);
  await endsWell(server);
  assert.match(server.log, /cut off after 300 ms of grace: 1.*"never"/);
});

Deno.test("a lifespan that never closes is named and left behind", async () => {
  await using server = await EndingProcess.start({
    graceMs: 300,
    lifespan: "hangs",
  });
  server.signal("SIGTERM");
  await endsWell(server);
  assert.match(
    server.log,
    /"warning".*the lifespan of ending does not close, and is left behind/,
  );
});

Deno.test("a lifespan that fails to close is an error in the log, and the end goes on", async () => {
  await using server = await EndingProcess.start({ lifespan: "fails" });
  server.signal("SIGTERM");
  await endsWell(server);
  assert.match(
    server.log,
    /"error".*closing the lifespan of ending failed: the disk is full/,
  );
});

for (const how of ["SIGTERM", "the end of its input"] as const) {
  Deno.test(`over stdio, ${how} ends the server once its last answers are out`, async () => {
    await using server = await EndingProcess.start({ stdio: true });
    const { stdin, stdout } = server.child;
    const input = stdin.getWriter();
    const output = stdout.pipeThrough(new TextDecoderStream()).getReader();
    const say = (id: number, name: string) =>
      input.write(
        new TextEncoder().encode(
          JSON.stringify({
            jsonrpc: "2.0",
            id,
            method: "tools/call",
            params: {
              name,
              arguments: {},
              _meta: {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
              },
            },
          }) + "\n",
        ),
      );
    await say(1, "large");
    await say(2, "second");
    await server.says("has begun");
    if (how === "SIGTERM") server.signal(how);
    else await input.close();
    // Its client reads late.
    await new Promise((go) => setTimeout(go, 1_500));
    let said = "";
    for (let read = await output.read(); !read.done;) {
      said += read.value;
      read = await output.read();
    }
    const { code } = await within(server.ended(), 30_000);
    assert.equal(code, 0);
    const answers = said.trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(answers.map(({ id }) => id).sort(), [1, 2]);
    assert.ok(said.length > 3_000_000);
    assert.match(server.log, /the lifespan has closed.*OVER/s);
    await input.close().catch(() => {});
  });
}
