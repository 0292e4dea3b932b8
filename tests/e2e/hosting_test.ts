import assert from "node:assert/strict";
import { InMemoryTransport as V1Memory } from "@modelcontextprotocol/sdk/inMemory.js";
import { InMemoryTransport as V2Memory } from "@modelcontextprotocol/client";
import { connectV1, connectV2, textOf } from "../support/clients.ts";
import { connectHttp, LEGS, listen } from "../support/legs.ts";
import { showcase } from "./fixtures/showcase.ts";

const OVER_HTTP = LEGS.filter(({ place }) => place === "http");

for (const leg of OVER_HTTP) {
  Deno.test(`server.fetch needs no socket (${leg.name})`, async () => {
    await using server = showcase();
    const withoutSocket = (input: string | URL, init?: RequestInit) =>
      Promise.resolve(server.fetch(new Request(input, init)));
    await using client = await connectHttp(leg, "http://localhost/mcp", {
      http: { fetch: withoutSocket },
      capabilities: { elicitation: {} },
      answers: {
        "elicitation/create": () => ({
          action: "accept",
          content: { name: "Ada" },
        }),
      },
    });
    assert.equal(textOf(await client.tool("echo", { text: "hi" })), "hi");
    assert.equal(textOf(await client.tool("ask_name")), "accept: Ada");
    const { contents } = await client.raw.readResource({ uri: "info://about" });
    assert.equal(contents[0].text, "a showcase");
  });

  Deno.test(`deno serve takes the default export (${leg.name})`, async () => {
    await using hosted = await denoServe();
    await using client = await connectHttp(leg, hosted.url);
    assert.equal(textOf(await client.tool("echo", { text: "hi" })), "hi");
    await client.tool("count", { to: 3 }, { onprogress: () => {} });
    const health = await fetch(new URL("/health", hosted.url));
    assert.equal((await health.json()).status, "healthy");
  });
}

/** Runs `deno serve` on a free port until disposed. */
async function denoServe(): Promise<AsyncDisposable & { url: string }> {
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "serve",
      "--allow-all",
      "--host=127.0.0.1",
      "--port=0",
      new URL("./fixtures/deno_serve.ts", import.meta.url).pathname,
    ],
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const lines = process.stderr.pipeThrough(new TextDecoderStream());
  const reader = lines.getReader();
  let said = "";
  let port: string | undefined;
  while (port === undefined) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`deno serve ended: ${said}`);
    said += value;
    port = /127\.0\.0\.1:(\d+)/.exec(said)?.[1];
  }
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async [Symbol.asyncDispose]() {
      process.kill("SIGTERM");
      while (!(await reader.read()).done);
      await process.status;
    },
  };
}

Deno.test("server.connect takes the official transports", async () => {
  await using server = showcase();
  const [v1Client, v1Server] = V1Memory.createLinkedPair();
  const [v2Client, v2Server] = V2Memory.createLinkedPair();
  const [modernClient, modernServer] = V2Memory.createLinkedPair();
  for (const end of [v1Server, v2Server, modernServer]) {
    await server.connect(end);
  }
  assert.equal(server.isConnected(), true);
  const clients = await Promise.all([
    connectV1(v1Client),
    connectV2(v2Client, "legacy"),
    connectV2(modernClient, "modern"),
  ]);
  for (const [index, client] of clients.entries()) {
    const text = `client ${index}`;
    assert.equal(textOf(await client.tool("echo", { text })), text);
  }
  for (const client of clients) await client.close();
  assert.equal(server.isConnected(), false);
});

Deno.test("a client that negotiates ends up in the modern era", async () => {
  await using server = showcase();
  await using running = await listen(server);
  const auto = { options: { versionNegotiation: { mode: "auto" } } };
  await using client = await connectHttp(OVER_HTTP[1], running.url, auto);
  assert.equal(client.raw.getNegotiatedProtocolVersion(), "2026-07-28");
  const { structuredContent } = await client.tool("whoami");
  assert.equal(structuredContent.era, "modern");
});

Deno.test("a server's own routes stand beside the endpoint", async () => {
  await using server = showcase();
  server.app.get("/version", (c) => c.text("1.2.3"));
  await using running = await listen(server);
  const version = await fetch(new URL("/version", running.url));
  assert.equal(await version.text(), "1.2.3");
  const nowhere = await fetch(new URL("/nowhere", running.url));
  await nowhere.body?.cancel();
  assert.equal(nowhere.status, 404);
});
