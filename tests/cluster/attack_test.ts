import assert from "node:assert/strict";
import {
  type Bus,
  type BusListener,
  type HttpOptions,
  McpServer,
  type McpServerOptions,
  MemoryBusHub,
  MemorySessionStore,
} from "../../mod.ts";
import type { Loose } from "../support/clients.ts";
import { eventually } from "../support/eventually.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";
import { assertRefused, LegacyClient } from "../transport/wire.ts";
import { Quiet } from "./quiet.ts";
import { SseReader } from "./sse_reader.ts";

const URI = "news://today";

function replica(options: McpServerOptions & HttpOptions): McpServer {
  const server = new McpServer({ name: "attacked", version: "1.0.0" }, {
    log: () => {},
    health: { cacheMs: 0 },
    ...options,
  });
  server.registerTool("ask", {}, async (ctx) => {
    const { action } = await ctx.elicit({
      message: "sure?",
      requestedSchema: { type: "object", properties: {} },
    });
    return action;
  });
  server.registerResource("n", URI, {}, () => "nothing");
  return server;
}

/** What an attack is run with. */
interface Attacked {
  readonly quiet: Quiet;
  readonly redis: TestRedis;
}

/** Runs an attack on two replicas of one Redis. */
function attack(
  name: string,
  run: (servers: McpServer[], attacked: Attacked) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: ignoreWithoutRedis,
    fn: async () => {
      await using redis = await TestRedis.start();
      const servers = [1, 2].map(() =>
        replica({ redis: redis.url, eventStore: "redis" })
      );
      for (const each of servers) await reached(each);
      try {
        await using quiet = await Quiet.among(servers);
        await run(servers, { quiet, redis });
      } finally {
        await Promise.all(servers.map((each) => each.close()));
      }
    },
  });
}

async function reached(server: McpServer): Promise<void> {
  await eventually(async () =>
    (await server.health.run()).checks.redis?.status === "healthy"
  );
}

/** The same client at another replica. */
function at(client: LegacyClient, server: McpServer): LegacyClient {
  return Object.assign(Object.create(LegacyClient.prototype), client, {
    server,
  });
}

function request(
  client: LegacyClient,
  init: RequestInit = {},
  headers: Record<string, string> = {},
): Promise<Response> {
  return Promise.resolve(client.server.fetch(
    new Request("http://localhost/mcp", {
      ...init,
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-session-id": client.sessionId,
        "mcp-protocol-version": client.revision,
        ...headers,
      },
    }),
  ));
}

function call(client: LegacyClient, name: string, id: number) {
  return request(client, {
    method: "POST",
    body: JSON.stringify({
      jsonrpc: "2.0",
      id,
      method: "tools/call",
      params: { name, arguments: {} },
    }),
  });
}

attack(
  "subscribing and unsubscribing at both at once, they end up of one mind",
  async ([a, b], { quiet }) => {
    const client = await LegacyClient.open(a);
    await using reader = new SseReader(await request(at(client, b)));
    for (let round = 0; round < 8; round++) {
      await Promise.all(
        Array.from(
          { length: 10 },
          (_, turn) =>
            at(client, turn % 2 ? a : b).ask(
              turn % 3 ? "resources/unsubscribe" : "resources/subscribe",
              { uri: URI },
            ),
        ),
      );
      await quiet.updates(reader);
      const moved = at(client, round % 2 ? a : b);
      await moved.ask("resources/subscribe", { uri: URI });
      const before = await quiet.updates(reader);
      a.sendResourceUpdated(URI);
      assert.equal(await quiet.updates(reader), before + 1);
    }
  },
);

attack(
  "requests that cross the opening of a stream don't lead it astray",
  async ([a, b], { quiet }) => {
    const client = await LegacyClient.open(a);
    await client.ask("resources/subscribe", { uri: URI });
    await at(client, b).ask("ping");
    let last: SseReader | undefined;
    for (let round = 0; round < 10; round++) {
      const here = at(client, round % 2 ? a : b);
      const [opened] = await Promise.all([
        request(here),
        ...Array.from({ length: 5 }, (_, id) => here.ask("ping", {}, id)),
      ]);
      const reader = new SseReader(opened);
      const before = await quiet.updates(reader);
      a.sendResourceUpdated(URI);
      b.sendResourceUpdated(URI);
      assert.equal(await quiet.updates(reader), before + 2, `${round}`);
      await last?.[Symbol.asyncDispose]();
      last = reader;
    }
    await last?.[Symbol.asyncDispose]();
  },
);

attack(
  "streams that open at both at once: one of them has every notice",
  async ([a, b], { quiet }) => {
    const client = await LegacyClient.open(a);
    await client.ask("resources/subscribe", { uri: URI });
    await at(client, b).ask("ping");
    for (let round = 0; round < 8; round++) {
      const opened = await Promise.all([
        request(client),
        request(at(client, b)),
      ]);
      const readers = opened.map((each) => new SseReader(each));
      const before = await quiet.updates(...readers);
      a.sendResourceUpdated(URI);
      b.sendResourceUpdated(URI);
      assert.equal(await quiet.updates(...readers), before + 2, `${round}`);
      for (const each of readers) await each[Symbol.asyncDispose]();
    }
  },
);

attack("DELETE during calls ends them, at every replica", async ([a, b]) => {
  const client = await LegacyClient.open(a, "2025-11-25", { elicitation: {} });
  await at(client, b).ask("ping");
  const readers = [
    new SseReader(await call(client, "ask", 1)),
    new SseReader(await call(at(client, b), "ask", 2)),
    new SseReader(await request(at(client, b))),
  ];
  for (const each of readers.slice(0, 2)) await each.has("elicitation/create");
  const ended = await Promise.all([
    at(client, b).end(),
    client.end(),
    client.ask("ping"),
    at(client, b).ask("resources/subscribe", { uri: URI }),
  ]);
  assert.ok(ended.every(({ status }) => status === 200 || status === 404));
  await Promise.all(readers.map((each) => each.ended));
  await eventually(() => a.stats.inFlight + b.stats.inFlight === 0);
  for (const server of [a, b]) {
    assertRefused(await at(client, server).ask("ping"), {
      status: 404,
      code: -32001,
    });
  }
});

attack(
  "an answer counts once, and only in its own session",
  async ([a, b]) => {
    const client = await LegacyClient.open(a, "2025-11-25", {
      elicitation: {},
    });
    const other = await LegacyClient.open(b);
    await using reader = new SseReader(await call(client, "ask", 1));
    await reader.has("elicitation/create");
    const { id } = reader.messages.find((each) =>
      each.method === "elicitation/create"
    )!;
    const answer = (action: string) => ({
      jsonrpc: "2.0",
      id,
      result: { action },
    });
    for (const server of [a, b]) {
      const { status } = await at(other, server).post(answer("cancel"));
      assert.equal(status, 202);
    }
    await at(client, b).post({ ...answer("cancel"), id: "sluice-nobody-1" });
    assert.deepEqual(reader.messages.filter((each) => each.id === 1), []);
    await Promise.all(
      [a, b, b, a, b].map((server) =>
        at(client, server).post(answer("decline"))
      ),
    );
    await eventually(() => reader.messages.some((each) => each.id === 1));
    const results = reader.messages.filter((each) => each.id === 1) as Loose[];
    assert.deepEqual(results.map(({ result }) => result.content[0].text), [
      "decline",
    ]);
  },
);

attack("no stream is resumed but a session's own", async ([a, b]) => {
  const victim = await LegacyClient.open(a, "2025-11-25", { elicitation: {} });
  const mallory = await LegacyClient.open(b);
  await using reader = new SseReader(await call(victim, "ask", 1));
  await reader.has("elicitation/create");
  await using standing = new SseReader(await request(victim));
  await eventually(() => standing.lastId !== undefined);
  const own = await call(mallory, "missing", 7);
  const ownReader = new SseReader(own);
  await ownReader.ended;
  const [name] = reader.lastId!.split("_");
  const forged = [
    reader.lastId!,
    standing.lastId!,
    name.replace(victim.sessionId, mallory.sessionId) + "_1-0",
    `${mallory.sessionId}~~~standing_0-0`,
    `${mallory.sessionId}~x~%5B~y_1-0`,
    `${mallory.sessionId}_1-0`,
    ownReader.lastId!.replace(/_\d+/, "_99999999999999999999999"),
    "garbage",
    "~~~_1-1",
    "_",
  ];
  for (const server of [a, b]) {
    for (const id of forged) {
      const response = await request(at(mallory, server), {}, {
        "last-event-id": id,
      });
      await response.body?.cancel();
      assert.equal(response.status, 400, id);
    }
  }
  // Its call waits for an answer, and a server that closes for the call.
  await victim.end();
});

attack(
  "what is said on the bus and can't be understood does no harm",
  async ([a, b], { quiet, redis }) => {
    const client = await LegacyClient.open(a);
    await at(client, b).ask("resources/subscribe", { uri: URI });
    await using reader = new SseReader(await request(client));
    const bodies = [
      "",
      "x",
      "x null",
      "x []",
      "x {",
      'x {"v":2,"on":"notice","body":{"of":"list","list":"tools"}}',
      'x {"v":1,"on":"unheard of","body":{}}',
      'x {"v":1,"on":"session"}',
      'x {"v":1,"on":"session","body":null}',
      'x {"v":1,"on":"notice","body":{"of":"news"}}',
      'x {"v":1,"on":"notice","body":null}',
      `x {"v":1,"on":"session","body":{"id":"${client.sessionId}","what":"new"}}`,
      `x {"v":1,"on":"session","body":{"id":"${client.sessionId}"}}`,
    ];
    for (const body of bodies) {
      await redis.command("PUBLISH", "sluice:attacked:all", body);
    }
    const before = await quiet.updates(reader);
    b.sendResourceUpdated(URI);
    assert.equal(await quiet.updates(reader), before + 1);
    assert.equal((await at(client, b).ask("ping")).status, 200);
  },
);

attack(
  "a Redis that is full, or holds something else, is said to be unavailable",
  async ([a, b], { redis }) => {
    const client = await LegacyClient.open(a);
    await redis.command("CONFIG", "SET", "maxmemory", "1");
    const changes = [
      ["resources/subscribe", { uri: URI }],
      ["logging/setLevel", { level: "error" }],
    ] as const;
    for (const [method, params] of changes) {
      const { error } = (await client.ask(method, params)).body;
      assert.equal(error?.code, -32005);
    }
    assert.equal((await at(client, b).ask("ping")).status, 200);
    const { redis: check } = (await a.health.run()).checks;
    assert.equal(check.status, "unhealthy");
    assert.match(check.message!, /OOM/);
    await assert.rejects(LegacyClient.open(b), /503/);
    await redis.command("CONFIG", "SET", "maxmemory", "0");
    await LegacyClient.open(b);
    const other = await LegacyClient.open(a);
    const key = `sluice:attacked:session:${other.sessionId}`;
    await redis.command("DEL", key);
    await redis.command("SET", key, "not a hash");
    const elsewhere = await at(other, b).ask("ping");
    assertRefused(elsewhere, { status: 503, code: -32005 });
    await redis.command("DEL", key);
    assert.equal((await at(other, b).ask("ping")).status, 404);
  },
);

/** A bus whose members hear everything late. */
class LateBus implements Bus {
  readonly #bus: Bus;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  get member(): string {
    return this.#bus.member;
  }

  get connected(): boolean {
    return this.#bus.connected;
  }

  listen(listener: BusListener): void {
    this.#bus.listen({
      message: (text, from) =>
        void setTimeout(() => listener.message(text, from), 50),
      gap: () => listener.gap(),
    });
  }

  ready(): Promise<void> {
    return this.#bus.ready();
  }

  broadcast(text: string): Promise<void> {
    return this.#bus.broadcast(text);
  }

  send(member: string, text: string): Promise<boolean> {
    return this.#bus.send(member, text);
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#bus[Symbol.asyncDispose]();
  }
}

Deno.test("news that comes late undoes nothing that was said after it", async () => {
  const hub = new MemoryBusHub();
  await using sessionStore = new MemorySessionStore();
  await using a = replica({ bus: new LateBus(hub.join()), sessionStore });
  await using b = replica({ bus: new LateBus(hub.join()), sessionStore });
  await using quiet = await Quiet.among([a, b]);
  const client = await LegacyClient.open(a);
  await using reader = new SseReader(await request(at(client, b)));
  await client.ask("resources/subscribe", { uri: URI });
  await at(client, b).ask("resources/unsubscribe", { uri: URI });
  await quiet.updates(reader);
  b.sendResourceUpdated(URI);
  assert.equal(await quiet.updates(reader), 0);
  await at(client, b).ask("resources/subscribe", { uri: URI });
  await client.ask("resources/unsubscribe", { uri: URI });
  await at(client, b).ask("resources/subscribe", { uri: URI });
  await quiet.updates(reader);
  a.sendResourceUpdated(URI);
  assert.equal(await quiet.updates(reader), 1);
  // The last that is said: what is on its way then is no leak.
  await at(client, b).end();
  await reader.ended;
  await new Promise((go) => setTimeout(go, 100));
});

Deno.test("a session that is found when its server has closed is not begun there", async () => {
  const hub = new MemoryBusHub();
  await using sessionStore = new MemorySessionStore();
  await using a = replica({ bus: hub.join(), sessionStore });
  await using b = replica({ bus: hub.join(), sessionStore });
  const client = await LegacyClient.open(a);
  const asked = Promise.withResolvers<void>();
  const found = Promise.withResolvers<void>();
  const use = sessionStore.use.bind(sessionStore);
  sessionStore.use = async (id, idleMs) => {
    asked.resolve();
    await found.promise;
    return await use(id, idleMs);
  };
  const late = at(client, b).ask("tools/list");
  await asked.promise;
  await b.close();
  found.resolve();
  assert.equal((await late).status, 503);
  assert.equal(b.stats.sessions, 0);
});
