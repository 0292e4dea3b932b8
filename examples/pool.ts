/**
 * A pool of things that are dear to make; here, WebAssembly-like parsers that
 * take 20 ms each. `deno run examples/pool.ts`
 */
import { Pool } from "@sluice/mcp";

class Parser {
  static async load(signal: AbortSignal): Promise<Parser> {
    await new Promise((resolve) => setTimeout(resolve, 20));
    signal.throwIfAborted();
    return new Parser();
  }

  parse(text: string): number {
    return text.split(/\s+/).length;
  }
}

await using parsers = new Pool({
  name: "parsers",
  create: ({ signal }) => Parser.load(signal),
  min: 1,
  max: 4,
  maxUses: 1_000,
  acquireTimeoutMs: 2_000,
  heldWarningMs: 5_000,
});

const texts = Array.from({ length: 100 }, (_, i) => "word ".repeat(i).trim());
const counts = await Promise.all(
  texts.map((text) => parsers.use((parser) => parser.parse(text))),
);
console.log(`${counts.length} texts by ${parsers.stats.created} parsers`);

{
  await using parser = await parsers.acquire({
    signal: AbortSignal.timeout(1_000),
  });
  console.log(parser.value.parse("for as long as this block lasts"), "words");
}
console.log(parsers.stats);
