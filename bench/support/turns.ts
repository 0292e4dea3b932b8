/** A counted load: users who take turns over a connection each. */
import { type HttpAnswer, KeepAlive } from "./keep_alive.ts";

/** What one user does again and again over its connection. */
export type Turn = (connection: KeepAlive) => Promise<void>;

/** Lets so many users take so many turns together; a turn that fails ends it. */
export async function takeTurns(
  port: number,
  { users, turns }: { users: number; turns: number },
  turn: Turn,
): Promise<void> {
  let left = turns;
  await Promise.all(Array.from({ length: users }, async () => {
    using connection = new KeepAlive(port);
    while (left-- > 0) await turn(connection);
  }));
}

/**
 * Looks at the status of an answer.
 *
 * @throws {Error} for another than expected.
 */
export function expectStatus(answer: HttpAnswer, status: number): void {
  if (answer.status === status) return;
  throw new Error(`${status} was expected: ${answer.head}${answer.body}`);
}
