/** The tools of `bench/overload.ts`; `ADMISSION=off` takes everybody in. */
import { McpServer } from "../../mod.ts";
import { compute, pause } from "../support/load_work.ts";

const LIMITS = { concurrency: 10, timeoutMs: 1_000 };

let executed = 0;

const server = new McpServer({ name: "overload", version: "1.0.0" }, {
  sessions: false,
  logLevel: "error",
  ...(Deno.env.get("ADMISSION") === "off" && { admission: false as const }),
});

server.registerTool("compute", { description: "Compute for 10 ms" }, () => {
  executed++;
  compute();
  return "done";
});

server.registerTool(
  "wait",
  { description: "Wait for 50 ms, ten at a time", ...LIMITS },
  async () => {
    executed++;
    await pause(50);
    return "done";
  },
);

server.registerTool(
  "stream",
  { description: "Five steps of 10 ms, ten at a time", ...LIMITS },
  async (ctx) => {
    executed++;
    for (let step = 1; step <= 5; step++) {
      await pause(10);
      await ctx.progress(step, 5);
    }
    return "done";
  },
);

server.registerTool("executed", { description: "Count" }, () => `${executed}`);

await server.serve({ port: Number(Deno.env.get("PORT")) });
