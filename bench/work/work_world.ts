/** What the servers ask, on the core of the load: the API, and a Redis with the seed. */
import { TestRedis } from "../../tests/support/redis.ts";
import { loadCore } from "../support/pinning.ts";
import { ServerProcess } from "../support/server_process.ts";
import { seedRedis } from "./seed.ts";
import type { WorkMode } from "./visit.ts";
import type { WorkServer } from "./work_servers.ts";

/** Both of them; disposing ends them. Redis runs where this process does: see `pinSelf`. */
export class WorkWorld implements AsyncDisposable {
  readonly #redis: TestRedis;
  readonly #api: ServerProcess;

  private constructor(redis: TestRedis, api: ServerProcess) {
    this.#redis = redis;
    this.#api = api;
  }

  /** Starts and seeds them. */
  static async start(): Promise<WorkWorld> {
    const redis = await TestRedis.start();
    await seedRedis(redis.url);
    const api = await ServerProcess.start({
      script: "work/api.ts",
      core: loadCore,
    });
    return new WorkWorld(redis, api);
  }

  /** Starts a server among them, for one of its modes. */
  serve(
    { script, env }: WorkServer,
    mode: WorkMode,
  ): Promise<ServerProcess> {
    return ServerProcess.start({
      script,
      env: {
        ...env,
        API_URL: `http://127.0.0.1:${this.#api.port}`,
        REDIS_URL: this.#redis.url,
        SESSIONS: mode === "sessions" ? "on" : "off",
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#api[Symbol.asyncDispose]();
    await this.#redis[Symbol.asyncDispose]();
  }
}
