import { z } from "zod";
import {
  completable,
  fromJsonSchema,
  type HttpOptions,
  type LogRecord,
  McpServer,
  type McpServerOptions,
  ResourceTemplate,
} from "../../mod.ts";
import { FakeClock } from "../support/fake_clock.ts";

const NAMED = z.object({
  name: completable(z.string(), () => ["Ada", "Alan"]),
});
const ECHO = z.object({ data: z.string() });
const ANY = z.looseObject({});
const MOVE = z.object({
  to: z.object({ x: z.number().int(), y: z.number().int() }),
  steps: z.array(z.number()).optional(),
});
const MIRRORED = fromJsonSchema<Record<string, unknown>>({
  type: "object",
  properties: {
    region: { type: "string", "x-mcp-header": "Region" },
    deep: {
      type: "object",
      properties: {
        count: { type: "integer", "x-mcp-header": "Count" },
        sure: { type: "boolean", "x-mcp-header": "Sure" },
      },
    },
  },
});

/** A server with a little of everything, and the lines that it logs. */
export interface Subject {
  server: McpServer;
  log: LogRecord[];
  clock: FakeClock;
}

export function makeSubject(
  options: McpServerOptions & HttpOptions = {},
): Subject {
  const log: LogRecord[] = [];
  const clock = new FakeClock();
  const server = new McpServer({ name: "subject", version: "1.0.0" }, {
    clock,
    log: (record) => log.push(record),
    // Each fault is to be seen.
    logIntervalMs: 0,
    ...options,
  });
  addTools(server);
  server.registerPrompt("greet", {
    argsSchema: NAMED,
  }, ({ name }) => `Greet ${name}`);
  server.registerResource("fixed", "test://fixed", {}, () => "content");
  server.registerResource(
    "family",
    new ResourceTemplate("test://family/{member}", { list: undefined }),
    {},
    (_uri, { member }) => `${member}`,
  );
  return { server, log, clock };
}

function addTools(server: McpServer): void {
  server.registerTool("echo", {
    inputSchema: ECHO,
  }, ({ data }) => data);
  server.registerTool("any", {
    inputSchema: ANY,
  }, (args) => ({ structuredContent: { args } }));
  server.registerTool("move", {
    inputSchema: MOVE,
  }, ({ to }) => `${to.x},${to.y}`);
  server.registerTool("mirrored", {
    inputSchema: MIRRORED,
  }, (args) => JSON.stringify(args));
}
