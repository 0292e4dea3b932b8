import {
  type ProtocolError,
  ResourceNotFoundError,
} from "../../protocol/protocol_errors.ts";
import { wellFormedJson } from "../../base/well_formed_json.ts";
import { jsonText } from "../../protocol/json_value.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";
import {
  checkParamHeaders,
  type ParamHeader,
} from "../../protocol/param_headers.ts";
import { metaKey, MODERN_REVISION } from "../../protocol/revision.ts";
import type {
  CacheHint,
  CallToolResult,
  ClientCapabilities,
  Implementation,
  LoggingLevel,
  ReadResourceResult,
} from "../../protocol/types.ts";
import type { EraCodec, PageToOpen } from "./era_codec.ts";
import { ReadyJson } from "./ready_json.ts";
import { checkMeta, checkRevision } from "./request_meta.ts";
import { excessOf, loneText, objectText } from "./result_text.ts";

/** Revision 2026-07-28: every request says who sends it and what that can do. */
export class ModernEra implements EraCodec {
  readonly name = "modern";
  readonly asksByResult = true;
  excess = 0;
  readonly #serverMeta: JsonObject;
  /** End of every result. */
  readonly #tail: string;
  readonly #tailExcess: number;

  readonly #revisions: readonly string[];

  /**
   * @param serverMeta what every result has in its `_meta`
   * @param revisions those that are spoken
   */
  constructor(serverMeta: JsonObject, revisions: readonly string[]) {
    this.#revisions = revisions;
    this.#serverMeta = serverMeta;
    this.#tail = Object.keys(serverMeta).length === 0
      ? ',"resultType":"complete"}'
      : `,"resultType":"complete","_meta":${jsonText(serverMeta)}}`;
    this.#tailExcess = excessOf(this.#tail);
  }

  checkRequest(params: JsonObject): void {
    checkMeta(params);
    checkRevision(
      (params._meta as JsonObject)[metaKey.protocolVersion],
      this.#revisions,
    );
  }

  revision(): string {
    return MODERN_REVISION;
  }

  clientInfo(meta: JsonObject | undefined): Implementation | undefined {
    return meta?.[metaKey.clientInfo] as Implementation | undefined;
  }

  clientCapabilities(meta: JsonObject | undefined): ClientCapabilities {
    return meta?.[metaKey.clientCapabilities] as ClientCapabilities ?? {};
  }

  /** Only a request that asks for them gets log messages. */
  logLevel(meta: JsonObject | undefined): LoggingLevel | undefined {
    return meta?.[metaKey.logLevel] as LoggingLevel | undefined;
  }

  checkParamHeaders(
    declared: readonly ParamHeader[],
    request: Request | undefined,
    args: JsonObject,
  ): void {
    if (declared.length > 0 && request !== undefined) {
      checkParamHeaders(declared, request.headers, args);
    }
  }

  /**
   * Measures a result piece by piece: a text put together of pieces would have to
   * be copied for that.
   */
  writeResult(result: unknown, seen: boolean = false): string {
    if (result instanceof ReadyJson) {
      this.excess = this.#tailExcess + result.excess(this.name);
      return result.modern + this.#tail;
    }
    const { resultType, _meta } = (result ?? {}) as JsonObject;
    if (resultType !== undefined || _meta !== undefined) {
      const whole = objectText({
        resultType: "complete",
        ...result as JsonObject,
        _meta: { ...this.#serverMeta, ..._meta as JsonObject },
      });
      this.excess = excessOf(whole);
      return whole;
    }
    const lone = loneText((result ?? {}) as JsonObject);
    const piece = lone === undefined
      ? objectText(result, seen)
      : wellFormedJson(JSON.stringify(lone));
    this.excess = this.#tailExcess + excessOf(piece);
    if (lone !== undefined) {
      return `{"content":[{"type":"text","text":${piece}}]${this.#tail}`;
    }
    return piece === "{}"
      ? `{${this.#tail.slice(1)}`
      : piece.slice(0, -1) + this.#tail;
  }

  toolResult(result: CallToolResult): CallToolResult {
    return result;
  }

  readResult(
    result: ReadResourceResult,
    hint: Required<CacheHint>,
  ): ReadResourceResult {
    return { ...hint, ...result };
  }

  resourceNotFound(uri: string): ProtocolError {
    return new ResourceNotFoundError(uri);
  }

  /** Without an id: only the legacy era has one, and demands it there. */
  pageParams({ elicitationId: _, ...page }: PageToOpen): JsonObject {
    return page;
  }
}
