import assert from "node:assert/strict";
import { McpServer, RedisCache } from "@sluice/mcp";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";
import { ask, modernCall, modernPost } from "../transport/wire.ts";

const SCRIPT = new URL("./paying_process.ts", import.meta.url);
const META = "io.sluice/idempotency-key";

/** A replica as a process of its own. */
class Replica implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #rest = "";
  #dead = false;
  url = "";

  constructor(redis: string) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-prompt", SCRIPT.pathname, redis],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#lines = this.#process.stdout
      .pipeThrough(new TextDecoderStream()).getReader();
  }

  async listening(): Promise<this> {
    this.url = await this.says();
    return this;
  }

  async says(): Promise<string> {
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#lines.read();
      assert.ok(!done, "the process has ended");
      this.#rest += value;
    }
    const [line, ...others] = this.#rest.split("\n");
    this.#rest = others.join("\n");
    return line;
  }

  // deno-lint-ignore no-explicit-any -- whatever it answers
  async pay(key: string, args: object = {}): Promise<any> {
    const message = modernCall("tools/call", {
      name: "pay",
      arguments: args,
      _meta: { [META]: key },
    });
    const response = await fetch(this.url, modernPost(message));
    return await response.json();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#dead) return;
    this.#dead = true;
    this.#process.kill("SIGKILL");
    await this.#process.status;
    await this.#lines.cancel();
  }
}

Deno.test({
  name: "replicas run a call once, and a dead one's is not run again",
  ignore: ignoreWithoutRedis,
  fn: async () => {
    await using redis = await TestRedis.start();
    await using first = await new Replica(redis.url).listening();
    await using second = await new Replica(redis.url).listening();
    const { result } = await first.pay("a");
    assert.match(result.content[0].text, /^paid by/);
    assert.deepEqual((await second.pay("a")).result, result);
    assert.deepEqual((await first.pay("a")).result, result);
    const hung = first.pay("b", { hang: true }).catch(() => "cut off");
    assert.equal(await first.says(), "paying");
    assert.equal(await first.says(), "paying");
    const repeat = second.pay("b", { hang: true });
    await first[Symbol.asyncDispose]();
    assert.equal(await hung, "cut off");
    assert.deepEqual((await repeat).error.data, { reason: "outcome_unknown" });
    const other = await second.pay("c");
    assert.match(other.result.content[0].text, /^paid by/);
    assert.equal(await second.says(), "paying");
  },
});

Deno.test({
  name: "without its Redis a call with a key does not begin",
  ignore: ignoreWithoutRedis,
  fn: async () => {
    await using redis = await TestRedis.start();
    await using cache = await RedisCache.connect({
      url: redis.url,
      timeoutMs: 500,
      log: () => {},
    });
    await using server = new McpServer({ name: "shop", version: "1.0.0" }, {
      log: () => {},
    });
    let runs = 0;
    const idempotent = { ttlMs: 60_000, cache };
    server.registerTool("pay", { idempotent }, () => `paid ${++runs}`);
    const pay = async (key?: string) =>
      (await ask(server, "tools/call", {
        name: "pay",
        _meta: key ? { [META]: key } : {},
      })).body;
    assert.equal((await pay("a")).result.content[0].text, "paid 1");
    await redis.kill();
    const { error } = await pay("b");
    assert.deepEqual(error!.data, { reason: "store_unavailable" });
    assert.equal((await pay()).result.content[0].text, "paid 2");
    assert.equal(runs, 2);
  },
});
