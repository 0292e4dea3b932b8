import assert from "node:assert/strict";
import { makeSubject } from "./subject.ts";
import { LegacyClient, MODERN, post, read, within } from "./wire.ts";

const LIMIT = 20_000;
const encoder = new TextEncoder();

/** Bytes of a text in which `¿` stands for one that is no UTF-8. */
function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(
    [...text].flatMap((char) =>
      char === "¿" ? [0xff] : Array.from(encoder.encode(char))
    ),
  );
}

const long = "x".repeat(LIMIT);
const big = "9007199254740993";

interface Case {
  text: string;
  /** The id as it stands in the answer. */
  id: string;
  /** Where it can't be read over HTTP, which reads no more than it must. */
  onlyLines?: boolean;
}

const params = (s: string) =>
  `"params":{"id":1,"arguments":{"id":2,"s":"${s}","t":"\\"id\\": 9}"}}`;
const cases: Record<string, Case> = {
  "too long, id first": {
    text: `{"jsonrpc":"2.0","id":3,"method":"m",${params(long)}}`,
    id: "3",
  },
  "too long, id last": {
    text: `{"method":"m",${params(long)},"jsonrpc":"2.0","id":"last"}`,
    id: `"last"`,
    onlyLines: true,
  },
  "too long, id before the other members": {
    text: `{${params(long)}, "id" : ${big} , "jsonrpc":"2.0" ,"method":"m"} `,
    id: big,
    onlyLines: true,
  },
  "too long, id only inside": {
    text: `{"jsonrpc":"2.0","method":"m",${params(long)}}`,
    id: "null",
  },
  "too long, id escaped": {
    text: `{"a":[{"id":1},"]"],"id":"a\\"}\\\\","method":"${long}"}`,
    id: `"a\\"}\\\\"`,
  },
  "not UTF-8": {
    text: `{"jsonrpc":"2.0","method":"m",${params("¿")},"id":4}`,
    id: "4",
  },
  "not UTF-8 in the id": {
    text: `{"jsonrpc":"2.0","method":"m","id":true,"x":"¿"}`,
    id: "null",
  },
  "cut off": {
    text: `{"jsonrpc":"2.0","id":5,"method":"m",${params("").slice(0, -1)}`,
    id: "5",
  },
  "cut off within the id": { text: `{"jsonrpc":"2.0","id":55`, id: "null" },
  "not JSON inside": {
    text: `{"a":{"id":1,"b":NaN},"method":"m","id":6,"jsonrpc":'2.0'}`,
    id: "6",
  },
  "not JSON after": { text: `{"id":${big},"method":"m"} trailing`, id: big },
  "cut off in what is not its own": {
    text: `{"method":"m","params":{"id":7}`,
    id: "null",
  },
  "no object": { text: `[{"id":8},]`, id: "null" },
  "wrong member": { text: `{"jsonrpc":"2.0","id":9,"method":5}`, id: "9" },
  "wrong version, large id": {
    text: `{"jsonrpc":"1.0","id":${big},"method":"m"}`,
    id: big,
  },
  "wrong id": { text: `{"jsonrpc":"2.0","id":{},"method":"m"}`, id: "null" },
};

function idIn(answer: string): string {
  const found = /^\{"jsonrpc":"2\.0","id":(.*?),"error"/.exec(answer);
  assert.ok(found, answer);
  return found[1];
}

async function overStdio(bytes: Uint8Array, size: number): Promise<string[]> {
  const { server } = makeSubject();
  let rest = bytes;
  let written = "";
  await within(server.serveStdio({
    signals: false,
    maxMessageBytes: LIMIT,
    streams: {
      read(buffer) {
        const piece = rest.subarray(0, size);
        rest = rest.subarray(size);
        buffer.set(piece);
        return Promise.resolve(piece.length === 0 ? null : piece.length);
      },
      write(some) {
        written += new TextDecoder().decode(some);
        return Promise.resolve(some.length);
      },
    },
  }));
  return written.split("\n").slice(0, -1);
}

for (const [name, { text, id, onlyLines }] of Object.entries(cases)) {
  Deno.test(`a refusal keeps the id over stdio: ${name}`, async () => {
    for (const size of [1000, 4096, 64 * 1024]) {
      for (const end of ["\n", ""]) {
        const bytes = bytesOf(` \n\t\r\n${text}${end}`);
        const lines = await overStdio(bytes, size);
        assert.deepEqual(lines.map(idIn), [id], `${size}`);
      }
    }
  });

  Deno.test(`a refusal keeps the id over HTTP: ${name}`, async () => {
    const { server } = makeSubject({ maxBodyBytes: LIMIT, httpSsePair: true });
    const expected = onlyLines ? "null" : id;
    for (const version of [MODERN, "2025-11-25"]) {
      for (const declared of [true, false]) {
        const bytes = bytesOf(text);
        const answer = await post(server, bytes, {
          headers: {
            "mcp-protocol-version": version,
            "content-length": declared ? `${bytes.length}` : null,
          },
        });
        assert.ok(answer.status >= 400, `${answer.status}`);
        assert.equal(idIn(answer.text), expected);
      }
    }
    await LegacyClient.open(server);
  });
}

Deno.test("a refusal keeps the id over the pair of 2024", async () => {
  const { server } = makeSubject({ maxBodyBytes: LIMIT, httpSsePair: true });
  const opened = await server.fetch(new Request("http://localhost/sse"));
  const reader = opened.body!.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  const path = /data: (\S+)/.exec(value!)![1];
  for (const [name, { text, id, onlyLines }] of Object.entries(cases)) {
    const response = await server.fetch(
      new Request(`http://localhost${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: bytesOf(text) as BodyInit,
      }),
    );
    const answer = await read(response);
    if (answer.status === 202) {
      const { value } = await reader.read();
      assert.equal(idIn(value!.split("data: ")[1]), id, name);
    } else assert.equal(idIn(answer.text), onlyLines ? "null" : id, name);
  }
  await reader.cancel();
});

Deno.test("a byte order mark changes nothing, however a message comes", async () => {
  const { server } = makeSubject();
  const client = await LegacyClient.open(server);
  for (const data of ["plain", "\uFFFD", "é"]) {
    const text = `\uFEFF${
      JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "tools/call",
        params: { name: "echo", arguments: { data } },
      })
    }`;
    const bytes = encoder.encode(text);
    for (const declared of [true, false]) {
      const answer = await client.post(bytes, {
        headers: { "content-length": declared ? `${bytes.length}` : null },
      });
      assert.equal(answer.body.result?.content[0].text, data, answer.text);
    }
    const [line] = await overStdio(bytes, 1000);
    assert.equal(JSON.parse(line).result.content[0].text, data);
  }
  const mangled = bytesOf(`\uFEFF{"jsonrpc":"2.0","id":3,"method":"¿"}`);
  for (const declared of [true, false]) {
    const answer = await client.post(mangled, {
      headers: { "content-length": declared ? `${mangled.length}` : null },
    });
    assert.deepEqual([answer.status, answer.body.id], [400, 3]);
  }
});
