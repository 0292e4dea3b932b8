import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  InvalidSkillError,
  McpServer,
  readSkills,
  type ReadSkillsOptions,
} from "../../mod.ts";

function manifest(name: string): string {
  return `---\nname: ${name}\ndescription: About ${name}\n---\n`;
}

/** A temporary folder with these files, gone at the end of the test. */
async function makeFolder(
  files: Record<string, string>,
): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir();
  for (const [name, text] of Object.entries(files)) {
    const file = join(path, name);
    await Deno.mkdir(dirname(file), { recursive: true });
    await Deno.writeTextFile(file, text);
  }
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

async function pathsOf(
  directory: string | URL,
  options?: ReadSkillsOptions,
): Promise<Record<string, string[]>> {
  const skills = await readSkills(directory, options);
  return Object.fromEntries(
    skills.map(({ path, files }) => [path, [...files.keys()]]),
  );
}

async function refusal(
  directory: string,
  options?: ReadSkillsOptions,
): Promise<string> {
  const error = await readSkills(directory, options).catch((error) => error);
  assert.ok(error instanceof InvalidSkillError, String(error));
  return error.message;
}

Deno.test("every folder with a SKILL.md is a skill, and has what no skill in it has", async () => {
  await using folder = await makeFolder({
    "README.md": "not a skill",
    "tidy/SKILL.md": manifest("tidy"),
    "tidy/references/A.md": "a",
    "tidy/__proto__": "b",
    "tidy/.git/config": "hidden",
    "tidy/.DS_Store": "hidden",
    "acme/billing/refunds/SKILL.md": manifest("refunds"),
    "acme/billing/refunds/nested/SKILL.md": manifest("nested"),
    "acme/billing/refunds/nested/b.txt": "b",
    "acme/billing/notes.txt": "not a skill's",
  });
  const expected = {
    "acme/billing/refunds": ["SKILL.md"],
    "acme/billing/refunds/nested": ["SKILL.md", "b.txt"],
    "tidy": ["SKILL.md", "__proto__", "references/A.md"],
  };
  assert.deepEqual(await pathsOf(folder.path), expected);
  assert.deepEqual(await pathsOf(pathToFileURL(folder.path)), expected);
  assert.deepEqual(
    Object.keys(await pathsOf(folder.path, { prefix: "team/x" })),
    Object.keys(expected).map((path) => `team/x/${path}`),
  );
  assert.deepEqual(await pathsOf(join(folder.path, "tidy")), {
    tidy: ["SKILL.md", "__proto__", "references/A.md"],
  });
  assert.deepEqual(await pathsOf(join(folder.path, "tidy/references")), {});
});

Deno.test("what has been read is served as it was then", async () => {
  await using folder = await makeFolder({
    "tidy/SKILL.md": manifest("tidy"),
    "tidy/a.txt": "before",
  });
  await using server = new McpServer({ name: "skills", version: "1.0.0" });
  const skills = server.registerSkills(await readSkills(folder.path));
  const read = async () => {
    const { contents } = await server.call("resources/read", {
      uri: "skill://tidy/a.txt",
    });
    return (contents as { text: string }[])[0].text;
  };
  await Deno.writeTextFile(join(folder.path, "tidy/a.txt"), "after");
  assert.equal(await read(), "before");
  skills.replace(await readSkills(folder.path));
  assert.equal(await read(), "after");
});

Deno.test("a folder must be named as its skill", async () => {
  await using folder = await makeFolder({ "neat/SKILL.md": manifest("tidy") });
  assert.equal(
    await refusal(folder.path),
    'skill neat can\'t be served: path "neat" must end with the name in ' +
      'SKILL.md, "tidy"',
  );
});

Deno.test("symbolic links are not followed", async () => {
  await using folder = await makeFolder({
    "secret/key.txt": "secret",
    "skills/tidy/SKILL.md": manifest("tidy"),
    "skills/neat/SKILL.md": manifest("neat"),
  });
  const at = (path: string) => join(folder.path, path);
  await Deno.symlink(at("secret/key.txt"), at("skills/tidy/key.txt"));
  await Deno.symlink(at("secret"), at("skills/neat/secret"));
  await Deno.symlink(at("skills/neat"), at("skills/linked"));
  const errors: InvalidSkillError[] = [];
  const options = {
    onInvalid: (error: InvalidSkillError) => void errors.push(error),
  };
  assert.deepEqual(await readSkills(at("skills"), options), []);
  assert.deepEqual(
    errors.map(({ message }) => message.replace(/,.*/, "")),
    [
      "skill linked can't be served: it is a symbolic link",
      "skill neat can't be served: secret is a symbolic link",
      "skill tidy can't be served: key.txt is a symbolic link",
    ],
  );
  const all = await refusal(at("skills"));
  assert.ok(errors.every(({ message }) => all.includes(message)), all);
  await Deno.mkdir(at("skills/odd"));
  await Deno.symlink(at("skills/tidy/SKILL.md"), at("skills/odd/SKILL.md"));
  assert.match(await refusal(at("skills/odd")), /SKILL.md is a symbolic link/);
});

Deno.test("too many and too large files are refused before they are read", async () => {
  await using folder = await makeFolder({
    "tidy/SKILL.md": manifest("tidy"),
    "tidy/a.txt": "a",
    "tidy/b.txt": "b",
  });
  assert.match(await refusal(folder.path, { maxFiles: 2 }), /3 files.*have 2/);
  assert.match(await refusal(folder.path, { maxBytes: 10 }), /may have 10/);
  const sparse = await Deno.open(join(folder.path, "tidy/huge"), {
    create: true,
    write: true,
  });
  await sparse.truncate(1e12);
  sparse.close();
  assert.match(await refusal(folder.path), /may have 16777216/);
});

Deno.test("one bad skill leaves the others be, if its author says so", async () => {
  await using folder = await makeFolder({
    "bad/SKILL.md": "no frontmatter",
    "tidy/SKILL.md": manifest("tidy"),
  });
  assert.match(await refusal(folder.path), /^skill bad can't/);
  const errors: string[] = [];
  const found = await pathsOf(folder.path, {
    onInvalid: ({ message }) => void errors.push(message),
  });
  assert.deepEqual(Object.keys(found), ["tidy"]);
  assert.equal(errors.length, 1);
});

Deno.test("a folder that is missing is the file system's own error", async () => {
  await assert.rejects(
    readSkills("/nowhere/at/all"),
    Deno.errors.NotFound,
  );
});
