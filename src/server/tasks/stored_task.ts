import type { JsonObject } from "../../protocol/jsonrpc.ts";
import type { AuthInfo } from "../../protocol/types.ts";
import type { Task } from "./task.ts";

/** A task and whose it is. */
export interface StoredTask {
  /** The task as clients see it. */
  task: Task;
  /** Only the caller who made the task sees it. */
  principal: string;
  /**
   * Account that the task counts for where room is short: its caller's, or that of
   * the address of one whom nobody knows.
   * @default the principal
   */
  account?: string;
  /**
   * Scopes that the caller must still have.
   * @default none
   */
  scopes?: readonly string[];
  /**
   * The call that began it, if that may be made again should its replica go.
   * @default none: the task then fails
   */
  restart?: TaskRestart;
}

/** A call that began a task, as another replica makes it again. */
export interface TaskRestart {
  /** Such as `tools/call`. */
  method: string;
  /** Parameters of the call. */
  params: JsonObject;
  /** The one who made it, without the token; missing for nobody known. */
  authInfo?: Omit<AuthInfo, "token">;
  /** Number of times that the work may be begun. */
  maxAttempts: number;
}
