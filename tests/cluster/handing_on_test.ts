import assert from "node:assert/strict";
import {
  type Bus,
  McpServer,
  type McpServerOptions,
  MemoryBusHub,
  MemorySessionStore,
  UnavailableError,
} from "../../mod.ts";
import type { JsonObject } from "../../src/protocol/jsonrpc.ts";
import { textOf } from "../support/clients.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";
import { assertRefused, LegacyClient } from "../transport/wire.ts";
import { SseReader } from "./sse_reader.ts";

const REFUSED = { status: 503, code: -32005 };

function replica(options: McpServerOptions): McpServer {
  const server = new McpServer({ name: "shared", version: "1.0.0" }, {
    log: () => {},
    health: { cacheMs: 0 },
    ...options,
  });
  server.registerTool("ask", {}, async (ctx) => {
    const { action } = await ctx.elicit({
      message: "sure?",
      requestedSchema: { type: "object", properties: {} },
    });
    return `heard ${action}`;
  });
  server.registerTool("wait", {}, async (ctx) => {
    await ctx.progress(1);
    await new Promise((resolve) =>
      ctx.signal.addEventListener("abort", resolve, { once: true })
    );
    return "called off";
  });
  return server;
}

/** A client whose call runs at one replica, and who speaks through another from then on. */
class Caller implements AsyncDisposable {
  readonly reader: SseReader;
  readonly #elsewhere: LegacyClient;

  private constructor(reader: SseReader, elsewhere: LegacyClient) {
    this.reader = reader;
    this.#elsewhere = elsewhere;
  }

  static async call(
    name: string,
    at: McpServer,
    elsewhere: McpServer,
  ): Promise<Caller> {
    const client = await LegacyClient.open(at, "2025-11-25", {
      elicitation: {},
    });
    const { sessionId, revision } = client;
    const response = await at.fetch(
      new Request("http://localhost/mcp", {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          "mcp-session-id": sessionId,
          "mcp-protocol-version": revision,
        },
        body: JSON.stringify({
          jsonrpc: "2.0",
          id: 1,
          method: "tools/call",
          params: { name, _meta: { progressToken: 1 } },
        }),
      }),
    );
    return new Caller(
      new SseReader(response),
      Object.assign(Object.create(LegacyClient.prototype), client, {
        server: elsewhere,
      }),
    );
  }

  /** Posts what it has to say to the other replica. */
  post(message: JsonObject) {
    return this.#elsewhere.post({ jsonrpc: "2.0", ...message });
  }

  /** Its answer to what it was asked. */
  async answer(): Promise<JsonObject> {
    await this.reader.has("elicitation/create");
    const { id } = this.reader.messages.find((each) =>
      each.method === "elicitation/create"
    )!;
    return { id, result: { action: "accept" } };
  }

  async result(): Promise<string> {
    const ended = () => this.reader.messages.find((each) => each.id === 1);
    await eventually(() => ended() !== undefined);
    return textOf(ended()!.result as JsonObject);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.reader[Symbol.asyncDispose]();
  }
}

/** What becomes of messages between replicas. */
type Fate = "sent" | "nobody hears" | "lost" | "on its way" | "refused";

/** Two replicas whose bus does as it is told. */
async function withBus(
  run: (
    replicas: { a: McpServer; b: McpServer; clock: FakeClock },
    set: (fate: Fate) => void,
    lost: () => number,
  ) => Promise<void>,
): Promise<void> {
  const clock = new FakeClock();
  const hub = new MemoryBusHub();
  await using sessionStore = new MemorySessionStore({ clock });
  let fate: Fate = "sent";
  let lost = 0;
  const arrival = Promise.withResolvers<boolean>();
  const bus: Bus = hub.join();
  const broadcast = bus.broadcast.bind(bus);
  const send = bus.send.bind(bus);
  const refused = () => Promise.reject(new UnavailableError("the bus", "away"));
  bus.broadcast = (text) => fate === "refused" ? refused() : broadcast(text);
  bus.send = (member, text) => {
    if (fate === "refused") return refused();
    if (fate === "sent") return send(member, text);
    if (fate === "nobody hears") return Promise.resolve(false);
    lost++;
    return fate === "lost" ? Promise.resolve(true) : arrival.promise;
  };
  await using a = replica({ bus: hub.join(), sessionStore, clock });
  await using b = replica({ bus, sessionStore, clock });
  await run({ a, b, clock }, (given) => fate = given, () => lost);
  arrival.resolve(true);
}

for (
  const fate of ["nobody hears", "lost", "on its way", "refused"] as const
) {
  Deno.test(`an answer that could not be handed on is refused, and counts when it comes again: ${fate}`, () =>
    withBus(async ({ a, b, clock }, set, lost) => {
      await using caller = await Caller.call("ask", a, b);
      const answer = await caller.answer();
      set(fate);
      const posted = caller.post(answer);
      if (fate === "lost" || fate === "on its way") {
        await eventually(() => lost() === 1);
        await clock.advance(2_000);
      }
      const refused = await posted;
      assertRefused(refused, REFUSED);
      assert.equal(refused.headers.get("retry-after"), "1");
      set("sent");
      assert.equal((await caller.post(answer)).status, 202);
      assert.equal(await caller.result(), "heard accept");
      // Nobody waits for it any more.
      assert.equal((await caller.post(answer)).status, 202);
    }));
}

Deno.test("a cancellation that could not be passed on is refused, and counts when it comes again", () =>
  withBus(async ({ a, b }, set) => {
    await using caller = await Caller.call("wait", a, b);
    await caller.reader.has("notifications/progress");
    const cancelled = {
      method: "notifications/cancelled",
      params: { requestId: 1 },
    };
    set("refused");
    assertRefused(await caller.post(cancelled), REFUSED);
    assert.equal(a.stats.inFlight, 1);
    set("sent");
    assert.equal((await caller.post(cancelled)).status, 202);
    await eventually(() => a.stats.inFlight === 0);
  }));

Deno.test({
  name:
    "Redis: whoever is told 202 was heard, though the replica that asked had lost its connection",
  ignore: ignoreWithoutRedis,
  fn: async () => {
    await using redis = await TestRedis.start();
    await using a = replica({ redis: redis.url });
    await using b = replica({ redis: redis.url });
    for (const each of [a, b]) {
      await eventually(async () =>
        (await each.health.run()).checks.redis?.status === "healthy"
      );
    }
    for (let i = 0; i < 5; i++) {
      await using caller = await Caller.call("ask", a, b);
      const answer = await caller.answer();
      await redis.command("CLIENT", "KILL", "TYPE", "pubsub");
      await eventually(async () => (await caller.post(answer)).status === 202);
      assert.equal(await caller.result(), "heard accept");
    }
  },
});
