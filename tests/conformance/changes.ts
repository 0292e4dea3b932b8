import type { McpServer } from "../../mod.ts";

/** Tools that change what the server lists, for those who listen to it. */
export function registerChanges(server: McpServer): void {
  const tool = server.registerTool("test_changing_tool", {
    description: "Comes and goes",
  }, () => "Here for now");
  const prompt = server.registerPrompt("test_changing_prompt", {
    description: "Comes and goes",
  }, () => "Here for now");

  for (
    const [name, what] of [
      ["test_trigger_tool_change", tool],
      ["test_trigger_prompt_change", prompt],
    ] as const
  ) {
    server.registerTool(name, {
      description: "Changes a list of this server's",
    }, () => {
      if (what.enabled) what.disable();
      else what.enable();
      return "Changed";
    });
  }
}
