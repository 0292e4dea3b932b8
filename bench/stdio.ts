/**
 * `deno task bench:stdio`: messages per second over stdio, as real processes
 * with pipelined calls whose answers are all counted and checked. Slices
 * interleave in rotated order; servers run on core 0, this client on core 1.
 *
 *     deno task bench:stdio --seconds 2 --rounds 7
 */
import { parseArgs } from "node:util";
import { requireCommands } from "./support/commands.ts";
import { judge } from "./support/goals.ts";
import { loadCore, pinSelf } from "./support/pinning.ts";
import { median, rotated } from "./support/statistics.ts";
import { type StdioSample, StdioSubject } from "./support/stdio_subject.ts";
import { printTable } from "./support/table.ts";

const warmUpMs = 3_000;

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "7" },
  },
});

await requireCommands("taskset");
await pinSelf(loadCore);

await using stack = new AsyncDisposableStack();
const start = (label: string, script: string) =>
  stack.use(new StdioSubject(label, script));

const raw = start("raw line echo", "peers/raw_stdio.ts");
const parsing = start("raw parse + stringify", "peers/raw_stdio_json.ts");
const sdk = start("SDK v2", "peers/sdk_v2_stdio.ts");
const ours = start("Sluice", "servers/stdio.ts");
const subjects = [ours, raw, parsing, sdk];

for (const subject of subjects) await subject.warmUp(warmUpMs);
for (let round = 0; round < Number(options.rounds); round++) {
  for (const subject of rotated(subjects, round)) {
    await subject.measure(Number(options.seconds) * 1_000);
  }
}

printTable(
  ["server", "messages/s", "per CPU-s"],
  subjects.map((subject) => [
    subject.label,
    Math.round(figure(subject, "perSecond")),
    Math.round(figure(subject, "perCpuSecond")),
  ]),
);
const perSecond = Math.round(figure(ours, "perSecond"));
const [goal, reached] = judge({
  name: `${ours.label}, messages/s`,
  measured: perSecond,
  atLeast: 100_000,
});
console.log(`\n${ours.label}: goal ${goal} messages/s, reached: ${reached}\n`);
printTable(["ratio", "by CPU", "by rate", "goal", "reached"], [
  ratio(ours, raw, 0.6),
  ratio(ours, parsing),
  ratio(parsing, raw),
  ratio(ours, sdk, 5),
]);

function figure(subject: StdioSubject, of: keyof StdioSample): number {
  return median(subject.samples.map((sample) => sample[of]));
}

function ratio(over: StdioSubject, under: StdioSubject, atLeast?: number) {
  const of = (name: keyof StdioSample) =>
    median(
      over.samples.map((sample, i) => sample[name] / under.samples[i][name]),
    );
  const name = `${over.label} / ${under.label}`;
  const byRate = of("perSecond");
  return [
    name,
    of("perCpuSecond").toFixed(2),
    byRate.toFixed(2),
    ...judge({ name: `stdio: ${name}`, measured: byRate, atLeast }),
  ];
}
