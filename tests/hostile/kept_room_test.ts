import assert from "node:assert/strict";
import fc from "fast-check";
import { McpServer, MemoryEventStore } from "../../mod.ts";
import { SharedRoom } from "../../src/base/shared_room.ts";
import { eventually } from "../support/eventually.ts";
import {
  initialize,
  LegacyClient,
  modernCall,
  modernPost,
  post,
} from "../transport/wire.ts";

function subscribable(): McpServer {
  return new McpServer({ name: "keeper", version: "1.0.0" }, {
    capabilities: { resources: { subscribe: true } },
    log: () => {},
  });
}

function callerOf(clientId: string) {
  return { token: "", clientId, scopes: [] };
}

/** A thousand URIs of four thousand characters. */
const FAT = Array.from(
  { length: 1_000 },
  (_, n) => `x://${n}/`.padEnd(4_000, "x"),
);

async function listen(
  server: McpServer,
  clientId: string,
  uris: readonly string[],
): Promise<{ isOpen: boolean; leave(): Promise<void> }> {
  const message = modernCall("subscriptions/listen", {
    notifications: { resourceSubscriptions: uris },
  });
  const response = await server.fetch(
    new Request("http://localhost/mcp", modernPost(message)),
    { authInfo: callerOf(clientId) },
  );
  const isOpen = response.headers.get("content-type") === "text/event-stream";
  if (!isOpen) {
    assert.match(await response.text(), /no room for a subscription/);
  }
  return {
    isOpen,
    leave: async () => {
      if (isOpen) await response.body!.cancel();
    },
  };
}

Deno.test("one caller's fat subscriptions are bounded, and leave room for another's", async () => {
  await using server = subscribable();
  const streams = [];
  for (let n = 0; n < 20; n++) streams.push(await listen(server, "eve", FAT));
  assert(streams.filter(({ isOpen }) => isOpen).length < 6);
  const other = await listen(server, "ada", FAT);
  assert(other.isOpen);
  // What ends gives its room back.
  for (const { leave } of streams) await leave();
  await eventually(() => server.stats.subscriptions === 1);
  const again = await listen(server, "eve", FAT);
  assert(again.isOpen);
  await again.leave();
  await other.leave();
});

Deno.test("sessions' subscriptions are bounded in all, and leave room for another's", async () => {
  const server = subscribable();
  const follow = async (clientId: string, uri: string, session: string) =>
    (await post(server, {
      jsonrpc: "2.0",
      id: uri,
      method: "resources/subscribe",
      params: { uri },
    }, {
      authInfo: callerOf(clientId),
      headers: { "mcp-session-id": session },
    })).body.error?.message;
  const open = async (clientId: string) =>
    (await post(server, initialize("2025-11-25"), {
      authInfo: callerOf(clientId),
    })).headers.get("mcp-session-id")!;
  let refused: string | undefined;
  for (let n = 0; n < 12 && refused === undefined; n++) {
    const session = await open("eve");
    for (let uri = 0; uri < 1_000 && refused === undefined; uri++) {
      refused = await follow(
        "eve",
        `x:///${uri}/`.padEnd(8_000, "x"),
        session,
      );
    }
  }
  assert.match(refused!, /there is no room for what sessions keep/);
  assert.equal(await follow("ada", FAT[0], await open("ada")), undefined);
  await server.close();
});

Deno.test("two spellings of a URI on one stream are one topic, and end as one", async () => {
  await using server = subscribable();
  const { leave } = await listen(server, "ada", ["x://h/~", "x://h/%7e"]);
  await leave();
  await eventually(() => server.stats.subscriptions === 0);
  await server.server.sendResourceUpdated({ uri: "x://h/~" });
});

Deno.test("a host that a template names by a variable is as it is written", async () => {
  await using server = subscribable();
  const client = await LegacyClient.open(server);
  const heard: string[] = [];
  const reading = new AbortController();
  const stream = await server.fetch(
    new Request("http://localhost/mcp", {
      headers: {
        accept: "text/event-stream",
        "mcp-session-id": client.sessionId,
      },
      signal: reading.signal,
    }),
  );
  await client.ask("resources/subscribe", { uri: "users://ada" });
  for (const uri of ["users://Ada", "USERS://ada"]) {
    await server.server.sendResourceUpdated({ uri });
  }
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  while (!heard.join("").includes("USERS")) {
    heard.push((await reader.read()).value!);
  }
  assert(!heard.join("").includes("users://Ada"));
  await reader.cancel();
});

Deno.test("room that is shared: nobody has it all, and it always adds up", () => {
  const account = fc.constantFrom("a", "b", "c", "d");
  fc.assert(
    fc.property(
      fc.array(fc.tuple(account, fc.integer({ min: 1, max: 40 })), {
        maxLength: 100,
      }),
      (wanted) => {
        const room = new SharedRoom(100);
        const taken: [string, number][] = [];
        for (const [who, amount] of wanted) {
          if (room.take(who, amount)) taken.push([who, amount]);
          assert(room.used < 100);
          const own = taken.filter(([each]) => each === who)
            .reduce((sum, [, each]) => sum + each, 0);
          assert(own <= 50, `${who} has ${own}`);
        }
        for (const [who, amount] of taken) room.give(who, amount);
        assert.equal(room.used, 0);
      },
    ),
  );
});

Deno.test("a stream that floods the event store costs the others nothing", async () => {
  const store = new MemoryEventStore({ maxEvents: 100 });
  const event = { jsonrpc: "2.0", method: "notifications/x" } as const;
  const kept = await store.storeEvent("quiet", event);
  for (let n = 0; n < 1_000; n++) await store.storeEvent("flood", event);
  assert.equal(await store.getStreamIdForEventId(kept), "quiet");
  const replayed: string[] = [];
  const last = await store.storeEvent("quiet", event);
  await store.replayEventsAfter(kept, {
    send: (id) => Promise.resolve(void replayed.push(id)),
  });
  assert.deepEqual(replayed, [last]);
});
