import assert from "node:assert/strict";
import { fuzzHttp, fuzzStdio } from "./fuzz/campaign.ts";
import { TargetProcess } from "./target_process.ts";

/** Another sample each time; a failure names the input. */
const seed = Date.now() % 1_000_000;

Deno.test("whatever comes over HTTP gets a sound answer or a clean close", async () => {
  await using target = await TargetProcess.start();
  await fuzzHttp(target, { seed, inputs: 4_000 });
  assert.equal(target.log, "", "a client's mistake is no line in the log");
});

Deno.test("whatever comes over stdio gets a sound answer", async () => {
  await fuzzStdio({ seed, inputs: 4_000 });
});
