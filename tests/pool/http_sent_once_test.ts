import assert from "node:assert/strict";
import { HttpFailedError } from "../../src/pool/http/http_errors.ts";
import { HttpPool } from "../../src/pool/http/http_pool.ts";
import { ClosedDoor, overEachTransport, RawServer } from "./http_server.ts";

const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

Deno.test("a request at work is not taken for unsent while new connections are refused", async () => {
  await using door = new ClosedDoor();
  await using http = new HttpPool({ connectTimeoutMs: 100, retryDelayMs: 1 });
  const answer = http.getText(`${door.origin}/orders`, {
    method: "PATCH",
    body: "quantity=1",
  });
  using conn = await door.accept();
  await door.fillUp();
  await new Promise((resolve) => setTimeout(resolve, 300));
  await conn.write(new TextEncoder().encode(ok));
  assert.equal(await answer, "ok");
  assert.equal(http.stats.requests, 1);
});

Deno.test("behind a proxy of the environment's, an origin needn't be within reach", async () => {
  await using door = new ClosedDoor();
  await door.fillUp();
  const received: string[] = [];
  await using proxy = new RawServer(async ({ request, write }) => {
    received.push(request.slice(0, request.indexOf(" HTTP")));
    await new Promise((resolve) => setTimeout(resolve, 400));
    await write(ok);
  });
  const pool = import.meta.resolve("../../src/pool/http/http_pool.ts");
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      ...["--no-check", "--config", config],
      `
      import { HttpPool } from ${JSON.stringify(pool)};
      await using http = new HttpPool({ connectTimeoutMs: 100, retryDelayMs: 1 });
      const url = ${JSON.stringify(door.origin)};
      console.log(await http.getText(url, { method: "POST", body: "x" }));
      console.log(await http.getText(url));
      `,
    ],
    env: { http_proxy: proxy.origin },
    stderr: "inherit",
  }).output();
  assert.equal(new TextDecoder().decode(stdout), "ok\nok\n");
  assert.deepEqual(received, [`POST ${door.origin}/`, `GET ${door.origin}/`]);
});

overEachTransport(
  "an empty POST has a length of 0, and nothing empty is sent twice",
  async (way) => {
    let drop = false;
    const received: string[] = [];
    await using server = new RawServer(async ({ request, write, close }) => {
      received.push(request);
      if (drop) close();
      else await write(ok);
    }, way.tls);
    await using http = new HttpPool({
      ...way.options,
      circuit: false,
      retryDelayMs: 1,
    });
    const bodies = [undefined, "", new Uint8Array(), new Blob([])];
    for (const method of ["POST", "PATCH"]) {
      for (const body of bodies) {
        drop = false;
        await http.getText(server.origin, { method, body });
        drop = true;
        const before = received.length;
        await assert.rejects(
          http.getText(server.origin, { method, body }),
          (error) => error instanceof HttpFailedError && error.sent,
        );
        assert.equal(received.length, before + 1);
        if (method === "POST") {
          assert.match(received.at(-1)!, /^content-length: 0\r$/m);
        }
        assert.doesNotMatch(received.at(-1)!, /transfer-encoding/);
      }
    }
    assert.equal(http.stats.retries, 0);
  },
);

overEachTransport(
  "a GET that isn't safe to repeat is sent once on a connection that closes",
  async (way) => {
    let drop = false;
    await using server = new RawServer(async ({ write, close }) => {
      if (drop) close();
      else await write(ok);
    }, way.tls);
    await using http = new HttpPool(way.options);
    await http.getText(server.origin);
    drop = true;
    await assert.rejects(
      http.getText(server.origin, { idempotent: false }),
      HttpFailedError,
    );
    assert.equal(server.requests, 2);
  },
);
