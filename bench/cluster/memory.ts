import type { TestRedis } from "../../tests/support/redis.ts";
import { Listener, openMany } from "../support/listener.ts";
import { ServerProcess } from "../support/server_process.ts";
import { printTable } from "../support/table.ts";
import { BenchClient } from "./client.ts";
import { startReplica } from "./replica.ts";

const SETTLE_MS = 1_000;
/** Resources that one session follows, and one stream. */
const FOLLOWED = 100;
/** Tools of the server with many. */
const TOOLS = 2_000;
/** Lets the server collect its garbage when it is asked for its memory. */
const COLLECTING = { DENO_V8_FLAGS: "--expose-gc" };

/** Memory at one time, in bytes. */
interface Memory {
  readonly heap: number;
  readonly rss: number;
  readonly redis: number;
}

/** The bytes that each thing takes which a server keeps: alone, and as a replica. */
export async function measureMemory(
  redis: TestRedis,
  things: number,
): Promise<void> {
  const rows: (string | number)[][] = [];
  for (const url of [undefined, redis.url]) {
    for (const [kind, measure] of Object.entries(kinds)) {
      await using server =
        await (url === undefined ? start({}) : startReplica(url, COLLECTING));
      using client = new BenchClient(server.port);
      await warmUp(client);
      const now = () => memoryOf(server, client, redis);
      const [before, count, _kept, after] = await measure({
        server,
        client,
        things,
        now,
      });
      rows.push(rowOf(`${kind}${url ? ", with Redis" : ""}`, {
        before,
        after,
        count,
      }));
    }
  }
  rows.push(await toolRow(redis));
  console.log();
  printTable(["one of many", "heap bytes", "RSS bytes", "in Redis"], rows);
}

interface Measuring {
  readonly server: ServerProcess;
  readonly client: BenchClient;
  readonly things: number;
  now(): Promise<Memory>;
}

type Measured = [
  before: Memory,
  count: number,
  kept: unknown,
  after: Memory,
];

const kinds: Record<string, (measuring: Measuring) => Promise<Measured>> = {
  "a session": async ({ client, things, now }) => {
    const before = await now();
    for (let i = 0; i < things; i++) {
      // One that has been opened and never used may be let go.
      await client.legacy(await client.open(), "ping", {});
    }
    return [before, things, undefined, await now()];
  },
  "a resource that a session follows": async ({ client, things, now }) => {
    const sessions = [];
    for (let i = 0; i < things / FOLLOWED; i++) {
      sessions.push(await client.open());
    }
    const before = await now();
    for (const session of sessions) {
      for (let i = 0; i < FOLLOWED; i++) {
        await client.legacy(session, "resources/subscribe", {
          uri: `news://item/${i}`,
        });
      }
    }
    return [before, sessions.length * FOLLOWED, sessions, await now()];
  },
  "a stream that listens": async ({ server, things, now }) => {
    const open = () =>
      Listener.open(server.port, { toolsListChanged: true }, "list_changed");
    const before = await now();
    const kept = await openMany(things, open);
    const after = await now();
    for (const each of kept) each[Symbol.dispose]();
    return [before, things, kept, after];
  },
  "a resource that a stream follows": async ({ server, things, now }) => {
    const resourceSubscriptions = Array.from(
      { length: FOLLOWED },
      (_, i) => `news://item/${i}`,
    );
    const streams = Math.round(things / FOLLOWED);
    // What the streams themselves take is left out.
    const bare = await openMany(
      streams,
      () => Listener.open(server.port, { toolsListChanged: true }, "changed"),
    );
    const before = await now();
    for (const each of bare) each[Symbol.dispose]();
    const kept = await openMany(
      streams,
      () => Listener.open(server.port, { resourceSubscriptions }, "updated"),
    );
    const after = await now();
    for (const each of kept) each[Symbol.dispose]();
    return [before, streams * FOLLOWED, kept, after];
  },
  "a task that has ended": async ({ client, things, now }) => {
    const before = await now();
    for (let i = 0; i < things; i++) await client.call("work");
    return [before, things, undefined, await now()];
  },
};

async function toolRow(redis: TestRedis): Promise<(string | number)[]> {
  const memoryWith = async (tools: number): Promise<Memory> => {
    await using server = await start({ TOOLS: String(tools) });
    using client = new BenchClient(server.port);
    await warmUp(client);
    await client.modern("tools/list", {});
    return await memoryOf(server, client, redis);
  };
  const before = await memoryWith(0);
  return rowOf("a tool of three fields", {
    before,
    after: await memoryWith(TOOLS),
    count: TOOLS,
  });
}

function start(env: Record<string, string>): Promise<ServerProcess> {
  return ServerProcess.start({
    script: "servers/replica.ts",
    env: { ...env, ...COLLECTING },
  });
}

/** Has the code compiled, and the connections opened. */
async function warmUp(client: BenchClient): Promise<void> {
  for (let i = 0; i < 100; i++) {
    await client.end(await client.open());
    await client.call("work");
  }
}

async function memoryOf(
  server: ServerProcess,
  client: BenchClient,
  redis: TestRedis,
): Promise<Memory> {
  await new Promise((go) => setTimeout(go, SETTLE_MS));
  const heap = Number(
    JSON.parse(await client.call("memory")).result.content[0].text,
  );
  const info = await redis.command("INFO", "memory");
  return {
    heap,
    rss: server.rssBytes(),
    redis: Number(/^used_memory:(\d+)/m.exec(info)![1]),
  };
}

function rowOf(
  name: string,
  { before, after, count }: { before: Memory; after: Memory; count: number },
): (string | number)[] {
  const each = (of: keyof Memory) =>
    Math.max(0, Math.round((after[of] - before[of]) / count));
  return [name, each("heap"), each("rss"), each("redis")];
}
