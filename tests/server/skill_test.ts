import assert from "node:assert/strict";
import fc from "fast-check";
import {
  InvalidOptionError,
  InvalidSkillError,
  McpServer,
  Skill,
  type SkillFiles,
} from "../../mod.ts";

const HEAD = "name: tidy\ndescription: Tidies up";

function manifest(head: string = HEAD): string {
  return `---\n${head}\n---\nTidy up.\n`;
}

/** The problems for which a skill is refused. */
async function problemsOf(
  files: SkillFiles,
  options?: Parameters<typeof Skill.from>[1],
): Promise<readonly string[]> {
  const error = await Skill.from(files, options).catch((error) => error);
  assert.ok(error instanceof InvalidSkillError, String(error));
  assert.equal(error.code, "SLUICE_INVALID_SKILL");
  return error.problems;
}

Deno.test("a skill is its frontmatter, word for word, and its files with their digests", async () => {
  const skill = await Skill.from({
    "SKILL.md": manifest(
      `${HEAD}
license: MIT
metadata: { version: "1.10" }
allowed-tools: Read Grep
extra: [1, true, null, 2026-11-22]`,
    ),
    "b/data.bin": new Uint8Array([0xff, 0x00]),
    "a.txt": "abc",
  });
  assert.equal(skill.uri, "skill://tidy/SKILL.md");
  assert.equal(skill.name, "tidy");
  assert.equal(skill.description, "Tidies up");
  assert.deepEqual(skill.frontmatter, {
    name: "tidy",
    description: "Tidies up",
    license: "MIT",
    metadata: { version: "1.10" },
    "allowed-tools": "Read Grep",
    extra: [1, true, null, "2026-11-22"],
  });
  assert.deepEqual([...skill.files.keys()], [
    "SKILL.md",
    "a.txt",
    "b/data.bin",
  ]);
  // The digest of "abc" is in FIPS 180-2.
  assert.deepEqual(skill.files.get("a.txt")!.fixed, {
    size: 3,
    digest:
      "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  });
});

Deno.test("media types follow the name, and else the content", async () => {
  const { files } = await Skill.from({
    "SKILL.md": manifest(),
    "LICENSE": "free",
    "mark": new Uint8Array([0xff]),
    "run.PY": "",
    "constructor": "text",
    "x.constructor": "text",
  });
  assert.deepEqual(
    Array.from(files.values(), ({ path, mimeType }) => [path, mimeType]),
    [
      ["LICENSE", "text/plain"],
      ["SKILL.md", "text/markdown"],
      ["constructor", "text/plain"],
      ["mark", "application/octet-stream"],
      ["run.PY", "text/x-python"],
      ["x.constructor", "text/plain"],
    ],
  );
});

Deno.test("frontmatter is read with a byte order mark, with CRLF and with --- in the text", async () => {
  for (
    const text of [
      `\ufeff${manifest()}`,
      manifest().replaceAll("\n", "\r\n"),
      `${manifest()}\n---\nname: other\n---\n`,
      `---\n${HEAD}\n---`,
    ]
  ) {
    const { frontmatter } = await Skill.from({ "SKILL.md": text });
    assert.deepEqual(frontmatter, { name: "tidy", description: "Tidies up" });
  }
});

for (
  const [what, files, problem] of [
    [
      "no SKILL.md",
      { "skill.md": manifest() },
      /SKILL.md is missing.*capitals/,
    ],
    ["a SKILL.md that is made later", { "SKILL.md": () => "" }, /must be text/],
    ["bytes that are not UTF-8", {
      "SKILL.md": new Uint8Array([0xff, 0xfe]),
    }, /must be UTF-8/],
    ["no frontmatter", { "SKILL.md": "# Tidy" }, /two lines of ---/],
    ["frontmatter further down", { "SKILL.md": `\n${manifest()}` }, /begin/],
    [
      "frontmatter without an end",
      { "SKILL.md": `---\n${HEAD}\n` },
      /two lines/,
    ],
    ["an empty frontmatter", { "SKILL.md": "---\n---\n" }, /must be a mapping/],
    ["a list for frontmatter", { "SKILL.md": manifest("- name") }, /a mapping/],
    ["malformed YAML", {
      "SKILL.md": manifest("name: tidy\ndescription: a: b"),
    }, /at line 3, column/],
    ["a field given twice", {
      "SKILL.md": manifest(`${HEAD}\nname: tidy`),
    }, /unique.* at line 4/],
    ["an unknown YAML tag", {
      "SKILL.md": manifest(`${HEAD}\nx: !run it`),
    }, /!run at line 4/],
    ["a number that JSON lacks", {
      "SKILL.md": manifest(`${HEAD}\nx: .inf`),
    }, /x is Infinity/],
    ["YAML that contains itself", {
      "SKILL.md": manifest(`${HEAD}\nx: &x [*x]`),
    }, /can't be said in JSON/],
    ["YAML that unfolds without end", {
      "SKILL.md": manifest(
        [HEAD, "a: &a [x, x, x, x, x, x, x, x, x]"].concat(
          ["b", "c", "d", "e", "f", "g"].map((key, index) =>
            `${key}: &${key} [${
              Array(9).fill(`*${"abcdef"[index]}`).join(", ")
            }]`
          ),
        ).join("\n"),
      ),
    }, /alias/],
  ] as [string, SkillFiles, RegExp][]
) {
  Deno.test(`refused: ${what}`, async () => {
    const [found, ...more] = await problemsOf(files);
    assert.match(found, problem);
    assert.match(found, /^SKILL.md /);
    assert.deepEqual(more, []);
  });
}

for (
  const [what, head, problem] of [
    ["no name", "description: x", /name must be .* got undefined/],
    ["a name in capitals", "name: Tidy\ndescription: x", /name must be/],
    [
      "a name with a double hyphen",
      "name: a--b\ndescription: x",
      /name must be/,
    ],
    [
      "a name with a hyphen at its end",
      "name: a-\ndescription: x",
      /name must/,
    ],
    ["a long name", `name: ${"a".repeat(65)}\ndescription: x`, /1 to 64/],
    ["a number for a name", "name: 12\ndescription: x", /got 12/],
    ["no description", "name: tidy", /description must be/],
    [
      "an empty description",
      'name: tidy\ndescription: " "',
      /description must/,
    ],
    [
      "a long description",
      `name: tidy\ndescription: ${"x".repeat(1025)}`,
      /1024/,
    ],
    [
      "a long compatibility",
      `${HEAD}\ncompatibility: ${"x".repeat(501)}`,
      /500/,
    ],
    ["metadata that is no mapping", `${HEAD}\nmetadata: x`, /metadata must be/],
    [
      "metadata that is no text",
      `${HEAD}\nmetadata:\n  version: 1.0`,
      /metadata.version must be a text: put 1 in quotes/,
    ],
  ] as [string, string, RegExp][]
) {
  Deno.test(`refused: ${what}`, async () => {
    const problems = await problemsOf({ "SKILL.md": manifest(head) });
    assert.equal(problems.length, 1);
    assert.match(problems[0], problem);
  });
}

Deno.test("a description counts characters, not their halves", async () => {
  const description = "\u{1f9f9}".repeat(1024);
  const skill = await Skill.from({
    "SKILL.md": manifest(`name: tidy\ndescription: ${description}`),
  });
  assert.equal(skill.description, description);
});

Deno.test("paths that lead anywhere else are refused", async () => {
  for (
    const path of [
      "../secret",
      "a/../../secret",
      "./a",
      "/etc/passwd",
      "a//b",
      "a/",
      "",
      "a\\..\\b",
      "a\u0000b",
      "\ud800",
    ]
  ) {
    const [problem] = await problemsOf({ "SKILL.md": manifest(), [path]: "" });
    assert.ok(problem.startsWith(`file ${JSON.stringify(path)} must`), problem);
    const [other] = await problemsOf({ "SKILL.md": manifest() }, {
      path: `${path}/tidy`,
    });
    assert.match(other, /^path .* must/);
  }
  assert.deepEqual(
    await problemsOf({ "SKILL.md": manifest(), a: "", "a/b": "" }),
    ['file "a" is a folder at the same time'],
  );
});

Deno.test("what is no content is refused", async () => {
  for (const content of [7, null, undefined, {}, ["a"]]) {
    assert.deepEqual(
      await problemsOf({ "SKILL.md": manifest(), a: content as never }),
      ['file "a" must be text, bytes or a function'],
    );
    const [problem] = await problemsOf({ "SKILL.md": content as never });
    assert.match(problem, /^SKILL.md /);
  }
});

Deno.test("a path ends with the skill's name", async () => {
  const skill = await Skill.from({ "SKILL.md": manifest() }, {
    path: "My Team/tidy",
  });
  assert.equal(skill.uri, "skill://My%20Team/tidy/SKILL.md");
  assert.deepEqual(
    await problemsOf({ "SKILL.md": manifest() }, { path: "x" }),
    [
      'path "x" must end with the name in SKILL.md, "tidy"',
    ],
  );
});

Deno.test("skills have at most 512 files and 16 MiB, unless their author says else", async () => {
  const many = Object.fromEntries(
    Array.from({ length: 512 }, (_, index) => [`${index}`, ""]),
  );
  assert.deepEqual(await problemsOf({ "SKILL.md": manifest(), ...many }), [
    "it has 513 files, and may have 512",
  ]);
  const large = { "SKILL.md": manifest(), x: new Uint8Array(16 * 1024 * 1024) };
  assert.match((await problemsOf(large))[0], /bytes, and may have 16777216/);
  await Skill.from({ ...large, ...many }, {
    maxFiles: Infinity,
    maxBytes: 20_000_000,
  });
  for (const maxFiles of [0, -1, 1.5, NaN]) {
    await assert.rejects(
      Skill.from({ "SKILL.md": manifest() }, { maxFiles }),
      InvalidOptionError,
    );
  }
});

Deno.test("all that is wrong with a skill is said at once", async () => {
  const problems = await problemsOf({
    "SKILL.md": manifest("name: Tidy\nmetadata: 1"),
    "../x": "",
  }, { path: "tidy" });
  assert.equal(problems.length, 5);
});

Deno.test("a skill keeps its bytes when its author changes theirs", async () => {
  const bytes = new Uint8Array([0xff, 1]);
  const skill = await Skill.from({ "SKILL.md": manifest(), x: bytes });
  bytes[1] = 2;
  const server = new McpServer({ name: "skills", version: "1.0.0" });
  server.registerSkill(skill);
  const { contents } = await server.call("resources/read", {
    uri: "skill://tidy/x",
  });
  assert.equal((contents as { blob: string }[])[0].blob, "/wE=");
  await server.close();
});

const segment = fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 })
  // deno-lint-ignore no-control-regex -- what no path may have
  .filter((text) => !/[\\/\u0000-\u001f\u007f]|^\.\.?$/.test(text));

Deno.test("whatever a file is called and holds, it is read as its entry says", async () => {
  const digest = async (bytes: Uint8Array<ArrayBuffer>) =>
    "sha256:" +
    new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  await fc.assert(
    fc.asyncProperty(
      fc.array(segment, { minLength: 1, maxLength: 3 }),
      fc.uint8Array({ maxLength: 40 }),
      async (segments, content) => {
        const path = segments.join("/");
        fc.pre(!path.startsWith("SKILL.md"));
        const server = new McpServer({ name: "skills", version: "1.0.0" });
        server.registerSkill(
          await Skill.from({ "SKILL.md": manifest(), [path]: content }),
        );
        // As a host resolves a link to the file in a SKILL.md.
        const link = segments.map(encodeURIComponent).join("/");
        const { href } = new URL(`./${link}`, "skill://tidy/");
        const { contents: [read] } = await server.call("resources/read", {
          uri: href,
        }) as { contents: { text?: string; blob?: string }[] };
        const bytes = read.text === undefined
          ? Uint8Array.fromBase64(read.blob!)
          : new TextEncoder().encode(read.text);
        const { skill } = await server.call("skills/get", {
          uri: "skill://tidy/SKILL.md",
        }) as {
          skill: { resources: { uri: string; digest: string; size: number }[] };
        };
        const entry = skill.resources.find(({ uri }) =>
          decodeURIComponent(uri) === `skill://tidy/${path}`
        )!;
        assert.equal(new URL(entry.uri).href, entry.uri);
        assert.equal(entry.size, bytes.length);
        assert.equal(entry.digest, await digest(bytes));
        await server.call("resources/read", { uri: entry.uri });
        await server.close();
      },
    ),
    { numRuns: 60 },
  );
});
