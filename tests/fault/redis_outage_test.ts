import assert from "node:assert/strict";
import {
  McpServer,
  type McpServerOptions,
  type SharedRedisOptions,
} from "../../mod.ts";
import { SseReader } from "../cluster/sse_reader.ts";
import { type Loose, textOf } from "../support/clients.ts";
import { eventually } from "../support/eventually.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";
import { StalledWay } from "../support/stalled_way.ts";
import {
  type Answer,
  ask,
  assertRefused,
  CAPABILITIES_KEY,
  initialize,
  LegacyClient,
  modernCall,
  modernPost,
  post,
} from "../transport/wire.ts";

const URI = "news://today";
/** Enough to change one after another while Redis fails over. */
const URIS = Array.from({ length: 200 }, (_, i) => `news://${i}`);
const UPDATED = "notifications/resources/updated";
const LIST = "notifications/tools/list_changed";
const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";

/** Ten times as impatient as by default: a second away is as ten. */
const IMPATIENT = { timeoutMs: 100, connectTimeoutMs: 200 };
const AWAY_MS = 1_000;

class Replica implements AsyncDisposable {
  readonly server: McpServer;
  runs = 0;

  private constructor(redis: SharedRedisOptions, options: McpServerOptions) {
    this.server = new McpServer({ name: "shared", version: "1.0.0" }, {
      log: () => {},
      health: { cacheMs: 0 },
      ...options,
      redis: { ...IMPATIENT, ...redis },
    });
    this.server.registerTool("plain", {}, () => "right");
    this.server.registerTool(
      "once",
      { idempotent: { ttlMs: 60_000 } },
      () => `run ${++this.runs}`,
    );
    this.server.registerTool("ask", {}, async (ctx) => {
      const question = (message: string) => ({
        message,
        requestedSchema: { type: "object" as const, properties: {} },
      });
      await ctx.elicit(question("really?"));
      const { action } = await ctx.elicit(question("sure?"));
      return action;
    });
    this.server.registerResource("n", URI, {}, () => "nothing");
  }

  static async start(
    redis: SharedRedisOptions,
    options: McpServerOptions = {},
  ): Promise<Replica> {
    const replica = new Replica(redis, options);
    await replica.whole();
    return replica;
  }

  /** Resolves when it has Redis, and hears the others. */
  async whole(): Promise<void> {
    await eventually(async () =>
      (await this.server.health.run()).checks.redis.status === "healthy"
    );
  }

  /** Resolves when it has neither. */
  async away(): Promise<void> {
    await eventually(async () => {
      const response = await this.tryToListen();
      await response.body?.cancel();
      return response.status === 503;
    });
  }

  async listen(uris?: string[]): Promise<SseReader> {
    const reader = new SseReader(await this.tryToListen(uris));
    await reader.has(ACKNOWLEDGED);
    return reader;
  }

  tryToListen(uris = [URI]): Promise<Response> {
    const call = modernCall("subscriptions/listen", {
      notifications: { toolsListChanged: true, resourceSubscriptions: uris },
    });
    return Promise.resolve(
      this.server.fetch(new Request("http://localhost/mcp", modernPost(call))),
    );
  }

  async stand(client: LegacyClient): Promise<SseReader> {
    const headers = {
      accept: "text/event-stream",
      "mcp-session-id": client.sessionId,
      "mcp-protocol-version": client.revision,
    };
    return new SseReader(
      await this.server.fetch(new Request("http://localhost/mcp", { headers })),
    );
  }

  /** A modern call, which must go right whatever Redis does. */
  async serves(): Promise<void> {
    const { body } = await ask(this.server, "tools/call", { name: "plain" });
    assert.equal(textOf(body.result), "right");
  }

  async once(key: string): Promise<Answer> {
    return await ask(this.server, "tools/call", {
      name: "once",
      _meta: { "io.sluice/idempotency-key": key },
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.server.close();
  }
}

/** The same client at another replica. */
function at(client: LegacyClient, { server }: Replica): LegacyClient {
  return Object.assign(Object.create(LegacyClient.prototype), client, {
    server,
  });
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: ignoreWithoutRedis, fn });
}

const pass = (ms: number) => new Promise((go) => setTimeout(go, ms));

/** What a stream has brought since, of the list of tools and of resources. */
function since(reader: SseReader, begin: number): string[] {
  return reader.methods.slice(begin)
    .filter((each) => each === UPDATED || each === LIST);
}

/** Asserts what holds while Redis is away, of a session that `home` knows and `away` doesn't. */
async function assertAway(
  { home, away, client }: {
    home: Replica;
    away: Replica;
    client: LegacyClient;
  },
): Promise<void> {
  const unavailable = { status: 503, code: -32005 };
  for (const each of [home, away]) await each.serves();
  const local = await client.ask("tools/call", { name: "plain" });
  assert.equal(textOf(local.body.result), "right");
  const refused = [
    await at(client, away).ask("ping"),
    await at(client, away).end(),
    await post(home.server, initialize()),
    await post(away.server, initialize()),
  ];
  for (const each of refused) {
    assertRefused(each, unavailable);
    assert.equal(each.headers.get("retry-after"), "1");
  }
  for (const each of [home, away]) {
    const listening = await each.tryToListen();
    await listening.body?.cancel();
    assert.equal(listening.status, 503);
  }
  const subscribed = await client.ask("resources/subscribe", {
    uri: "news://b",
  });
  assert.equal(subscribed.body.error?.code, -32005);
}

const OUTAGES: [
  how: string,
  begin: (redis: TestRedis) => void | Promise<void>,
  end: (redis: TestRedis) => void | Promise<void>,
][] = [
  ["stands still", (redis) => redis.pause(), (redis) => redis.resume()],
  ["is killed", (redis) => redis.kill(), (redis) => redis.restart()],
];

for (const [how, begin, end] of OUTAGES) {
  test(`Redis ${how} for long: what doesn't need it goes on, what was missed is made up for`, async () => {
    await using redis = await TestRedis.start();
    await using home = await Replica.start({ url: redis.url });
    await using away = await Replica.start({ url: redis.url });
    const client = await LegacyClient.open(home.server);
    await client.ask("resources/subscribe", { uri: URI });
    await using legacy = await home.stand(client);
    await using modern = await home.listen();
    away.server.sendResourceUpdated(URI);
    await legacy.has(UPDATED);
    await modern.has(UPDATED);
    const begun = [legacy.methods.length, modern.methods.length];

    await begin(redis);
    const startedAt = performance.now();
    await Promise.all([home.away(), away.away()]);
    while (performance.now() - startedAt < AWAY_MS) {
      away.server.sendResourceUpdated(URI);
      await assertAway({ home, away, client });
      await pass(50);
    }
    await end(redis);
    await Promise.all([home.whole(), away.whole()]);
    // The last that is said: all that was missed is said before it.
    away.server.registerTool("later", {}, () => "");
    const expected = [LIST, UPDATED, LIST];
    for (const [index, reader] of [legacy, modern].entries()) {
      // A session that Redis has lost ends, and its stream with it.
      if (reader === legacy && how === "is killed") continue;
      await eventually(() => since(reader, begun[index]).length >= 3);
      assert.deepEqual(since(reader, begun[index]), expected);
    }
    const elsewhere = await at(client, away).ask("ping");
    // What Redis has lost is gone, and only then is that said.
    assert.equal(elsewhere.status, how === "is killed" ? 404 : 200);
    assert.equal((await client.ask("ping")).status, elsewhere.status);
    await LegacyClient.open(away.server);
  });
}

test("flushed, sessions are gone and say 404; what else there is goes on", async () => {
  await using redis = await TestRedis.start();
  await using home = await Replica.start({ url: redis.url });
  await using away = await Replica.start({ url: redis.url });
  await using modern = await home.listen();
  const client = await LegacyClient.open(home.server);
  const state = await asked(home);
  assert.equal(await answered(away, state), "accept");
  await redis.command("FLUSHALL");
  for (const each of [home, away]) {
    assertRefused(await at(client, each).ask("ping"), {
      status: 404,
      code: -32001,
    });
    await each.serves();
  }
  const next = await LegacyClient.open(away.server);
  assert.equal((await at(next, home).ask("ping")).status, 200);
  away.server.sendResourceUpdated(URI);
  await modern.has(UPDATED);
  // A replica that begins now finds no key: all take the one that it makes.
  await using late = await Replica.start({ url: redis.url });
  const later = await asked(late);
  await eventually(async () => await answered(home, later) === "accept");
  await eventually(async () => await answered(away, later) === "accept");
  assert.equal(await answered(late, await asked(home)), "accept");
});

/** What a client carries that has answered the first of two questions at a replica. */
async function asked(replica: Replica): Promise<Loose> {
  const { requestState, ...rest } = await round(replica);
  assert.equal(requestState, undefined);
  const result = await round(replica, rest);
  assert.equal(typeof result.requestState, "string");
  return result;
}

/** What the tool says once a replica has the second answer; `undefined` if it wasn't taken. */
async function answered(
  replica: Replica,
  asked: Loose,
): Promise<string | undefined> {
  const result = await round(replica, asked);
  return result && textOf(result);
}

async function round(
  { server }: Replica,
  { requestState, inputRequests }: Loose = {},
): Promise<Loose> {
  const accept = { action: "accept", content: {} };
  const { body } = await ask(server, "tools/call", {
    name: "ask",
    _meta: { [CAPABILITIES_KEY]: { elicitation: {} } },
    ...(requestState && { requestState }),
    ...(inputRequests && {
      inputResponses: Object.fromEntries(
        Object.keys(inputRequests).map((key) => [key, accept]),
      ),
    }),
  });
  return body.result;
}

/** Two of them, the second a copy of the first, and an address that can move. */
async function failingOver(
  run: (parts: {
    first: TestRedis;
    second: TestRedis;
    way: StalledWay;
    home: Replica;
    away: Replica;
  }) => Promise<void>,
): Promise<void> {
  await using first = await TestRedis.start();
  await using second = await TestRedis.start();
  await second.follow(first);
  using way = new StalledWay(first.port);
  const url = `redis://127.0.0.1:${way.port}`;
  await using home = await Replica.start({ url });
  await using away = await Replica.start({ url });
  await run({ first, second, way, home, away });
}

const FAILOVERS: [
  how: string,
  (parts: { first: TestRedis; second: TestRedis }) => Promise<unknown>,
][] = [
  ["the primary dies", async ({ first, second }) => {
    await first.kill();
    await second.promote();
  }],
  [
    "the primary steps down, and those who send to it stay",
    async ({ first, second }) => {
      await second.promote();
      await first.follow(second);
      await first.command("CLIENT", "KILL", "TYPE", "pubsub");
    },
  ],
];

for (const [how, failOver] of FAILOVERS) {
  test(`failed over to a replica, the address moves with it: ${how}`, () =>
    failingOver(async ({ first, second, way, home, away }) => {
      const client = await LegacyClient.open(home.server);
      await using modern = await home.listen(URIS);
      await eventually(async () =>
        textOf((await home.once("k")).body.result ?? {}) === "run 1"
      );
      const state = await asked(home);
      await eventually(async () =>
        await second.command("DBSIZE") === await first.command("DBSIZE")
      );
      way.moveTo(second.port);
      const changing = changeAll(away);
      await failOver({ first, second });
      await changing;
      await Promise.all([home.whole(), away.whole()]);
      await eventually(() => new Set(urisOf(modern)).size === URIS.length);
      await eventually(async () =>
        textOf((await away.once("k")).body.result ?? {}) === "run 1"
      );
      assert.equal(await answered(away, state), "accept");
      assert.equal((await at(client, away).ask("ping")).status, 200);
    }));
}

/** Changes one resource after another. */
async function changeAll({ server }: Replica): Promise<void> {
  for (const uri of URIS) {
    server.sendResourceUpdated(uri);
    await pass(5);
  }
}

function urisOf({ messages }: SseReader): string[] {
  return messages.filter(({ method }) => method === UPDATED)
    .map(({ params }) => (params as { uri: string }).uri);
}
