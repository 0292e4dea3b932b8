/**
 * The contract of the three tools, which every server in `bench/work.ts` meets:
 *
 * - `search_products(category, min_price, max_price, limit)` asks
 *   `GET /products/search` and `ZREVRANGE bench:popular 0 9` at once. A product's
 *   `popularity_rank` is its place among those ten, from 1, or 0.
 * - `get_user_cart(user_id)` reads `HGETALL bench:cart:{user_id}` (product to
 *   quantity; sorted by product), then `GET /products/{the first}` and
 *   `LRANGE bench:history:{user_id} 0 4` at once. `item_count` is the sum of the
 *   quantities, and `estimated_total` that times the first product's price.
 * - `checkout(user_id, items)` sends `POST /cart/calculate`,
 *   `INCR bench:ratelimit:user-{N % 100, five digits}`,
 *   `RPUSH bench:history:{user_id} {order_id}` and
 *   `ZINCRBY bench:popular 1 product:{the first}` at once.
 *
 * Each answers with one text, the object below as JSON, and says in
 * `server_type` who it is.
 */
import {
  calculateCart,
  type CartLine,
  products,
  searchProducts,
} from "./products.ts";
import { differenceOf } from "./same_json.ts";

/** Users that the seed knows, by number. */
export const userCount = 1_000;

/** The most popular products. */
export const popularIds = [
  17,
  6_761,
  3,
  42,
  999,
  1_337,
  21,
  5_001,
  10_041,
  70_000,
];

/** A user's name on the wire. */
export function userId(user: number): string {
  return `user-${String(user).padStart(5, "0")}`;
}

/** What is in a user's cart from the start. */
export function seededCart(user: number): CartLine[] {
  return [7, 4_242, 90_001].map((first, i) => ({
    product_id: first + user,
    quantity: 1 + (user + i) % 3,
  }));
}

/** A user's first five orders. */
export function seededHistory(user: number): string[] {
  return Array.from({ length: 5 }, (_, i) => `order-${user}-${i + 1}`);
}

/** One of the tools as a user calls it. */
export interface WorkTool {
  readonly name: string;
  /** The arguments that a user sends. */
  args(user: number): Record<string, unknown>;
  /** The answer without the fields that a server chooses. */
  expected(user: number): Record<string, unknown>;
  /** What a server chooses, each with what it looks like. */
  readonly chosen: Record<string, RegExp>;
}

const search = {
  category: "Electronics",
  min_price: 50,
  max_price: 500,
  limit: 10,
};
const order: CartLine[] = [
  { product_id: 42, quantity: 2 },
  { product_id: 1_337, quantity: 1 },
];

const found = searchProducts(
  search.category,
  search.min_price,
  search.max_price,
  search.limit,
);
const searchAnswer = {
  category: search.category,
  total_found: 2_251,
  products: found.products.map(({ category: _, ...product }) => ({
    ...product,
    popularity_rank: popularIds.indexOf(product.id) + 1,
  })),
  top10_popular_ids: popularIds,
};
const { total } = calculateCart(order);
const server_type = /^[a-z]/;

/** The three tools. */
export const workTools: readonly WorkTool[] = [
  {
    name: "search_products",
    args: () => search,
    expected: () => searchAnswer,
    chosen: { server_type },
  },
  {
    name: "get_user_cart",
    args: (user) => ({ user_id: userId(user) }),
    expected: cartAnswer,
    chosen: { server_type },
  },
  {
    name: "checkout",
    args: (user) => ({ user_id: userId(user), items: order }),
    expected: (user) => ({
      user_id: userId(user),
      total,
      items_count: order.length,
      status: "confirmed",
    }),
    chosen: { server_type, order_id: /^ORD-./, rate_limit_count: /^[1-9]\d*$/ },
  },
];

function cartAnswer(user: number) {
  const items = seededCart(user);
  const count = items.reduce((sum, { quantity }) => sum + quantity, 0);
  const { price } = products.get(items[0].product_id)!;
  return {
    user_id: userId(user),
    cart: {
      items,
      item_count: count,
      estimated_total: Math.round(price * count * 100) / 100,
    },
    recent_history: seededHistory(user),
  };
}

/** Says what is wrong with a tool's answer, or nothing. */
export function faultOf(
  { name, chosen }: WorkTool,
  expected: Record<string, unknown>,
  text: string | undefined,
): string | undefined {
  if (text === undefined) return `${name} answered without a text`;
  const answer: Record<string, unknown> = JSON.parse(text);
  for (const [field, form] of Object.entries(chosen)) {
    const value = answer[field];
    if (!form.test(String(value))) return `${name}: ${field} is ${value}`;
    delete answer[field];
  }
  const difference = differenceOf(answer, expected);
  return difference && `${name}: ${difference}`;
}
