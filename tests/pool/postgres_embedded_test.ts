import assert from "node:assert/strict";
import { sleep } from "../../src/base/abort.ts";
import { TimeoutError } from "../../src/base/errors.ts";
import { folderOf } from "../../src/pool/postgres/pglite_driver.ts";
import { PostgresConnectionError } from "../../src/pool/postgres/postgres_errors.ts";
import { PostgresPool } from "../../src/pool/postgres/postgres_pool.ts";
import { EmbeddedFolder } from "../support/embedded_folder.ts";
import { runScript } from "../support/scripts.ts";

let made: EmbeddedFolder;

Deno.test.beforeAll(async () => {
  made = await EmbeddedFolder.make();
});
Deno.test.afterAll(() => made[Symbol.asyncDispose]());

/** A test with a database of its own that has been used before. */
function testInFolder(name: string, fn: (url: string) => Promise<void>) {
  Deno.test(name, async () => {
    await using folder = await made.copy();
    await fn(folder.url);
  });
}

Deno.test("a file: URL names a folder, however it is written", () => {
  const folders = {
    "file:///srv/data": "/srv/data",
    "file://localhost/srv/data": "/srv/data",
    "file:///srv/my%20data": "/srv/my data",
    "file:data/base": "data/base",
    "file://data/base": "data/base",
    "file:./a%20b": "./a b",
    "file:///srv/app#1/what?/50%/db": "/srv/app#1/what?/50%/db",
    [new URL("file:///srv/app%231/50%25").href]: "/srv/app#1/50%",
    "memory://": undefined,
  };
  for (const [url, folder] of Object.entries(folders)) {
    assert.equal(folderOf(url), folder, url);
  }
  assert.throws(() => folderOf("file://"), /names no folder/);
});

function isInUse(error: PostgresConnectionError): true {
  assert.ok(error instanceof PostgresConnectionError);
  assert.match(error.message, /data\/base is in use by another process/);
  return true;
}

/** The longest time in which nothing else had its turn, as a share of all. */
async function longestBlock(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  let longest = 0;
  let last = begun;
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(look, 1);
  await work();
  const took = performance.now() - begun;
  await sleep(5);
  look();
  clearInterval(timer);
  return longest / took;
}

testInFolder("one folder has one database, until it is closed", async (url) => {
  const first = await PostgresPool.connect(url);
  await first.script("CREATE TABLE t (n int); INSERT INTO t VALUES (1)");
  await assert.rejects(PostgresPool.connect(url), isInUse);
  await first.execute("INSERT INTO t VALUES (2)");
  await first.close();
  await using second = await PostgresPool.connect(new URL(url));
  assert.equal(await second.queryValue("SELECT count(*) FROM t"), 2);
});

testInFolder(
  "another process is refused, and one that is killed leaves no lock",
  async (url) => {
    const holder = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-lock"],
        ...["--config", new URL("../../deno.json", import.meta.url).pathname],
        new URL("./embedded_holder.ts", import.meta.url).pathname,
        url,
      ],
      stdout: "piped",
    }).spawn();
    const reader = holder.stdout.getReader();
    await reader.read();
    await assert.rejects(PostgresPool.connect(url), isInUse);
    holder.kill("SIGKILL");
    await holder.status;
    await reader.cancel();
    await using db = await PostgresPool.connect(url);
    assert.equal(await db.queryValue("SELECT n FROM held"), 1);
  },
);

testInFolder(
  "close() waits for a transaction, a query and a stream",
  async (url) => {
    let db = await PostgresPool.connect(url);
    await db.script("CREATE TABLE t (n int)");
    const begun = Promise.withResolvers<void>();
    const transaction = db.transaction(async (tx) => {
      await tx.execute("INSERT INTO t VALUES (1)");
      begun.resolve();
      await sleep(50);
      await tx.execute("INSERT INTO t VALUES (2)");
      return "committed";
    });
    await begun.promise;
    await db.close();
    assert.equal(await transaction, "committed");

    db = await PostgresPool.connect(url);
    const query = db.query("SELECT n FROM t ORDER BY n");
    await Promise.resolve();
    await db.close();
    assert.deepEqual(await query, [{ n: 1 }, { n: 2 }]);

    db = await PostgresPool.connect(url);
    const rows = db.stream("SELECT n FROM generate_series(1, 9) n", [], {
      batchSize: 2,
    });
    await rows.next();
    const closed = db.close();
    assert.equal((await Array.fromAsync(rows)).length, 8);
    await closed;
  },
);

testInFolder(
  "close() doesn't wait for a session that does nothing",
  async (url) => {
    const db = await PostgresPool.connect(url);
    const session = await db.acquire();
    await session.query("SELECT 1");
    await db.close();
    await assert.rejects(session.query("SELECT 1"), PostgresConnectionError);
  },
);

testInFolder(
  "a query of the pool inside its one transaction says what it waits for",
  async (url) => {
    await using db = await PostgresPool.connect(url, {
      name: "users",
      acquireTimeoutMs: 50,
    });
    await assert.rejects(
      db.transaction(() => db.query("SELECT 1")),
      (error: TimeoutError) => {
        assert.ok(error instanceof TimeoutError);
        assert.match(
          error.message,
          /a connection of users, whose only one is in use \(inside a transaction/,
        );
        assert.equal(error.timeoutMs, 50);
        return true;
      },
    );
  },
);

Deno.test("neither opening nor a long statement holds the process up", async () => {
  let db!: PostgresPool;
  const opening = await longestBlock(async () => {
    db = await PostgresPool.connect("memory://");
  });
  const asking = await longestBlock(() =>
    db.query("SELECT count(*) FROM generate_series(1, 3000000)")
  );
  await db.close();
  assert.ok(opening < 0.5, `blocked for ${opening} of the opening`);
  assert.ok(asking < 0.5, `blocked for ${asking} of the statement`);
});

testInFolder(
  "a statement that takes too long is given up, and the next one waits for it",
  async (url) => {
    await using db = await PostgresPool.connect(url, {
      cancelTimeoutMs: 20,
    });
    await db.script("CREATE TABLE t AS SELECT 1 AS n");
    const long = "SELECT count(*) FROM generate_series(1, 3000000)";
    await assert.rejects(db.query(long, [], { timeoutMs: 20 }), TimeoutError);
    assert.equal(await db.queryValue("SELECT n FROM t"), 1);
    assert.equal(db.stats.discarded, 1);
  },
);

testInFolder("COPY is refused, and breaks nothing", async (url) => {
  await using db = await PostgresPool.connect(url);
  await db.script("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
  for (let i = 0; i < 2; i++) {
    const copy = "COPY t FROM STDIN";
    await assert.rejects(db.query(copy), /COPY FROM STDIN is not supported/);
    await assert.rejects(db.script(copy), /COPY FROM STDIN is not supported/);
    await assert.rejects(
      db.transaction((tx) => tx.query(copy)),
      { sqlState: "57014" },
    );
    await assert.rejects(db.query("COPY t TO STDOUT"), /COPY TO STDOUT/);
    assert.deepEqual(await db.query("SELECT id FROM t"), [{ id: 1 }]);
  }
  assert.equal(db.stats.discarded, 0);
});

Deno.test("a process that forgets to close its database ends all the same", async () => {
  const script = `
    import { PostgresPool } from "src/pool/postgres/postgres_pool.ts";
    const db = await PostgresPool.connect("memory://");
    console.log(await db.queryValue("SELECT 'asked'"));`;
  assert.equal(await runScript(script, "--allow-read"), "asked\n");
});

Deno.test("a database opens where the modules came over HTTP, or says what is missing", async () => {
  const root = new URL("../../", import.meta.url);
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async ({ url }) => {
      const file = new URL(`.${new URL(url).pathname}`, root);
      const text = await Deno.readTextFile(file);
      return new Response(text, {
        headers: { "content-type": "application/typescript" },
      });
    },
  );
  const host = `127.0.0.1:${(server.addr as Deno.NetAddr).port}`;
  const script = `
    import { PostgresPool } from "http://${host}/src/pool/postgres/postgres_pool.ts";
    try {
      await using db = await PostgresPool.connect("memory://");
      console.log(await db.queryValue("SELECT 'over HTTP'"));
    } catch ({ code, message }) {
      console.log(code, message.match(/--allow-\\w+/)[0]);
    }
    setTimeout(() => console.log("goes on"), 50);`;
  const run = async (...flags: string[]) => {
    const imports = [`--allow-import=${host}`, `--reload=http://${host}`];
    const all = [...imports, "--no-lock", "--no-check", "--quiet", ...flags];
    return await runScript(script, ...all);
  };
  assert.equal(await run("--allow-read"), "over HTTP\ngoes on\n");
  assert.equal(
    await run(),
    "SLUICE_POSTGRES_CONNECTION --allow-read\ngoes on\n",
  );
});
