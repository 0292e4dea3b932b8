/**
 * Skills (SEP-2640): instructions that a host loads for its model when they are
 * needed, with the files they speak of. Those of a folder, and one whose content
 * is new each time.
 *
 *     deno run -A examples/skills.ts
 */
import { McpServer, readSkills, Skill } from "@sluice/mcp";

/** Makes the server; nothing listens yet. */
export async function skillServer(): Promise<McpServer> {
  const server = new McpServer({ name: "skills", version: "0.1.0" }, {
    instructions: "Load skill://git-workflow/SKILL.md before you commit.",
    cacheHints: { "skills/list": { ttlMs: 60_000, cacheScope: "public" } },
  });

  const folder = new URL("./skills", import.meta.url);
  server.registerSkills(await readSkills(folder), {
    cacheHint: { ttlMs: 60_000, cacheScope: "public" },
  });

  server.registerSkill(
    await Skill.from({
      "SKILL.md": `---
name: on-call
description: Who is on call now, and what to do before calling
---
Read now.json. Try the runbook first.
`,
      "now.json": () => ({ onCall: "Ada", since: new Date().toISOString() }),
    }, { path: "operations/on-call" }),
  );
  return server;
}

if (import.meta.main) {
  const server = await skillServer();
  await server.serve();
}
