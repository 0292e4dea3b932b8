/** A tool whose list clients may listen to, for the idle streams of `bench/soak.ts`. */
import { McpServer } from "../../mod.ts";

const server = new McpServer({ name: "listen", version: "1.0.0" });

server.registerTool("one", { description: "Answer" }, () => 1);

await server.serve({ port: Number(Deno.env.get("PORT")) });
