import { frontBefore } from "../examples/deploy_front.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free_port.ts";
import { TestRedis } from "../support/redis.ts";

const REPLICAS = 4;

/** Four replicas as processes, the Redis that they share, and nginx before them. */
export class Fleet implements AsyncDisposable {
  readonly url: string;
  readonly redis: TestRedis;
  /** Another Redis, which nothing happens to: there the tools note what they did. */
  readonly ledger: TestRedis;
  readonly #redisUrl: string;
  readonly #ports: readonly number[];
  readonly #replicas: Deno.ChildProcess[] = [];
  readonly #stack: AsyncDisposableStack;

  private constructor(
    parts: Pick<Fleet, "url" | "redis" | "ledger">,
    redisUrl: string,
    ports: readonly number[],
    stack: AsyncDisposableStack,
  ) {
    this.url = parts.url;
    this.redis = parts.redis;
    this.ledger = parts.ledger;
    this.#redisUrl = redisUrl;
    this.#ports = ports;
    this.#stack = stack;
  }

  /** @param way makes the URL by which the replicas reach Redis, if not straight */
  static async start(
    way: (redis: TestRedis) => string = ({ url }) => url,
  ): Promise<Fleet> {
    const stack = new AsyncDisposableStack();
    const redis = stack.use(await TestRedis.start());
    const ledger = stack.use(await TestRedis.start());
    const ports: number[] = [];
    for (let i = 0; i < REPLICAS; i++) ports.push(await freePort());
    const { url } = stack.use(
      await frontBefore("nginx.conf", ports, fourServersWithoutRates),
    );
    const fleet = new Fleet({ url, redis, ledger }, way(redis), ports, stack);
    await Promise.all(ports.map((_, index) => fleet.#run(index)));
    return fleet;
  }

  get size(): number {
    return this.#ports.length;
  }

  /** Ends a replica and starts it again: at once, or once it has drained. */
  async restart(index: number, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const replica = this.#replicas[index];
    replica.kill(signal);
    await replica.status;
    await this.#run(index);
  }

  /** Waits until every replica has Redis, and hears the others. */
  async whole(): Promise<void> {
    for (const port of this.#ports) {
      await eventually(() => isHealthy(port), 30_000);
    }
  }

  async #run(index: number): Promise<void> {
    const port = this.#ports[index];
    this.#replicas[index] = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check", "--config", "deno.json"],
        "tests/fault/fixtures/replica_server.ts",
      ],
      cwd: new URL("../..", import.meta.url),
      env: {
        PORT: String(port),
        REDIS_URL: this.#redisUrl,
        LEDGER_URL: this.ledger.url,
      },
      stdin: "null",
      stdout: "null",
      stderr: Deno.env.has("FLEET_LOG") ? "inherit" : "null",
    }).spawn();
    await eventually(() => isHealthy(port), 60_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const replica of this.#replicas) {
      replica.kill("SIGKILL");
      await replica.status;
    }
    await this.#stack.disposeAsync();
  }
}

async function isHealthy(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health/detailed`);
    const { checks } = await response.json();
    return checks.redis.status === "healthy";
  } catch {
    return false;
  }
}

/** nginx.conf with two more servers, and without limits for one address. */
function fourServersWithoutRates(text: string): string {
  return text
    .replace(
      /( +)server 127\.0\.0\.1:8002 max_fails=0;\n/,
      (line) =>
        line + line.replace("8002", "8003") + line.replace("8002", "8004"),
    )
    .replace(/limit_req_zone \$binary.*\n/, "")
    .replace(/limit_conn_zone \$binary.*\n/, "")
    .replaceAll(/limit_(req|conn) (zone=calls|connections).*\n/g, "");
}
