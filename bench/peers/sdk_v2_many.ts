/** The tools of `servers/many.ts` on the official SDK v2, every schema made once outside the factory. */
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import {
  runTool,
  runWide,
  toolInput,
  wideInput,
  wideOutput,
} from "../support/tool_set.ts";

const inputs = Array.from(
  { length: Number(Deno.env.get("TOOLS") ?? 1) },
  () => toolInput(),
);

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: "many", version: "1.0.0" });
  inputs.forEach((inputSchema, index) => {
    server.registerTool(
      `tool_${index}`,
      { description: `Tool number ${index}`, inputSchema },
      runTool,
    );
  });
  server.registerTool("wide", {
    description: "Thirty fields in, thirty fields out",
    inputSchema: wideInput,
    outputSchema: wideOutput,
  }, runWide);
  return server;
});

Deno.serve({
  hostname: "127.0.0.1",
  port: Number(Deno.env.get("PORT")),
  onListen: () => {},
}, (request) => handler.fetch(request));
