import type { HasIcons, JsonValue, Named } from "./base.ts";

/** The settings of a capability; empty if there is nothing to set. */
export type CapabilitySettings = Record<string, JsonValue>;

/** A client or a server, as it introduces itself (specification, schema, "Implementation"). */
export interface Implementation extends Named, HasIcons {
  /** Its version. */
  version: string;
  /** Its purpose, for people. */
  description?: string;
  /** A page to read more on. */
  websiteUrl?: string;
}

/** Capabilities that clients and servers may both declare. */
export interface CommonCapabilities {
  /** Anything outside the specification, by name. */
  experimental?: Record<string, CapabilitySettings>;
  /** Extensions by their identifier, such as `io.modelcontextprotocol/tasks`. */
  extensions?: Record<string, CapabilitySettings>;
}

/** A list that may change. */
export interface ListCapability {
  /** It says when it does. */
  listChanged?: boolean;
}

/** Capabilities of tasks (revision 2025-11-25, basic/utilities/tasks, "Capabilities"). */
export interface TasksCapability<Requests> {
  /** Tasks can be listed. */
  list?: CapabilitySettings;
  /** Tasks can be cancelled. */
  cancel?: CapabilitySettings;
  /** The requests that can run as a task. */
  requests?: Requests & Record<string, unknown>;
  /** Anything else. */
  [key: string]: unknown;
}

/** Capabilities of a client (specification, schema, "ClientCapabilities"). */
export interface ClientCapabilities extends CommonCapabilities {
  /** Its model can be asked. */
  sampling?: {
    /**
     * It takes `includeContext`.
     * @deprecated since revision 2025-11-25
     */
    context?: CapabilitySettings;
    /** It takes `tools` and `toolChoice`. */
    tools?: CapabilitySettings;
  };
  /** Its user can be asked. */
  elicitation?: {
    /** It shows forms, and may fill in their defaults. */
    form?: CapabilitySettings & { applyDefaults?: boolean };
    /** It opens pages. */
    url?: CapabilitySettings;
  };
  /** It has roots. */
  roots?: ListCapability;
  /** It runs questions as tasks (revision 2025-11-25). */
  tasks?: TasksCapability<{
    sampling?: { createMessage?: CapabilitySettings; [key: string]: unknown };
    elicitation?: { create?: CapabilitySettings; [key: string]: unknown };
  }>;
}

/** Capabilities of a server (specification, schema, "ServerCapabilities"). */
export interface ServerCapabilities extends CommonCapabilities {
  /** It sends log messages. */
  logging?: CapabilitySettings;
  /** It completes arguments. */
  completions?: CapabilitySettings;
  /** It has prompts. */
  prompts?: ListCapability;
  /** It has resources. */
  resources?: ListCapability & {
    /** It says when one of them changes. */
    subscribe?: boolean;
  };
  /** It has tools. */
  tools?: ListCapability;
  /** It runs requests as tasks (revision 2025-11-25). */
  tasks?: TasksCapability<{
    tools?: { call?: CapabilitySettings; [key: string]: unknown };
  }>;
}
