import assert from "node:assert/strict";
import { guideServer } from "../../examples/guide/server.ts";

/** Runs something and gives what it printed to stderr. */
async function printed(run: () => Promise<void>): Promise<string> {
  const { error } = console;
  let text = "";
  console.error = (line: string) => text += `${line}\n`;
  try {
    await run();
  } finally {
    console.error = error;
  }
  return text;
}

Deno.test("the guide's profiled tools answer, and print where time and memory went", async () => {
  const server = guideServer();
  const call = async (name: string) => {
    let result: Record<string, unknown> = {};
    const text = await printed(async () => {
      const params = { name, arguments: { data: "abc".repeat(30) } };
      result = await server.call("tools/call", params);
    });
    assert.equal(result.isError, undefined);
    return { text, answer: JSON.stringify(result.content) };
  };
  try {
    const cpu = await call("profiled_tool");
    assert.match(cpu.answer, /Processed: [0-9a-f]+/);
    assert.match(cpu.text, /^profiled_tool: \d+ samples in .* cumulative time/);
    assert.match(cpu.text, /hits +self ms .*\n(.*\n)*.*expensiveComputation/);
    const memory = await call("memory_profiled_tool");
    assert.match(memory.answer, /100000 copies of 90 characters/);
    assert.match(memory.text, /^memory_profiled_tool: heap [\d.]+ MB before/);
    assert.match(memory.text, /allocated MB .*\n(.*\n)*.*profiling_tools\.ts/);
  } finally {
    await server.close();
  }
});
