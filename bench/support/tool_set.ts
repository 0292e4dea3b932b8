/** The tools of `servers/many.ts` and of the SDK v2 peer beside it: one definition, so that both do the same work. */
import { z } from "zod";

/** The input of every `tool_<n>`: eight fields of the usual kinds. Made anew per tool, as an author would write it. */
export function toolInput() {
  return z.object({
    id: z.number().int().min(1),
    name: z.string().min(1).max(80),
    email: z.string().max(120),
    role: z.enum(["reader", "writer", "admin"]),
    active: z.boolean(),
    tags: z.array(z.string().max(40)).max(20),
    address: z.object({
      street: z.string(),
      city: z.string(),
      zip: z.string(),
    }),
    note: z.string().max(500).optional(),
  });
}

type ToolInput = z.infer<ReturnType<typeof toolInput>>;

/** Arguments that {@linkcode toolInput} takes. */
export const toolArguments: ToolInput = {
  id: 4711,
  name: "Ada Lovelace",
  email: "ada@example.org",
  role: "writer",
  active: true,
  tags: ["mathematics", "engine"],
  address: { street: "12 St James's Square", city: "London", zip: "SW1Y" },
  note: "first programmer",
};

/** What every `tool_<n>` answers. */
export function runTool(args: ToolInput) {
  return {
    content: [{
      type: "text" as const,
      text: `processed_${args.id}_${args.tags.length}`,
    }],
  };
}

/** Ten groups of a word, a whole number and an optional list of words: 30 fields. */
function wideShape() {
  const word = () => z.string().max(100);
  const whole = () => z.number().int().min(0);
  const words = () => z.array(z.string().max(100)).max(50).optional();
  return {
    name0: word(),
    count0: whole(),
    tags0: words(),
    name1: word(),
    count1: whole(),
    tags1: words(),
    name2: word(),
    count2: whole(),
    tags2: words(),
    name3: word(),
    count3: whole(),
    tags3: words(),
    name4: word(),
    count4: whole(),
    tags4: words(),
    name5: word(),
    count5: whole(),
    tags5: words(),
    name6: word(),
    count6: whole(),
    tags6: words(),
    name7: word(),
    count7: whole(),
    tags7: words(),
    name8: word(),
    count8: whole(),
    tags8: words(),
    name9: word(),
    count9: whole(),
    tags9: words(),
  };
}

/** The input of `wide`: 30 fields. */
export const wideInput = z.object(wideShape());

/** The output of `wide`: the same 30 fields. */
export const wideOutput = z.object(wideShape());

type Wide = z.infer<typeof wideInput>;

/** Arguments that {@linkcode wideInput} takes. */
export const wideArguments: Record<string, unknown> = Object.fromEntries(
  Array.from({ length: 10 }, (_, i) => [
    [`name${i}`, `word number ${i}`],
    [`count${i}`, i * 1_000],
    [`tags${i}`, ["alpha", "beta"]],
  ]).flat(),
);

/** What `wide` answers: its arguments, as text and as structured content. */
export function runWide(args: Wide) {
  return {
    content: [{ type: "text" as const, text: `processed_${args.name9}` }],
    structuredContent: args,
  };
}
