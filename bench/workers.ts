/**
 * `deno run -A bench/workers.ts`: what a call of a worker costs, from how many
 * milliseconds of computing on it pays, and what is left to the event loop while
 * one computes.
 */
import { McpServer, offload } from "../mod.ts";
import { modernCall, modernPost } from "../tests/transport/wire.ts";
import { compare, type Variant } from "./support/compare.ts";
import { median, percentile } from "./support/statistics.ts";

const ROUNDS = 11;

/** Takes its text along: it uses nothing from here. */
function compute(ms: number): number {
  const end = performance.now() + ms;
  let turns = 0;
  while (performance.now() < end) turns++;
  return turns;
}

await calls();
await payloads();
await computing();
await besideOne();

async function calls(): Promise<void> {
  await using thread = offload((n: number) => n, { max: 1 });
  await using process = offload((n: number) => n, {
    max: 1,
    isolate: "process",
  });
  const here = (n: number) => Promise.resolve(n);
  await compare({
    title: "a call, one after another",
    count: 2_000,
    rounds: ROUNDS,
  }, [
    oneByOne("of a thread", (i) => thread(i)),
    oneByOne("of a process", (i) => process(i)),
    oneByOne("of a function here", here),
  ]);
}

/** To the worker and back again. */
async function payloads(): Promise<void> {
  await using echo = offload((value: unknown) => value, { max: 1 });
  const rows = Array.from({ length: 10_000 }, (_, id) => ({
    id,
    name: `row ${id}`,
    tags: ["a", "b"],
  }));
  const text = JSON.stringify(rows);
  const bytes = new TextEncoder().encode(text);
  const size = `${(bytes.length / 1_000_000).toFixed(2)} MB`;
  await compare({
    title: `to a thread and back, ${size}`,
    count: 5,
    rounds: ROUNDS,
  }, [
    oneByOne("as bytes", () => echo(bytes)),
    oneByOne("as a text", () => echo(text)),
    oneByOne("as objects", () => echo(rows)),
  ]);
}

async function computing(): Promise<void> {
  await using thread = offload(compute, { max: 1 });
  for (const ms of [0.1, 0.3, 1, 3, 10]) {
    await compare({
      title: `${ms} ms of computing, one call after another`,
      count: Math.max(5, Math.round(50 / ms)),
      rounds: ROUNDS,
    }, [
      oneByOne("here, the loop held up", () => Promise.resolve(compute(ms))),
      oneByOne("in a thread, the loop free", () => thread(ms)),
    ]);
  }
}

function oneByOne(
  name: string,
  call: (i: number) => Promise<unknown>,
): Variant {
  return {
    name,
    run: async (count) => {
      for (let i = 0; i < count; i++) await call(i);
    },
  };
}

/** The guide's "blocks the entire server", in a worker: echo and the loop's lag meanwhile. */
async function besideOne(): Promise<void> {
  const server = new McpServer({ name: "bench", version: "1.0.0" }, {
    log: () => {},
  });
  server.registerTool("echo", {}, () => "echo");
  await using slow = offload(compute, { max: 1 });
  const running = await server.serve({ port: 0 });
  await slow(1);
  const alone: Load[] = [];
  const beside: Load[] = [];
  await load(running.url, 500);
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(await load(running.url, 1_000));
    const work = slow(1_200);
    beside.push(await load(running.url, 1_000));
    await work;
  }
  const kept = beside.map(({ calls }, round) => calls / alone[round].calls);
  const show = (loads: Load[]) =>
    `${median(loads.map(({ calls }) => calls)).toFixed(0)} echoes per second ` +
    `of the loop's CPU, lag p99 ` +
    `${median(loads.map(({ lagP99 }) => lagP99)).toFixed(1)} ms, ` +
    `${median(loads.map(({ ownP99 }) => ownP99)).toFixed(1)} ms ` +
    "without the waits for a core";
  console.log(`\necho over HTTP, client and server on the loop`);
  console.log(`  alone: ${show(alone)}`);
  console.log(`  beside a thread that computes: ${show(beside)}`);
  console.log(`  kept: ${median(kept).toFixed(2)}`);
  await running.shutdown();
}

interface Load {
  /** Per second of the loop's CPU: the machine may be busy with other things. */
  calls: number;
  lagP99: number;
  /**
   * Without the time that the loop's thread could have run but had no core: a
   * lower bound, as some of that passed before the timer was due.
   */
  ownP99: number;
}

/** Eight clients on the loop that serves them, and a timer that says how late it is. */
async function load(url: URL | string, ms: number): Promise<Load> {
  const end = performance.now() + ms;
  const lags: number[] = [];
  const own: number[] = [];
  const cpuAtStart = loopSeconds().cpu;
  let calls = 0;
  const client = async () => {
    while (performance.now() < end) {
      const response = await fetch(
        url,
        modernPost(modernCall("tools/call", { name: "echo" })),
      );
      await response.text();
      calls++;
    }
  };
  const probe = async () => {
    while (performance.now() < end) {
      const due = performance.now() + 10;
      const { waited } = loopSeconds();
      await new Promise((resolve) => setTimeout(resolve, 10));
      const lag = performance.now() - due;
      lags.push(lag);
      own.push(lag - (loopSeconds().waited - waited) * 1_000);
    }
  };
  await Promise.all([probe(), ...Array.from({ length: 8 }, client)]);
  return {
    calls: calls / (loopSeconds().cpu - cpuAtStart),
    lagP99: percentile(lags, 0.99),
    ownP99: percentile(own, 0.99),
  };
}

/** How long the loop's thread has had a core, and waited for one (Linux). */
function loopSeconds(): { cpu: number; waited: number } {
  const path = `/proc/self/task/${Deno.pid}/schedstat`;
  const [cpu, waited] = Deno.readTextFileSync(path).split(" ");
  return { cpu: Number(cpu) / 1e9, waited: Number(waited) / 1e9 };
}
