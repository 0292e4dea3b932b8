/** The floor of stdio: every line goes back as it came; the lines of one read leave in one write. */
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
  let answer = "";
  let start = 0;
  for (
    let end = pending.indexOf("\n");
    end !== -1;
    end = pending.indexOf("\n", start)
  ) {
    const line = pending.slice(start, end);
    answer += line + "\n";
    start = end + 1;
  }
  pending = pending.slice(start);
  await writeAll(encoder.encode(answer));
}

async function writeAll(bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    written += await Deno.stdout.write(bytes.subarray(written));
  }
}
