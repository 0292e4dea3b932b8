/**
 * One tool that looks up one row by its number; `LOOK_UP` says how, as
 * `bench/databases.ts` names it. `PORT`, `POSTGRES_URL` and `REDIS_URL` say where.
 */
import pg from "pg";
import { createClient } from "redis";
import { z } from "zod";
import { McpServer, PostgresPool, RedisCache } from "../../mod.ts";

/** The number of connections to PostgreSQL, of either pool. */
const max = 10;
const text = "SELECT id, name, email FROM users WHERE id = $1";

const postgres = Deno.env.get("POSTGRES_URL")!;
const redis = Deno.env.get("REDIS_URL")!;

const ways: Record<string, () => Promise<(id: number) => unknown>> = {
  none: () => Promise.resolve((id: number) => ({ id })),
  pg: () => {
    const pool = new pg.Pool({ connectionString: postgres, max });
    return Promise.resolve(async (id: number) => {
      const { rows } = await pool.query({ name: "find", text, values: [id] });
      return rows[0];
    });
  },
  postgres_pool: async () => {
    const pool = await PostgresPool.connect(postgres, { max });
    return async (id) => (await pool.query(text, [id]))[0];
  },
  node_redis: async () => {
    const client = createClient({ url: redis });
    await client.connect();
    return async (id) => JSON.parse((await client.get(`sluice:user:${id}`))!);
  },
  redis_cache: async () => {
    const cache = await RedisCache.connect({ url: redis, timeoutMs: 2_000 });
    return (id) => cache.get(`user:${id}`);
  },
};

const lookUp = await ways[Deno.env.get("LOOK_UP")!]();
const server = new McpServer({ name: "databases", version: "1.0.0" });

server.registerTool("look_up", {
  description: "Look a user up",
  inputSchema: z.object({ id: z.number().int() }),
}, async ({ id }) => ({
  content: [{ type: "text", text: JSON.stringify(await lookUp(id)) }],
}));

await server.serve({ port: Number(Deno.env.get("PORT")) });
