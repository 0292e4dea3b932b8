/**
 * `deno task bench:in-memory`: `server.call` without a transport, one call after
 * the other on one core. Slices interleave in rotated order. What counts is
 * calls per CPU-second of the whole process, collection and compiling included.
 *
 *     deno run -A bench/in_memory.ts --rounds 11
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { z } from "zod";
import { McpServer } from "../mod.ts";
import { requireCommands } from "./support/commands.ts";
import { judge } from "./support/goals.ts";
import { pinSelf, serverCore } from "./support/pinning.ts";
import { median, rotated } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";
import {
  runTool,
  runWide,
  toolArguments,
  toolInput,
  wideArguments,
  wideInput,
  wideOutput,
} from "./support/tool_set.ts";

/** One kind of call, and how many calls each slice took per second. */
interface Subject {
  label: string;
  /** Makes one call and tells the text that it was answered with. */
  call: () => Promise<unknown>;
  expected: string;
  goal?: number;
  perSecond: number[];
  perCpuSecond: number[];
}

const sliceMs = 500;
const warmUpSlices = 4;
const callsBetweenLooks = 200;

const { values: options } = parseArgs({
  options: { rounds: { type: "string", default: "11" } },
});

const server = new McpServer({ name: "memory", version: "1.0.0" });
const echoInput = z.object({ data: z.string() });
const echo = ({ data }: { data: string }) => ({
  content: [{ type: "text" as const, text: `processed_${data}` }],
});
server.registerTool("echo", { inputSchema: echoInput }, echo);
server.registerTool("tool_0", { inputSchema: toolInput() }, runTool);
server.registerTool("wide", {
  inputSchema: wideInput,
  outputSchema: wideOutput,
}, runWide);

const echoArguments = { data: "hello" };
const subjects: Subject[] = [
  subject(
    "the echo handler alone, its arguments validated",
    async () => await echo(echoInput.parse(echoArguments)),
    "processed_hello",
  ),
  subject(
    "server.call, echo",
    () => server.call("tools/call", { name: "echo", arguments: echoArguments }),
    "processed_hello",
    500_000,
  ),
  subject(
    "server.call, 8 fields",
    () =>
      server.call("tools/call", { name: "tool_0", arguments: toolArguments }),
    "processed_4711_2",
  ),
  subject(
    "server.call, 30 fields and an output schema",
    () => server.call("tools/call", { name: "wide", arguments: wideArguments }),
    "processed_word number 9",
  ),
];

await requireCommands("taskset");
await pinSelf(serverCore);
for (const subject of subjects) {
  for (let i = 0; i < warmUpSlices; i++) await measure(subject);
  subject.perSecond.length = subject.perCpuSecond.length = 0;
}
for (let round = 0; round < Number(options.rounds); round++) {
  for (const subject of rotated(subjects, round)) await measure(subject);
}

printTable(
  ["call", "calls/s", "per CPU-s", "goal", "reached"],
  subjects.map(({ label, perSecond, perCpuSecond, goal }) => [
    label,
    Math.round(median(perSecond)),
    Math.round(median(perCpuSecond)),
    ...judge({
      name: `${label}, calls per CPU-second`,
      measured: median(perCpuSecond),
      atLeast: goal,
    }),
  ]),
);

function subject(
  label: string,
  call: () => Promise<unknown>,
  expected: string,
  goal?: number,
): Subject {
  return { label, call, expected, goal, perSecond: [], perCpuSecond: [] };
}

async function measure(subject: Subject): Promise<void> {
  const { label, call, expected } = subject;
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  let calls = 0;
  let answer: unknown;
  while (performance.now() - start < sliceMs) {
    for (let i = 0; i < callsBetweenLooks; i++) answer = await call();
    calls += callsBetweenLooks;
  }
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const { content, isError } = answer as {
    content: { text: string }[];
    isError?: boolean;
  };
  if (isError || content[0].text !== expected) {
    throw new Error(`${label}: ${JSON.stringify(answer)}`);
  }
  subject.perSecond.push(calls / seconds);
  subject.perCpuSecond.push(calls * 1_000_000 / (user + system));
}
