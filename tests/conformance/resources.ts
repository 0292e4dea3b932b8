import { type McpServer, ResourceTemplate } from "../../mod.ts";
import { RED_PIXEL_PNG } from "./media.ts";

/** Resources of every kind, and one that clients may watch. */
export function registerResources(server: McpServer): void {
  server.registerResource("static-text", "test://static-text", {
    description: "A text that stays as it is",
    mimeType: "text/plain",
  }, () => "This is the content of the static text resource.");

  server.registerResource("static-binary", "test://static-binary", {
    description: "An image that stays as it is",
    mimeType: "image/png",
  }, () => Uint8Array.fromBase64(RED_PIXEL_PNG));

  server.registerResource("watched-resource", "test://watched-resource", {
    description: "A text to subscribe to",
    mimeType: "text/plain",
  }, () => "Watched resource content");

  server.registerResource(
    "template",
    new ResourceTemplate("test://template/{id}/data", { list: undefined }),
    { description: "One resource per id", mimeType: "application/json" },
    (_uri, { id }) => ({ id, templateTest: true, data: `Data for ID: ${id}` }),
  );
}
