import {
  InvalidParamsError,
  MethodNotFoundError,
  UnsupportedProtocolVersionError,
} from "../../protocol/protocol_errors.ts";
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
import { uriParam } from "../calls/params.ts";
import type { Following } from "../catalog/resource_access.ts";
import type { Session } from "./session.ts";

/** Length of the JSON that is kept of a client's capabilities, and of its name. */
const MAX_KEPT = 65_536;

/** Words of a server about itself when a session begins. */
export interface ServerAnnouncement {
  readonly info: Implementation;
  readonly instructions: string | undefined;
  readonly capabilities: {
    readonly logs: boolean;
    readonly subscribes: boolean;
    legacy(hasSession: boolean): ServerCapabilities;
  };
  /** Tells if a caller may follow a resource's changes. @throws {InsufficientScopeError} */
  mayFollow(uri: string, call: Call): Promise<Following>;
  /** The revisions that are spoken, in the order of preference. */
  readonly revisions: readonly string[];
}

/** Makes the methods with which a legacy client keeps its session. */
export function sessionMethods(
  server: ServerAnnouncement,
): Record<string, Method> {
  const subscribing =
    (change: (session: Session, uri: string) => Promise<void>): Method =>
    async (call) => {
      if (!server.capabilities.subscribes) {
        throw new MethodNotFoundError(call.method);
      }
      await change(sessionOf(call), uriParam(call.params, "uri"));
      return {};
    };
  const subscribe = subscribing((session, uri) => session.followed.add(uri));
  const pretend = subscribing((session, uri) =>
    session.followed.add(uri, false)
  );
  return {
    initialize: (call) => initialize(call, server),
    ping: () => ({}),
    "logging/setLevel": (call) => {
      if (!server.capabilities.logs) throw new MethodNotFoundError(call.method);
      return setLevel(call);
    },
    "resources/subscribe": async (call) => {
      const uri = uriParam(call.params, "uri");
      call.session?.followed.checkOneMore(uri);
      const following = await server.mayFollow(uri, call);
      if (following === "denied") throw call.era.resourceNotFound(uri);
      return following === "hidden" ? pretend(call) : subscribe(call);
    },
    "resources/unsubscribe": subscribing((session, uri) =>
      session.followed.remove(uri)
    ),
  };
}

function initialize(
  { params, session }: Call,
  { info, instructions, capabilities: declared, revisions }: ServerAnnouncement,
): JsonObject {
  checkCoreParams("initialize", params);
  const revision = negotiated(String(params.protocolVersion), revisions);
  begin(session, params, revision);
  return {
    protocolVersion: revision,
    capabilities: declared.legacy(session !== undefined),
    serverInfo: info,
    ...(instructions !== undefined && { instructions }),
  };
}

/** @throws {UnsupportedProtocolVersionError} if no revision with sessions is spoken */
function negotiated(wanted: string, revisions: readonly string[]): string {
  const legacy = revisions.filter((each) => LEGACY_REVISIONS.includes(each));
  if (legacy.length === 0) {
    throw new UnsupportedProtocolVersionError(wanted, revisions);
  }
  return legacy.includes(wanted) ? wanted : legacy[0];
}

/**
 * Keeps what a client says of itself for the requests to come.
 *
 * @throws {InvalidParamsError | RefusedError} if that is too much to keep
 */
export function begin(
  session: Session | undefined,
  { capabilities, clientInfo }: {
    readonly capabilities?: unknown;
    readonly clientInfo?: unknown;
  },
  revision: string,
): void {
  if (session === undefined) return;
  session.room.keep(
    checkKept("capabilities", capabilities) +
      checkKept("clientInfo", clientInfo),
  );
  session.revision = revision;
  session.capabilities = capabilities as ClientCapabilities;
  session.clientInfo = clientInfo as Implementation;
  session.initialized = true;
}

/** The length of what is kept. @throws {InvalidParamsError} */
function checkKept(name: string, value: unknown): number {
  const { length } = JSON.stringify(value) ?? "";
  if (length <= MAX_KEPT) return length;
  throw new InvalidParamsError(
    `Invalid params: ${name} must have at most ${MAX_KEPT} characters`,
  );
}

async function setLevel(call: Call): Promise<JsonObject> {
  checkCoreParams("logging/setLevel", call.params);
  await sessionOf(call).setLogLevel(call.params.level as LoggingLevel);
  return {};
}

/** @throws {MethodNotFoundError} where nothing can be kept for a client */
function sessionOf({ method, session }: Call): Session {
  if (session === undefined) throw new MethodNotFoundError(method);
  return session;
}
