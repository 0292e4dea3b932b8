import { eventually } from "../support/eventually.ts";
import { PostgresServer } from "../support/postgres.ts";
import { TestRedis } from "../support/redis.ts";
import { VariedLoad } from "./varied_load.ts";

/** The guide's server with all that it can use, in a process of its own, and at work. */
export class LoadedServer implements AsyncDisposable {
  /** Where it listens. */
  readonly origin: string;
  readonly #stack: AsyncDisposableStack;

  private constructor(origin: string, stack: AsyncDisposableStack) {
    this.origin = origin;
    this.#stack = stack;
  }

  /** Starts it, and begins to call its tools. */
  static async start(): Promise<LoadedServer> {
    await using stack = new AsyncDisposableStack();
    const redis = stack.use(await TestRedis.start());
    const postgres = stack.use(await PostgresServer.start());
    const upstream = stack.use(
      Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, rates),
    );
    const rateUrl = `http://127.0.0.1:${upstream.addr.port}`;
    const origin = await run(stack, {
      REDIS_URL: redis.url,
      DATABASE_URL: postgres.url,
      FETCH_ORIGINS: rateUrl,
    });
    stack.use(new VariedLoad(`${origin}/mcp`, calls(rateUrl)));
    return new LoadedServer(origin, stack.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** Answers as another team's server might: mostly. */
function rates(request: Request): Response {
  return Math.random() < 0.02
    ? new Response("out of order", { status: 503 })
    : Response.json({ of: new URL(request.url).pathname, rate: 1.08 });
}

async function run(
  stack: AsyncDisposableStack,
  env: Record<string, string>,
): Promise<string> {
  const port = freePort();
  const server = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "main.ts", "--port", String(port)],
    env,
    stdout: "null",
    stderr: "null",
  }).spawn();
  stack.defer(async () => {
    server.kill("SIGTERM");
    await server.status;
  });
  const origin = `http://127.0.0.1:${port}`;
  await eventually(() => isReady(origin), 10_000);
  return origin;
}

function freePort(): number {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return listener.addr.port;
}

async function isReady(origin: string): Promise<boolean> {
  try {
    const { body, ok } = await fetch(`${origin}/health/ready`);
    await body?.cancel();
    return ok;
  } catch {
    return false;
  }
}

/** What the guide's tools are called with, and how often. */
function calls(rateUrl: string): ConstructorParameters<typeof VariedLoad>[1] {
  const user = () => 1 + Math.floor(Math.random() * 10_000);
  const users = (count: number) => Array.from({ length: count }, user);
  const some = (count: number) => String(Math.floor(Math.random() * count));
  return [
    ["echo", () => ({ data: some(1_000) }), 40],
    ["efficient_query", () => ({ user_id: user() }), 30],
    // One in fifty asks for a user that there can't be.
    ["batched_user_lookup", () => ({ user_id: user() % 50 && user() }), 12],
    ["bulk_user_query", () => ({ user_ids: users(200) }), 6],
    ["cached_tool", () => ({ data: some(60) }), 10],
    ["cached_async_tool", () => ({ key: some(100) }), 8],
    ["cached_api_call", () => ({ endpoint: `${rateUrl}/${some(400)}` }), 8],
    ["efficient_api_calls", () => ({
      urls: users(8).map((id) => `${rateUrl}/${id}`),
    }), 2],
    ["monitored_operation", () => ({ data: some(9) }), 3],
    ["parallel_processing", () => ({ items: users(30).map(String) }), 2],
    ["stream_large_dataset", () => ({ limit: 1_000 }), 2],
    ["get_server_metrics", () => ({}), 1],
    ["profiled_tool", () => ({ data: "x".repeat(100) }), 0.1],
  ];
}
