/** A server whose tool computes: over HTTP at a port that it prints, or over stdio. */
import { McpServer } from "../../mod.ts";

let executed = 0;

const server = new McpServer({ name: "busy", version: "1.0.0" }, {
  admission: { maxBacklogMs: 10 },
  sessions: false,
  log: () => {},
  watchdog: false,
});

server.registerTool("compute", {}, () => {
  executed++;
  const until = performance.now() + 20;
  while (performance.now() < until);
  return "done";
});

server.registerTool("executed", {}, () => `${executed}`);

if (Deno.args[0] === "stdio") await server.serveStdio();
else {
  await server.serve({
    port: 0,
    onListen: ({ port }) => console.log(port),
  });
}
