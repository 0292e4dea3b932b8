import assert from "node:assert/strict";
import { freePort } from "../support/free_port.ts";

Deno.test("the example of identity plays to its end", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "examples/auth.ts"],
    env: { PORT: String(await freePort()) },
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  for (
    const line of [
      /^Ada's tools: list, write$/m,
      /^the user is asked for: .*\bwrite\b/m,
      /ada wrote buy milk/,
      /^nightly's tools: list, write, archive$/m,
    ]
  ) assert.match(text, line);
});
