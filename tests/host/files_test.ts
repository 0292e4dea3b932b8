import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import fc from "fast-check";
import {
  files,
  type FilesOptions,
  McpServer,
  type ServerContext,
} from "@sluice/mcp";
import { connectMemory } from "../support/legs.ts";
import { ask } from "../transport/wire.ts";

const BYTES = Uint8Array.from({ length: 256 }, (_, index) => index);
const SECRET = "the secret outside";

interface Content {
  uri: string;
  mimeType: string;
  text?: string;
  blob?: string;
  _meta?: Record<string, unknown>;
}

/** A folder with files in it, and a secret beside it. */
class Folder implements AsyncDisposable {
  readonly above: string;
  readonly root: string;
  readonly #servers: McpServer[] = [];

  constructor() {
    this.above = Deno.realPathSync(Deno.makeTempDirSync());
    this.root = join(this.above, "root");
    Deno.mkdirSync(this.root);
    Deno.writeTextFileSync(join(this.above, "secret.txt"), SECRET);
  }

  write(name: string, content: string | Uint8Array = name): void {
    const path = join(this.root, name);
    Deno.mkdirSync(dirname(path), { recursive: true });
    Deno.writeFileSync(
      path,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
  }

  link(to: string, name: string): void {
    Deno.symlinkSync(to, join(this.root, name));
  }

  serve(options: Partial<FilesOptions> = {}) {
    const server = new McpServer({ name: "files", version: "1.0.0" }, {
      log: () => {},
      pageSize: 100,
    });
    this.#servers.push(server);
    server.registerResource(
      "files",
      ...files({ root: this.root, uri: "f:///{+path}", ...options }),
    );
    const answer = async (uri: string) =>
      (await ask(server, "resources/read", { uri })).body;
    const read = async (uri: string): Promise<Content | undefined> =>
      (await answer(uri)).result?.contents[0];
    const list = async (uri: string) => JSON.parse((await read(uri))!.text!);
    return { server, answer, read, list };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) await server.close();
    await Deno.remove(this.above, { recursive: true });
  }
}

Deno.test("text is read as text, and anything else as a blob, with its media type", async () => {
  await using folder = new Folder();
  folder.write("a.md", "# Ünï");
  folder.write("deep/er/data.json", '{"a":1}');
  folder.write("picture.PNG", BYTES);
  folder.write("LICENSE", "do what you like");
  folder.write("core", BYTES);
  folder.write("latin1.txt", new Uint8Array([0xe9]));
  folder.write("empty.txt", "");
  const { read } = folder.serve();
  const seen = async (path: string) => {
    const { mimeType, text, blob } = (await read(`f:///${path}`))!;
    return [mimeType, text ?? Uint8Array.fromBase64(blob!).length];
  };
  assert.deepEqual(await seen("a.md"), ["text/markdown", "# Ünï"]);
  assert.deepEqual(await seen("deep/er/data.json"), [
    "application/json",
    '{"a":1}',
  ]);
  assert.deepEqual(await seen("picture.PNG"), ["image/png", 256]);
  assert.deepEqual(await seen("LICENSE"), ["text/plain", "do what you like"]);
  assert.deepEqual(await seen("core"), ["application/octet-stream", 256]);
  assert.deepEqual(await seen("latin1.txt"), ["text/plain", 1]);
  assert.deepEqual(await seen("empty.txt"), ["text/plain", ""]);
});

Deno.test("a range reads a part, and says which of how much", async () => {
  await using folder = new Folder();
  folder.write("ten.txt", "0123456789");
  folder.write("ü.txt", "üü");
  const { read, answer } = folder.serve({ maxBytes: 4 });
  const part = async (range: string) => {
    const { text, _meta } = (await read(`f:///ten.txt?range=${range}`))!;
    return [text, _meta!["io.sluice/range"]];
  };
  assert.deepEqual(await part("2-4"), ["234", { start: 2, end: 4, size: 10 }]);
  assert.deepEqual(await part("8-"), ["89", { start: 8, end: 9, size: 10 }]);
  assert.deepEqual(await part("-3"), ["789", { start: 7, end: 9, size: 10 }]);
  assert.deepEqual(await part("0-"), ["0123", { start: 0, end: 3, size: 10 }]);
  assert.deepEqual(await part("-99"), ["0123", { start: 0, end: 3, size: 10 }]);
  assert.equal((await read("f:///%C3%BC.txt?range=0-0"))!.blob, btoa("\xc3"));
  for (const range of ["10-", "4-2", "a", "-", "", "-0", "1-2,4-5"]) {
    const { error } = await answer(`f:///ten.txt?range=${range}`);
    assert.match(error!.message, /range .* must be as in 0-1023/);
  }
  const { error } = await answer("f:///ten.txt");
  assert.equal(error!.code, -32602);
  assert.match(error!.message, /has 10 bytes.* at most 4: .*range=0-3/);
});

Deno.test("a directory is read in pages, and the root is what is listed", async () => {
  await using folder = new Folder();
  const names = Array.from({ length: 7 }, (_, index) => `file ${index}?#.txt`);
  for (const name of names) folder.write(`dir/${name}`);
  folder.write("dir/sub/x");
  folder.write("top.txt", "12345");
  const { server, read, list } = folder.serve({ pageSize: 3 });
  const entries = [];
  let uri: string | undefined = "f:///dir/";
  while (uri !== undefined) {
    const page: { entries: { name: string; uri: string }[]; next?: string } =
      await list(uri);
    assert.ok(page.entries.length <= 3);
    entries.push(...page.entries);
    uri = page.next;
  }
  assert.deepEqual(entries.map(({ name }) => name), [...names, "sub"]);
  for (const { name, uri } of entries.slice(0, -1)) {
    assert.equal((await read(uri))!.text, `dir/${name}`);
  }
  assert.deepEqual((await list(entries.at(-1)!.uri)).entries[0].name, "x");
  const { resources } = await server.call("resources/list");
  assert.deepEqual(
    resources,
    [
      { mimeType: "inode/directory", uri: "f:///dir", name: "dir" },
      { mimeType: "text/plain", uri: "f:///top.txt", name: "top.txt", size: 5 },
    ].map((each) => ({
      description: "Files, and directories as lists of what is in them",
      ...each,
    })),
  );
});

Deno.test("what begins with a dot is there only if it is asked for", async () => {
  await using folder = new Folder();
  folder.write(".env");
  folder.write(".git/config");
  folder.write("seen.txt");
  folder.link(".env", "linked.txt");
  const shy = folder.serve();
  for (const path of [".env", ".git/config", ".git", "%2eenv", "linked.txt"]) {
    assert.equal(await shy.read(`f:///${path}`), undefined, path);
  }
  assert.equal((await shy.read("f:///seen.txt"))!.text, "seen.txt");
  const open = folder.serve({ hidden: true });
  for (const path of [".env", ".git/config", "linked.txt"]) {
    assert.ok((await open.read(`f:///${path}`))!.text, path);
  }
  const names = ({ resources }: { resources?: unknown }) =>
    (resources as { name: string }[]).map(({ name }) => name);
  assert.deepEqual(names(await shy.server.call("resources/list")), [
    "seen.txt",
  ]);
});

Deno.test("links are followed within the root, and not out of it", async () => {
  await using folder = new Folder();
  folder.write("dir/a.txt", "inside");
  folder.link("dir/a.txt", "in.txt");
  folder.link("dir", "in");
  folder.link("../secret.txt", "out.txt");
  folder.link(folder.above, "up");
  folder.link("/etc/passwd", "passwd");
  folder.link("loop", "loop");
  folder.link("nowhere", "broken");
  Deno.mkdirSync(folder.root + "-twin");
  Deno.writeTextFileSync(folder.root + "-twin/x", SECRET);
  folder.link("../root-twin", "twin");
  const { read, list, server } = folder.serve();
  assert.equal((await read("f:///in.txt"))!.text, "inside");
  assert.equal((await read("f:///in/a.txt"))!.text, "inside");
  const outside = [
    "out.txt",
    "up",
    "up/secret.txt",
    "passwd",
    "loop",
    "broken",
    "twin",
    "twin/x",
  ];
  for (const path of outside) {
    assert.equal(await read(`f:///${path}`), undefined, path);
  }
  assert.equal((await list("f:///in")).entries[0].name, "a.txt");
  const { resources } = await server.call("resources/list");
  assert.deepEqual(
    (resources as { name: string }[]).map(({ name }) => name),
    ["dir", "in", "in.txt"],
  );
});

Deno.test("neither a pipe nor a device is read, and nobody waits for one", async () => {
  await using folder = new Folder();
  const { success } = await new Deno.Command("mkfifo", {
    args: [join(folder.root, "pipe")],
  }).output();
  assert.ok(success);
  folder.link("/dev/zero", "zero");
  const { read } = folder.serve();
  assert.equal(await read("f:///pipe"), undefined);
  assert.equal(await read("f:///zero"), undefined);
});

Deno.test("no name leads out of the root", async () => {
  await using folder = new Folder();
  folder.write("a/b.txt", "inside");
  const { read, answer } = folder.serve({ hidden: true });
  const piece = fc.constantFrom(
    ..."..|.|/|%2e%2e|%2E|%2f|%5c|\\|%00|\0|%0a|a|b.txt|secret.txt|root|etc|passwd|~|C:|%c0%ae|%ff|//|?range=0-|?after=..|#|;"
      .split("|"),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { minLength: 1, maxLength: 8 }),
      fc.constantFrom("", "/"),
      async (pieces, glue) => {
        const { result, error } = await answer(`f:///${pieces.join(glue)}`);
        if (result === undefined) assert.equal(error!.code, -32602);
        else {
          const [{ text }] = result.contents;
          assert.ok(!text.includes(SECRET) && !text.includes("root:"), text);
        }
      },
    ),
    { numRuns: 1_500 },
  );
  for (
    const path of [
      "../secret.txt",
      "a/../../secret.txt",
      "%2e%2e/secret.txt",
      "..%2fsecret.txt",
      "a/..%2f..%2fsecret.txt",
      "a%00.txt",
      "/etc/passwd",
      "//etc/passwd",
      folder.above + "/secret.txt",
      "a//b.txt",
      "x".repeat(5_000),
    ]
  ) assert.equal(await read(`f:///${path}`), undefined, path);
  assert.equal((await read("f:///a/./b.txt"))!.text, "inside");
});

Deno.test("a link that is put in the way of a read never lets it out", async () => {
  await using folder = new Folder();
  folder.write("dir/secret.txt", "the text inside");
  const { read } = folder.serve();
  const [dir, real, link] = ["dir", "real", "link"]
    .map((name) => join(folder.root, name));
  Deno.symlinkSync(folder.above, link);
  let swapping = true;
  const swap = async () => {
    while (swapping) {
      await Deno.rename(dir, real);
      await Deno.rename(link, dir);
      await Deno.rename(dir, link);
      await Deno.rename(real, dir);
    }
  };
  const swapped = swap();
  const seen = new Map<string | undefined, number>();
  for (let round = 0; round < 3000; round++) {
    const got = await Promise.all(
      Array.from({ length: 4 }, () => read("f:///dir/secret.txt")),
    );
    for (const each of got) {
      seen.set(each?.text, (seen.get(each?.text) ?? 0) + 1);
    }
  }
  swapping = false;
  await swapped;
  assert.equal(seen.get(SECRET), undefined);
  const { text } = (await read("f:///dir/secret.txt"))!;
  assert.equal(text, "the text inside");
  assert.ok(
    [...seen.keys()].every((text) =>
      text === undefined || text === "the text inside"
    ),
  );
});

Deno.test("what is not there is told in the words of the client's era", async () => {
  await using folder = new Folder();
  const { server } = folder.serve();
  const legs = [
    [{ generation: "v1", era: "legacy" }, -32002],
    [{ generation: "v2", era: "modern" }, -32602],
  ] as const;
  for (const [leg, code] of legs) {
    const client = await connectMemory(leg, server);
    await assert.rejects(
      client.ask("resources/read", { uri: "f:///none" }),
      (error: Error & { code: number }) => {
        assert.equal(error.code, code);
        assert.match(error.message, /Resource not found: f:\/\/\/none/);
        return true;
      },
    );
    await client.close();
  }
});

Deno.test("a root that is gone is told without its path", async () => {
  await using folder = new Folder();
  const { answer } = folder.serve();
  await Deno.remove(folder.root, { recursive: true });
  const { error } = await answer("f:///a");
  assert.equal(error!.message, "Internal error: the root of the files is gone");
});

Deno.test("options that make no sense are refused", async () => {
  await using folder = new Folder();
  folder.write("a.txt");
  const uri = "f:///{+path}";
  const make = (options: object) => () =>
    files({ root: folder.root, uri, ...options });
  assert.throws(make({ root: join(folder.root, "no") }), /root must be a dir/);
  assert.throws(make({ root: join(folder.root, "a.txt") }), /must be a direct/);
  assert.throws(make({ root: undefined }), /root must be a directory/);
  for (
    const form of ["f:///", "f:///{path}", "f:///{+path}/x", "f://{a}/{+path}"]
  ) {
    assert.throws(make({ uri: form }), /uri must end in \{\+path\}/);
  }
  assert.throws(make({ maxBytes: 0 }), /files: maxBytes/);
  assert.throws(make({ hiden: true }), /did you mean hidden/);
  assert.throws(make({ mimeTypes: 1 }), /mimeTypes must be an object/);
});

Deno.test("reads wait their turn and are all answered, but for who has left", async () => {
  await using folder = new Folder();
  folder.write("a.txt", "x".repeat(1_000));
  const [, , read] = files({ root: folder.root, uri: "f:///{+path}" });
  const { signal } = new AbortController();
  const ctx = { signal } as ServerContext;
  const open = await Promise.all(
    Array.from(
      { length: 200 },
      () => read(new URL("f:///a.txt"), { path: "a.txt" }, ctx),
    ),
  );
  assert.equal(open.length, 200);
  const gone = {
    signal: AbortSignal.abort(new Error("left")),
  } as ServerContext;
  await assert.rejects(
    async () => await read(new URL("f:///a.txt"), { path: "a.txt" }, gone),
    /left/,
  );
});
