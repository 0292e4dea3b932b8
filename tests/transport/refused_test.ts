import assert from "node:assert/strict";
import {
  linkedPair,
  McpServer,
  MemoryEventStore,
  QueueFullError,
  RateLimitedError,
  RefusedError,
} from "../../mod.ts";
import type { HttpOptions, RefusalReason } from "../../mod.ts";
import { ask, LegacyClient } from "./wire.ts";

const STATUS: Record<RefusalReason, number> = {
  overloaded: 503,
  draining: 503,
  unavailable: 503,
  rate_limited: 429,
  caller_share: 429,
};
const REASONS = Object.keys(STATUS) as RefusalReason[];

/** A server whose tools refuse, each for the reason that it is named after. */
function refusing(options: HttpOptions = {}): McpServer {
  const server = new McpServer(
    { name: "refusing", version: "1.0.0" },
    { ...options, log: () => {} },
  );
  for (const reason of REASONS) {
    server.registerTool(reason, {}, () => {
      throw new RefusedError(reason, 1_200);
    });
  }
  server.registerResource("limited", "test://limited", {}, () => {
    throw new RateLimitedError("the store", 2_300);
  });
  server.registerResource("full", "test://full", {}, () => {
    throw new QueueFullError("the store", 3);
  });
  return server;
}

for (const reason of REASONS) {
  Deno.test(`a refusal says ${reason}, and when to come back, in both eras`, async () => {
    for (const eventStore of [undefined, new MemoryEventStore()]) {
      await using server = refusing({ eventStore });
      const client = await LegacyClient.open(server);
      const answers = [
        await ask(server, "tools/call", { name: reason }),
        await client.ask("tools/call", { name: reason }),
      ];
      for (const { status, headers, body } of answers) {
        assert.equal(status, STATUS[reason]);
        assert.equal(headers.get("retry-after"), "2");
        assert.equal(body.error!.code, -32005);
        assert.deepEqual(body.error!.data, { reason, retryAfterMs: 1_200 });
      }
    }
  });
}

Deno.test("a refusal in a batch is an error among the answers", async () => {
  await using server = refusing();
  const client = await LegacyClient.open(server, "2025-03-26");
  const { status, headers, body } = await client.post([
    { jsonrpc: "2.0", id: 1, method: "ping" },
    {
      jsonrpc: "2.0",
      id: 2,
      method: "tools/call",
      params: { name: "overloaded" },
    },
  ]);
  assert.equal(status, 200);
  assert.equal(headers.get("retry-after"), null);
  assert.match(JSON.stringify(body), /-32005/);
});

Deno.test("in memory a refusal is its JSON-RPC error", async () => {
  await using server = refusing();
  const [clientEnd, serverEnd] = linkedPair();
  const answer = Promise.withResolvers<unknown>();
  clientEnd.onmessage = (message) => {
    if ("id" in message && message.id === 2) answer.resolve(message);
  };
  await server.connect(serverEnd);
  await clientEnd.start();
  await clientEnd.send({
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: {
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: "test", version: "1.0.0" },
    },
  });
  await clientEnd.send({
    jsonrpc: "2.0",
    id: 2,
    method: "tools/call",
    params: { name: "rate_limited" },
  });
  assert.deepEqual(await answer.promise, {
    jsonrpc: "2.0",
    id: 2,
    error: {
      code: -32005,
      message: "Refused: the caller's rate limit is used up",
      data: { reason: "rate_limited", retryAfterMs: 1_200 },
    },
  });
  await clientEnd.close();
});

for (const [name, seconds] of [["limited", "3"], ["full", "1"]] as const) {
  Deno.test(`a limit of the author's that is ${name} is a refusal like any other`, async () => {
    await using server = refusing();
    const uri = `test://${name}`;
    const { status, headers, body } = await ask(server, "resources/read", {
      uri,
    });
    assert.equal(status, 503);
    assert.equal(headers.get("retry-after"), seconds);
    assert.equal(
      (body.error!.data as { reason: string }).reason,
      "overloaded",
    );
  });
}

Deno.test("refusals are counted by their reason", async () => {
  await using server = refusing();
  for (const name of REASONS) await ask(server, "tools/call", { name });
  const response = await server.fetch(new Request("http://localhost/metrics"));
  const text = await response.text();
  for (const reason of REASONS) {
    assert.match(text, new RegExp(`error_type="${reason}"} 1\n`));
  }
});
