/**
 * The files of a folder as resources: text, pictures as blobs, parts by
 * `?range=0-1023`, directories in pages. Nothing outside of it can be read.
 *
 *     deno run --allow-net --allow-read=docs examples/files.ts docs
 */
import { files, McpServer } from "@sluice/mcp";

/** Makes the server; nothing listens yet. */
export function fileServer(root: string): McpServer {
  const server = new McpServer({ name: "files", version: "0.1.0" });
  server.registerResource("files", ...files({ root, uri: "files:///{+path}" }));
  return server;
}

if (import.meta.main) {
  await fileServer(Deno.args[0] ?? "docs").serve();
}
