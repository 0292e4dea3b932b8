import assert from "node:assert/strict";
import type * as sdk from "@modelcontextprotocol/server";
import { specTypeSchemas } from "@modelcontextprotocol/server";
import type * as sluice from "../../mod.ts";
import { inputRequired, McpServer } from "../../mod.ts";

/** Our types beside the official SDK's of the same name. */
interface Pairs {
  Annotations: [sluice.Annotations, sdk.Annotations];
  AudioContent: [sluice.AudioContent, sdk.AudioContent];
  AuthInfo: [sluice.AuthInfo, sdk.AuthInfo];
  BlobResourceContents: [sluice.BlobResourceContents, sdk.BlobResourceContents];
  BooleanSchema: [sluice.BooleanSchema, sdk.BooleanSchema];
  CacheHint: [sluice.CacheHint, sdk.CacheHint];
  CallToolResult: [sluice.CallToolResult, sdk.CallToolResult];
  ClientCapabilities: [sluice.ClientCapabilities, sdk.ClientCapabilities];
  CompleteResult: [sluice.CompleteResult, sdk.CompleteResult];
  ContentBlock: [sluice.ContentBlock, sdk.ContentBlock];
  CreateMessageRequest: [sluice.CreateMessageRequest, sdk.CreateMessageRequest];
  CreateMessageRequestParams: [
    sluice.CreateMessageRequestParams,
    sdk.CreateMessageRequestParams,
  ];
  CreateMessageResult: [sluice.CreateMessageResult, sdk.CreateMessageResult];
  CreateMessageResultWithTools: [
    sluice.CreateMessageResultWithTools,
    sdk.CreateMessageResultWithTools,
  ];
  ElicitRequest: [sluice.ElicitRequest, sdk.ElicitRequest];
  ElicitRequestFormParams: [
    sluice.ElicitRequestFormParams,
    sdk.ElicitRequestFormParams,
  ];
  ElicitRequestURLParams: [
    sluice.ElicitRequestURLParams,
    sdk.ElicitRequestURLParams,
  ];
  ElicitResult: [sluice.ElicitResult, sdk.ElicitResult];
  EmbeddedResource: [sluice.EmbeddedResource, sdk.EmbeddedResource];
  GetPromptResult: [sluice.GetPromptResult, sdk.GetPromptResult];
  Icon: [sluice.Icon, sdk.Icon];
  ImageContent: [sluice.ImageContent, sdk.ImageContent];
  Implementation: [sluice.Implementation, sdk.Implementation];
  InputRequest: [sluice.InputRequest, sdk.InputRequest];
  InputRequests: [sluice.InputRequests, sdk.InputRequests];
  InputRequiredResult: [sluice.InputRequiredResult, sdk.InputRequiredResult];
  JSONRPCErrorResponse: [sluice.JSONRPCErrorResponse, sdk.JSONRPCErrorResponse];
  JSONRPCMessage: [sluice.JSONRPCMessage, sdk.JSONRPCMessage];
  JSONRPCNotification: [sluice.JSONRPCNotification, sdk.JSONRPCNotification];
  JSONRPCRequest: [sluice.JSONRPCRequest, sdk.JSONRPCRequest];
  JSONRPCResponse: [sluice.JSONRPCResponse, sdk.JSONRPCResponse];
  ListResourcesResult: [sluice.ListResourcesResult, sdk.ListResourcesResult];
  ListRootsRequest: [sluice.ListRootsRequest, sdk.ListRootsRequest];
  ListRootsResult: [sluice.ListRootsResult, sdk.ListRootsResult];
  LoggingLevel: [sluice.LoggingLevel, sdk.LoggingLevel];
  LoggingMessageNotification: [
    sluice.LoggingMessageNotification,
    sdk.LoggingMessageNotification,
  ];
  ModelPreferences: [sluice.ModelPreferences, sdk.ModelPreferences];
  Notification: [sluice.Notification, sdk.Notification];
  NumberSchema: [sluice.NumberSchema, sdk.NumberSchema];
  PrimitiveSchemaDefinition: [
    sluice.PrimitiveSchemaDefinition,
    sdk.PrimitiveSchemaDefinition,
  ];
  ProgressToken: [sluice.ProgressToken, sdk.ProgressToken];
  Prompt: [sluice.Prompt, sdk.Prompt];
  PromptMessage: [sluice.PromptMessage, sdk.PromptMessage];
  ReadResourceResult: [sluice.ReadResourceResult, sdk.ReadResourceResult];
  RequestId: [sluice.RequestId, sdk.RequestId];
  RequestMeta: [sluice.RequestMeta, sdk.RequestMeta];
  Resource: [sluice.Resource, sdk.Resource];
  ResourceContents: [sluice.ResourceContents, sdk.ResourceContents];
  ResourceLink: [sluice.ResourceLink, sdk.ResourceLink];
  Result: [sluice.Result, sdk.Result];
  Role: [sluice.Role, sdk.Role];
  Root: [sluice.Root, sdk.Root];
  SamplingMessage: [sluice.SamplingMessage, sdk.SamplingMessage];
  ServerCapabilities: [sluice.ServerCapabilities, sdk.ServerCapabilities];
  StringSchema: [sluice.StringSchema, sdk.StringSchema];
  TextContent: [sluice.TextContent, sdk.TextContent];
  TextResourceContents: [sluice.TextResourceContents, sdk.TextResourceContents];
  Tool: [sluice.Tool, sdk.Tool];
  ToolAnnotations: [sluice.ToolAnnotations, sdk.ToolAnnotations];
  ToolChoice: [sluice.ToolChoice, sdk.ToolChoice];
  ToolExecution: [sluice.ToolExecution, sdk.ToolExecution];
  ToolResultContent: [sluice.ToolResultContent, sdk.ToolResultContent];
  ToolUseContent: [sluice.ToolUseContent, sdk.ToolUseContent];
}

type Fits<A, B> = [A] extends [B] ? [B] extends [A] ? true : false : false;

/** The names of the pairs that do not fit both ways. */
type Misfits = {
  [Name in keyof Pairs]: Fits<Pairs[Name][0], Pairs[Name][1]> extends true
    ? never
    : Name;
}[keyof Pairs];

// A misfit fails to compile here, and the message names it.
const _fit: [Misfits] extends [never] ? "all" : Misfits = "all";

// Ours also holds answers of models with tools, as the specification does.
const _answers = (theirs: sdk.InputResponses): sluice.InputResponses => theirs;

// Parameters go where an object of unknown content is asked for.
const _params = (
  params:
    | sluice.CreateMessageRequestParams
    | sluice.ElicitRequestFormParams
    | sluice.ElicitRequestURLParams
    | sluice.LoggingMessageNotification["params"],
): Record<string, unknown> => params;

// A validator made for the official SDK serves here as well.
const _validators = (
  theirs: sdk.jsonSchemaValidator,
): sluice.JsonSchemaValidators => theirs;

const icon = {
  src: "https://example.com/icon.png",
  mimeType: "image/png",
  sizes: ["48x48"],
  theme: "dark",
} satisfies sluice.Icon;

const content = [
  { type: "text", text: "a", annotations: { audience: ["user"], priority: 1 } },
  { type: "image", data: "YQ==", mimeType: "image/png" },
  { type: "audio", data: "YQ==", mimeType: "audio/wav", _meta: { "a/b": 1 } },
  { type: "resource_link", uri: "a:b", name: "b", size: 1, icons: [icon] },
  { type: "resource", resource: { uri: "a:b", text: "b" } },
  { type: "resource", resource: { uri: "a:b", blob: "YQ==" } },
] satisfies sluice.ContentBlock[];

const form = {
  message: "Who are you?",
  requestedSchema: {
    type: "object",
    properties: {
      name: { type: "string", minLength: 1, format: "email" },
      age: { type: "integer", minimum: 0, default: 18 },
      sure: { type: "boolean", default: false },
      one: { type: "string", enum: ["a", "b"], enumNames: ["A", "B"] },
      titled: { type: "string", oneOf: [{ const: "a", title: "A" }] },
      many: { type: "array", items: { type: "string", enum: ["a"] } },
      labels: { type: "array", items: { anyOf: [{ const: "a", title: "A" }] } },
    },
    required: ["name"],
  },
} satisfies sluice.ElicitRequestFormParams;

Deno.test("the official SDK accepts a value of each of our shapes", () => {
  const tool: sluice.Tool = {
    name: "tool",
    title: "Tool",
    inputSchema: { type: "object", properties: { a: { type: "string" } } },
    outputSchema: { type: "object" },
    annotations: { readOnlyHint: true },
    execution: { taskSupport: "optional" },
    icons: [icon],
  };
  const samples: { [Name in keyof Pairs]?: Pairs[Name][0] } = {
    CallToolResult: { content, structuredContent: { a: [1] }, isError: false },
    ClientCapabilities: {
      elicitation: { form: { applyDefaults: true }, url: {} },
      sampling: { tools: {} },
      extensions: { "io.modelcontextprotocol/tasks": {} },
    },
    CompleteResult: { completion: { values: ["a"], total: 2, hasMore: true } },
    CreateMessageRequestParams: {
      messages: [{
        role: "user",
        content: [
          { type: "tool_use", id: "1", name: "tool", input: { a: "b" } },
          { type: "tool_result", toolUseId: "1", content },
        ],
      }],
      maxTokens: 1,
      modelPreferences: { hints: [{ name: "a" }], costPriority: 0.5 },
      tools: [tool],
      toolChoice: { mode: "required" },
    },
    ElicitRequestFormParams: form,
    ElicitRequestURLParams: {
      mode: "url",
      message: "Sign in",
      url: "https://example.com/",
      elicitationId: "1",
    },
    ElicitResult: { action: "accept", content: { name: "a", many: ["a"] } },
    GetPromptResult: {
      messages: content.map((each) => ({ role: "user", content: each })),
    },
    Implementation: { name: "a", version: "1", icons: [icon] },
    JSONRPCErrorResponse: { jsonrpc: "2.0", error: { code: 1, message: "a" } },
    JSONRPCRequest: { jsonrpc: "2.0", id: 1, method: "ping" },
    ListRootsResult: { roots: [{ uri: "file:///a", name: "a" }] },
    LoggingMessageNotification: {
      method: "notifications/message",
      params: { level: "alert", logger: "a", data: { b: 1 } },
    },
    Prompt: { name: "a", arguments: [{ name: "b", required: true }] },
    ReadResourceResult: { contents: [{ uri: "a:b", text: "c" }] },
    Resource: { uri: "a:b", name: "b", size: 1 },
    ServerCapabilities: {
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      tasks: { list: {}, requests: { tools: { call: {} } } },
    },
    Tool: tool,
  };
  for (const [name, sample] of Object.entries(samples)) {
    const schema = specTypeSchemas[name as sdk.SpecTypeName];
    const result = schema["~standard"].validate(sample);
    // The SDK leaves out what it doesn't know, so nothing of ours is unknown.
    assert.deepEqual(result, { value: sample }, name);
  }
});

Deno.test("handlers typed for the official SDK register and answer unchanged", async () => {
  const server = new McpServer({ name: "types", version: "1.0.0" });
  const whole: sdk.CallToolResult = { content, structuredContent: { a: 1 } };
  const asked: sdk.InputRequiredResult = {
    resultType: "input_required",
    inputRequests: { who: inputRequired.elicit(form) },
  };
  const config: { annotations: sdk.ToolAnnotations; icons: sdk.Icon[] } = {
    annotations: { readOnlyHint: true },
    icons: [icon],
  };
  server.registerTool("whole", config, (): sdk.CallToolResult => whole);
  server.registerTool("bare", {}, () => ({ structuredContent: { a: 1 } }));
  server.registerTool(
    "either",
    {},
    (ctx): sdk.CallToolResult | sdk.InputRequiredResult =>
      ctx.mcpReq.inputResponses === undefined ? asked : whole,
  );
  const read: sdk.ReadResourceResult = {
    contents: [{ uri: "a:b", text: "c" }],
  };
  server.registerResource("b", "a:b", {}, () => read);
  const prompt: sdk.GetPromptResult = {
    messages: [{ role: "user", content: content[0] as sdk.TextContent }],
  };
  server.registerPrompt("p", {}, () => prompt);

  const result = await server.call("tools/call", { name: "whole" });
  assert.deepEqual(result.content, whole.content);
  const bare = await server.call("tools/call", { name: "bare" });
  assert.deepEqual(bare.content, [{ type: "text", text: '{"a":1}' }]);
  assert.deepEqual(
    (await server.call("resources/read", { uri: "a:b" })).contents,
    read.contents,
  );
  assert.deepEqual(
    (await server.call("prompts/get", { name: "p" })).messages,
    prompt.messages,
  );
  const first = await server.call("tools/call", { name: "either" }, {
    capabilities: { elicitation: { form: {} } },
  });
  assert.equal(first.resultType, "input_required");
  await server.close();
});
