/**
 * One registry serves everybody, so this must hold: whatever belongs to one
 * request or session reaches nobody else. Many clients of every kind go through
 * the same steps at the same time, with the same request ids, progress tokens,
 * tools and questions; all that tells them apart is a secret that each sends
 * along. A client that is ever sent another's secret fails the test.
 */
import assert from "node:assert/strict";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { z } from "zod";
import { McpServer, ResourceTemplate } from "../../mod.ts";
import {
  type ClientSetup,
  connectV1,
  type TestClient,
  textOf,
} from "../support/clients.ts";
import {
  connectHttp,
  connectMemory,
  type Leg,
  LEGS,
  listen,
} from "../support/legs.ts";
import { within } from "../transport/wire.ts";

const PER_LEG = 6;
const KINDS = LEGS.filter(({ place }) => place !== "stdio");
const CROWD = PER_LEG * KINDS.length;
const STEPS = 4;

/** Lets calls on once all of a crowd have come, so that they truly overlap. */
class Barrier {
  readonly #size: number;
  #waiting: (() => void)[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  async arrive(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    if (this.#waiting.length === this.#size) {
      for (const each of this.#waiting.splice(0)) each();
    }
    await promise;
  }
}

const SECRET = z.object({ secret: z.string() });

interface Crowded {
  server: McpServer;
  /** Resolves when every call of `hold` is under way. */
  held: Promise<void>;
}

function crowded(): Crowded {
  const server = new McpServer({ name: "crowded", version: "1.0.0" }, {
    httpSsePair: true,
    log: () => {},
  });
  const barrier = new Barrier(CROWD);
  addOverlappingTools(server, barrier);
  server.registerResource(
    "private",
    new ResourceTemplate("private://{secret}", { list: undefined }),
    {},
    (_uri, { secret }) => String(secret),
  );
  const { promise: held, resolve } = Promise.withResolvers<void>();
  addHold(server, barrier, resolve);
  return { server, held };
}

function addOverlappingTools(server: McpServer, barrier: Barrier): void {
  const inputSchema = SECRET;

  server.registerTool("work", { inputSchema }, async ({ secret }, ctx) => {
    for (let step = 1; step <= STEPS; step++) {
      await barrier.arrive();
      await ctx.progress(step, STEPS, secret);
      ctx.log.info(secret);
    }
    await barrier.arrive();
    return secret;
  });

  server.registerTool("ask", { inputSchema }, async ({ secret }, ctx) => {
    const form = { message: "Say it", requestedSchema: SECRET };
    const first = await ctx.elicit(form);
    const second = await ctx.elicit({ ...form, message: "And again" });
    return [secret, first.content?.secret, second.content?.secret].join(" ");
  });

  server.registerTool("me", { inputSchema }, async ({ secret }, ctx) => {
    const me = () => [ctx.requestId, ctx.sessionId, ctx.clientInfo?.name];
    const before = me();
    await barrier.arrive();
    assert.deepEqual(me(), before);
    return `${secret} ${ctx.sessionId}`;
  });

  server.registerTool("touch", { inputSchema }, async ({ secret }) => {
    await barrier.arrive();
    server.sendResourceUpdated(`private://${secret}`);
    return secret;
  });
}

/** A call that waits until half of the crowd, and only they, have cancelled. */
function addHold(
  server: McpServer,
  barrier: Barrier,
  onHeld: () => void,
): void {
  const decided = new Barrier(CROWD);
  server.registerTool("hold", { inputSchema: SECRET }, async (
    { secret },
    { signal },
  ) => {
    const aborted = new Promise((resolve) =>
      signal.addEventListener("abort", resolve, { once: true })
    );
    await barrier.arrive();
    onHeld();
    if (secret.endsWith("cancels")) await aborted;
    await decided.arrive();
    assert.equal(signal.aborted, secret.endsWith("cancels"));
    return secret;
  });
}

interface Member {
  readonly leg: Leg;
  readonly secret: string;
  readonly client: TestClient;
}

/** Connects every member of the crowd, and has each take its time to answer. */
async function gather(
  server: McpServer,
  url: string,
  stack: AsyncDisposableStack,
): Promise<Member[]> {
  const members = KINDS.flatMap((leg) =>
    Array.from({ length: PER_LEG }, async (_, n) => {
      const ending = n % 2 === 0 ? "cancels" : "stays";
      const secret = `secret-${leg.name.replaceAll(" ", "-")}-${n}-${ending}`;
      const client = await connect(leg, server, url, {
        capabilities: { elicitation: {} },
        answers: {
          "elicitation/create": async () => {
            await new Promise((resolve) => setTimeout(resolve, n));
            return { action: "accept", content: { secret } };
          },
        },
      });
      return { leg, secret, client: stack.use(client) };
    })
  );
  return await Promise.all(members);
}

function connect(
  leg: Leg,
  server: McpServer,
  url: string,
  setup: ClientSetup,
): Promise<TestClient> {
  switch (leg.place) {
    case "http":
      return connectHttp(leg, url, setup);
    case "memory":
      return connectMemory(leg, server, setup);
    default:
      return connectV1(new SSEClientTransport(new URL("/sse", url)), setup);
  }
}

/** Whose secrets are in what a client has been sent. */
function secretsIn(client: TestClient): Set<string> {
  return new Set(
    JSON.stringify(client.received).match(/secret-[\w-]+/g) ?? [],
  );
}

/** Runs one step by every member of a crowd at once, and looks at what they got. */
function inACrowd(
  what: string,
  act: (member: Member, held: Promise<void>) => Promise<void>,
  afterwards: (crowd: Member[]) => void = () => {},
): void {
  Deno.test(what, async () => {
    await using stack = new AsyncDisposableStack();
    const { server, held } = crowded();
    stack.use(server);
    const { url } = stack.use(await listen(server));
    const crowd = await gather(server, url, stack);
    assert.equal(crowd.length, CROWD);
    await within(Promise.all(crowd.map((member) => act(member, held))), 60_000);
    for (const { client, secret } of crowd) {
      assert.deepEqual([...secretsIn(client)], [secret]);
    }
    assert.equal(server.stats.inFlight, 0);
    afterwards(crowd);
  });
}

inACrowd("results, progress and logs are one's own", async (member) => {
  const { client, secret } = member;
  const result = await client.tool("work", { secret }, {
    logLevel: "info",
    onprogress: () => {},
  });
  assert.equal(textOf(result), secret);
  const count = (wanted: string) =>
    client.received.filter(({ method }) => method === wanted).length;
  assert.equal(count("notifications/progress"), STEPS);
  assert.equal(count("notifications/message"), STEPS);
}, (crowd) => {
  for (const leg of KINDS) {
    const tokens = crowd.filter((member) => member.leg === leg)
      .map(({ client }) =>
        client.received.find(({ method }) =>
          method === "notifications/progress"
        )!.params.progressToken
      );
    assert.deepEqual(
      tokens,
      Array(PER_LEG).fill(tokens[0]),
      `${leg.name}: they all used the same token`,
    );
  }
});

inACrowd("questions and answers are one's own", async ({ client, secret }) => {
  const answer = await client.tool("ask", { secret });
  assert.equal(textOf(answer), `${secret} ${secret} ${secret}`);
});

const sessions = new Set<string>();
inACrowd("sessions are one's own", async ({ client, secret, leg }) => {
  const result = await client.tool("me", { secret });
  const [who, session] = textOf(result).split(" ");
  assert.equal(who, secret);
  if (leg.era === "modern" || leg.place === "memory") {
    assert.equal(session, "undefined");
  } else {
    assert.ok(!sessions.has(session));
    sessions.add(session);
  }
}, () => assert.equal(sessions.size, 3 * PER_LEG));

inACrowd("cancelling an id is one's own", async ({ client, secret }, held) => {
  const controller = new AbortController();
  const call = client.tool("hold", { secret }, { signal: controller.signal });
  if (secret.endsWith("stays")) {
    assert.equal(textOf(await call), secret);
    return;
  }
  const rejected = assert.rejects(call);
  await held;
  controller.abort();
  await rejected;
  // A client that cancels never hears of its secret: it does from another call.
  await client.ask("resources/read", { uri: `private://${secret}` });
});

inACrowd("updates are one's own", async ({ client, secret, leg }) => {
  const uri = `private://${secret}`;
  if (leg.era === "legacy") await client.raw.subscribeResource({ uri });
  else await client.raw.listen({ resourceSubscriptions: [uri] });
  await client.tool("touch", { secret });
  const updated = await client.hears("notifications/resources/updated");
  assert.equal(updated.uri, uri);
});
