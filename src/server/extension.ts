import type { CapabilitySettings } from "../protocol/types.ts";
import type { Method } from "./catalog/catalog_methods.ts";

/** What an extension of MCP adds to a server. */
export interface Extension {
  /** Such as `io.modelcontextprotocol/skills`. */
  readonly id: string;
  /** What is declared of it. */
  readonly settings: CapabilitySettings;
  /** Whether the server has anything of it to offer; if not, it is not there. */
  readonly active: boolean;
  readonly methods: ReadonlyMap<string, Method>;
}
