import assert from "node:assert/strict";
import { McpServer, ResourceTemplate } from "../../mod.ts";
import { modernCall, modernPost } from "../transport/wire.ts";

const CALLER = { token: "t", clientId: "c", scopes: [] as string[] };
const SPELLINGS = [
  "doc://files/Top Secret",
  "doc://files/Top%20Secret",
  "DOC://files/Top%20Secret",
  "doc://files/./Top%20Secret",
  "doc://files/x/../Top%20Secret",
  "doc://files/%54op%20Secret",
];

Deno.test("no spelling of a URI gets around who may read and follow it", async () => {
  const read: string[] = [];
  await using server = new McpServer({ name: "t", version: "1" }, {
    log: () => {},
  });
  server.registerResource(
    "secret",
    "doc://files/Top Secret",
    { allow: () => false },
    ({ href }) => {
      read.push(href);
      return "secret";
    },
  );
  server.registerResource(
    "family",
    new ResourceTemplate("doc://files/{name}", { list: undefined }),
    { allow: (_caller, variables) => variables?.name === "open" },
    ({ href }, { name }) => {
      if (name !== "open") read.push(href);
      return "text";
    },
  );
  for (const uri of SPELLINGS) {
    await assert.rejects(
      server.call("resources/read", { uri }, { authInfo: CALLER }),
      uri,
    );
    const heard: unknown[] = [];
    const leave = new AbortController();
    const listening = server.call("subscriptions/listen", {
      notifications: { resourceSubscriptions: [uri] },
    }, {
      authInfo: CALLER,
      signal: leave.signal,
      onNotification: (each) => {
        heard.push(each.params?.notifications);
        leave.abort();
      },
    });
    await assert.rejects(listening);
    assert.deepEqual(heard, [{ resourceSubscriptions: [] }], uri);
  }
  assert.deepEqual(read, []);
  const open = modernCall("resources/read", { uri: "doc://files/open" });
  const response = await server.fetch(
    new Request("http://localhost/mcp", modernPost(open)),
    { authInfo: CALLER },
  );
  assert.match(await response.text(), /"text":"text"/);
});
