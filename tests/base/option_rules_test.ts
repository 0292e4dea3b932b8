import assert from "node:assert/strict";
import { Batcher, HealthChecks, HttpPool } from "../../mod.ts";
import {
  option,
  type OptionRules,
  readEach,
  readOptions,
} from "../../src/base/option_rules.ts";

interface LampOptions {
  watts?: number;
  glowMs?: number;
  colour?: "red" | "blue";
  dimmed?: boolean;
  name?: string;
  onBreak?: () => void;
}

const LAMP_OPTIONS = {
  watts: option.integer(40, 1, 100),
  glowMs: option.timeoutMs(Infinity, 10),
  colour: option.word("red", ["red", "blue"]),
  dimmed: option.flag(false),
  name: option.any("lamp"),
  onBreak: option.function<LampOptions["onBreak"]>(undefined),
} satisfies OptionRules<LampOptions>;

Deno.test("what is left out, or undefined, has its default", () => {
  const defaults = {
    watts: 40,
    glowMs: Infinity,
    colour: "red",
    dimmed: false,
    name: "lamp",
    onBreak: undefined,
  };
  assert.deepEqual(readOptions("Lamp", {}, LAMP_OPTIONS), defaults);
  assert.deepEqual(
    readOptions("Lamp", { watts: undefined, colour: "blue" }, LAMP_OPTIONS),
    { ...defaults, colour: "blue" },
  );
});

Deno.test("what its rule doesn't take is refused by its name", () => {
  const refused: [options: object, message: string][] = [
    [
      { watts: 101 },
      "lamp.watts must be a whole number from 1 to 100, got 101",
    ],
    [
      { watts: null },
      "lamp.watts must be a whole number from 1 to 100, got null",
    ],
    [
      { glowMs: 5 },
      "lamp.glowMs must be a number of milliseconds of at least 10, got 5",
    ],
    [
      { colour: "pink" },
      'lamp.colour must be one of "red", "blue", got "pink"',
    ],
    [{ dimmed: 1 }, "lamp.dimmed must be true or false, got 1"],
    [{ onBreak: "x" }, 'lamp.onBreak must be a function, got "x"'],
    [{ wats: 1 }, 'Lamp has no option "wats": did you mean watts?'],
    [undefined as never, "Lamp: the options must be an object, got undefined"],
  ];
  for (const [options, message] of refused) {
    assert.throws(
      () => readOptions("Lamp", options, LAMP_OPTIONS, "lamp."),
      { name: "InvalidOptionError", message },
    );
  }
});

const HOUSE_OPTIONS = {
  rooms: option.integer(undefined, 1),
  lamp: option.group(LAMP_OPTIONS),
  spare: option.ifGiven(option.group(LAMP_OPTIONS)),
  alarm: option.unlessFalse(option.group({ onBreak: option.optional() })),
  bell: option.methods("ring"),
};

Deno.test("groups have their defaults, and what is only there if given has none", () => {
  const lamp = readEach({}, LAMP_OPTIONS);
  assert.deepEqual(
    readOptions("House", { rooms: 2, alarm: false }, HOUSE_OPTIONS),
    { rooms: 2, lamp, spare: undefined, alarm: false, bell: undefined },
  );
  const refused: [options: object, message: string][] = [
    [{}, "rooms must be a whole number of at least 1, got undefined"],
    [{ rooms: 1, lamp: 3 }, "lamp: the options must be an object, got 3"],
    [
      { rooms: 1, spare: { watt: 1 } },
      'spare has no option "watt": did you mean watts?',
    ],
    [
      { rooms: 1, spare: { dimmed: 1 } },
      "spare.dimmed must be true or false, got 1",
    ],
    [
      { rooms: 1, alarm: true },
      "alarm: the options must be an object, got true",
    ],
    [{ rooms: 1, bell: {} }, "bell must have the method ring, got an object"],
  ];
  for (const [options, message] of refused) {
    assert.throws(() => readOptions("House", options, HOUSE_OPTIONS), {
      name: "InvalidOptionError",
      message,
    });
  }
});

Deno.test("options that others read are passed over by readEach alone", () => {
  const { watts } = readEach({ watts: 7, shade: "wide" }, LAMP_OPTIONS);
  assert.equal(watts, 7);
});

Deno.test("what can be given up refuses a signal that is none", async () => {
  await using http = new HttpPool();
  await using batcher = new Batcher((keys: number[]) => keys);
  const health = new HealthChecks();
  const options = { signal: {} as AbortSignal };
  for (
    const call of [
      () => http.drain(options),
      () => batcher.flush(options),
      () => health.run(options),
    ]
  ) {
    await assert.rejects(call, /signal must be an AbortSignal/);
  }
});
