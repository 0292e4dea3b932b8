/**
 * A process that loads one value over Redis: `loader_process.ts <url> <answer>`.
 * It says "loading" when it was asked, and never finishes without an answer.
 */
import { cached } from "../../src/cache/cached/cached.ts";
import { RedisCache } from "../../src/cache/redis/redis_cache.ts";

const [url, answer] = Deno.args;
await using cache = await RedisCache.connect({
  url,
  timeoutMs: 2_000,
  leaseMs: 500,
});
const load = cached(async () => {
  console.log("loading");
  return answer ?? await new Promise<string>(() => {});
}, { cache, name: "shared" });
console.log(await load());
