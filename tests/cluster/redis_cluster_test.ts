import assert from "node:assert/strict";
import { Cluster } from "ioredis";
import { createCluster } from "redis";
import {
  type HttpOptions,
  McpServer,
  type McpServerOptions,
  type RedisClient,
} from "../../mod.ts";
import { textOf } from "../support/clients.ts";
import { eventually } from "../support/eventually.ts";
import { ignoreWithoutRedis } from "../support/redis.ts";
import { TestRedisCluster } from "../support/redis_cluster.ts";
import {
  ask,
  LegacyClient,
  modernCall,
  modernPost,
} from "../transport/wire.ts";
import { SseReader } from "./sse_reader.ts";

const URI = "news://today";
const SUBSCRIBE = "resources/subscribe";
const UPDATED = "notifications/resources/updated";
const TASKS = { extensions: { "io.modelcontextprotocol/tasks": {} } };

function replica(options: McpServerOptions & HttpOptions): McpServer {
  const server = new McpServer({ name: "shared", version: "1.0.0" }, {
    log: () => {},
    health: { cacheMs: 0 },
    eventStore: "redis",
    ...options,
  });
  let runs = 0;
  server.registerTool(
    "once",
    { idempotent: { ttlMs: 60_000 } },
    () => `run ${++runs}`,
  );
  server.registerTool("limited", {
    rateLimit: { limit: 2, intervalMs: 60_000, by: () => "all" },
  }, () => "in time");
  server.registerTool("later", {}, (ctx) => ctx.runAsTask(() => "done"));
  server.registerResource("n", URI, {}, () => "nothing");
  return server;
}

/** The same client at another replica. */
function at(client: LegacyClient, server: McpServer): LegacyClient {
  return Object.assign(Object.create(LegacyClient.prototype), client, {
    server,
  });
}

async function whole(server: McpServer): Promise<void> {
  await eventually(async () =>
    (await server.health.run()).checks.redis.status === "healthy"
  );
}

async function stand(client: LegacyClient): Promise<SseReader> {
  const headers = {
    accept: "text/event-stream",
    "mcp-session-id": client.sessionId,
    "mcp-protocol-version": client.revision,
  };
  return new SseReader(
    await client.server.fetch(new Request("http://localhost/mcp", { headers })),
  );
}

async function listen(server: McpServer): Promise<SseReader> {
  const call = modernCall("subscriptions/listen", {
    notifications: { resourceSubscriptions: [URI] },
  });
  const reader = new SseReader(
    await server.fetch(new Request("http://localhost/mcp", modernPost(call))),
  );
  await reader.has("notifications/subscriptions/acknowledged");
  return reader;
}

/** All that replicas share, on a cluster. */
async function share([a, b]: McpServer[]): Promise<void> {
  const clients = [];
  for (let i = 0; i < 20; i++) clients.push(await LegacyClient.open(a));
  for (const client of clients) {
    assert.equal((await at(client, b).ask("ping")).status, 200);
  }
  // Their keys are on all nodes, and news of them goes by one.
  await using opened = new AsyncDisposableStack();
  const standing = await Promise.all(
    clients.map(async (each) => opened.use(await stand(at(each, b)))),
  );
  const uri = { uri: URI };
  await Promise.all(clients.map((each) => each.ask(SUBSCRIBE, uri)));
  await using modern = await listen(b);
  for (let i = 0; i < 50; i++) a.sendResourceUpdated(URI);
  await modern.has(UPDATED, 50);
  for (const each of standing) await each.has(UPDATED, 50);
  assert.ok(standing[0].lastId !== undefined);
  await Promise.all(
    clients.map((each) => each.ask("resources/unsubscribe", uri)),
  );
  a.sendResourceUpdated(URI);
  await modern.has(UPDATED, 51);
  for (const { methods } of standing) {
    assert.equal(methods.filter((each) => each === UPDATED).length, 50);
  }

  const call = (server: McpServer, name: string, key?: string) =>
    ask(server, "tools/call", {
      name,
      ...(key && { _meta: { "io.sluice/idempotency-key": key } }),
    });
  await eventually(async () => (await call(a, "once", "k")).status === 200);
  for (const server of [a, b]) {
    const { body } = await call(server, "once", "k");
    assert.equal(textOf(body.result), "run 1");
  }
  const statuses = [];
  for (const server of [a, b, a, b]) {
    statuses.push((await call(server, "limited")).status);
  }
  assert.deepEqual(statuses, [200, 200, 429, 429]);

  const options = { capabilities: TASKS };
  for (let i = 0; i < 5; i++) {
    const params = { name: "later" };
    const { taskId } = await a.call("tools/call", params, options);
    await eventually(async () =>
      (await b.call("tasks/get", { taskId }, options)).status === "completed"
    );
  }
}

/** Makes a client of a cluster, and gives how to end it. */
type Open = (ports: number[]) => Promise<[RedisClient, () => unknown]>;

const CLIENTS: [name: string, open: Open][] = [
  ["node-redis", async (ports) => {
    const client = createCluster({
      rootNodes: ports.map((port) => ({ url: `redis://127.0.0.1:${port}` })),
    });
    client.on("error", () => {});
    await client.connect();
    return [client, () => client.destroy()];
  }],
  ["ioredis", async (ports) => {
    const client = new Cluster(
      ports.map((port) => ({ host: "127.0.0.1", port })),
    );
    client.on("error", () => {});
    await client.ping();
    return [client, () => client.disconnect()];
  }],
];

Deno.test({
  name: "replicas share a Redis Cluster of three, by a client of it",
  ignore: ignoreWithoutRedis,
  fn: async (t) => {
    await using cluster = await TestRedisCluster.start();
    const ports = cluster.nodes.map(({ port }) => port);
    for (const [name, open] of CLIENTS) {
      await t.step(name, async () => {
        const opened = [await open(ports), await open(ports)];
        const servers = opened.map(([client]) =>
          replica({ redis: { client, prefix: `${name}:` } })
        );
        for (const each of servers) await whole(each);
        await share(servers);
        await Promise.all(servers.map((each) => each.close()));
        for (const [, end] of opened) end();
      });
    }
    await t.step("every node has a part of it", async () => {
      for (const node of cluster.nodes) {
        assert.notEqual(await node.command("DBSIZE"), "0");
      }
    });
    await t.step("a URL of one node is refused with what to do", async () => {
      const said = await Promise.all(ports.map(async (port) => {
        const lines: string[] = [];
        await using server = replica({
          redis: `redis://127.0.0.1:${port}`,
          log: ({ message }) => lines.push(message),
        });
        const { redis } = (await server.health.run()).checks;
        return [...lines, redis.message].join("\n");
      }));
      assert.equal(
        said.filter((each) => /a node of a cluster: give a client/.test(each))
          .length,
        ports.length - 1,
      );
    });
  },
});

Deno.test({
  name:
    "a cluster that has lost a node is degraded, and the log says so in a line",
  ignore: ignoreWithoutRedis,
  fn: async (t) => {
    for (const [name, open] of CLIENTS) {
      await t.step(name, async () => {
        await using cluster = await TestRedisCluster.start();
        const ports = cluster.nodes.map(({ port }) => port);
        const set = (...setting: [string, string]) =>
          Promise.all(
            cluster.nodes.map((each) =>
              each.command("CONFIG", "SET", ...setting)
            ),
          );
        await set("cluster-node-timeout", "1000");
        await set("cluster-require-full-coverage", "no");
        const slot = await cluster.nodes[0]
          .command("CLUSTER", "KEYSLOT", "lost:trial");
        const [client, end] = await open(ports);
        const lines: string[] = [];
        const server = replica({
          redis: { client, prefix: "lost:" },
          log: ({ message }) => lines.push(message),
        });
        await whole(server);
        // Not the one that has the key which health asks for.
        const healthy = Math.floor(Number(slot) / Math.ceil(16_384 / 3));
        await cluster.nodes[(healthy + 1) % 3].kill();
        const calls: Promise<unknown>[] = [];
        for (let i = 0; i < 80; i++) {
          calls.push(LegacyClient.open(server).catch(() => {}));
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        await Promise.all(calls);
        await eventually(async () => {
          const { status, message } = (await server.health.run()).checks.redis;
          return status === "degraded" &&
            /^some commands failed lately: ./.test(message!);
        });
        const told = lines.filter((each) => /^Redis can/.test(each));
        assert.equal(told.length, 1, told.join("\n"));
        await server.close();
        end();
        // An ioredis that could not connect keeps timers for two seconds.
        await new Promise((resolve) => setTimeout(resolve, 2_500));
      });
    }
  },
});
