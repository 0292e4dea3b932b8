import type { JsonObject } from "../../protocol/jsonrpc.ts";
import { LEGACY_REVISIONS } from "../../protocol/revision.ts";
import type {
  ClientCapabilities,
  Implementation,
  LoggingLevel,
  ServerCapabilities,
} from "../../protocol/types.ts";
import type { Call } from "../calls/call.ts";
import type { Method } from "../calls/method_table.ts";
import { checkCoreParams } from "../calls/core_params.ts";
import { textParam } from "../calls/params.ts";
import type { Session } from "./session.ts";

/** What a server says of itself when a session begins. */
export interface ServerAnnouncement {
  readonly info: Implementation;
  readonly instructions: string | undefined;
  readonly capabilities: { legacy(): ServerCapabilities };
}

/** Makes the methods with which a legacy client keeps its session. */
export function sessionMethods(
  server: ServerAnnouncement,
): Record<string, Method> {
  return {
    initialize: (call) => initialize(call, server),
    ping: () => ({}),
    "logging/setLevel": setLevel,
    "resources/subscribe": ({ params, session }) => {
      session?.subscriptions.add(textParam(params, "uri"));
      return {};
    },
    "resources/unsubscribe": ({ params, session }) => {
      session?.subscriptions.delete(textParam(params, "uri"));
      return {};
    },
  };
}

function initialize(
  { params, session }: Call,
  { info, instructions, capabilities: declared }: ServerAnnouncement,
): JsonObject {
  checkCoreParams("initialize", params);
  const revision = negotiated(String(params.protocolVersion));
  begin(session, params, revision);
  return {
    protocolVersion: revision,
    capabilities: declared.legacy(),
    serverInfo: info,
    ...(instructions !== undefined && { instructions }),
  };
}

function negotiated(wanted: string): string {
  return LEGACY_REVISIONS.includes(wanted) ? wanted : LEGACY_REVISIONS[0];
}

/** Keeps what a client says of itself for the requests to come. */
export function begin(
  session: Session | undefined,
  { capabilities, clientInfo }: JsonObject,
  revision: string,
): void {
  if (session === undefined) return;
  session.revision = revision;
  session.capabilities = capabilities as ClientCapabilities;
  session.clientInfo = clientInfo as Implementation;
  session.initialized = true;
}

function setLevel({ params, session }: Call): JsonObject {
  checkCoreParams("logging/setLevel", params);
  if (session !== undefined) session.logLevel = params.level as LoggingLevel;
  return {};
}
