import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import type { McpServer } from "../../mod.ts";
import { RED_PIXEL_PNG, SILENT_WAV } from "./media.ts";

/** Tools that answer by themselves, with every kind of content. */
export function registerTools(server: McpServer): void {
  registerContent(server);
  registerWhileRunning(server);
  registerSchemas(server);
}

function registerContent(server: McpServer): void {
  server.registerTool("test_simple_text", {
    description: "Returns one text block",
  }, () => "This is a simple text response for testing.");

  server.registerTool("test_image_content", {
    description: "Returns an image",
  }, () => [{ type: "image", data: RED_PIXEL_PNG, mimeType: "image/png" }]);

  server.registerTool("test_audio_content", {
    description: "Returns a sound",
  }, () => [{ type: "audio", data: SILENT_WAV, mimeType: "audio/wav" }]);

  server.registerTool("test_embedded_resource", {
    description: "Returns a resource within the result",
  }, () => [{
    type: "resource",
    resource: {
      uri: "test://embedded-resource",
      mimeType: "text/plain",
      text: "This is an embedded resource content.",
    },
  }]);

  server.registerTool("test_multiple_content_types", {
    description: "Returns a text, an image and a resource",
  }, () => [
    { type: "text", text: "Multiple content types test:" },
    { type: "image", data: RED_PIXEL_PNG, mimeType: "image/png" },
    {
      type: "resource",
      resource: {
        uri: "test://mixed-content-resource",
        mimeType: "application/json",
        text: JSON.stringify({ test: "data", value: 123 }),
      },
    },
  ]);

  server.registerTool("test_error_handling", {
    description: "Always fails",
  }, () => {
    throw new Error("This tool intentionally returns an error for testing");
  });
}

function registerWhileRunning(server: McpServer): void {
  server.registerTool("test_tool_with_logging", {
    description: "Writes to the client's log while it runs",
  }, async (ctx) => {
    ctx.log.info("Tool execution started");
    await wait(50);
    ctx.log.info("Tool processing data");
    await wait(50);
    ctx.log.info("Tool execution completed");
    return "Logged three messages";
  });

  server.registerTool("test_logging_tool", {
    description: "Writes to the client's log, wanted or not",
  }, (ctx) => {
    ctx.log.warning("This is for those who asked for logs");
    return "Logged one message";
  });

  server.registerTool("test_tool_with_progress", {
    description: "Reports progress while it runs",
  }, async function* () {
    for (const progress of [0, 50, 100]) {
      yield { progress, total: 100 };
      await wait(50);
    }
    return "Reported progress three times";
  });

  server.registerTool("test_reconnection", {
    description: "Ends its stream before it has the result",
  }, async (ctx) => {
    ctx.http?.closeSSE?.();
    await wait(100);
    return "The client has come back for this";
  });
}

function registerSchemas(server: McpServer): void {
  server.registerTool("greet", {
    description: "Greets somebody; never a task",
    inputSchema: z.object({ name: z.string() }),
  }, ({ name }) => `Hello, ${name}!`);

  server.registerTool("json_schema_2020_12_tool", {
    description: "Takes arguments described with much of JSON Schema 2020-12",
    inputSchema: {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      $defs: {
        address: {
          $anchor: "addressDef",
          type: "object",
          properties: { street: { type: "string" }, city: { type: "string" } },
        },
      },
      properties: {
        name: { type: "string" },
        address: { $ref: "#/$defs/address" },
        contactMethod: { type: "string", enum: ["phone", "email"] },
        phone: { type: "string" },
        email: { type: "string" },
      },
      allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
      if: {
        properties: { contactMethod: { const: "phone" } },
        required: ["contactMethod"],
      },
      then: { required: ["phone"] },
      else: { required: ["email"] },
      additionalProperties: false,
    },
  }, (args) => args);

  server.registerTool("test_param_header", {
    description: "Takes an argument that HTTP clients mirror into a header",
    inputSchema: {
      type: "object",
      properties: { region: { type: "string", "x-mcp-header": "Region" } },
    },
  }, ({ region }) => `Region: ${region}`);
}
