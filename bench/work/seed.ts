/** What Redis holds before the load: the popular products, and each user's cart and orders. */
import { createClient } from "redis";
import {
  popularIds,
  seededCart,
  seededHistory,
  userCount,
  userId,
} from "./contract.ts";

/** Far enough from one to the next that no load of checkouts changes their order. */
const scoreStep = 1e9;

/** Fills an empty Redis. */
export async function seedRedis(url: string): Promise<void> {
  const client = createClient({ url });
  client.on("error", () => {});
  await client.connect();
  const writes: Promise<unknown>[] = [
    client.zAdd(
      "bench:popular",
      popularIds.map((id, i) => ({
        score: (popularIds.length - i) * scoreStep,
        value: `product:${id}`,
      })),
    ),
  ];
  for (let user = 0; user < userCount; user++) {
    const cart = seededCart(user).map(({ product_id, quantity }) => [
      String(product_id),
      String(quantity),
    ]);
    writes.push(
      client.hSet(`bench:cart:${userId(user)}`, Object.fromEntries(cart)),
      client.rPush(`bench:history:${userId(user)}`, seededHistory(user)),
    );
  }
  await Promise.all(writes);
  await client.close();
}
