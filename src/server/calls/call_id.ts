let process: string | undefined;
let calls = 0;

/**
 * A name for a call that no other has, in this process or another. JSON-RPC's
 * id is the client's: most begin to count at 1.
 */
export function nextCallId(): string {
  process ??= crypto.randomUUID().slice(0, 8);
  return `${process}-${++calls}`;
}
