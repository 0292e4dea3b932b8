import assert from "node:assert/strict";
import { RecentTrouble } from "../../src/server/calls/recent_trouble.ts";

const entry = (call: string, message?: string) => ({
  time: "2026-11-27T00:00:00.000Z",
  call,
  name: "tool t",
  failure: "tool_error" as const,
  ...(message !== undefined && { message }),
  tookMs: 1,
  slow: false,
});

Deno.test("the last twenty are kept, the latest first", () => {
  const trouble = new RecentTrouble();
  for (let i = 0; i < 50; i++) trouble.add(entry(`c-${i}`));
  const calls = trouble.list().map(({ call }) => call);
  assert.equal(calls.length, 20);
  assert.deepEqual([calls[0], calls[19]], ["c-49", "c-30"]);
});

Deno.test("messages are bounded, and without secrets", () => {
  const trouble = new RecentTrouble();
  trouble.add(entry("a", `postgres://u:hush@h/x ${"y".repeat(5_000)}`));
  const [{ message }] = trouble.list();
  assert.ok(message!.length < 600);
  assert.doesNotMatch(message!, /hush/);
});
