import { z } from "zod";
import {
  acceptedContent,
  inputRequired,
  inputResponse,
  type McpServer,
} from "../../mod.ts";

/** Tools that answer with `input_required` until they have what they need. */
export function registerRounds(server: McpServer): void {
  registerSingle(server);
  registerStateful(server);
}

const askName = (message: string) =>
  inputRequired.elicit({
    message,
    requestedSchema: z.object({ name: z.string() }),
  });

function askModel(text: string, maxTokens: number) {
  return inputRequired.createMessage({
    messages: [{ role: "user", content: { type: "text", text } }],
    maxTokens,
  });
}

function registerSingle(server: McpServer): void {
  server.registerTool("test_input_required_result_elicitation", {
    description: "Needs a name from the user",
  }, ({ mcpReq }) => {
    const { name } = acceptedContent(mcpReq.inputResponses, "user_name") ?? {};
    return typeof name === "string" ? `Hello, ${name}!` : inputRequired({
      inputRequests: { user_name: askName("What is your name?") },
    });
  });

  server.registerTool("test_input_required_result_sampling", {
    description: "Needs an answer from the model",
  }, ({ mcpReq }) => {
    const answer = inputResponse(mcpReq.inputResponses, "capital_question");
    return answer.kind === "sampling"
      ? JSON.stringify(answer.result.content)
      : inputRequired({
        inputRequests: {
          capital_question: askModel("What is the capital of France?", 100),
        },
      });
  });

  server.registerTool("test_input_required_result_list_roots", {
    description: "Needs the client's roots",
  }, ({ mcpReq }) => {
    const answer = inputResponse(mcpReq.inputResponses, "client_roots");
    return answer.kind === "roots"
      ? answer.roots.map(({ uri }) => uri).join("\n")
      : inputRequired({
        inputRequests: { client_roots: inputRequired.listRoots() },
      });
  });

  server.registerTool("test_input_required_result_capabilities", {
    description: "Asks only what the client can answer",
  }, ({ mcpReq, clientCapabilities }) => {
    if (mcpReq.inputResponses !== undefined) return "Answered";
    const { elicitation, sampling } = clientCapabilities;
    return inputRequired({
      inputRequests: {
        ...(elicitation && { user_name: askName("What is your name?") }),
        ...(sampling && { greeting: askModel("Generate a greeting", 50) }),
      },
    });
  });
}

function registerStateful(server: McpServer): void {
  for (
    const name of [
      "test_input_required_result_request_state",
      "test_input_required_result_tampered_state",
    ]
  ) {
    server.registerTool(name, {
      description: "Needs its own state back with the user's answer",
    }, (ctx) => {
      const ok = acceptedContent(ctx.mcpReq.inputResponses, "confirm");
      return ok !== undefined && ctx.requestState() === "confirming"
        ? "state-ok"
        : inputRequired({
          inputRequests: {
            confirm: inputRequired.elicit({
              message: "Please confirm",
              requestedSchema: z.object({ ok: z.boolean() }),
            }),
          },
          requestState: "confirming",
        });
    });
  }

  server.registerTool("test_input_required_result_multiple_inputs", {
    description: "Needs the user, the model and the roots at once",
  }, ({ mcpReq }) => {
    const keys = ["user_name", "greeting", "client_roots"];
    const missing = keys.some((key) =>
      inputResponse(mcpReq.inputResponses, key).kind === "missing"
    );
    return !missing ? "Answered" : inputRequired({
      inputRequests: {
        user_name: askName("What is your name?"),
        greeting: askModel("Generate a greeting", 50),
        client_roots: inputRequired.listRoots(),
      },
      requestState: "collecting",
    });
  });

  server.registerTool("test_input_required_result_multi_round", {
    description: "Needs two answers, one after the other",
  }, (ctx) => {
    const { inputResponses } = ctx.mcpReq;
    const state = ctx.requestState<string>();
    const first = acceptedContent(inputResponses, "step1");
    if (first === undefined && state === undefined) {
      return inputRequired({
        inputRequests: { step1: askName("Step 1: What is your name?") },
        requestState: JSON.stringify({ step: 1 }),
      });
    }
    const second = acceptedContent(inputResponses, "step2");
    if (second === undefined) {
      return inputRequired({
        inputRequests: {
          step2: inputRequired.elicit({
            message: "Step 2: What is your favorite color?",
            requestedSchema: z.object({ color: z.string() }),
          }),
        },
        requestState: JSON.stringify({ step: 2, name: first?.name }),
      });
    }
    return `${JSON.parse(state ?? "{}").name} likes ${second.color}`;
  });
}
