import assert from "node:assert/strict";
import type { Loose } from "../support/clients.ts";
import { overEveryLeg } from "../support/legs.ts";
import { SHOWCASE } from "./fixtures/source.ts";

overEveryLeg("lists and gets prompts", SHOWCASE, async (connect) => {
  const client = await connect();
  const { prompts } = await client.raw.listPrompts();
  const review = prompts.find(({ name }: Loose) => name === "review");
  assert.equal(review.title, "Code review");
  assert.deepEqual(
    review.arguments.map(({ name, required }: Loose) => [name, required]),
    [["language", true], ["code", true]],
  );

  const { messages } = await client.raw.getPrompt({
    name: "review",
    arguments: { language: "rust", code: "fn main() {}" },
  });
  assert.deepEqual(messages, [{
    role: "user",
    content: { type: "text", text: "Review this rust: fn main() {}" },
  }]);

  await assert.rejects(
    client.ask("prompts/get", { name: "review", arguments: {} }),
    { code: -32602 },
  );
  await assert.rejects(
    client.ask("prompts/get", { name: "nothing" }),
    { code: -32602 },
  );
});

overEveryLeg(
  "completes arguments and variables",
  SHOWCASE,
  async (connect) => {
    const client = await connect();
    const complete = async (ref: Loose, name: string, value: string) =>
      (await client.raw.complete({ ref, argument: { name, value } }))
        .completion.values;
    const prompt = { type: "ref/prompt", name: "review" };
    assert.deepEqual(await complete(prompt, "language", "py"), ["python"]);
    assert.deepEqual(await complete(prompt, "language", "x"), []);
    assert.deepEqual(await complete(prompt, "code", "x"), []);
    const template = { type: "ref/resource", uri: "users://{name}" };
    assert.deepEqual(await complete(template, "name", "a"), ["ada", "alan"]);
    await assert.rejects(
      client.ask("completion/complete", {
        ref: { type: "ref/prompt", name: "nothing" },
        argument: { name: "a", value: "" },
      }),
      { code: -32602 },
    );
  },
);

overEveryLeg("a prompt may ask the user", SHOWCASE, async (connect) => {
  const client = await connect({
    capabilities: { elicitation: {} },
    answers: {
      "elicitation/create": () => ({
        action: "accept",
        content: { name: "Ada" },
      }),
    },
  });
  const { messages } = await client.raw.getPrompt({ name: "greet" });
  assert.equal(messages[0].content.text, "Greet Ada");
});
