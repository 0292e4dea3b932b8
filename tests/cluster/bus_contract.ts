import assert from "node:assert/strict";
import type { Bus } from "../../mod.ts";
import { eventually } from "../support/eventually.ts";

/** One member of a bus, and what it has heard. */
interface Member {
  readonly bus: Bus;
  readonly heard: [text: string, from: string][];
}

function memberOf(bus: Bus): Member {
  const heard: Member["heard"] = [];
  bus.listen({
    message: (text, from) => heard.push([text, from]),
    gap() {},
  });
  return { bus, heard };
}

/** What every bus must do; each is handed the making of one more member. */
export function busContract(
  name: string,
  join: () => Promise<Bus>,
): [string, () => Promise<void>][] {
  const three = async () => {
    const members = [];
    for (let i = 0; i < 3; i++) members.push(memberOf(await join()));
    await Promise.all(members.map(({ bus }) => bus.ready()));
    return members;
  };
  const end = (members: Member[]) =>
    Promise.all(members.map(({ bus }) => bus[Symbol.asyncDispose]()));
  return [
    [
      `${name}: what is said to all, each other member hears once, in order`,
      async () => {
        const members = await three();
        const [a, b, c] = members;
        const texts = Array.from({ length: 200 }, (_, i) => `${i} \n "é"`);
        for (const text of texts) void a.bus.broadcast(text);
        await eventually(() => b.heard.length + c.heard.length === 400);
        for (const { heard } of [b, c]) {
          assert.deepEqual(heard, texts.map((text) => [text, a.bus.member]));
        }
        assert.deepEqual(a.heard, []);
        await end(members);
      },
    ],
    [`${name}: what is said to one, only that one hears`, async () => {
      const members = await three();
      const [a, b, c] = members;
      assert.equal(await a.bus.send(b.bus.member, "to you"), true);
      assert.equal(await b.bus.send(c.bus.member, "and you"), true);
      await eventually(() => b.heard.length + c.heard.length === 2);
      assert.deepEqual(b.heard, [["to you", a.bus.member]]);
      assert.deepEqual(c.heard, [["and you", b.bus.member]]);
      assert.deepEqual(a.heard, []);
      await end(members);
    }],
    [`${name}: who has left is not there`, async () => {
      const members = await three();
      const [a, b, c] = members;
      await b.bus[Symbol.asyncDispose]();
      assert.equal(b.bus.connected, false);
      await eventually(async () => !await a.bus.send(b.bus.member, "gone?"));
      await a.bus.broadcast("still here");
      await eventually(() => c.heard.length === 1);
      assert.deepEqual(b.heard.filter(([text]) => text === "still here"), []);
      await end(members);
    }],
  ];
}
