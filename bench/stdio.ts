/**
 * `deno task bench:stdio`: messages per second over stdio, as real processes
 * with pipelined calls whose answers are all counted and checked. Slices
 * interleave in rotated order; servers run on core 0, this client on core 1.
 *
 *     deno task bench:stdio --seconds 2 --rounds 7
 */
import { parseArgs } from "node:util";
import { requireCommands } from "./support/commands.ts";
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
console.log(
  `\n${ours.label}: goal >= 100,000 messages/s, reached: ${
    figure(ours, "perSecond") >= 100_000 ? "yes" : "NO"
  }\n`,
);
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
  const goal = atLeast === undefined
    ? ["", ""]
    : [`>= ${atLeast}`, of("perSecond") >= atLeast ? "yes" : "NO"];
  return [
    `${over.label} / ${under.label}`,
    of("perCpuSecond").toFixed(2),
    of("perSecond").toFixed(2),
    ...goal,
  ];
}
