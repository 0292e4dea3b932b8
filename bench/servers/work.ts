/**
 * The three tools of `bench/work/contract.ts`. `PORT`, `API_URL` and `REDIS_URL`
 * say where everything is, `HTTP` ("pool" or "fetch") who asks the API, and
 * `SESSIONS` ("on" or "off") how legacy clients are served.
 */
import { createClient } from "redis";
import { z } from "zod";
import { HttpPool, McpServer } from "../../mod.ts";

interface Product {
  id: number;
  sku: string;
  name: string;
  category: string;
  price: number;
  rating: number;
}

const api = Deno.env.get("API_URL")!;
const redis = createClient({ url: Deno.env.get("REDIS_URL") });
await redis.connect();

const server = new McpServer({ name: "work", version: "1.0.0" }, {
  sessions: Deno.env.get("SESSIONS") === "on",
});
const http = new HttpPool({ maxPerOrigin: 64 });
const asks = Deno.env.get("HTTP") === "pool"
  ? { get: http.getJson.bind(http), post: postByPool }
  : { get: getByFetch, post: postByFetch };

async function postByPool<T>(url: string, body: unknown): Promise<T> {
  return await http.getJson<T>(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function getByFetch<T>(url: string): Promise<T> {
  return await read<T>(await fetch(url));
}

async function postByFetch<T>(url: string, body: unknown): Promise<T> {
  return await read<T>(
    await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  );
}

async function read<T>(response: Response): Promise<T> {
  if (!response.ok) throw new Error(`the API answered ${response.status}`);
  return await response.json();
}

function answer(fields: Record<string, unknown>) {
  const text = JSON.stringify({ ...fields, server_type: "sluice" });
  return { content: [{ type: "text" as const, text }] };
}

server.registerTool("search_products", {
  description: "Search products by category and price",
  inputSchema: z.object({
    category: z.string(),
    min_price: z.number(),
    max_price: z.number(),
    limit: z.number().int(),
  }),
}, async ({ category, min_price, max_price, limit }) => {
  const [found, popular] = await Promise.all([
    asks.get<{ total_found: number; products: Product[] }>(
      `${api}/products/search?category=${
        encodeURIComponent(category)
      }&min_price=${min_price}&max_price=${max_price}&limit=${limit}`,
    ),
    redis.zRange("bench:popular", 0, 9, { REV: true }),
  ]);
  const top = popular.map((member) => Number(member.slice("product:".length)));
  return answer({
    category,
    total_found: found.total_found,
    products: found.products.map(({ id, sku, name, price, rating }) => ({
      id,
      sku,
      name,
      price,
      rating,
      popularity_rank: top.indexOf(id) + 1,
    })),
    top10_popular_ids: top,
  });
});

server.registerTool("get_user_cart", {
  description: "A user's cart and recent orders",
  inputSchema: z.object({ user_id: z.string() }),
}, async ({ user_id }) => {
  const cart = await redis.hGetAll(`bench:cart:${user_id}`);
  const items = Object.entries(cart)
    .map(([id, quantity]) => ({
      product_id: Number(id),
      quantity: Number(quantity),
    }))
    .sort((a, b) => a.product_id - b.product_id);
  const [first, recent_history] = await Promise.all([
    asks.get<Product>(`${api}/products/${items[0].product_id}`),
    redis.lRange(`bench:history:${user_id}`, 0, 4),
  ]);
  const item_count = items.reduce((sum, { quantity }) => sum + quantity, 0);
  const estimated_total = Math.round(first.price * item_count * 100) / 100;
  return answer({
    user_id,
    cart: { items, item_count, estimated_total },
    recent_history,
  });
});

server.registerTool("checkout", {
  description: "Order what is in the list",
  inputSchema: z.object({
    user_id: z.string(),
    items: z.array(z.object({
      product_id: z.number().int(),
      quantity: z.number().int(),
    })),
  }),
}, async ({ user_id, items }) => {
  const order_id = `ORD-${crypto.randomUUID()}`;
  const slot = Number(user_id.slice("user-".length)) % 100;
  const [{ total, items_count }, rate_limit_count] = await Promise.all([
    asks.post<{ total: number; items_count: number }>(
      `${api}/cart/calculate`,
      { user_id, items },
    ),
    redis.incr(`bench:ratelimit:user-${String(slot).padStart(5, "0")}`),
    redis.rPush(`bench:history:${user_id}`, order_id),
    redis.zIncrBy("bench:popular", 1, `product:${items[0].product_id}`),
  ]);
  return answer({
    order_id,
    user_id,
    total,
    items_count,
    rate_limit_count,
    status: "confirmed",
  });
});

await server.serve({ port: Number(Deno.env.get("PORT")) });
