import {
  HeaderMismatchError,
  type ProtocolError,
} from "../../protocol/protocol_errors.ts";
import { decodeHeaderValue } from "../../protocol/header_value.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";
import type {
  Message,
  NotificationMessage,
  RequestMessage,
} from "../../protocol/incoming.ts";
import { metaKey } from "../../protocol/revision.ts";
import type { Intake } from "../../server/calls/intake.ts";
import { checkMeta, checkRevision } from "../../server/eras/request_meta.ts";
import type { HttpExchange } from "./endpoint_exchange.ts";
import { HttpReply, type HttpReplyStyle } from "./http_reply.ts";
import { refusal, rejectionStatus } from "./http_response.ts";
import type { Refusals } from "./refusals.ts";

/** Parts that the endpoint works with. */
export interface ModernEndpointParts {
  readonly intake: Intake;
  /** The parameter that a method's `Mcp-Name` mirrors, if it mirrors one. */
  namedBy(method: string): string | undefined;
  readonly style: HttpReplyStyle;
  readonly refusals: Refusals;
}

/** Serves requests of revision 2026-07-28: each for itself, no session. */
export class ModernEndpoint {
  readonly #parts: ModernEndpointParts;

  constructor(parts: ModernEndpointParts) {
    this.#parts = parts;
  }

  /** Takes a message whose envelope is good. */
  take(message: Message, exchange: HttpExchange): void {
    const fault = this.#faultOf(message, exchange);
    if (fault !== undefined) {
      const id = message.kind === "request" ? message.id : null;
      const refused = refusal(rejectionStatus(fault), fault, id);
      exchange.resolve(this.#parts.refusals.count(refused));
    } else if (message.kind === "request") this.#run(message, exchange);
    else this.#note(message as NotificationMessage, exchange);
  }

  /** Fault of a message's `_meta` or its headers, if there is one. */
  #faultOf(
    message: Message,
    exchange: HttpExchange,
  ): ProtocolError | undefined {
    const { revisions } = this.#parts.intake;
    try {
      if (message.kind === "request") {
        checkMeta(message.params);
        checkHeaders(
          message,
          this.#parts.namedBy(message.method),
          exchange,
          revisions,
        );
      } else {
        checkNotification(message as NotificationMessage, exchange, revisions);
      }
    } catch (error) {
      return error as ProtocolError;
    }
    return undefined;
  }

  #run(message: RequestMessage, exchange: HttpExchange): void {
    const { intake, style } = this.#parts;
    const reply = new HttpReply(style, exchange);
    const call = intake.open({
      message,
      reply,
      session: undefined,
      bytes: exchange.bytes,
      arrivedAt: exchange.arrivedAt,
    });
    reply.watch(call);
    intake.dispatch(call);
    reply.wait();
  }

  /** The revision defines none from the client over HTTP; the author's may be others. */
  #note(message: NotificationMessage, { resolve }: HttpExchange): void {
    if (message.method !== "notifications/cancelled") {
      this.#parts.intake.notify(message, undefined);
    }
    resolve(new Response(null, { status: 202 }));
  }
}

/** @throws {HeaderMismatchError | UnsupportedProtocolVersionError} */
function checkNotification(
  { params }: NotificationMessage,
  { version }: HttpExchange,
  revisions: readonly string[],
): void {
  const claimed = (params._meta as JsonObject | undefined)
    ?.[metaKey.protocolVersion];
  if (claimed !== undefined && version !== null && claimed !== version) {
    throw versionMismatch(version, claimed);
  }
  checkRevision(claimed ?? version, revisions);
}

/** @throws {HeaderMismatchError | UnsupportedProtocolVersionError} */
function checkHeaders(
  { method, params }: RequestMessage,
  field: string | undefined,
  { headers, version }: HttpExchange,
  revisions: readonly string[],
): void {
  const claimed = (params._meta as JsonObject)[metaKey.protocolVersion];
  if (version !== claimed) throw versionMismatch(version, claimed);
  checkRevision(claimed, revisions);
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
