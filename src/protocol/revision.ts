/** The revision of the modern era that Sluice speaks. */
export const MODERN_REVISION = "2026-07-28";

/** The revisions of the legacy era, newest first. */
export const LEGACY_REVISIONS: readonly string[] = [
  "2025-11-25",
  "2025-06-18",
  "2025-03-26",
  "2024-11-05",
];

/** The revision of a legacy client that names none. */
export const DEFAULT_LEGACY_REVISION = "2025-03-26";

/** Every revision that Sluice speaks, newest first. */
export const SUPPORTED_REVISIONS: readonly string[] = [
  MODERN_REVISION,
  ...LEGACY_REVISIONS,
];

/**
 * The two families of MCP: `modern` requests carry version and capabilities
 * with them (2026-07-28 and later), `legacy` ones follow an `initialize`.
 */
export type Era = "modern" | "legacy";

/** True if a revision names itself as one of the modern era, known or not. */
export function isModernRevision(revision: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(revision) && revision >= MODERN_REVISION;
}

/** Batches were part of the wire until revision 2025-06-18 took them out. */
export function allowsBatches(revision: string): boolean {
  return revision < "2025-06-18";
}

/** Clients before this revision choke on an SSE event without data. */
export function acceptsPrimingEvents(revision: string): boolean {
  return revision >= "2025-11-25";
}

/** Before this revision clients took any `includeContext`, without a word of it. */
export function declaresSamplingContext(revision: string): boolean {
  return revision >= "2025-11-25";
}

/** The keys that MCP reserves in `_meta` (specification, basic, `_meta`). */
export const metaKey = {
  protocolVersion: "io.modelcontextprotocol/protocolVersion",
  clientInfo: "io.modelcontextprotocol/clientInfo",
  clientCapabilities: "io.modelcontextprotocol/clientCapabilities",
  logLevel: "io.modelcontextprotocol/logLevel",
  subscriptionId: "io.modelcontextprotocol/subscriptionId",
  serverInfo: "io.modelcontextprotocol/serverInfo",
} as const;

/** The identifier of the tasks extension. */
export const TASKS_EXTENSION = "io.modelcontextprotocol/tasks";

/** The identifier of the skills extension. */
export const SKILLS_EXTENSION = "io.modelcontextprotocol/skills";
