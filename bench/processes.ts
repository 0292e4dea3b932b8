/**
 * `deno run -A bench/processes.ts [rounds]`: what two workers serve per second of
 * CPU (their supervisor's is counted) against one process on the same core; and
 * how many of the connections that come one by one are lost when workers are
 * replaced under load. Needs wrk and Linux.
 */
import { loadCore, pinSelf } from "./support/pinning.ts";
import { processCpuMs, ServerProcess } from "./support/server_process.ts";
import { median, rotated } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";
import { modernRequest } from "./support/wire.ts";
import { wrkAnswers } from "./support/wrk.ts";

const rounds = Number(Deno.args[0] ?? 10);
const RELOADS = 6;
const CALLERS = 16;
const MIGRATE = "/proc/sys/net/ipv4/tcp_migrate_req";

const request = modernRequest("tools/call", {
  name: "echo",
  arguments: { data: "x" },
});

function start(workers: number): Promise<ServerProcess> {
  return ServerProcess.start({
    script: "servers/echo.ts",
    env: { WORKERS: String(workers) },
  });
}

/** A process and those that it has started, as far as they are there. */
function family(pid: number): number[] {
  try {
    const children = [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(
      ({ name }) =>
        Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`)
          .split(" ").filter((each) => each !== "").map(Number),
    );
    return [pid, ...children.flatMap(family)];
  } catch {
    return [];
  }
}

/** Requests per second of all processes' CPU. */
async function slice({ port, pid }: ServerProcess): Promise<number> {
  const cpuMs = () =>
    family(pid).reduce((sum, each) => sum + processCpuMs(each), 0);
  const before = cpuMs();
  const answers = await wrkAnswers({
    port,
    request,
    connections: 64,
    seconds: 2,
  });
  return answers * 1_000 / (cpuMs() - before);
}

async function compareCpu(): Promise<void> {
  await using one = await start(1);
  await using two = await start(2);
  const subjects = [{ of: one, perCpu: [] as number[] }, {
    of: two,
    perCpu: [] as number[],
  }];
  for (let i = 0; i < 4; i++) for (const { of } of subjects) await slice(of);
  for (let round = 0; round < rounds; round++) {
    for (const { of, perCpu } of rotated(subjects, round)) {
      perCpu.push(await slice(of));
    }
  }
  const [first, second] = subjects.map(({ perCpu }) => perCpu);
  const ratios = second.map((each, round) => each / first[round]);
  printTable(["processes", "requests per CPU-second"], [
    ["1", Math.round(median(first))],
    ["2 and a supervisor", Math.round(median(second))],
  ]);
  console.log(
    `ratio ${median(ratios).toFixed(3)} (median of ${rounds} interleaved ` +
      `rounds, ${Math.min(...ratios).toFixed(3)} to ${
        Math.max(...ratios).toFixed(3)
      })\n`,
  );
  for (const { of } of subjects) Deno.kill(of.pid, "SIGTERM");
}

/** Calls, each over a connection of its own, while workers are replaced. */
async function countLost(): Promise<{ calls: number; lost: number }> {
  await using server = await start(2);
  const { port, pid } = server;
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  let calls = 0;
  let lost = 0;
  let goOn = true;
  const callers = Array.from({ length: CALLERS }, async () => {
    while (goOn) {
      calls++;
      try {
        const answer = await fetch(`http://127.0.0.1:${port}/mcp`, {
          method: "POST",
          ...request,
          client,
        });
        await answer.text();
        if (!answer.ok) throw new Error(`status ${answer.status}`);
      } catch {
        lost++;
      }
    }
  });
  for (let reload = 0; reload < RELOADS; reload++) {
    const before = new Set(family(pid));
    Deno.kill(pid, "SIGHUP");
    const isDone = () => {
      const now = family(pid);
      return now.length === before.size &&
        now.every((each) => each === pid || !before.has(each));
    };
    while (!isDone()) await new Promise((go) => setTimeout(go, 100));
  }
  goOn = false;
  await Promise.all(callers);
  client.close();
  Deno.kill(pid, "SIGTERM");
  return { calls, lost };
}

async function showLoss(): Promise<void> {
  const setting = (await Deno.readTextFile(MIGRATE)).trim();
  const { calls, lost } = await countLost();
  printTable(["tcp_migrate_req", "restarts", "connections", "lost"], [
    [setting, RELOADS, calls, lost],
  ]);
}

await pinSelf(loadCore);
if (rounds > 0) await compareCpu();
await showLoss();
