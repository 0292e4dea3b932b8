// The three tools of bench/work/contract.ts for the official TypeScript SDKs, on Node.
import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { z } from "zod";

const api = process.env.API_URL;
const redis = new Redis(process.env.REDIS_URL);

async function ask(path, options) {
  const response = await fetch(api + path, options);
  if (!response.ok) throw new Error(`the API answered ${response.status}`);
  return await response.json();
}

function answer(fields, server_type) {
  const text = JSON.stringify({ ...fields, server_type });
  return { content: [{ type: "text", text }] };
}

const searchInput = z.object({
  category: z.string(),
  min_price: z.number(),
  max_price: z.number(),
  limit: z.number().int(),
});
const cartInput = z.object({ user_id: z.string() });
const checkoutInput = z.object({
  user_id: z.string(),
  items: z.array(z.object({
    product_id: z.number().int(),
    quantity: z.number().int(),
  })),
});

/** Registers the tools at an McpServer of either SDK. */
export function addTools(server, type) {
  server.registerTool("search_products", {
    description: "Search products by category and price",
    inputSchema: searchInput,
  }, async ({ category, min_price, max_price, limit }) => {
    const query = new URLSearchParams({ category, min_price, max_price, limit });
    const [found, popular] = await Promise.all([
      ask(`/products/search?${query}`),
      redis.zrevrange("bench:popular", 0, 9),
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
    }, type);
  });

  server.registerTool("get_user_cart", {
    description: "A user's cart and recent orders",
    inputSchema: cartInput,
  }, async ({ user_id }) => {
    const cart = await redis.hgetall(`bench:cart:${user_id}`);
    const items = Object.entries(cart)
      .map(([id, quantity]) => ({
        product_id: Number(id),
        quantity: Number(quantity),
      }))
      .sort((a, b) => a.product_id - b.product_id);
    const [first, recent_history] = await Promise.all([
      ask(`/products/${items[0].product_id}`),
      redis.lrange(`bench:history:${user_id}`, 0, 4),
    ]);
    const item_count = items.reduce((sum, { quantity }) => sum + quantity, 0);
    const estimated_total = Math.round(first.price * item_count * 100) / 100;
    return answer({
      user_id,
      cart: { items, item_count, estimated_total },
      recent_history,
    }, type);
  });

  server.registerTool("checkout", {
    description: "Order what is in the list",
    inputSchema: checkoutInput,
  }, async ({ user_id, items }) => {
    const order_id = `ORD-${randomUUID()}`;
    const slot = String(Number(user_id.slice("user-".length)) % 100);
    const [{ total, items_count }, rate_limit_count] = await Promise.all([
      ask("/cart/calculate", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ user_id, items }),
      }),
      redis.incr(`bench:ratelimit:user-${slot.padStart(5, "0")}`),
      redis.rpush(`bench:history:${user_id}`, order_id),
      redis.zincrby("bench:popular", 1, `product:${items[0].product_id}`),
    ]);
    return answer({
      order_id,
      user_id,
      total,
      items_count,
      rate_limit_count,
      status: "confirmed",
    }, type);
  });
}
