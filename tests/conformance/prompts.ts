import { z } from "zod";
import {
  acceptedContent,
  completable,
  inputRequired,
  type McpServer,
} from "../../mod.ts";
import { RED_PIXEL_PNG } from "./media.ts";

/** Prompts with every kind of message. */
export function registerPrompts(server: McpServer): void {
  server.registerPrompt("test_simple_prompt", {
    description: "Takes no arguments",
  }, () => "This is a simple prompt for testing.");

  server.registerPrompt(
    "test_prompt_with_arguments",
    {
      description: "Takes two arguments, the first with suggestions",
      argsSchema: z.object({
        arg1: completable(
          z.string().describe("First test argument"),
          (typed) =>
            ["paris", "park", "party"].filter((e) => e.startsWith(typed)),
        ),
        arg2: z.string().describe("Second test argument"),
      }),
    },
    ({ arg1, arg2 }) => `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`,
  );

  server.registerPrompt("test_prompt_with_embedded_resource", {
    description: "Embeds a resource",
    argsSchema: z.object({
      resourceUri: z.string().describe("URI of the resource to embed"),
    }),
  }, ({ resourceUri }) => [
    {
      role: "user",
      content: {
        type: "resource",
        resource: {
          uri: resourceUri,
          mimeType: "text/plain",
          text: "Embedded resource content for testing.",
        },
      },
    },
    userSays("Please process the embedded resource above."),
  ]);

  server.registerPrompt("test_prompt_with_image", {
    description: "Shows an image",
  }, () => [
    {
      role: "user",
      content: { type: "image", data: RED_PIXEL_PNG, mimeType: "image/png" },
    },
    userSays("Please analyze the image above."),
  ]);

  server.registerPrompt("test_input_required_result_prompt", {
    description: "Needs an answer from the user first",
  }, ({ mcpReq }) => {
    const answer = acceptedContent(mcpReq.inputResponses, "user_context");
    return answer !== undefined
      ? `Use this: ${answer.context}`
      : inputRequired({
        inputRequests: {
          user_context: inputRequired.elicit({
            message: "What context should the prompt use?",
            requestedSchema: {
              type: "object",
              properties: { context: { type: "string" } },
              required: ["context"],
            },
          }),
        },
      });
  });
}

function userSays(text: string) {
  return { role: "user" as const, content: { type: "text" as const, text } };
}
