/**
 * The shapes that go over the wire. They are the official SDK's own types, so
 * that a server written for it type-checks here unchanged; only types are
 * imported, never its runtime.
 */
export type {
  Annotations,
  AudioContent,
  CallToolResult,
  ClientCapabilities,
  CompleteResult,
  ContentBlock,
  CreateMessageRequest,
  CreateMessageRequestParams,
  CreateMessageResult,
  CreateMessageResultWithTools,
  ElicitRequestFormParams,
  ElicitRequestURLParams,
  ElicitResult,
  EmbeddedResource,
  GetPromptResult,
  Icon,
  ImageContent,
  Implementation,
  InputRequest,
  InputRequests,
  InputRequiredResult,
  InputResponses,
  JSONRPCMessage,
  JSONRPCNotification,
  JSONRPCRequest,
  JSONRPCResponse,
  ListResourcesResult,
  ListRootsResult,
  LoggingLevel,
  LoggingMessageNotification,
  Notification,
  ProgressToken,
  Prompt,
  PromptMessage,
  ReadResourceResult,
  RequestId,
  RequestMeta,
  Resource,
  ResourceContents,
  Result,
  Root,
  SamplingMessage,
  ServerCapabilities,
  TextContent,
  Tool,
  ToolAnnotations,
  ToolExecution,
} from "@modelcontextprotocol/server";

/** How long a client may reuse a result, and with whom it may share it. */
export interface CacheHint {
  /**
   * Milliseconds for which the result may be taken as fresh.
   * @default 0
   */
  ttlMs?: number;
  /**
   * `public` results are the same for every caller.
   * @default "private"
   */
  cacheScope?: "public" | "private";
}

/** Who is calling, once something outside MCP has checked it. */
export interface AuthInfo {
  /** The access token as presented. */
  token: string;
  /** The client (or the user) that the token was issued to. */
  clientId: string;
  /** What the token allows. */
  scopes: string[];
  /** When the token expires, in seconds since the epoch. */
  expiresAt?: number;
  /** The resource (audience) that the token is for. */
  resource?: URL;
  /** Anything else the check has learned. */
  extra?: Record<string, unknown>;
}
