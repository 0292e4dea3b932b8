import type { Result } from "./message.ts";

/** Values that an argument might take. */
export interface Completion {
  /** At most 100, the best first. */
  values: string[];
  /** How many there are, sent or not. */
  total?: number;
  /** Whether there are more than were sent. */
  hasMore?: boolean;
  /** Anything else. */
  [key: string]: unknown;
}

/** What completes an argument (specification, server/utilities/completion, "CompleteResult"). */
export interface CompleteResult extends Result {
  /** The values on offer. */
  completion: Completion;
}
