import {
  HeaderMismatchError,
  type ProtocolError,
  UnsupportedProtocolVersionError,
} from "../../protocol/errors.ts";
import { decodeHeaderValue } from "../../protocol/header_value.ts";
import type { IncomingCall, JsonObject } from "../../protocol/jsonrpc.ts";
import {
  metaKey,
  MODERN_REVISION,
  SUPPORTED_REVISIONS,
} from "../../protocol/revision.ts";
import type { AuthInfo, RequestId } from "../../protocol/types.ts";
import type { Engine } from "../../server/calls/dispatcher.ts";
import { RequestContext } from "../../server/calls/call.ts";
import { checkMeta } from "../../server/eras/request_meta.ts";
import { HttpReply, type HttpReplyStyle } from "./http_reply.ts";
import { refusal, rejectionStatus } from "./http_response.ts";
import type { Refusals } from "./refusals.ts";

/** The field of the parameters that `Mcp-Name` mirrors, by method. */
const NAMED_BY: ReadonlyMap<string, "name" | "uri" | "taskId"> = new Map([
  ["tools/call", "name"],
  ["prompts/get", "name"],
  ["resources/read", "uri"],
  ["tasks/get", "taskId"],
  ["tasks/update", "taskId"],
  ["tasks/cancel", "taskId"],
]);

/** Serves requests of revision 2026-07-28: each for itself, no session. */
export class ModernEndpoint {
  readonly #engine: Engine;
  readonly #style: HttpReplyStyle;
  readonly #refusals: Refusals;

  constructor(engine: Engine, style: HttpReplyStyle, refusals: Refusals) {
    this.#engine = engine;
    this.#style = style;
    this.#refusals = refusals;
  }

  /**
   * Takes one call. `resolve` gets its response, at once or when there is one.
   *
   * @param version the `MCP-Protocol-Version` header
   * @param bytes the size of the body
   */
  take(
    call: IncomingCall,
    request: Request,
    headers: Headers,
    version: string | null,
    bytes: number,
    authInfo: AuthInfo | undefined,
    resolve: (response: Response) => void,
  ): void {
    const { id, method, params = {} } = call;
    if (id === undefined) {
      resolve(this.#refusals.count(this.#notification(call, version)));
      return;
    }
    try {
      checkMeta(params);
      checkHeaders(method, params, headers, version);
    } catch (error) {
      const fault = error as ProtocolError;
      resolve(
        this.#refusals.count(refusal(rejectionStatus(fault), fault, id)),
      );
      return;
    }
    this.#dispatch(id, method, params, bytes, request, authInfo, resolve);
  }

  #dispatch(
    id: RequestId,
    method: string,
    params: JsonObject,
    bytes: number,
    request: Request,
    authInfo: AuthInfo | undefined,
    resolve: (response: Response) => void,
  ): void {
    const reply = new HttpReply(this.#style, request, authInfo, resolve);
    const context = new RequestContext(
      this.#engine,
      "modern",
      MODERN_REVISION,
      method,
      params,
      id,
      reply,
      undefined,
    );
    context.requestBytes = bytes;
    reply.watch(context);
    this.#engine.dispatch(context);
  }

  /** The revision defines none from the client over HTTP; the author's may be others. */
  #notification(
    { method, params = {} }: IncomingCall,
    version: string | null,
  ): Response {
    const claimed = (params._meta as JsonObject | undefined)
      ?.[metaKey.protocolVersion];
    if (claimed !== undefined && version !== null && claimed !== version) {
      return refusal(400, versionMismatch(version, claimed));
    }
    if ((claimed ?? version) !== MODERN_REVISION) {
      return refusal(
        400,
        new UnsupportedProtocolVersionError(
          typeof claimed === "string" ? claimed : JSON.stringify(claimed),
          SUPPORTED_REVISIONS,
        ),
      );
    }
    if (method !== "notifications/cancelled") {
      this.#engine.notified(method, params, undefined);
    }
    return new Response(null, { status: 202 });
  }
}

/** @throws {HeaderMismatchError | UnsupportedProtocolVersionError} */
function checkHeaders(
  method: string,
  params: JsonObject,
  headers: Headers,
  version: string | null,
): void {
  const claimed = (params._meta as JsonObject)[metaKey.protocolVersion];
  if (version !== claimed) throw versionMismatch(version, claimed);
  if (claimed !== MODERN_REVISION) {
    throw new UnsupportedProtocolVersionError(
      String(claimed),
      SUPPORTED_REVISIONS,
    );
  }
  const named = headers.get("mcp-method");
  if (named !== method) {
    throw new HeaderMismatchError(
      named === null
        ? `Mcp-Method is missing, the body says ${JSON.stringify(method)}`
        : `Mcp-Method header value ${
          JSON.stringify(named)
        } does not match body value ${JSON.stringify(method)}`,
    );
  }
  const field = NAMED_BY.get(method);
  if (field !== undefined) {
    checkName(headers.get("mcp-name"), field, params[field]);
  }
}

function checkName(
  header: string | null,
  field: string,
  value: unknown,
): void {
  if (header === value || typeof value !== "string") return;
  if (header === null) {
    throw new HeaderMismatchError(
      `Mcp-Name is missing, params.${field} is ${JSON.stringify(value)}`,
    );
  }
  const decoded = decodeHeaderValue(header);
  if (decoded === undefined) {
    throw new HeaderMismatchError(
      "Mcp-Name holds invalid characters or broken base64",
    );
  }
  if (decoded !== value) {
    throw new HeaderMismatchError(
      `Mcp-Name header value ${
        JSON.stringify(decoded)
      } does not match params.${field} ${JSON.stringify(value)}`,
    );
  }
}

function versionMismatch(
  version: string | null,
  claimed: unknown,
): ProtocolError {
  return new HeaderMismatchError(
    version === null
      ? `MCP-Protocol-Version is missing, the body says ${
        JSON.stringify(claimed)
      }`
      : `MCP-Protocol-Version header value ${
        JSON.stringify(version)
      } does not match body value ${JSON.stringify(claimed)}`,
  );
}
