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

Deno.test("rule, handler and cache read a URI in one way", async () => {
  await using server = new McpServer({ name: "t", version: "1" }, {
    log: () => {},
  });
  server.registerResource(
    "files",
    new ResourceTemplate("files:///{tenant}/{+path}", { list: undefined }),
    {
      cache: { ttlMs: 60_000, public: true },
      allow: (caller, variables) =>
        variables === undefined || variables.tenant === caller?.clientId,
    },
    ({ pathname }, { tenant, path }) => {
      assert.equal(pathname, `/${tenant}/${path}`);
      return `${tenant}'s`;
    },
  );
  const read = (clientId: string, uri: string) =>
    server.call("resources/read", { uri }, {
      authInfo: { ...CALLER, clientId },
    });
  await read("alice", "files:///alice/diary");
  for (
    const uri of [
      "files:///alice/diary",
      "files:///bob/../alice/diary",
      "files:///bob/%2e%2e/alice/diary",
      "files:///bob/.%2E/alice/diary",
      "files:///b\tob/../al\nice/diary",
      "files:///%61lice/diary",
      "FILES:///bob/x/../../alice/diary",
    ]
  ) {
    await assert.rejects(read("bob", uri), /not for this caller/, uri);
    assert.partialDeepStrictEqual(await read("alice", uri), {
      contents: [{ uri, text: "alice's" }],
    });
  }
  assert.partialDeepStrictEqual(
    await read("bob", "files:///alice/../bob/diary"),
    { contents: [{ text: "bob's" }] },
  );
});

Deno.test("following goes by the same reading as reading does", async () => {
  await using server = new McpServer({ name: "t", version: "1" });
  server.registerResource(
    "files",
    new ResourceTemplate("files:///{tenant}/{+path}", { list: undefined }),
    { allow: (_caller, variables) => variables?.tenant === "bob" },
    () => "text",
  );
  const leave = new AbortController();
  const heard: unknown[] = [];
  const listening = server.call("subscriptions/listen", {
    notifications: { resourceSubscriptions: ["files:///bob/../alice/diary"] },
  }, {
    authInfo: CALLER,
    signal: leave.signal,
    onNotification: (each) => {
      heard.push(each.params?.notifications);
      leave.abort();
    },
  });
  await assert.rejects(listening);
  assert.deepEqual(heard, [{ resourceSubscriptions: [] }]);
});

Deno.test("a query that names a variable twice has no reading", async () => {
  await using server = new McpServer({ name: "t", version: "1" });
  server.registerResource(
    "q",
    new ResourceTemplate("q:///{id}{?tenant}", { list: undefined }),
    {},
    ({ searchParams }, { tenant }) => `${searchParams.get("tenant")} ${tenant}`,
  );
  const read = (uri: string) => server.call("resources/read", { uri });
  assert.partialDeepStrictEqual(await read("q:///1?tenant=mine"), {
    contents: [{ text: "mine mine" }],
  });
  for (
    const query of [
      "tenant=theirs&tenant=mine",
      "t%65nant=theirs&tenant=mine",
      "tenant&tenant=mine",
    ]
  ) await assert.rejects(read(`q:///1?${query}`), /not found/, query);
});
