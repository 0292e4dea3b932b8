import type { JsonObject } from "../../protocol/jsonrpc.ts";
import type { RequestId } from "../../protocol/types.ts";
import type { EraCodec } from "../eras/era_codec.ts";
import type { Session } from "../sessions/session.ts";
import type { Reply } from "./reply.ts";

/** One request, as a transport hands it over. */
export interface CallStart {
  readonly era: EraCodec;
  readonly revision: string;
  readonly method: string;
  readonly params: JsonObject;
  readonly id: RequestId;
  readonly reply: Reply;
  readonly session: Session | undefined;
  /** The size of its message, where the transport knows it. */
  readonly bytes: number;
  /** Time when it came in, by the server's clock; now, if left out. */
  readonly arrivedAt?: number;
}
