import assert from "node:assert/strict";
import { McpServer } from "../../mod.ts";
import { modernCall, modernPost, read } from "../transport/wire.ts";

Deno.test("a change that many hear names to each its own subscription", async () => {
  const server = new McpServer({ name: "news", version: "1.0.0" });
  server.registerResource("one", "news://one", {}, () => "news");
  const ids = [7, 7, 'a"b', 8, 7];
  const streams = await Promise.all(ids.map((id) => {
    const notifications = { resourceSubscriptions: ["news://one"] };
    const message = modernCall("subscriptions/listen", { notifications }, id);
    return server.fetch(
      new Request("http://localhost/mcp", modernPost(message)),
    );
  }));
  server.sendResourceUpdated("news://one");
  server.sendResourceUpdated("news://one");
  await server.close();
  for (const [index, id] of ids.entries()) {
    const { messages } = await read(streams[index]);
    const updated = {
      jsonrpc: "2.0",
      method: "notifications/resources/updated",
      params: {
        uri: "news://one",
        _meta: { "io.modelcontextprotocol/subscriptionId": id },
      },
    };
    assert.deepEqual(messages.slice(1, -1), [updated, updated]);
    assert.equal(messages.length, 4);
  }
});
