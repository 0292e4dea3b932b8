import assert from "node:assert/strict";
import { modernCall, modernPost, within } from "../transport/wire.ts";
import { TargetProcess } from "./target_process.ts";

async function call(target: TargetProcess): Promise<string> {
  const message = modernCall("tools/call", {
    name: "echo",
    arguments: { data: "still here" },
  });
  const response = await fetch(target.url, modernPost(message));
  return await response.text();
}

Deno.test("a server that runs out of file descriptors says so, lives on and listens again", async () => {
  await using target = await TargetProcess.start(100);
  const connections: Deno.TcpConn[] = [];
  const connect = async () =>
    connections.push(
      await Deno.connect({ hostname: "127.0.0.1", port: target.port }),
    );
  await connect();
  await assert.rejects(async () => {
    for (;;) await connect();
  }, /Connection (?:refused|reset)/);
  await target.logs(/can't be accepted: .*Too many open files.*ulimit -n/);
  // A connection that is open is served.
  const [first, ...others] = connections;
  const { body, headers } = modernPost(
    modernCall("tools/call", {
      name: "echo",
      arguments: { data: "still here" },
    }),
  );
  const lines = Object.entries(headers as Record<string, string>)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  await first.write(
    new TextEncoder().encode(
      `POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${
        String(body).length
      }\r\n${lines.join("")}\r\n${body}`,
    ),
  );
  const buffer = new Uint8Array(4_096);
  const count = await first.read(buffer);
  assert.match(
    new TextDecoder().decode(buffer.subarray(0, count!)),
    /still here/,
  );
  for (const each of others) each.close();
  let answer = "";
  for (let tries = 0; tries < 100 && answer === ""; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    answer = await call(target).catch(() => "");
  }
  assert.match(answer, /still here/);
  first.close();
  const { code } = await within(target.end(), 30_000);
  assert.equal(code, 0);
});
