import type { AuthInfo } from "../../protocol/types.ts";

/** One HTTP request that has been let in, on its way to its response. */
export interface HttpExchange {
  readonly request: Request;
  readonly headers: Headers;
  /** The revision that the header `MCP-Protocol-Version` names. */
  readonly version: string | null;
  readonly authInfo: AuthInfo | undefined;
  /** The address that it came from, where that is known. */
  readonly address: string | undefined;
  /** The size of the body, once it has been read. */
  bytes: number;
  /** Answers the request, once. */
  resolve(response: Response): void;
}
