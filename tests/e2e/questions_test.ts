import assert from "node:assert/strict";
import { type ClientSetup, type Loose, textOf } from "../support/clients.ts";
import { overEveryLeg } from "../support/legs.ts";
import { SHOWCASE } from "./fixtures/source.ts";

/** A client that can be asked anything, and a record of what it was asked. */
function answering(
  elicit: (params: Loose) => unknown = fill,
): ClientSetup & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    capabilities: {
      elicitation: { form: {}, url: {} },
      sampling: {},
      roots: {},
    },
    answers: {
      "elicitation/create": (params) => {
        asked.push(params.message);
        return elicit(params);
      },
      "sampling/createMessage": ({ messages }) => {
        asked.push(messages[0].content.text);
        return {
          model: "tiny",
          role: "assistant",
          content: { type: "text", text: "roses are red" },
        };
      },
      "roots/list": () => {
        asked.push("roots");
        return { roots: [{ uri: "file:///a" }, { uri: "file:///b" }] };
      },
    },
  };
}

/** Fills a form in as its schema asks. */
function fill({ mode, requestedSchema }: Loose): Loose {
  if (mode === "url") return { action: "accept" };
  return {
    action: "accept",
    content: "name" in requestedSchema.properties
      ? { name: "Ada" }
      : { colour: "blue" },
  };
}

overEveryLeg("asks the user", SHOWCASE, async (connect) => {
  const setup = answering();
  const client = await connect(setup);
  assert.equal(textOf(await client.tool("ask_name")), "accept: Ada");
  assert.deepEqual(setup.asked, ["Who?"]);
  assert.equal(textOf(await client.tool("ask_as_sdk")), "hello Ada");
  assert.equal(textOf(await client.tool("ask_url")), "accept");
});

overEveryLeg(
  "a form that doesn't fit its schema is refused",
  SHOWCASE,
  async (connect, { era }) => {
    const client = await connect(
      answering(() => ({ action: "accept", content: { name: 7 } })),
    );
    const why = /name: .*expected string/;
    if (era === "modern") {
      const refused = { code: -32602, message: why };
      await assert.rejects(client.tool("ask_name"), refused);
    } else {
      const result = await client.tool("ask_name");
      assert.equal(result.isError, true);
      assert.match(textOf(result), why);
    }
  },
);

for (const action of ["decline", "cancel"]) {
  overEveryLeg(`takes ${action} for an answer`, SHOWCASE, async (connect) => {
    const client = await connect(answering(() => ({ action })));
    assert.equal(textOf(await client.tool("ask_name")), `${action}: nobody`);
  });
}

overEveryLeg("asks twice in a row", SHOWCASE, async (connect) => {
  const setup = answering();
  const client = await connect(setup);
  assert.equal(textOf(await client.tool("ask_twice")), "Ada likes blue");
  assert.deepEqual(setup.asked, ["Who?", "Which colour, Ada?"]);
});

overEveryLeg("asks two things at once", SHOWCASE, async (connect) => {
  const setup = answering();
  const client = await connect(setup);
  assert.equal(textOf(await client.tool("ask_both")), "Ada likes blue");
  assert.deepEqual(setup.asked.sort(), ["Which colour?", "Who?"]);
});

overEveryLeg("asks for models and roots", SHOWCASE, async (connect) => {
  const setup = answering();
  const client = await connect(setup);
  const summary = await client.tool("summarize", { text: "a long story" });
  assert.equal(textOf(summary), "tiny: roses are red");
  assert.equal(
    textOf(await client.tool("roots")),
    "file:///a file:///b",
  );
  assert.deepEqual(setup.asked, ["a long story", "roots"]);
});

overEveryLeg(
  "takes inputRequired through rounds",
  SHOWCASE,
  async (connect) => {
    const setup = answering();
    const client = await connect(setup);
    assert.equal(
      textOf(await client.tool("ask_required")),
      "Ada with 2 roots: roses are red",
    );
    assert.deepEqual(
      [...setup.asked.slice(0, 2).sort(), ...setup.asked.slice(2)],
      ["Who?", "roots", "A poem for Ada"],
    );
  },
);

overEveryLeg(
  "many calls that ask at the same time keep their answers apart",
  SHOWCASE,
  async (connect) => {
    let count = 0;
    const client = await connect(answering((params) => {
      const { message } = params;
      if (message === "Who?") {
        return { action: "accept", content: { name: `user ${++count}` } };
      }
      const [, who] = /, (.*)\?$/.exec(message)!;
      return { action: "accept", content: { colour: `the colour of ${who}` } };
    }));
    const results = await Promise.all(
      Array.from({ length: 20 }, () => client.tool("ask_twice")),
    );
    const texts = results.map(textOf);
    assert.equal(new Set(texts).size, 20);
    for (const text of texts) {
      assert.match(text, /^(user \d+) likes the colour of \1$/);
    }
  },
);

overEveryLeg(
  "a client that can't be asked gets an error",
  SHOWCASE,
  async (connect, leg) => {
    const client = await connect();
    if (leg.era === "modern") {
      await assert.rejects(client.tool("ask_name"), { code: -32021 });
    } else {
      const result = await client.tool("ask_name");
      assert.equal(result.isError, true);
      assert.match(textOf(result), /does not support elicitation/);
    }
    assert.equal(textOf(await client.tool("echo", { text: "on" })), "on");
  },
);

overEveryLeg(
  "a user who never answers does not hold the server",
  SHOWCASE,
  async (connect) => {
    let asked: () => void;
    const wasAsked = new Promise<void>((resolve) => asked = resolve);
    const client = await connect(answering(() => {
      asked();
      return new Promise(() => {});
    }));
    const controller = new AbortController();
    const call = client.tool("ask_name", {}, { signal: controller.signal });
    const rejected = assert.rejects(call);
    await wasAsked;
    assert.equal(textOf(await client.tool("echo", { text: "on" })), "on");
    controller.abort();
    await rejected;
    // The client's end would overtake what it has just said.
    assert.equal(textOf(await client.tool("echo", { text: "off" })), "off");
  },
  // Nothing waits in a modern server: the question was its answer.
  ({ era }) => era === "legacy",
);
