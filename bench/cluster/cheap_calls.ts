import type { TestRedis } from "../../tests/support/redis.ts";
import type { Outcome } from "../support/goals.ts";
import { ServerProcess } from "../support/server_process.ts";
import { median, rotated } from "../support/statistics.ts";
import { printTable } from "../support/table.ts";
import { modernRequest } from "../support/wire.ts";
import { wrkAnswers } from "../support/wrk.ts";
import { BenchClient } from "./client.ts";

const WARM_UP = 4;
const script = "servers/replica.ts";
const request = modernRequest("tools/call", {
  name: "echo",
  arguments: { data: "x" },
});

/** Calls that need no Redis, per second of CPU: where there is one against where there is none. */
export async function compareCheapCalls(
  redis: TestRedis,
  rounds: number,
): Promise<Outcome> {
  await using alone = await ServerProcess.start({ script });
  await using replica = await ServerProcess.start({
    script,
    env: { REDIS_URL: redis.url },
  });
  for (const { port } of [alone, replica]) {
    using client = new BenchClient(port);
    const answer = await client.call("echo", { data: "x" });
    if (!answer.includes("processed_x")) throw new Error(answer);
  }
  const perCpu = new Map(
    [alone, replica].map((each) => [each, [] as number[]]),
  );
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const [server, speeds] of rotated([...perCpu], Math.max(0, round))) {
      const speed = await speedOf(server);
      if (round >= 0) speeds.push(speed);
    }
  }
  const [without, withRedis] = perCpu.values();
  printTable(["stateless calls", "per CPU-second"], [
    ["without Redis", Math.round(median(without))],
    ["with Redis", Math.round(median(withRedis))],
  ]);
  return {
    name: "stateless calls, with Redis / without",
    measured: median(withRedis.map((each, round) => each / without[round])),
    atLeast: 0.99,
  };
}

async function speedOf(server: ServerProcess): Promise<number> {
  const before = server.threadCpuMs();
  const { port } = server;
  const answers = await wrkAnswers({
    port,
    request,
    connections: 32,
    seconds: 1,
  });
  return answers * 1_000 / (server.threadCpuMs() - before);
}
