/** What `bench/http.ts` measures: each server, the request it gets, and the answer that counts as right. */
import { toolArguments, wideArguments } from "./tool_set.ts";
import {
  legacyRequest,
  type Message,
  modernRequest,
  type WireRequest,
} from "./wire.ts";

/** One server under one request. */
export interface HttpTarget {
  label: string;
  /** Script, relative to `bench/`. */
  script: string;
  env?: Record<string, string>;
  /** The target whose answer this one equals in size; it gets that as `BYTES`. */
  sizedLike?: string;
  request: WireRequest;
  /** Says what is wrong with an answer, or nothing. Absent where the answer is not a message. */
  check?: (messages: Message[]) => string | undefined;
}

const echoCall = { name: "echo", arguments: { data: "hello" } };
const echoRequest = modernRequest("tools/call", echoCall);
const echoAnswer = expectText("processed_hello");

const progressRequest = modernRequest("tools/call", {
  name: "echo_progress",
  arguments: { data: "hello" },
}, { progressToken: 1 });

const wideRequest = modernRequest("tools/call", {
  name: "wide",
  arguments: wideArguments,
});

function lastTool(
  count: number,
): Pick<HttpTarget, "env" | "request" | "check"> {
  return {
    env: { TOOLS: String(count) },
    request: modernRequest("tools/call", {
      name: `tool_${count - 1}`,
      arguments: toolArguments,
    }),
    check: expectText("processed_4711_2"),
  };
}

/** Every target by its id. */
export const httpTargets: Record<string, HttpTarget> = {
  echo: {
    label: "Sluice, echo",
    script: "servers/echo.ts",
    request: echoRequest,
    check: echoAnswer,
  },
  echo_unseen: {
    label: "Sluice, echo, metrics off",
    script: "servers/echo.ts",
    env: { METRICS: "off" },
    request: echoRequest,
    check: echoAnswer,
  },
  echo_unbounded: {
    label: "Sluice, echo, admission off",
    script: "servers/echo.ts",
    env: { ADMISSION: "off" },
    request: echoRequest,
    check: echoAnswer,
  },
  echo_plain: {
    label: "Sluice, echo, metrics and admission off",
    script: "servers/echo.ts",
    env: { METRICS: "off", ADMISSION: "off" },
    request: echoRequest,
    check: echoAnswer,
  },
  auth: {
    label: "Sluice, echo, a known token",
    script: "servers/auth.ts",
    request: withToken(echoRequest),
    check: echoAnswer,
  },
  auth_open: {
    label: "Sluice, echo, a token that nobody reads",
    script: "servers/echo.ts",
    request: withToken(echoRequest),
    check: echoAnswer,
  },
  raw: {
    label: "raw Deno.serve, parse + stringify",
    script: "peers/raw.ts",
    request: echoRequest,
    check: echoAnswer,
  },
  edge_fastmcp: {
    label: "EdgeFastMCP, echo",
    script: "peers/edge_fastmcp.ts",
    request: echoRequest,
    check: echoAnswer,
  },
  tmcp: {
    label: "tmcp, echo",
    script: "peers/tmcp.ts",
    request: echoRequest,
    check: echoAnswer,
  },
  tmcp_legacy: {
    label: "tmcp, echo, 2025",
    script: "peers/tmcp.ts",
    request: legacyRequest("tools/call", echoCall),
    check: echoAnswer,
  },
  sdk_v1: {
    label: "SDK v1, echo, 2025",
    script: "peers/sdk_v1.ts",
    request: legacyRequest("tools/call", echoCall),
    check: echoAnswer,
  },
  sdk_v2: {
    label: "SDK v2, echo",
    script: "peers/sdk_v2.ts",
    request: echoRequest,
    check: echoAnswer,
  },
  legacy: {
    label: "Sluice, echo, 2025 stateless",
    script: "servers/stateless.ts",
    request: legacyRequest("tools/call", echoCall),
    check: echoAnswer,
  },
  mcp_lite: {
    label: "mcp-lite, echo, 2025",
    script: "peers/mcp_lite.ts",
    request: legacyRequest("tools/call", echoCall),
    check: echoAnswer,
  },
  mcp_lite_json: {
    label: "mcp-lite, echo, 2025, Accept JSON only",
    script: "peers/mcp_lite.ts",
    request: legacyRequest("tools/call", echoCall, "application/json"),
    check: echoAnswer,
  },
  tools_1: {
    label: "Sluice, 1 tool",
    script: "servers/many.ts",
    ...lastTool(1),
  },
  tools_50: {
    label: "Sluice, 50 tools",
    script: "servers/many.ts",
    ...lastTool(50),
  },
  tools_500: {
    label: "Sluice, 500 tools",
    script: "servers/many.ts",
    ...lastTool(500),
  },
  sdk_v2_tools_50: {
    label: "SDK v2, 50 tools",
    script: "peers/sdk_v2_many.ts",
    ...lastTool(50),
  },
  wide: {
    label: "Sluice, wide",
    script: "servers/many.ts",
    request: wideRequest,
    check: checkWide,
  },
  raw_wide: {
    label: "raw Deno.serve, wide, validated",
    script: "peers/raw_wide.ts",
    request: wideRequest,
    check: checkWide,
  },
  sdk_v2_wide: {
    label: "SDK v2, wide",
    script: "peers/sdk_v2_many.ts",
    request: wideRequest,
    check: checkWide,
  },
  list_500: {
    label: "Sluice, tools/list of 500",
    script: "servers/many.ts",
    env: { TOOLS: "500" },
    request: modernRequest("tools/list"),
    check: (messages) => {
      const listed = messages.at(-1)?.result?.tools?.length;
      return listed === 501 ? undefined : `${listed} tools instead of 501`;
    },
  },
  static_list: {
    label: "static string of that size",
    script: "peers/static_list.ts",
    sizedLike: "list_500",
    request: modernRequest("tools/list"),
  },
  progress: {
    label: "Sluice, one progress",
    script: "servers/progress.ts",
    request: progressRequest,
    check: checkProgress,
  },
  sdk_v2_progress: {
    label: "SDK v2, one progress",
    script: "peers/sdk_v2_progress.ts",
    request: progressRequest,
    check: checkProgress,
  },
};

/** A request with a token as long as most. */
function withToken(request: WireRequest): WireRequest {
  const authorization = `Bearer ${"token".repeat(160)}`;
  return { ...request, headers: { ...request.headers, authorization } };
}

function expectText(text: string) {
  return (messages: Message[]) => {
    const answer = messages.at(-1);
    const got = answer?.result?.content?.[0]?.text;
    if (got === text && answer?.id === 1 && !answer.result?.isError) return;
    return `${JSON.stringify(text)} was expected`;
  };
}

function checkWide(messages: Message[]): string | undefined {
  const fields = messages.at(-1)?.result?.structuredContent ?? {};
  const missing = Object.keys(wideArguments).filter((name) =>
    !(name in fields)
  );
  if (missing.length > 0) return `structuredContent lacks ${missing}`;
  return expectText("processed_word number 9")(messages);
}

function checkProgress(messages: Message[]): string | undefined {
  if (
    messages.length !== 2 || messages[0].method !== "notifications/progress"
  ) return "one progress notification and a result were expected";
  return echoAnswer(messages);
}
