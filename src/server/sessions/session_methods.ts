import { InvalidParamsError } from "../../protocol/protocol_errors.ts";
import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import { LEGACY_REVISIONS } from "../../protocol/revision.ts";
import type {
  ClientCapabilities,
  Implementation,
  LoggingLevel,
  ServerCapabilities,
} from "../../protocol/types.ts";
import type { Call } from "../calls/call.ts";
import type { Method } from "../calls/method_table.ts";
import { LOG_LEVELS } from "../eras/request_meta.ts";
import { textParam } from "../calls/params.ts";

/** What a server says of itself when a session begins. */
export interface ServerAnnouncement {
  readonly info: Implementation;
  readonly instructions: string | undefined;
  readonly capabilities: { legacy(): ServerCapabilities };
  /** Whether a caller may follow the changes of a resource. @throws {InsufficientScopeError} */
  mayFollow(uri: string, call: Call): Promise<boolean>;
}

/** Makes the methods with which a legacy client keeps its session. */
export function sessionMethods(
  server: ServerAnnouncement,
): Record<string, Method> {
  return {
    initialize: (call) => initialize(call, server),
    ping: () => ({}),
    "logging/setLevel": setLevel,
    "resources/subscribe": async (call) => {
      const uri = textParam(call.params, "uri");
      if (!await server.mayFollow(uri, call)) {
        throw call.era.resourceNotFound(uri);
      }
      call.session?.subscriptions.add(uri);
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
  const { protocolVersion, capabilities, clientInfo } = params;
  if (typeof protocolVersion !== "string") {
    throw new InvalidParamsError(
      "Invalid params: protocolVersion must be a string",
    );
  }
  if (!isObject(capabilities)) {
    throw new InvalidParamsError(
      "Invalid params: capabilities must be an object",
    );
  }
  if (!isObject(clientInfo) || typeof clientInfo.name !== "string") {
    throw new InvalidParamsError(
      "Invalid params: clientInfo must be an object with a name",
    );
  }
  const revision = LEGACY_REVISIONS.includes(protocolVersion)
    ? protocolVersion
    : LEGACY_REVISIONS[0];
  if (session !== undefined) {
    session.revision = revision;
    session.capabilities = capabilities as ClientCapabilities;
    session.clientInfo = clientInfo as unknown as Implementation;
    session.initialized = true;
  }
  return {
    protocolVersion: revision,
    capabilities: declared.legacy(),
    serverInfo: info,
    ...(instructions !== undefined && { instructions }),
  };
}

function setLevel({ params, session }: Call): JsonObject {
  const { level } = params;
  if (!LOG_LEVELS.includes(level as LoggingLevel)) {
    throw new InvalidParamsError(
      `Invalid params: level must be one of ${LOG_LEVELS.join(", ")}`,
    );
  }
  if (session !== undefined) session.logLevel = level as LoggingLevel;
  return {};
}
