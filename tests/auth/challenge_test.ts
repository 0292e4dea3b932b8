import assert from "node:assert/strict";
import {
  type Authenticator,
  type AuthInfo,
  InsufficientScopeError,
  McpServer,
  MemoryEventStore,
} from "../../mod.ts";
import { ask, LegacyClient } from "../transport/wire.ts";

const info = { name: "notes", version: "1.0.0" };

function callerOf(scopes: string[]): AuthInfo {
  return { token: "t", clientId: "eve", scopes };
}

/** A server whose tools turn a caller away at once, and after a while. */
function guarded(
  options: ConstructorParameters<typeof McpServer>[1] = {},
): McpServer {
  const server = new McpServer(info, { log: () => {}, ...options });
  const rule = { scopes: ["admin"] };
  server.registerResource("secret", "note://secret", rule, () => "secret");
  server.registerTool("at once", rule, () => "done");
  server.registerTool("later", {}, async (ctx) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    await ctx.readResource("note://secret");
    return "done";
  });
  return server;
}

const STRANGE = ["読む", "a\nb", 'a"b', "a\\b", "a b", "", "é", "read"];

for (const name of ["at once", "later"]) {
  Deno.test(`a challenge names no granted scope that a header can't hold: refused ${name}`, async () => {
    await using server = guarded();
    const { status, headers, body } = await ask(
      server,
      "tools/call",
      { name },
      { authInfo: callerOf(STRANGE) },
    );
    assert.equal(status, 403);
    assert.equal(body.error?.code, -32003);
    assert.match(headers.get("www-authenticate")!, /scope="read admin"$/);
  });
}

Deno.test("a handler's own refusal is told in what a header can hold", async () => {
  await using server = new McpServer(info, { log: () => {} });
  server.registerTool("t", {}, () => {
    throw new InsufficientScopeError(["読む", "read"]);
  });
  const { status, headers } = await ask(server, "tools/call", { name: "t" }, {
    authInfo: callerOf([]),
  });
  assert.equal(status, 403);
  assert.match(
    headers.get("www-authenticate")!,
    /error_description="Insufficient scope: this needs \?\? read", scope="read"$/,
  );
});

/** An author's own, with a scheme that no header can hold. */
const unspeakable: Authenticator = {
  scheme: "読む",
  header: "x-caller",
  issuers: [],
  audience: undefined,
  skewMs: 0,
  identify: () => callerOf([]),
  recognize: () => callerOf([]),
  attach: () => {},
};

for (const name of ["at once", "later"]) {
  Deno.test(`a refusal that can't be sent gives way to one that can: refused ${name}`, async () => {
    const lines: string[] = [];
    const log = ({ message }: { message: string }) => void lines.push(message);
    for (const eventStore of [undefined, new MemoryEventStore()]) {
      await using server = guarded({ auth: unspeakable, eventStore, log });
      const params = { name, arguments: {} };
      const modern = await ask(server, "tools/call", params);
      assert.equal(modern.body.error?.code, -32603);
      const client = await LegacyClient.open(server, "2025-06-18");
      const legacy = await client.post({
        jsonrpc: "2.0",
        id: 7,
        method: "tools/call",
        params,
      });
      const { error } = legacy.body;
      assert.equal(legacy.body.id, 7);
      // A stream that a client can resume has its status before the refusal.
      const streams = eventStore !== undefined && name === "later";
      assert.equal(error?.code, streams ? -32003 : -32603);
    }
    assert.match(lines.join("\n"), /the answer to tools\/call/);
  });
}
