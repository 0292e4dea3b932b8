/** `TOOLS` tools of eight fields, `tool_0` and on, and `wide` with thirty in and out. */
import { McpServer } from "../../mod.ts";
import {
  runTool,
  runWide,
  toolInput,
  wideInput,
  wideOutput,
} from "../support/tool_set.ts";

const server = new McpServer({ name: "many", version: "1.0.0" });

for (let index = 0; index < Number(Deno.env.get("TOOLS") ?? 1); index++) {
  server.registerTool(
    `tool_${index}`,
    { description: `Tool number ${index}`, inputSchema: toolInput() },
    runTool,
  );
}

server.registerTool("wide", {
  description: "Thirty fields in, thirty fields out",
  inputSchema: wideInput,
  outputSchema: wideOutput,
}, runWide);

await server.serve({ port: Number(Deno.env.get("PORT")) });
