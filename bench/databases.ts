/**
 * `deno run -A bench/databases.ts`: what PostgresPool.query and RedisCache.get cost
 * within a served call, against the bare driver that is under them. One tool
 * looks up one row by its key; all servers are up at once and get their slices in
 * turn. A driver's share is the CPU of a call less that of the same call without
 * a look-up; a ratio is that of the shares' medians, and beside it the one of whole calls.
 * Warm is after some thousand calls; cold are the first calls of a new process,
 * from where it listens.
 */
import { parseArgs } from "node:util";
import { PostgresPool, RedisCache } from "../mod.ts";
import { PostgresServer } from "../tests/support/postgres.ts";
import { TestRedis } from "../tests/support/redis.ts";
import { requireCommands } from "./support/commands.ts";
import { isReached, judge, type Outcome } from "./support/goals.ts";
import { loadCore, pinSelf } from "./support/pinning.ts";
import { ReadyRequest } from "./support/ready_request.ts";
import { ServerProcess } from "./support/server_process.ts";
import { median, rotated } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";
import { expectStatus, takeTurns, type Turn } from "./support/turns.ts";
import { modernRequest } from "./support/wire.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    calls: { type: "string", default: "3000" },
    "cold-rounds": { type: "string", default: "7" },
    "cold-calls": { type: "string", default: "300" },
  },
});
const users = 32;
const rows = 1_000;

/** The ways by the names that `servers/databases.ts` knows them by. */
const ways = {
  none: "no look-up",
  pg: "pg, pool and named statement",
  postgres_pool: "PostgresPool.query",
  node_redis: "node-redis, get and JSON.parse",
  redis_cache: "RedisCache.get",
};
type Way = keyof typeof ways;
const names = Object.keys(ways) as Way[];
const goals: { subject: Way; against: Way; atMost: number }[] = [
  { subject: "postgres_pool", against: "pg", atMost: 1.1 },
  { subject: "redis_cache", against: "node_redis", atMost: 1.1 },
];

await requireCommands("taskset");
await pinSelf(loadCore);
await using postgres = await PostgresServer.start();
await using redis = await TestRedis.start();
await seed();

const cold = await measureCold();
const warm = await measureWarm();
const reached = [report("cold", cold), report("warm", warm)];
Deno.exitCode = reached.every(Boolean) ? 0 : 1;

async function seed(): Promise<void> {
  await using pool = await PostgresPool.connect(postgres.url, { max: 1 });
  await pool.script(`CREATE TABLE users AS
      SELECT i AS id, 'user ' || i AS name, 'u' || i || '@example.org' AS email
      FROM generate_series(0, ${rows - 1}) AS i;
    ALTER TABLE users ADD PRIMARY KEY (id)`);
  await pool.script("VACUUM ANALYZE users");
  await using cache = await RedisCache.connect<object>({
    url: redis.url,
    timeoutMs: 30_000,
  });
  const all = await pool.query<{ id: number }>("SELECT * FROM users");
  for (const user of all) await cache.set(`user:${user.id}`, user);
}

function start(way: Way): Promise<ServerProcess> {
  return ServerProcess.start({
    script: "servers/databases.ts",
    env: {
      LOOK_UP: way,
      POSTGRES_URL: postgres.url,
      REDIS_URL: redis.url,
    },
  });
}

/** CPU of a call in microseconds, in each round. */
type Costs = Map<Way, number[]>;

async function measureCold(): Promise<Costs> {
  const costs: Costs = new Map(names.map((way) => [way, []]));
  for (let round = 0; round < Number(options["cold-rounds"]); round++) {
    for (const way of rotated(names, round)) {
      await using server = await start(way);
      costs.get(way)!.push(
        await costOf(server, way, Number(options["cold-calls"])),
      );
    }
  }
  return costs;
}

async function measureWarm(): Promise<Costs> {
  await using stack = new AsyncDisposableStack();
  const calls = Number(options.calls);
  const servers = new Map<Way, ServerProcess>();
  for (const way of names) {
    const server = stack.use(await start(way));
    await costOf(server, way, 3 * calls);
    servers.set(way, server);
  }
  const costs: Costs = new Map(names.map((way) => [way, []]));
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [way, server] of rotated([...servers], round)) {
      costs.get(way)!.push(await costOf(server, way, calls));
    }
  }
  return costs;
}

async function costOf(
  server: ServerProcess,
  way: Way,
  calls: number,
): Promise<number> {
  const before = server.threadCpuMs();
  const turn = turnOf(server.port, way);
  await takeTurns(server.port, { users, turns: calls }, turn);
  return (server.threadCpuMs() - before) * 1_000 / calls;
}

function turnOf(port: number, way: Way): Turn {
  const requests = Array.from({ length: rows }, (_, id) =>
    new ReadyRequest(
      port,
      modernRequest("tools/call", { name: "look_up", arguments: { id } }),
    ));
  let next = 0;
  return async (connection) => {
    const id = next++ * 7_919 % rows;
    const answer = await connection.send(requests[id].bytes());
    expectStatus(answer, 200);
    const mark = way === "none" ? `{\\"id\\":${id}}` : `u${id}@example.org`;
    if (answer.body.includes(mark)) return;
    throw new Error(`${ways[way]} did not find ${id}: ${answer.body}`);
  };
}

/** Prints what was measured, and says whether the goals are reached. */
function report(temperature: string, costs: Costs): boolean {
  const typical = (way: Way) => median(costs.get(way)!);
  const shareOf = (way: Way) => typical(way) - typical("none");
  printTable(
    [`a served call, ${temperature}`, "CPU µs", "the driver's share"],
    names.map((way) => [
      ways[way],
      typical(way).toFixed(1),
      shareOf(way).toFixed(1),
    ]),
  );
  console.log();
  const outcomes: Outcome[] = [];
  const rows = goals.map(({ subject, against, atMost }) => {
    const name = `${ways[subject]} / ${ways[against]}`;
    const ofShares = shareOf(subject) / shareOf(against);
    const ofCalls = median(
      costs.get(subject)!.map((cost, round) =>
        cost / costs.get(against)![round]
      ),
    );
    const outcome = {
      name: `the driver's share, ${temperature}: ${name}`,
      measured: ofShares,
      atMost,
    };
    outcomes.push(outcome);
    return [name, ofShares.toFixed(2), ofCalls.toFixed(2), ...judge(outcome)];
  });
  printTable(
    [`ratio, ${temperature}`, "of shares", "of calls", "goal", "reached"],
    rows,
  );
  console.log();
  return outcomes.every(isReached);
}
