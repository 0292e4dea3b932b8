import assert from "node:assert/strict";
import { RefusedError } from "../../mod.ts";
import { SharedRoom } from "../../src/base/shared_room.ts";
import {
  FOLLOWED_EACH,
  FollowedResources,
} from "../../src/server/sessions/followed_resources.ts";
import type { SessionKeeper } from "../../src/server/sessions/session_keeper.ts";
import { SessionRoom } from "../../src/server/sessions/session_room.ts";

const URI = "news://today";
const SIZE = FOLLOWED_EACH + URI.length;

function subject(
  told: string[] = [],
  fails: { now: boolean } = { now: false },
) {
  const shared = new SharedRoom(2.5 * SIZE);
  const room = new SessionRoom(shared, "caller ada");
  const tell = (what: string) => (uri: string) => {
    if (fails.now) return Promise.reject(new Error("unreachable"));
    told.push(`${what} ${uri}`);
    return Promise.resolve();
  };
  const keeper = {
    follow: tell("follow"),
    unfollow: tell("unfollow"),
  } as SessionKeeper;
  return { shared, room, followed: new FollowedResources(room, keeper) };
}

Deno.test("what is followed counts once, and for as long as it is", async () => {
  const { shared, followed } = subject();
  await Promise.all([followed.add(URI), followed.add("NEWS://today")]);
  followed.hears(URI, true);
  assert.equal(shared.used, SIZE);
  await followed.remove(URI);
  followed.hears(URI, false);
  assert.equal(shared.used, 0);
});

Deno.test("what other replicas say counts too, and is refused past the room", () => {
  const { shared, room, followed } = subject();
  followed.hears(URI, true);
  assert.equal(shared.used, SIZE);
  assert.throws(() => followed.hears("news://later", true), RefusedError);
  assert(!followed.has("news://later"));
  room.close();
  followed.hears("news://later", true);
  followed.hears(URI, false);
  assert.equal(shared.used, 0);
});

Deno.test("what is hidden is followed in silence, and by no other replica", async () => {
  const told: string[] = [];
  const { shared, followed } = subject(told);
  await followed.add(URI, false);
  assert(!followed.has(URI));
  assert.deepEqual([...followed], []);
  assert.deepEqual(told, [`unfollow ${URI}`]);
  assert.equal(shared.used, SIZE);
});

Deno.test("what the others can't be told of is not followed", async () => {
  const fails = { now: true };
  const { shared, followed } = subject([], fails);
  await assert.rejects(followed.add(URI), /unreachable/);
  assert.equal(shared.used, 0);
  fails.now = false;
  await followed.add(URI);
  fails.now = true;
  await assert.rejects(followed.remove(URI), /unreachable/);
  assert(followed.has(URI));
});
