/** The floor of stdio with the work of `raw.ts`: parse each line, answer, serialise; the answers of one read leave in one write. */
const decoder = new TextDecoder();
const encoder = new TextEncoder();
const chunk = new Uint8Array(256 * 1024);
let pending = "";

for (
  let size = await Deno.stdin.read(chunk);
  size !== null;
  size = await Deno.stdin.read(chunk)
) {
  pending += decoder.decode(chunk.subarray(0, size), { stream: true });
  let answers = "";
  let start = 0;
  for (
    let end = pending.indexOf("\n");
    end !== -1;
    end = pending.indexOf("\n", start)
  ) {
    const { id, params } = JSON.parse(pending.slice(start, end));
    answers += JSON.stringify({
      jsonrpc: "2.0",
      id,
      result: {
        resultType: "complete",
        content: [{ type: "text", text: `processed_${params.arguments.data}` }],
      },
    }) + "\n";
    start = end + 1;
  }
  pending = pending.slice(start);
  await writeAll(encoder.encode(answers));
}

async function writeAll(bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    written += await Deno.stdout.write(bytes.subarray(written));
  }
}
