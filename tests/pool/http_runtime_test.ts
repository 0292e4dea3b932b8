import assert from "node:assert/strict";
import { HttpFailedError } from "../../src/pool/http/http_errors.ts";
import { HttpPool } from "../../src/pool/http/http_pool.ts";
import { hasOpenssl, makeCertificate } from "../support/certificate.ts";
import { runScript } from "../support/scripts.ts";
import { TestServer } from "./http_server.ts";

Deno.test(
  "HTTP/2 carries many requests on one connection, where both speak it",
  {
    ignore: !hasOpenssl,
  },
  async () => {
    const certificate = await makeCertificate();
    await using server = new TestServer(async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return new Response("ok");
    }, certificate);
    const origin = server.origin;
    const caCerts = [certificate.cert];
    await using http2 = new HttpPool({ caCerts });
    await http2.getText(origin);
    const all = await http2.fetchAll(Array(32).fill(origin), {
      as: "text",
      concurrency: 32,
    });
    assert.ok(all.every(({ status }) => status === "success"));
    assert.equal(server.connections, 1);

    await using http1 = new HttpPool({ caCerts, http2: false });
    await http1.fetchAll(Array(32).fill(origin), {
      as: "text",
      concurrency: 32,
    });
    assert.ok(server.connections > 8, `${server.connections} connections`);

    await using distrustful = new HttpPool({ maxRetries: 0 });
    await assert.rejects(distrustful.getText(origin), HttpFailedError);
  },
);

Deno.test("on a runtime without Deno's client the pool works over plain fetch", async () => {
  await using server = new TestServer((request) =>
    request.url.endsWith("/moved")
      ? new Response(null, { status: 302, headers: { location: "/" } })
      : Response.json({ path: new URL(request.url).pathname })
  );
  const urls = [`${server.origin}/moved`, "http://nowhere.invalid/"];
  const printed = await runScript(
    `
    delete globalThis.Deno;
    const { HttpPool } = await import("src/pool/http/http_pool.ts");
    await using http = new HttpPool();
    console.log(JSON.stringify(await http.fetchAll(${JSON.stringify(urls)})));
    `,
    "--no-check",
    "--allow-all",
  );
  const [moved, nowhere] = JSON.parse(printed);
  assert.deepEqual(moved.data, { path: "/" });
  assert.equal(nowhere.status, "error");
});
