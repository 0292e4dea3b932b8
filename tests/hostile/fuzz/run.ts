/**
 * `deno task fuzz`: a million generated inputs, half over HTTP and half over stdio.
 * Each gets a well-formed answer or a clean close, and the server lives on in the
 * memory that it had; a failure names the input and the seed.
 *
 *     deno task fuzz --inputs 10000 --seed 7
 */
import { parseArgs } from "node:util";
import { TargetProcess } from "../target_process.ts";
import { type CampaignOutcome, fuzzHttp, fuzzStdio } from "./campaign.ts";

const MEBIBYTE = 1_048_576;

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "1000000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const half = Math.ceil(Number(values.inputs) / 2);
const seed = Number(values.seed);
console.log(`seed ${seed}`);

const progress = (what: string) => (sent: number, rssBytes: number) =>
  console.log(`${what}: ${sent} inputs, ${mebibytes(rssBytes)} MiB`);

await using target = await TargetProcess.start();
report(
  "http",
  await fuzzHttp(target, { seed, inputs: half, progress: progress("http") }),
);
if (target.log !== "") throw new Error(`the server's log: ${target.log}`);
report(
  "stdio",
  await fuzzStdio({ seed, inputs: half, progress: progress("stdio") }),
);

function report(
  what: string,
  { inputs, halfwayRss, lastRss }: CampaignOutcome,
): void {
  console.log(
    `${what}: ${inputs} inputs answered; ${mebibytes(halfwayRss)} MiB after ` +
      `half of them, ${mebibytes(lastRss)} MiB after all`,
  );
  // In a short run the heap has yet to find its size.
  if (lastRss > 1.25 * halfwayRss + 32 * MEBIBYTE) {
    throw new Error("it keeps taking memory");
  }
}

function mebibytes(bytes: number): string {
  return (bytes / MEBIBYTE).toFixed(0);
}
