import { z } from "zod";
import type { McpServer } from "../../mod.ts";

/** Tools that ask the client in the middle of their work, whatever its era. */
export function registerQuestions(server: McpServer): void {
  server.registerTool("test_sampling", {
    description: "Asks the client's model",
    inputSchema: z.object({ prompt: z.string() }),
  }, async ({ prompt }, ctx) => {
    const { content } = await ctx.sample({
      messages: [{ role: "user", content: { type: "text", text: prompt } }],
      maxTokens: 100,
    });
    return `LLM response: ${JSON.stringify(content)}`;
  });

  server.registerTool("test_missing_capability", {
    description: "Asks the client's model, which not every client has",
  }, async (ctx) => {
    await ctx.sample({
      messages: [{ role: "user", content: { type: "text", text: "Anyone?" } }],
      maxTokens: 10,
    });
    return "There is a model";
  });

  server.registerTool("test_elicitation", {
    description: "Asks the client's user",
    inputSchema: z.object({ message: z.string() }),
  }, async ({ message }, ctx) => {
    const answer = await ctx.elicit({
      message,
      requestedSchema: {
        type: "object",
        properties: {
          username: { type: "string", description: "User's response" },
          email: { type: "string", description: "User's email address" },
        },
        required: ["username", "email"],
      },
    });
    return `User response: ${JSON.stringify(answer)}`;
  });

  server.registerTool("test_streaming_elicitation", {
    description: "Asks the client's user after it has reported progress",
  }, async (ctx) => {
    await ctx.progress(1, 2, "about to ask");
    const { action } = await ctx.elicit({
      message: "Go on?",
      requestedSchema: {
        type: "object",
        properties: { sure: { type: "boolean" } },
      },
    });
    return `User response: ${action}`;
  });

  registerForms(server);
}

function registerForms(server: McpServer): void {
  server.registerTool("test_elicitation_sep1034_defaults", {
    description: "Asks with a form whose fields have defaults",
  }, async (ctx) => {
    const { action, content } = await ctx.elicit({
      message: "Please review and update the form fields with defaults",
      requestedSchema: {
        type: "object",
        properties: {
          name: { type: "string", default: "John Doe" },
          age: { type: "integer", default: 30 },
          score: { type: "number", default: 95.5 },
          status: {
            type: "string",
            enum: ["active", "inactive", "pending"],
            default: "active",
          },
          verified: { type: "boolean", default: true },
        },
      },
    });
    return completed(action, content);
  });

  server.registerTool("test_elicitation_sep1330_enums", {
    description: "Asks with a form that has every kind of choice",
  }, async (ctx) => {
    const { action, content } = await ctx.elicit({
      message: "Please choose",
      requestedSchema: {
        type: "object",
        properties: {
          untitledSingle: { type: "string", enum: OPTIONS },
          titledSingle: { type: "string", oneOf: TITLED_OPTIONS },
          legacyEnum: {
            type: "string",
            enum: OPTIONS,
            enumNames: ["Option One", "Option Two", "Option Three"],
          },
          untitledMulti: {
            type: "array",
            items: { type: "string", enum: OPTIONS },
          },
          titledMulti: { type: "array", items: { anyOf: TITLED_OPTIONS } },
        },
      },
    });
    return completed(action, content);
  });
}

const OPTIONS = ["option1", "option2", "option3"];

const TITLED_OPTIONS = [
  { const: "value1", title: "First Option" },
  { const: "value2", title: "Second Option" },
  { const: "value3", title: "Third Option" },
];

function completed(action: string, content: unknown): string {
  return `Elicitation completed: action=${action}, content=${
    JSON.stringify(content ?? {})
  }`;
}
