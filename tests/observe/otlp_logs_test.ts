import assert from "node:assert/strict";
import { OtlpSink } from "./otlp_sink.ts";

Deno.test("log lines are exported as grave as they are, and stay off stdout", async () => {
  await using sink = new OtlpSink();
  const path = new URL("./fixtures/log_lines.ts", import.meta.url).pathname;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", path],
    env: { ...sink.env, NO_COLOR: "1" },
  }).output();
  assert.equal(stdout.length, 0);
  const lines = new TextDecoder().decode(stderr).split("\n")
    .filter((line) => line.startsWith("{"));
  assert.deepEqual(lines.map((line) => JSON.parse(line).level), [
    "debug",
    "info",
    "warning",
    "error",
  ]);
  await sink.log("one of error");
  const exported = sink.logs.map(({ body, severity }) => [
    JSON.parse(body).message,
    severity,
  ]);
  assert.deepEqual(exported, [["one of warning", 13], ["one of error", 17]]);
});
