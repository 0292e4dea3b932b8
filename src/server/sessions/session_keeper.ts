import type { IncomingAnswer, JsonObject } from "../../protocol/jsonrpc.ts";
import type { LoggingLevel } from "../../protocol/types.ts";

/** Tells the other replicas of a session what they must know of it. */
export interface SessionKeeper {
  /** Name of this replica: a question's id has it, so that the answer finds its way. */
  readonly member: string;
  /** Keeps what has changed. @throws {UnavailableError} */
  follow(uri: string): Promise<void>;
  /** Keeps what has changed. @throws {UnavailableError} */
  unfollow(uri: string): Promise<void>;
  /** Keeps what has changed. @throws {UnavailableError} */
  setLogLevel(level: LoggingLevel): Promise<void>;
  /** Hands an answer to the replica that asked; tells if that waited for it. @throws {UnavailableError} */
  answer(answer: IncomingAnswer): Promise<boolean>;
  /** Passes on what a client says of a request that isn't here. @throws {UnavailableError} */
  passOn(method: string, params: JsonObject): Promise<void>;
}
