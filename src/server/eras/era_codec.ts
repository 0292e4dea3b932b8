import type { JsonObject } from "../../protocol/jsonrpc.ts";
import type { ParamHeader } from "../../protocol/param_headers.ts";
import type { ProtocolError } from "../../protocol/protocol_errors.ts";
import type { Era } from "../../protocol/revision.ts";
import type {
  CacheHint,
  CallToolResult,
  ClientCapabilities,
  ElicitRequestURLParams,
  Implementation,
  LoggingLevel,
  ReadResourceResult,
} from "../../protocol/types.ts";

/** Facts that a legacy client has told of itself, once for all its requests. */
export interface ClientFacts {
  readonly revision: string;
  readonly clientInfo: Implementation | undefined;
  readonly capabilities: ClientCapabilities;
  /** The least grave log messages that it wants. */
  readonly logLevel: LoggingLevel | undefined;
}

/** A page for the user to open, whether or not it has an id already. */
export type PageToOpen =
  & Omit<ElicitRequestURLParams, "elicitationId">
  & { elicitationId?: string };

/**
 * All in which the two eras of MCP differ once a request is known to be of one
 * of them: what it must bring, and how what it gets is written. Nothing else
 * asks which era it is.
 */
export interface EraCodec {
  readonly name: Era;
  /**
   * True if questions leave as the result of a request, which the client
   * repeats with the answers; otherwise each is a request to the client.
   */
  readonly asksByResult: boolean;
  /** Number of bytes beyond its characters that the last result written has. */
  readonly excess: number;

  /** @throws {ProtocolError} naming what a request lacks */
  checkRequest(params: JsonObject): void;
  /** The revision that a request is in, where nothing else says so. */
  revision(client: ClientFacts | undefined): string;
  clientInfo(
    meta: JsonObject | undefined,
    client: ClientFacts | undefined,
  ): Implementation | undefined;
  clientCapabilities(
    meta: JsonObject | undefined,
    client: ClientFacts | undefined,
  ): ClientCapabilities;
  /** The least grave log messages that the client wants; none if `undefined`. */
  logLevel(
    meta: JsonObject | undefined,
    client: ClientFacts | undefined,
  ): LoggingLevel | undefined;
  /** @throws {HeaderMismatchError} if headers must mirror the arguments, and don't */
  checkParamHeaders(
    declared: readonly ParamHeader[],
    request: Request | undefined,
    args: JsonObject,
  ): void;

  /**
   * @param seen whether it is known that the result can be said in JSON
   * @throws {TypeError} if the result is no object
   * @throws {JsonValueError} if it has no form in JSON
   */
  writeResult(result: unknown, seen?: boolean): string;
  /** A tool's result, whose structured content the era may want to be an object. */
  toolResult(result: CallToolResult, rootIsObject: boolean): CallToolResult;
  readResult(
    result: ReadResourceResult,
    hint: Required<CacheHint>,
  ): ReadResourceResult;
  resourceNotFound(uri: string): ProtocolError;
  /** The parameters that ask the user to open a page. */
  pageParams(page: PageToOpen): JsonObject;
}
