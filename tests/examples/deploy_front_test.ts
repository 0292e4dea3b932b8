import assert from "node:assert/strict";
import { isInstalled } from "../support/installed.ts";
import { modernCall, modernPost } from "../transport/wire.ts";
import { believing, call, front, numbered } from "./deploy_front.ts";

const CI = Deno.env.get("CI") === "true";

for (
  const [file, program, version] of [
    ["nginx.conf", "nginx", "-v"],
    ["Caddyfile", "caddy", "version"],
  ] as const
) {
  Deno.test({
    name: `${file}: tools go to the servers that are theirs, by their headers`,
    ignore: CI ? false : !await isInstalled(program, version),
    fn: async () => {
      await using at = await front(file, numbered);
      for (const name of ["report", "export_all"]) {
        assert.equal(await call(at.url, name), "server 2");
      }
      for (let each = 0; each < 4; each++) {
        assert.match(await call(at.url, "hello"), /^server [01]$/);
      }
      for (const path of ["/metrics", "/health", "/dashboard", "/debug/heap"]) {
        const response = await fetch(new URL(path, at.url));
        await response.body?.cancel();
        assert.equal(response.status, 404, path);
      }
    },
  });

  Deno.test({
    name: `${file}: callers can't speak for the proxy that is trusted`,
    ignore: CI ? false : !await isInstalled(program, version),
    fn: async () => {
      await using at = await front(file, believing);
      const asked = modernPost(modernCall("tools/call", { name: "seen" }));
      const headers = new Headers(asked.headers);
      for (
        const [name, value] of Object.entries({
          "x-forwarded-host": "localhost:1",
          "x-forwarded-proto": "https",
          "x-request-start": "t=1",
          "forwarded": "for=192.0.2.1;host=localhost:1;proto=https",
        })
      ) headers.set(name, value);
      const response = await fetch(at.url, { ...asked, headers });
      const { url, address, start } =
        (await response.json()).result.structuredContent;
      assert.equal(url, at.url);
      assert.equal(address, "127.0.0.1");
      assert.notEqual(start, "t=1");
    },
  });

  Deno.test({
    name: `${file}: events come through as they happen`,
    ignore: CI ? false : !await isInstalled(program, version),
    fn: async () => {
      await using at = await front(file, numbered);
      const message = modernCall("tools/call", {
        name: "steps",
        _meta: { progressToken: 1 },
      });
      const response = await fetch(at.url, modernPost(message));
      const reader = response.body!.pipeThrough(new TextDecoderStream())
        .getReader();
      const begunAt = performance.now();
      const first = await reader.read();
      assert.match(first.value!, /notifications\/progress/);
      assert.doesNotMatch(first.value!, /done/);
      assert.ok(performance.now() - begunAt < 2_500, "nothing holds it up");
      let rest = "";
      for (let read = await reader.read(); !read.done;) {
        rest += read.value;
        read = await reader.read();
      }
      assert.match(rest, /done/);
    },
  });
}
