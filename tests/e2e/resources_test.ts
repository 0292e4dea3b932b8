import assert from "node:assert/strict";
import type { Loose } from "../support/clients.ts";
import { eventually } from "../support/eventually.ts";
import { overEveryLeg } from "../support/legs.ts";
import { SHOWCASE } from "./fixtures/source.ts";

const UPDATED = "notifications/resources/updated";

const LIST_CHANGED = ["tools", "prompts", "resources"].map((kind) =>
  `notifications/${kind}/list_changed`
);

overEveryLeg("lists and reads resources", SHOWCASE, async (connect) => {
  const client = await connect();
  const { resources } = await client.raw.listResources();
  const uris = resources.map(({ uri }: Loose) => uri);
  for (
    const uri of [
      "info://about",
      "counter://value",
      "users://ada",
      "users://grace",
    ]
  ) assert.ok(uris.includes(uri), `${uri} is listed`);

  const { resourceTemplates } = await client.raw.listResourceTemplates();
  assert.deepEqual(
    resourceTemplates.map(({ uriTemplate }: Loose) => uriTemplate),
    ["users://{name}"],
  );

  const about = await client.raw.readResource({ uri: "info://about" });
  assert.deepEqual(about.contents, [{
    uri: "info://about",
    mimeType: "text/plain",
    text: "a showcase",
  }]);
  const bytes = await client.raw.readResource({ uri: "info://bytes" });
  assert.equal(bytes.contents[0].blob, "AAH+/w==");
  const user = await client.raw.readResource({ uri: "users://some%20body" });
  assert.deepEqual(JSON.parse(user.contents[0].text), {
    name: "some%20body",
  });
});

overEveryLeg(
  "a missing resource is an error",
  SHOWCASE,
  async (connect, leg) => {
    const client = await connect();
    await assert.rejects(
      client.ask("resources/read", { uri: "info://nowhere" }),
      /info:\/\/nowhere/,
    );
    // The v2 client makes one code of the two.
    assert.equal(
      client.received.at(-1)!.error.code,
      leg.era === "modern" ? -32602 : -32002,
    );
  },
);

overEveryLeg(
  "a modern client listens to what it asked for",
  SHOWCASE,
  async (connect) => {
    const client = await connect();
    const other = await connect();
    const subscription = await client.raw.listen({
      resourceSubscriptions: ["counter://value"],
      toolsListChanged: true,
    });
    assert.deepEqual(subscription.honoredFilter, {
      resourceSubscriptions: ["counter://value"],
      toolsListChanged: true,
    });
    await client.tool("bump");
    const { uri } = await client.hears(UPDATED);
    assert.equal(uri, "counter://value");
    await client.tool("grow");
    await client.hears("notifications/tools/list_changed");
    assert.ok(
      client.heard.every(({ method }) =>
        method === UPDATED || method === "notifications/tools/list_changed"
      ),
      "nothing that it did not ask for",
    );
    assert.deepEqual(other.heard, []);

    await subscription.close();
    assert.equal(await subscription.closed, "local");
    // A change may cross the news that the stream has ended.
    await eventually(async () => {
      const before = client.heard.length;
      await client.tool("bump");
      await client.tool("echo", { text: "done" });
      return client.heard.length === before;
    });
  },
  ({ era, place }) => era === "modern" && place !== "stdio",
);

overEveryLeg(
  "a modern client listens over stdio",
  SHOWCASE,
  async (connect) => {
    const client = await connect();
    const first = await client.raw.listen({ toolsListChanged: true });
    const second = await client.raw.listen({
      resourceSubscriptions: ["counter://value"],
    });
    await client.tool("bump");
    await client.hears(UPDATED);
    await client.tool("grow");
    await client.hears("notifications/tools/list_changed");
    await first.close();
    await second.close();
    const before = client.received.length;
    await client.tool("bump");
    assert.equal(client.received.length, before + 1, "the result alone");
  },
  ({ era, place }) => era === "modern" && place === "stdio",
);

overEveryLeg(
  "a legacy client subscribes to a resource",
  SHOWCASE,
  async (connect, leg) => {
    const client = await connect();
    const other = leg.place === "stdio" ? undefined : await connect();
    await client.raw.subscribeResource({ uri: "counter://value" });
    await client.tool("bump");
    assert.equal((await client.hears(UPDATED)).uri, "counter://value");

    await client.raw.unsubscribeResource({ uri: "counter://value" });
    await client.tool("bump");
    await client.tool("grow");
    await client.hears("notifications/resources/list_changed");
    assert.equal(
      client.heard.filter(({ method }) => method === UPDATED).length,
      1,
    );
    if (other !== undefined) {
      await other.hears("notifications/resources/list_changed");
      assert.ok(other.heard.every(({ method }) => method !== UPDATED));
    }
  },
  ({ era }) => era === "legacy",
);

overEveryLeg(
  "a legacy client hears of changed lists, once a change",
  SHOWCASE,
  async (connect) => {
    const client = await connect();
    await client.tool("grow");
    for (const method of LIST_CHANGED) await client.hears(method);
    const { tools } = await client.raw.listTools();
    assert.ok(tools.some(({ name }: Loose) => name === "grown_1"));
    const grown = await client.tool("grown_1");
    assert.equal(grown.structuredContent ?? grown.content[0].text, "1");
    assert.deepEqual(
      client.heard.map(({ method }) => method).sort(),
      [...LIST_CHANGED].sort(),
    );
  },
  ({ era }) => era === "legacy",
);

overEveryLeg(
  "a modern client keeps its lists fresh",
  SHOWCASE,
  async (connect) => {
    let refreshed: (tools: Loose[]) => void;
    const changed = new Promise<Loose[]>((resolve) => refreshed = resolve);
    const client = await connect({
      options: {
        listChanged: {
          tools: {
            debounceMs: 0,
            onChanged: (_error: unknown, tools: Loose[]) => refreshed(tools),
          },
        },
      },
    });
    assert.equal(
      client.raw.autoOpenedSubscription.honoredFilter.toolsListChanged,
      true,
    );
    await client.tool("grow");
    assert.ok((await changed).some(({ name }) => name === "grown_1"));
    await client.raw.autoOpenedSubscription.close();
  },
  ({ era }) => era === "modern",
);
