import assert from "node:assert/strict";
import { McpServer, RefusedError } from "../../mod.ts";
import { isInstalled } from "../support/installed.ts";
import { httpText, RawSocket } from "../transport/raw_socket.ts";
import { modernCall, modernHeaders, modernPost } from "../transport/wire.ts";
import { call, front, numbered } from "./deploy_front.ts";
import { run } from "./deployment.ts";

const ignore = Deno.env.get("CI") !== "true" &&
  !await isInstalled("nginx", "-v");

/** A server that has no time for anybody. */
function refusing(): McpServer {
  const server = new McpServer({ name: "refusing", version: "1.0.0" }, {
    log: () => {},
    sessions: false,
  });
  server.registerTool("hello", {}, () => "never");
  return server.use(() =>
    Promise.reject(new RefusedError("overloaded", 1_000))
  );
}

Deno.test({
  name: "nginx takes the configuration as it is",
  ignore,
  fn: async () => {
    const path = new URL("../../examples/deploy/nginx.conf", import.meta.url);
    const pid = `${await Deno.makeTempDir()}/pid`;
    const args = ["-t", "-c", path.pathname, "-g", `pid ${pid};`];
    const { success, said } = await run("nginx", args);
    assert.ok(success, said);
    assert.doesNotMatch(said, /\[warn\]/);
  },
});

Deno.test({
  name: "a 503 sends a call to the other server, whatever it is",
  ignore,
  fn: async () => {
    await using at = await front(
      "nginx.conf",
      (index) => index === 0 ? refusing() : numbered(index),
    );
    for (let each = 0; each < 10; each++) {
      assert.equal(await call(at.url, "hello"), "server 1");
    }
    const lists = await Promise.all(
      Array.from(
        { length: 10 },
        () => fetch(at.url, modernPost(modernCall("tools/list"))),
      ),
    );
    for (const response of lists) {
      await response.body?.cancel();
      assert.equal(response.status, 200);
    }
  },
});

Deno.test({
  name: "what drips is cut, and who asks too often is told",
  ignore,
  fn: async () => {
    await using at = await front(
      "nginx.conf",
      numbered,
      (text) =>
        text.replaceAll("_timeout 10s", "_timeout 1s").replaceAll(
          "burst=100",
          "burst=5",
        ),
    );
    using dripping = await RawSocket.open(at.port);
    await dripping.write("POST /mcp HTTP/1.1\r\nHost: local");
    await dripping.readToEnd();
    const message = modernCall("tools/call", { name: "hello" });
    using stalled = await RawSocket.open(at.port);
    await stalled.write(
      httpText({
        headers: modernHeaders(message),
        body: JSON.stringify(message),
      }).slice(0, -10),
    );
    assert.match(await stalled.readToEnd(), /^(HTTP\/1\.1 408|$)/);
    const statuses = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const response = await fetch(at.url, modernPost(message));
        await response.body?.cancel();
        return response.status;
      }),
    );
    assert.ok(statuses.includes(200));
    assert.ok(statuses.includes(429));
  },
});
