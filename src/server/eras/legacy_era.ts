import {
  ProtocolError,
  ProtocolErrorCode,
} from "../../protocol/protocol_errors.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";
import { DEFAULT_LEGACY_REVISION } from "../../protocol/revision.ts";
import type {
  CallToolResult,
  ClientCapabilities,
  Implementation,
  LoggingLevel,
  ReadResourceResult,
} from "../../protocol/types.ts";
import type { ClientFacts, EraCodec, PageToOpen } from "./era_codec.ts";
import { ReadyJson } from "./ready_json.ts";
import { checkProgressToken } from "./request_meta.ts";
import { excessOf, objectText } from "./result_text.ts";

/** The revisions up to 2025-11-25: a session knows the client. */
export class LegacyEra implements EraCodec {
  readonly name = "legacy";
  readonly asksByResult = false;
  excess = 0;

  checkRequest({ _meta }: JsonObject): void {
    checkProgressToken(_meta);
  }

  revision(client: ClientFacts | undefined): string {
    return client?.revision ?? DEFAULT_LEGACY_REVISION;
  }

  clientInfo(
    _meta: JsonObject | undefined,
    client: ClientFacts | undefined,
  ): Implementation | undefined {
    return client?.clientInfo;
  }

  clientCapabilities(
    _meta: JsonObject | undefined,
    client: ClientFacts | undefined,
  ): ClientCapabilities {
    return client?.capabilities ?? {};
  }

  /** A client that doesn't filter gets everything, one that couldn't nothing. */
  logLevel(
    _meta: JsonObject | undefined,
    client: ClientFacts | undefined,
  ): LoggingLevel | undefined {
    return client && (client.logLevel ?? "debug");
  }

  checkParamHeaders(): void {}

  writeResult(result: unknown, seen: boolean = false): string {
    if (result instanceof ReadyJson) {
      this.excess = result.excess(this.name);
      return `${result.legacy}}`;
    }
    const { resultType } = (result ?? {}) as JsonObject;
    const text = objectText(
      resultType === undefined
        ? result
        : { ...result as JsonObject, resultType: undefined },
      seen,
    );
    this.excess = excessOf(text);
    return text;
  }

  /** Structured content is an object here, whatever the schema's root. */
  toolResult(result: CallToolResult, rootIsObject: boolean): CallToolResult {
    if (rootIsObject || result.structuredContent === undefined) return result;
    return {
      ...result,
      structuredContent: { result: result.structuredContent },
    };
  }

  readResult(result: ReadResourceResult): ReadResourceResult {
    return result;
  }

  resourceNotFound(uri: string): ProtocolError {
    return new ProtocolError(
      ProtocolErrorCode.ResourceNotFound,
      `Resource not found: ${uri}`,
      { uri },
    );
  }

  pageParams(
    { elicitationId = crypto.randomUUID(), ...page }: PageToOpen,
  ): JsonObject {
    return { ...page, elicitationId };
  }
}
