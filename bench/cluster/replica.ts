import { eventually } from "../../tests/support/eventually.ts";
import { ServerProcess } from "../support/server_process.ts";

/** Starts one of the replicas that share a Redis, and waits until it hears the others. */
export async function startReplica(
  redisUrl: string,
  env: Record<string, string> = {},
): Promise<ServerProcess> {
  const replica = await ServerProcess.start({
    script: "servers/replica.ts",
    env: { ...env, REDIS_URL: redisUrl },
  });
  await eventually(async () => {
    const url = `http://127.0.0.1:${replica.port}/health/detailed`;
    const { checks } = await (await fetch(url)).json();
    return checks.redis.status === "healthy";
  }, 30_000);
  return replica;
}
