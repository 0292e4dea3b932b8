import { cached } from "@sluice/mcp";
import { z } from "zod";
import type { GuideServer } from "./server.ts";
import { work } from "./work.ts";

const userId = z.number().int().positive();
const endpoint = z.string().min(1).max(2_000).describe(
  "Of the API that comes along, such as users/7, or a full URL of an origin " +
    "in FETCH_ORIGINS",
);
const urls = z.array(endpoint).max(100);

/** Tools over the database, the caches and other servers. */
export function addDataTools(server: GuideServer): void {
  addQueries(server);
  addCached(server);
  addFetching(server);
}

function addQueries(server: GuideServer): void {
  server.registerTool("efficient_query", {
    description: "Looks a user up with a pooled connection",
    inputSchema: z.object({ user_id: userId }),
    annotations: { readOnlyHint: true },
    timeoutMs: 30_000,
    concurrency: 64,
  }, async ({ user_id }, ctx) => {
    const db = await ctx.lifespan.database();
    const user = await db.queryOne(
      "SELECT id, name, email FROM guide_users WHERE id = $1",
      [user_id],
      { signal: ctx.signal },
    );
    return user ?? {};
  });

  server.registerTool("bulk_user_query", {
    description: "Looks many users up with one query",
    inputSchema: z.object({ user_ids: z.array(userId).max(1_000) }),
    annotations: { readOnlyHint: true },
    timeoutMs: 30_000,
  }, async ({ user_ids }, ctx) => {
    if (user_ids.length === 0) return { users: [] };
    const db = await ctx.lifespan.database();
    const users = await db.query(
      "SELECT id, name, email FROM guide_users WHERE id = ANY($1) ORDER BY id",
      [user_ids],
      { signal: ctx.signal },
    );
    return { users };
  });

  server.registerTool("batched_user_lookup", {
    description: "Looks a user up; look-ups of the same moment share a query",
    inputSchema: z.object({ user_id: userId }),
    annotations: { readOnlyHint: true },
  }, async ({ user_id }, ctx) => {
    const user = await ctx.lifespan.users.load(user_id, { signal: ctx.signal });
    return user ?? {};
  });
}

function addCached(server: GuideServer): void {
  const expensive = cached(
    async (data: string, { signal }: { signal: AbortSignal }) => {
      await work(100, signal);
      return `processed_${data}`;
    },
    { name: "expensive_computation", ttlMs: 300_000 },
  );
  server.registerTool("cached_tool", {
    description: "Computes for a tenth of a second, once per input",
    inputSchema: z.object({ data: z.string().max(1_000) }),
  }, ({ data }, ctx) => expensive(data, { signal: ctx.signal }));

  server.registerTool("cached_async_tool", {
    description: "The same, with the tool's own cache option",
    inputSchema: z.object({ key: z.string().max(1_000) }),
    annotations: { readOnlyHint: true },
    cache: { ttlMs: 300_000, staleMs: 60_000, public: true },
  }, async ({ key }, ctx) => {
    await work(100, ctx.signal);
    return `computed_${key}_${new Date().toISOString()}`;
  });
}

function addFetching(server: GuideServer): void {
  server.registerTool("fast_operation", {
    description: "Fetches a text without holding anybody up",
    inputSchema: z.object({ data: endpoint }),
    annotations: { readOnlyHint: true, openWorldHint: true },
  }, ({ data }, ctx) => {
    const { apiUrl, http } = ctx.lifespan;
    return http.getText(apiUrl(data), { signal: ctx.signal });
  });

  server.registerTool("good_api_call", {
    description: "Fetches the API's own page",
    annotations: { readOnlyHint: true, openWorldHint: true },
  }, (ctx) => {
    const { apiUrl, http } = ctx.lifespan;
    return http.getText(apiUrl("/"), { signal: ctx.signal });
  });

  server.registerTool("cached_api_call", {
    description: "Fetches JSON and keeps it for ten minutes",
    inputSchema: z.object({ endpoint }),
    annotations: { readOnlyHint: true, openWorldHint: true },
  }, async ({ endpoint }, ctx) => {
    const { apiUrl, cache, http } = ctx.lifespan;
    const url = apiUrl(endpoint);
    const known = await cache.get(url);
    if (known !== undefined) {
      ctx.log.info("Cache hit");
      return { data: known };
    }
    ctx.log.info("Cache miss, fetching from API");
    const data = await http.getJson(url, { signal: ctx.signal });
    await cache.set(url, data, { ttlMs: 600_000 });
    return { data };
  });

  server.registerTool("efficient_api_calls", {
    description: "Fetches JSON from many URLs, ten at a time; one outcome each",
    inputSchema: z.object({ urls }),
    annotations: { readOnlyHint: true, openWorldHint: true },
    timeoutMs: 60_000,
  }, async ({ urls }, ctx) => {
    const { apiUrl, http } = ctx.lifespan;
    const outcomes = await http.fetchAll(urls.map(apiUrl), {
      concurrency: 10,
      signal: ctx.signal,
    });
    return {
      outcomes: outcomes.map((outcome) =>
        outcome.status === "success"
          ? outcome
          : { ...outcome, error: outcome.error.message }
      ),
    };
  });

  server.registerTool("fetch_multiple_apis", {
    description: "Fetches texts from many URLs at once and warns of failures",
    inputSchema: z.object({ urls }),
    annotations: { readOnlyHint: true, openWorldHint: true },
    timeoutMs: 60_000,
  }, async ({ urls }, ctx) => {
    const { apiUrl, http } = ctx.lifespan;
    const outcomes = await http.fetchAll<string>(urls.map(apiUrl), {
      as: "text",
      signal: ctx.signal,
    });
    return {
      results: outcomes.map((outcome) => {
        if (outcome.status === "success") return outcome.data;
        const { message } = outcome.error;
        ctx.log.warning(`Failed to fetch ${outcome.url}: ${message}`);
        return `Error: ${message}`;
      }),
    };
  });
}
