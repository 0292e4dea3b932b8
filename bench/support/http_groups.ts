/** The ratios that `bench/http.ts` reports, by the ids in `http_targets.ts`. What is compared is measured in one group. */

/** One figure set against another. */
export interface HttpComparison {
  subject: string;
  against: string;
  /** The least ratio of requests per server CPU-second; absent where it is only told. */
  atLeast?: number;
}

/** Small groups: a server that waits long for its turn loses compiled code to V8's idle collection. */
export const httpGroups: Record<string, HttpComparison[]> = {
  echo: [
    { subject: "echo", against: "raw", atLeast: 0.78 },
    { subject: "echo", against: "edge_fastmcp", atLeast: 1 },
    { subject: "echo", against: "sdk_v2", atLeast: 25 },
    // What is left when the server itself costs nothing: no server can do more.
    { subject: "raw", against: "sdk_v2" },
  ],
  // EdgeFastMCP neither counts nor limits.
  plain: [
    { subject: "echo_plain", against: "edge_fastmcp" },
    { subject: "echo", against: "echo_plain" },
  ],
  observe: [
    { subject: "echo", against: "echo_unseen", atLeast: 0.95 },
  ],
  admission: [
    { subject: "echo", against: "echo_unbounded", atLeast: 0.98 },
  ],
  auth: [
    { subject: "auth", against: "auth_open", atLeast: 0.9 },
  ],
  others: [
    { subject: "echo", against: "sdk_v1" },
    { subject: "echo", against: "tmcp" },
  ],
  tools: [
    { subject: "tools_50", against: "tools_1", atLeast: 0.95 },
    { subject: "tools_500", against: "tools_1", atLeast: 0.95 },
    { subject: "tools_50", against: "sdk_v2_tools_50" },
  ],
  wide: [
    { subject: "wide", against: "sdk_v2_wide", atLeast: 20 },
    { subject: "wide", against: "raw_wide" },
    { subject: "raw_wide", against: "sdk_v2_wide" },
  ],
  list: [
    { subject: "list_500", against: "static_list", atLeast: 0.8 },
  ],
  legacy: [
    { subject: "legacy", against: "mcp_lite", atLeast: 1.5 },
    { subject: "legacy", against: "mcp_lite_json" },
    { subject: "legacy", against: "sdk_v1" },
    { subject: "legacy", against: "tmcp_legacy" },
  ],
  progress: [
    { subject: "progress", against: "echo", atLeast: 0.6 },
    { subject: "progress", against: "sdk_v2_progress", atLeast: 10 },
  ],
};

/** The ids of every target that a group compares. */
export function targetsOf(comparisons: readonly HttpComparison[]): string[] {
  return [
    ...new Set(
      comparisons.flatMap(({ subject, against }) => [subject, against]),
    ),
  ];
}
