import assert from "node:assert/strict";
import { runScript } from "../support/scripts.ts";

Deno.test("a variable is read with the permission, and without it nobody is asked for one", async () => {
  const script = `
    import { readEnv } from "src/base/env.ts";
    Deno.env.get = (name) => "the value of " + name;
    console.log(readEnv("SECRET"));`;
  const value = "the value of SECRET\n";
  assert.equal(await runScript(script, "--allow-env=SECRET"), value);
  assert.equal(await runScript(script, "--allow-env=OTHER"), "undefined\n");
  assert.equal(await runScript(script), "undefined\n");
});
