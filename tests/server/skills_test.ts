import assert from "node:assert/strict";
import type { Client } from "@modelcontextprotocol/client";
import { SkillsClient } from "@modelcontextprotocol/client/ext/skills";
import {
  InvalidOptionError,
  McpServer,
  type McpServerOptions,
  ProtocolError,
  Skill,
  type SkillEntry,
  type SkillFiles,
} from "../../mod.ts";
import type { Era } from "../support/clients.ts";
import { connectHttp, connectMemory, listen } from "../support/legs.ts";

function skill(path: string, files: SkillFiles = {}): Promise<Skill> {
  const name = path.split("/").at(-1);
  return Skill.from({
    "SKILL.md":
      `---\nname: ${name}\ndescription: About ${name}\n---\n${name}\n`,
    ...files,
  }, { path });
}

function makeServer(options?: McpServerOptions): McpServer {
  return new McpServer({ name: "skills", version: "1.0.0" }, options);
}

// deno-lint-ignore no-explicit-any -- results of every shape
type Loose = Record<string, any>;

async function listed(server: McpServer): Promise<SkillEntry[]> {
  return (await server.call("skills/list")).skills as SkillEntry[];
}

async function childrenOf(server: McpServer, uri: string): Promise<Loose[]> {
  const { resources } = await server.call("resources/directory/read", { uri });
  return resources as Loose[];
}

async function read(server: McpServer, uri: string): Promise<Loose> {
  const { contents } = await server.call("resources/read", { uri });
  return (contents as Loose[])[0];
}

/** The code of the error that a call ends with. */
async function codeOf(call: Promise<unknown>): Promise<number> {
  const error = await call.then(() => undefined, (error) => error);
  assert.ok(error instanceof ProtocolError, String(error));
  return error.code;
}

Deno.test("without a skill the extension is not there; with one it is, in both eras", async () => {
  await using server = makeServer();
  const declared = async () => {
    const { capabilities } = await server.call("server/discover") as Loose;
    return [
      capabilities.extensions["io.modelcontextprotocol/skills"],
      server.server.getCapabilities().extensions,
      capabilities.resources !== undefined,
    ];
  };
  assert.deepEqual(await declared(), [undefined, undefined, false]);
  for (
    const method of ["skills/list", "skills/get", "resources/directory/read"]
  ) {
    const call = server.call(method, { uri: "skill://tidy/SKILL.md" });
    assert.equal(await codeOf(call), -32601);
  }
  const handle = server.registerSkill(await skill("tidy"));
  const settings = { directoryRead: true };
  assert.deepEqual(await declared(), [settings, {
    "io.modelcontextprotocol/skills": settings,
  }, true]);
  handle.remove();
  // Resources were declared: who was told of them may still list none.
  assert.deepEqual(await declared(), [undefined, undefined, true]);
});

for (const era of ["modern", "legacy"] as Era[]) {
  for (const place of ["http", "memory"]) {
    Deno.test(`the official skills client lists, verifies and browses (${era} ${place})`, async () => {
      await using stack = new AsyncDisposableStack();
      const server = stack.use(makeServer({ pageSize: 1 }));
      server.registerSkill(
        await skill("acme/pdf", {
          "references/FORMS.md": "\ufeff# Forms\r\n",
          "references/deep/x & y [1].txt": "ü",
          "mark.bin": new Uint8Array([0xff, 0]),
        }),
      );
      server.registerSkill(await skill("tidy"));
      const leg = { generation: "v2", era } as const;
      const { raw } = stack.use(
        place === "http"
          ? await connectHttp(leg, stack.use(await listen(server)).url)
          : await connectMemory(leg, server),
      );
      const client = new SkillsClient(raw as Client);
      assert.ok(client.supported && client.directoryRead);
      const { skills, invalid } = await client.list();
      assert.deepEqual(skills.map(({ uri }) => uri), [
        "skill://acme/pdf/SKILL.md",
        "skill://tidy/SKILL.md",
      ]);
      assert.deepEqual(invalid, []);
      const [pdf] = skills;
      assert.deepEqual((await client.get(pdf.uri)).skill, pdf);
      assert.ok(Array.isArray(pdf.resources) && pdf.resources.length === 4);
      for (const { uri } of pdf.resources) {
        assert.ok((await client.read(pdf, uri)).verified, uri);
      }
      const { verified } = await client.read(
        pdf,
        "references/deep/x%20&%20y%20[1].txt",
      );
      assert.ok(verified);
      const { resources } = await client.readDirectory("skill://acme/pdf");
      assert.deepEqual(
        resources.map(({ name, mimeType }) => [name, mimeType]),
        [
          ["pdf", "text/markdown"],
          ["mark.bin", "application/octet-stream"],
          ["references", "inode/directory"],
        ],
      );
      await assert.rejects(client.get("skill://nope/SKILL.md"), /No skill/);
    });
  }
}

Deno.test("what is no skill, no directory or no URI is -32602", async () => {
  await using server = makeServer();
  server.registerSkill(await skill("acme/tidy", { "a/b.txt": "b" }));
  for (
    const uri of [
      "skill://tidy/SKILL.md",
      "skill://acme/tidy",
      "skill://acme/tidy/a/b.txt",
      "skill://acme/tidy/SKILL.md?x",
      "SKILL.md",
      "",
      7,
      null,
      undefined,
      "__proto__",
    ]
  ) assert.equal(await codeOf(server.call("skills/get", { uri })), -32602);
  for (
    const uri of [
      "skill://acme/tidy/",
      "skill://acme/tidy/SKILL.md",
      "skill://acme/tidy/c",
      "skill://",
      "%",
      {},
      undefined,
    ]
  ) {
    const call = server.call("resources/directory/read", { uri });
    assert.equal(await codeOf(call), -32602);
  }
  for (
    const uri of [
      "skill://acme/tidy/../../etc/passwd",
      "skill://acme/tidy/%2e%2e/%2e%2e/SKILL.md",
      "skill://acme/tidy/a%2Fb.txt",
      "skill://acme/tidy/a",
      "skill://acme/tidy/%ff",
    ]
  ) {
    const call = server.call("resources/read", { uri });
    assert.equal(await codeOf(call), -32602, uri);
  }
  const cursor = { cursor: "nonsense" };
  assert.equal(await codeOf(server.call("skills/list", cursor)), -32602);
});

Deno.test("lists come in pages, a directory's too", async () => {
  await using server = makeServer({ pageSize: 2 });
  server.registerSkills(
    await Promise.all([
      skill("a", { "1": "", "2": "", "3": "" }),
      skill("b"),
      skill("c"),
    ]),
  );
  const walk = async (method: string, field: string, params: Loose) => {
    const pages: string[][] = [];
    let cursor: unknown;
    do {
      const result = await server.call(method, { ...params, cursor }) as Loose;
      pages.push(result[field].map(({ uri }: { uri: string }) => uri));
      cursor = result.nextCursor;
    } while (cursor !== undefined);
    return pages;
  };
  assert.deepEqual(await walk("skills/list", "skills", {}), [
    ["skill://a/SKILL.md", "skill://b/SKILL.md"],
    ["skill://c/SKILL.md"],
  ]);
  const directory = { uri: "skill://a" };
  assert.deepEqual(
    await walk("resources/directory/read", "resources", directory),
    [["skill://a/1", "skill://a/2"], ["skill://a/3", "skill://a/SKILL.md"]],
  );
});

Deno.test("resources/list shows each SKILL.md, among the server's own resources", async () => {
  await using server = makeServer();
  server.registerResource("own", "data://own", {}, () => "own");
  server.registerSkill(await skill("tidy", { "a.txt": "a" }));
  const { resources } = await server.call("resources/list");
  assert.deepEqual(resources, [
    { uri: "data://own", name: "own" },
    {
      uri: "skill://tidy/SKILL.md",
      name: "tidy",
      description: "About tidy",
      mimeType: "text/markdown",
      size: 48,
    },
  ]);
});

Deno.test("a skill within another is one of its own, and its files belong to both", async () => {
  await using server = makeServer();
  const inner = server.registerSkill(
    await skill("pdf/forms", { "a.txt": "a" }),
  );
  server.registerSkill(await skill("pdf", { "forms/b.txt": "b" }));
  const uris = async () =>
    (await listed(server)).map(({ resources }) =>
      (resources as { uri: string }[]).map(({ uri }) => uri.slice(8))
    );
  assert.deepEqual(await uris(), [
    ["pdf/forms/SKILL.md", "pdf/forms/a.txt", "pdf/forms/b.txt"],
    [
      "pdf/SKILL.md",
      "pdf/forms/SKILL.md",
      "pdf/forms/a.txt",
      "pdf/forms/b.txt",
    ],
  ]);
  inner.disable();
  assert.deepEqual(await uris(), [["pdf/SKILL.md", "pdf/forms/b.txt"]]);
  assert.equal(
    await codeOf(read(server, "skill://pdf/forms/SKILL.md")),
    -32602,
  );
});

Deno.test("files that two skills would serve are refused", async () => {
  await using server = makeServer();
  server.registerSkill(await skill("pdf", { "forms/a.txt": "", "x": "" }));
  await assert.rejects(async () => server.registerSkill(await skill("pdf")), {
    message: /Skill pdf is already registered/,
  });
  const overlapping = await skill("pdf/forms", { "a.txt": "" });
  assert.throws(() => server.registerSkill(overlapping), {
    message: "skills pdf and pdf/forms would both serve pdf/forms/a.txt",
  });
  const inFile = await skill("pdf/x/y");
  assert.throws(() => server.registerSkill(inFile), /both serve pdf\/x/);
  const other = server.registerSkill(await skill("other"));
  assert.throws(() => other.update({ skill: overlapping }), TypeError);
  assert.equal(other.uri, "skill://other/SKILL.md");
});

Deno.test("a file that is made when it is read makes its skill dynamic, and those around it", async () => {
  await using server = new McpServer({ name: "skills", version: "1.0.0" }, {
    lifespan: () => ({ times: 0 }),
    log: () => {},
  });
  server.registerSkill(
    await Skill.from<{ times: number }>({
      "SKILL.md": "---\nname: live\ndescription: Live\n---\n",
      "count.json": (uri, ctx) => ({
        uri: uri.href,
        times: ++ctx.lifespan.times,
      }),
      "fails.txt": () => {
        throw new Error("no luck");
      },
    }, { path: "reports/live" }),
  );
  server.registerSkill(await skill("reports"));
  assert.deepEqual(
    (await listed(server)).map(({ resources }) => resources),
    ["dynamic", "dynamic"],
  );
  const uri = "skill://reports/live/count.json";
  await read(server, uri);
  assert.deepEqual(await read(server, uri), {
    uri,
    mimeType: "application/json",
    text: JSON.stringify({ uri, times: 2 }),
  });
  const fails = read(server, "skill://reports/live/fails.txt");
  assert.equal(await codeOf(fails), -32603);
  const [, count] = await childrenOf(server, "skill://reports/live");
  assert.deepEqual(count, {
    uri,
    name: "count.json",
    mimeType: "application/json",
  });
});

Deno.test("a mounted server's skills show under its prefix, with its lifespan", async () => {
  const inner = new McpServer({ name: "inner", version: "1.0.0" }, {
    lifespan: () => ({ who: "inner" }),
  });
  inner.registerSkill(
    await Skill.from<{ who: string }>({
      "SKILL.md": "---\nname: who\ndescription: Who\n---\n",
      "who.txt": (_uri, ctx) => ctx.lifespan.who,
    }),
  );
  await using server = makeServer();
  server.registerSkill(await skill("who"));
  server.mount("team", inner);
  const late = inner.registerSkill(await skill("late", { "a/b.txt": "b" }));
  assert.deepEqual((await listed(server)).map(({ uri }) => uri), [
    "skill://who/SKILL.md",
    "skill://team/who/SKILL.md",
    "skill://team/late/SKILL.md",
  ]);
  assert.equal((await read(server, "skill://team/who/who.txt")).text, "inner");
  assert.equal((await read(server, "skill://team/late/a/b.txt")).text, "b");
  assert.deepEqual(
    (await childrenOf(server, "skill://team")).map(({ name }) => name),
    ["late", "who"],
  );
  late.remove();
  assert.equal(await codeOf(read(server, "skill://team/late/a/b.txt")), -32602);
});

Deno.test("cache hints come with the registration, else from the server's options", async () => {
  const hint = (ttlMs: number) => ({ ttlMs, cacheScope: "public" as const });
  await using server = makeServer({
    cacheHints: {
      "skills/list": hint(1),
      "skills/get": hint(2),
      "resources/read": hint(3),
      "resources/directory/read": hint(4),
    },
  });
  server.registerSkill(await skill("plain"));
  server.registerSkill(await skill("own"), { cacheHint: hint(5) });
  const ttl = async (method: string, uri?: string) => {
    const { ttlMs, cacheScope } = await server.call(method, { uri });
    return [ttlMs, cacheScope];
  };
  assert.deepEqual(await ttl("skills/list"), [1, "public"]);
  assert.deepEqual(await ttl("skills/get", "skill://plain/SKILL.md"), [
    2,
    "public",
  ]);
  assert.deepEqual(await ttl("resources/read", "skill://plain/SKILL.md"), [
    3,
    "public",
  ]);
  assert.deepEqual(await ttl("resources/directory/read", "skill://plain"), [
    4,
    "public",
  ]);
  for (const method of ["skills/get", "resources/read"]) {
    assert.deepEqual(await ttl(method, "skill://own/SKILL.md"), [5, "public"]);
  }
  const bad = await skill("bad");
  assert.throws(
    () => server.registerSkill(bad, { cacheHint: { ttlMs: -1 } }),
    InvalidOptionError,
  );
  assert.throws(
    () => makeServer({ cacheHints: { "skills/get": { ttlMs: 0.5 } } }),
    InvalidOptionError,
  );
});

Deno.test("skills come, change and go, and those who listen hear of it once", async () => {
  await using server = makeServer();
  const handle = server.registerSkill(await skill("tidy", { "a.txt": "1" }));
  await using client = await connectMemory(
    { generation: "v2", era: "legacy" },
    server,
  );
  const CHANGED = "notifications/resources/list_changed";
  const heard = () => client.heard.length;
  handle.update({ skill: await skill("tidy", { "a.txt": "2", "b.txt": "3" }) });
  handle.disable();
  handle.enable();
  await client.hears(CHANGED);
  assert.equal(heard(), 1);
  assert.equal((await read(server, "skill://tidy/a.txt")).text, "2");
  handle.disable();
  assert.deepEqual(await listed(server), []);
  assert.equal(await codeOf(read(server, "skill://tidy/a.txt")), -32602);
  handle.enable();
  handle.update({ skill: await skill("neat") });
  assert.equal(handle.name, "neat");
  assert.deepEqual((await listed(server)).map(({ uri }) => uri), [
    "skill://neat/SKILL.md",
  ]);
  handle.remove();
  assert.ok(handle.removed && !handle.enabled);
  assert.equal(await codeOf(server.call("skills/list")), -32601);
});

Deno.test("many skills are replaced all at once, or not at all", async () => {
  await using server = makeServer();
  server.registerSkill(await skill("fixed"));
  const skills = server.registerSkills([
    await skill("same"),
    await skill("outer", { "inner/moves.txt": "m" }),
    await skill("outer/inner"),
    await skill("gone"),
  ]);
  const [same, , inner] = skills.all;
  inner.disable();
  const before = await listed(server);
  for (
    const bad of [
      [await skill("fixed")],
      [await skill("twice"), await skill("twice")],
    ]
  ) {
    assert.throws(() => skills.replace(bad), TypeError);
    assert.deepEqual(await listed(server), before);
  }
  skills.replace([
    await skill("same"),
    await skill("outer"),
    await skill("outer/inner", { "moves.txt": "m" }),
    await skill("new"),
  ]);
  assert.equal(skills.all[0], same);
  assert.ok(!skills.all[2].enabled, "what was disabled stays so");
  skills.all[2].enable();
  assert.deepEqual(
    (await listed(server)).map(({ uri }) => uri.slice(8, -9)).toSorted(),
    ["fixed", "new", "outer", "outer/inner", "same"],
  );
  assert.equal((await read(server, "skill://outer/inner/moves.txt")).text, "m");
  skills.remove();
  assert.deepEqual((await listed(server)).map(({ uri }) => uri), [
    "skill://fixed/SKILL.md",
  ]);
});

Deno.test("skills too large together are warned of", async () => {
  const warnings: string[] = [];
  await using server = makeServer({
    log: ({ message }) => void warnings.push(message),
  });
  const files = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`${index}`, ""]),
    );
  server.registerSkill(await skill("outer", files(300)));
  server.registerSkill(await skill("outer/inner", files(300)));
  await listed(server);
  await listed(server);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /^skill:\/\/outer\/SKILL.md has 602 files/);
});

Deno.test("middleware sees skills, and a method of one's own goes first", async () => {
  await using server = makeServer();
  server.registerSkill(await skill("tidy"));
  const seen: string[] = [];
  server.use(async ({ method }, next) => {
    seen.push(method);
    return await next();
  });
  assert.equal((await listed(server)).length, 1);
  server.server.setRequestHandler("skills/list", () => ({ skills: [] }));
  assert.deepEqual(await listed(server), []);
  assert.deepEqual(seen, ["skills/list", "skills/list"]);
});
