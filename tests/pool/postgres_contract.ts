import assert from "node:assert/strict";
import { ClosedError, TimeoutError } from "../../src/base/errors.ts";
import { LeaseReleasedError } from "../../src/pool/lease.ts";
import {
  PostgresError,
  PostgresParameterError,
} from "../../src/pool/postgres/postgres_errors.ts";
import type { PostgresOptions } from "../../src/pool/postgres/postgres_options.ts";
import { PostgresPool } from "../../src/pool/postgres/postgres_pool.ts";
import {
  type PostgresTransaction,
  TransactionOverError,
} from "../../src/pool/postgres/postgres_transaction.ts";
import { IN_TRANSACTION } from "../../src/pool/postgres/transaction_watch.ts";

/** What is known of the driver under test. */
export interface ContractOptions {
  ignore?: boolean;
  url: () => string;
  driver: NonNullable<PostgresOptions["driver"]>;
  /** Whether it can have several connections, and cancel on the server. */
  isServer: boolean;
}

/** What a `PostgresPool` promises, whatever driver it stands on. */
export function postgresContract(
  name: string,
  { ignore, url, driver, isServer }: ContractOptions,
): void {
  const test = (
    title: string,
    fn: (db: PostgresPool, warnings: string[]) => Promise<void>,
    options: PostgresOptions = {},
  ) =>
    Deno.test({
      name: `${name}: ${title}`,
      ignore,
      fn: async () => {
        const warnings: string[] = [];
        await using db = await PostgresPool.connect(url(), {
          driver,
          max: 3,
          log: { warn: (message) => warnings.push(message) },
          ...options,
        });
        await fn(db, warnings);
      },
    });

  test("reads rows, one row and one value", async (db) => {
    const rows = await db.query<{ n: number }>(
      "SELECT n FROM generate_series(1, $1) AS n",
      [3],
    );
    assert.deepEqual(rows, [{ n: 1 }, { n: 2 }, { n: 3 }]);
    assert.deepEqual(await db.queryOne("SELECT 1 AS a, 'x' AS b"), {
      a: 1,
      b: "x",
    });
    assert.equal(await db.queryValue("SELECT 41 + $1::int", [1]), 42);
    assert.equal(await db.queryOne("SELECT 1 WHERE false"), undefined);
    assert.equal(await db.queryValue("SELECT 1 WHERE false"), undefined);
  });

  test("reads the same values by every driver", async (db) => {
    const row = await db.queryOne(`SELECT
      7::int2 AS int2, 7::int4 AS int4, 7::int8 AS int8,
      9007199254740993::int8 AS beyond, 1.5::float8 AS float8,
      1.50::numeric AS numeric, true AS bool, 'é'::text AS text, NULL AS nothing,
      '2026-02-03'::date AS date,
      '2026-02-03 04:05:06.789'::timestamp AS timestamp,
      '2026-02-03 04:05:06.789+00'::timestamptz AS timestamptz,
      '{"a":[1,null]}'::jsonb AS jsonb, ARRAY[1,2] AS ints,
      ARRAY['a','b"c'] AS texts`);
    assert.deepEqual(row, {
      int2: 7,
      int4: 7,
      int8: 7,
      beyond: "9007199254740993",
      float8: 1.5,
      numeric: "1.50",
      bool: true,
      text: "é",
      nothing: null,
      date: "2026-02-03",
      timestamp: new Date("2026-02-03T04:05:06.789Z"),
      timestamptz: new Date("2026-02-03T04:05:06.789Z"),
      jsonb: { a: [1, null] },
      ints: [1, 2],
      texts: ["a", 'b"c'],
    });
  });

  test("reads an array as its elements are read", async (db) => {
    await db.script(`
      CREATE TYPE mood AS ENUM ('fine', 'so, so', 'NULL');
      CREATE DOMAIN cents AS int8;
      CREATE DOMAIN price AS numeric CHECK (VALUE >= 0);
      CREATE TYPE span AS RANGE (subtype = float8);
      CREATE TYPE pair AS (a int, b text)`);
    const values = [
      ["numeric", "12345678901234567890.123", "NaN"],
      ["int8", "9007199254740993", "-1"],
      ["float8", "NaN", "-Infinity", "1.5"],
      ["float4", "Infinity", "0.25"],
      ["date", "infinity", "2026-02-03"],
      ["timestamp", "infinity", "2026-02-03 04:05:06.789", "0044-03-15 BC"],
      ["timestamptz", "-infinity", "2026-02-03 04:05:06+05:30", "1800-01-01"],
      ["interval", "1 year 2 days 03:04:05.678"],
      ["time", "23:59:59.5"],
      ["bool", "true", "false"],
      ["bytea", "\\x00ff", ""],
      ["uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"],
      ["inet", "10.0.0.1/8"],
      ["point", "(1,2)"],
      ["box", "(3,4),(1,2)"],
      ["json", '{"a":[1,"}"]}', "null"],
      ["jsonb", '"x,y"', '{"a":[1e400,12345678901234567890]}', "-1e309"],
      ["numrange", "[1.5,2)", "empty"],
      ["int8range", "[1,5)"],
      ["tstzrange", '["2026-02-03 00:00:00+00",infinity)'],
      ["mood", "fine", "so, so", "NULL"],
      ["cents", "9007199254740993", "7"],
      ["price", "0.10"],
      ["span", "[0.5,1]"],
      ["pair", '(1,"a ""b""")'],
    ];
    for (const [type, ...texts] of values) {
      for (const text of texts) {
        const row = await db.queryOne<Record<string, unknown>>(
          `SELECT v AS one, ARRAY[v, NULL]::${type}[] AS many,
            ARRAY[[v], [NULL]]::${type}[] AS nested
          FROM (SELECT $1::text::${type} AS v) AS given`,
          [text],
        );
        const { one, many, nested } = row!;
        assert.deepEqual(many, [one, null], `${type}: ${text}`);
        assert.deepEqual(nested, [[one], [null]], `${type}: ${text}`);
        if (type === "json" && text === "null") continue;
        assert.notEqual(one, null, `${type}: ${text}`);
        assert.notEqual(JSON.stringify(one), "null", `${type}: ${text}`);
      }
    }
    await db.script(`DROP TYPE mood, span, pair; DROP DOMAIN cents, price`);
  }, { max: 1 });

  test("reads what JSON has no word for as PostgreSQL writes it", async (db) => {
    assert.deepEqual(
      await db.queryOne(
        `SELECT 'NaN'::float8 AS nan, 'infinity'::timestamptz AS end,
        '-infinity'::timestamp AS start, 'infinity'::date AS day,
        '-Infinity'::float4 AS least, '[2:3]={7,8}'::int[] AS bounds,
        '{}'::int[] AS empty, '2026-02-03 04:05:06+05:30'::timestamptz AS point,
        '0044-03-15'::timestamp AS early, '3 days'::interval AS while,
        '{"n": [1e400, 1.5]}'::json AS json, ARRAY['1e310'::jsonb] AS jsons`,
      ),
      {
        nan: "NaN",
        end: "infinity",
        start: "-infinity",
        day: "infinity",
        least: "-Infinity",
        bounds: [7, 8],
        empty: [],
        point: new Date("2026-02-02T22:35:06Z"),
        early: new Date("0044-03-15T00:00:00Z"),
        while: "3 days",
        json: { n: ["1e400", 1.5] },
        jsons: ["1" + "0".repeat(310)],
      },
    );
  });

  test("learns of a type that is made while it runs", async (db) => {
    const text = "SELECT ARRAY['b', NULL, 'a']::made[] AS all";
    await assert.rejects(db.query(text), PostgresError);
    await db.script("CREATE TYPE made AS ENUM ('a', 'b')");
    for (let i = 0; i < 3; i++) {
      assert.deepEqual(await db.queryValue(text), ["b", null, "a"]);
    }
    const streamed = await Array.fromAsync(
      db.stream("SELECT ARRAY[m] AS m FROM unnest(enum_range(NULL::made)) m"),
    );
    assert.deepEqual(streamed, [{ m: ["a"] }, { m: ["b"] }]);
    await db.script("DROP TYPE made");
  }, { max: 1 });

  test("reads and writes NULL in an array", async (db) => {
    const texts = ["a", null, "NULL"];
    assert.deepEqual(await db.queryValue("SELECT $1::text[]", [texts]), texts);
  });

  test("writes the same values by every driver", async (db) => {
    const when = new Date("2026-02-03T04:05:06.789Z");
    const bytes = new Uint8Array([0, 1, 255]);
    const row = await db.queryOne<Record<string, unknown>>(
      `SELECT $1::int AS int, $2::text AS text, $3::bool AS bool,
        $4::timestamptz AS timestamptz, $5::timestamp AS timestamp,
        $6::jsonb AS jsonb, $7::bytea AS bytea, $8::text AS nothing,
        $9::int8 AS int8, $10::text[] AS texts`,
      [1, "it's", false, when, when, { a: "b" }, bytes, undefined, 5n, [
        'a"b',
        "c\\d",
        "",
      ]],
    );
    assert.deepEqual([...row!.bytea as Uint8Array], [0, 1, 255]);
    assert.deepEqual({ ...row, bytea: undefined }, {
      int: 1,
      text: "it's",
      bool: false,
      timestamptz: when,
      timestamp: when,
      jsonb: { a: "b" },
      bytea: undefined,
      nothing: null,
      int8: 5,
      texts: ['a"b', "c\\d", ""],
    });
  });

  test("takes an array for = ANY($1), empty ones too", async (db) => {
    const text = "SELECT n FROM generate_series(1, 9) AS n WHERE n = ANY($1)";
    assert.deepEqual(await db.query(text, [[2, 5, 99]]), [{ n: 2 }, { n: 5 }]);
    assert.deepEqual(await db.query(text, [[]]), []);
    assert.equal(
      await db.queryValue("SELECT 'b' = ANY($1::text[])", [["a", "b"]]),
      true,
    );
  });

  test("refuses a parameter that has no form", async (db) => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    for (const value of [cycle, () => 1, Symbol("s"), new Date(NaN)]) {
      await assert.rejects(
        db.query("SELECT $1::text", [value]),
        (error: PostgresParameterError) => {
          assert.ok(error instanceof PostgresParameterError);
          assert.equal(error.code, "SLUICE_POSTGRES_PARAMETER");
          return true;
        },
      );
    }
    assert.equal(await db.queryValue("SELECT 1"), 1);
  });

  test("says what the server refused, and goes on", async (db) => {
    await db.script("CREATE TEMP TABLE t (id int PRIMARY KEY)");
    await assert.rejects(
      db.script("INSERT INTO t VALUES (1); INSERT INTO t VALUES (1)"),
      (error: PostgresError) => {
        assert.ok(error instanceof PostgresError);
        assert.equal(error.code, "SLUICE_POSTGRES");
        assert.equal(error.sqlState, "23505");
        assert.equal(error.constraint, "t_pkey");
        assert.match(error.detail!, /already exists/);
        return true;
      },
    );
    for (const text of ["SELEC 1", "SELECT $1::int + no_column"]) {
      const params = text.includes("$1") ? [1] : [];
      await assert.rejects(db.query(text, params), PostgresError);
    }
    await assert.rejects(db.query("SELECT $1::int", ["x"]), {
      sqlState: "22P02",
    });
    assert.equal(await db.queryValue("SELECT 1"), 1);
    assert.equal(db.stats.discarded, 0);
  }, { max: 1 });

  test("counts the rows that were written", async (db) => {
    await db.script("CREATE TEMP TABLE t (id int)");
    const insert = "INSERT INTO t SELECT generate_series(1, $1)";
    assert.equal(await db.execute(insert, [4]), 4);
    assert.equal(await db.execute("UPDATE t SET id = 0 WHERE id > 2"), 2);
    assert.equal(await db.execute("DELETE FROM t WHERE id > 100"), 0);
  }, { max: 1 });

  test(
    "survives a change of the table under a prepared statement",
    async (db) => {
      await db.script("CREATE TEMP TABLE t (a int); INSERT INTO t VALUES (1)");
      const text = "SELECT * FROM t WHERE a = $1";
      assert.deepEqual(await db.query(text, [1]), [{ a: 1 }]);
      await db.script("ALTER TABLE t ADD b text DEFAULT 'new'");
      assert.deepEqual(await db.query(text, [1]), [{ a: 1, b: "new" }]);
      await db.query("DEALLOCATE ALL").catch(() => {});
      assert.deepEqual(await db.query(text, [1]), [{ a: 1, b: "new" }]);
    },
    { max: 1 },
  );

  test("applies serverSettings to each connection", async (db) => {
    assert.equal(await db.queryValue("SHOW work_mem"), "8MB");
    assert.equal(await db.queryValue("SHOW statement_timeout"), "12345ms");
  }, { serverSettings: { work_mem: "8MB", statement_timeout: "12345ms" } });

  test("commits a transaction", async (db) => {
    await db.script("CREATE TEMP TABLE t (id int)");
    const result = await db.transaction(async (tx) => {
      await tx.execute("INSERT INTO t VALUES ($1)", [1]);
      return "done";
    });
    assert.equal(result, "done");
    assert.equal(await db.queryValue("SELECT count(*) FROM t"), 1);
    assert.equal(db.stats.transactions, 1);
  }, { max: 1 });

  test("rolls a transaction back when it throws", async (db) => {
    await db.script("CREATE TEMP TABLE t (id int)");
    await assert.rejects(
      db.transaction(async (tx) => {
        await tx.execute("INSERT INTO t VALUES (1)");
        throw new Error("mine");
      }),
      /mine/,
    );
    assert.equal(await db.queryValue("SELECT count(*) FROM t"), 0);
  }, { max: 1 });

  test("doesn't take a refused transaction for committed", async (db) => {
    await db.script("CREATE TEMP TABLE t (id int)");
    await assert.rejects(
      db.transaction(async (tx) => {
        await tx.execute("INSERT INTO t VALUES (1)");
        await tx.query("SELECT 1 / 0").catch(() => {});
      }),
      { sqlState: "22012" },
    );
    await db.transaction(async (tx) => {
      await tx.query("SAVEPOINT s");
      await tx.query("SELECT 1 / 0").catch(() => {});
      await tx.query("ROLLBACK TO s");
      await tx.execute("INSERT INTO t VALUES (2)");
    });
    assert.deepEqual(await db.query("SELECT id FROM t"), [{ id: 2 }]);
  }, { max: 1 });

  test("runs a transaction at the isolation asked for", async (db) => {
    const show = "SHOW transaction_isolation";
    for (
      const isolation of [
        "read committed",
        "repeatable read",
        "serializable",
      ] as const
    ) {
      assert.equal(
        await db.transaction((tx) => tx.queryValue(show), { isolation }),
        isolation,
      );
    }
    await assert.rejects(
      db.transaction((tx) => tx.execute("CREATE TABLE never (id int)"), {
        readOnly: true,
      }),
      { sqlState: "25006" },
    );
    await assert.rejects(
      db.transaction(() => {}, { isolation: "chaos" as never }),
      /isolation must be one of read committed.*got "chaos"/,
    );
    await assert.rejects(
      db.transaction(() => {}, { maxRetries: -1 }),
      /maxRetries .* got -1/,
    );
  });

  test("runs a transaction again after a serialization failure", async (db) => {
    let attempts = 0;
    const value = await db.transaction(async (tx) => {
      attempts++;
      if (attempts < 3) await raise(tx, "40001");
      return await tx.queryValue("SELECT 5");
    });
    assert.equal(value, 5);
    assert.equal(attempts, 3);
    assert.equal(db.stats.transactionRetries, 2);

    attempts = 0;
    await assert.rejects(
      db.transaction(async (tx) => {
        attempts++;
        await raise(tx, "40P01");
      }, { maxRetries: 1 }),
      { sqlState: "40P01" },
    );
    assert.equal(attempts, 2);

    attempts = 0;
    await assert.rejects(
      db.transaction(async (tx) => {
        attempts++;
        await raise(tx, "23505");
      }),
      { sqlState: "23505" },
    );
    assert.equal(attempts, 1, "nothing else is tried again");
  });

  test("refuses a transaction that is over", async (db) => {
    const leaked = await db.transaction((tx) => tx);
    await assert.rejects(leaked.query("SELECT 1"), TransactionOverError);
  });

  test("streams in batches, in step with other statements", async (db) => {
    let sum = 0;
    const rows = db.stream<{ n: number }>(
      "SELECT n FROM generate_series(1, $1::int) AS n",
      [1_050],
      { batchSize: 100 },
    );
    for await (const { n } of rows) sum += n;
    assert.equal(sum, 1_050 * 1_051 / 2);

    await db.transaction(async (tx) => {
      const seen = [];
      for await (
        const { n } of tx.stream<{ n: number }>(
          "SELECT n FROM generate_series(1, 5) AS n",
          [],
          { batchSize: 2 },
        )
      ) {
        seen.push(await tx.queryValue("SELECT $1::int * 10", [n]));
      }
      assert.deepEqual(seen, [10, 20, 30, 40, 50]);
    });
  });

  test("closes the cursor of a stream that is left early", async (db) => {
    for await (const _row of db.stream("SELECT generate_series(1, 1000)")) {
      break;
    }
    const cursors = "SELECT name FROM pg_cursors WHERE name LIKE 'sluice%'";
    assert.deepEqual(await db.query(cursors), []);
    assert.deepEqual([db.stats.idle, db.stats.discarded], [1, 0]);
    await assert.rejects(
      Array.fromAsync(
        db.stream("SELECT 1 / (3 - n) FROM generate_series(1, 9) n"),
      ),
      { sqlState: "22012" },
    );
    assert.equal(await db.queryValue("SELECT 1"), 1);
    await assert.rejects(
      Array.fromAsync(db.stream("SELECT 1", [], { batchSize: 0 })),
      /batchSize .* got 0/,
    );
    assert.deepEqual([db.stats.inUse, db.stats.discarded], [0, 0]);
  }, { max: 1 });

  test(
    "lends one connection, and takes its statements in order",
    async (db) => {
      {
        await using session = await db.acquire();
        await session.script("CREATE TEMP TABLE mine (id int)");
        const answers = await Promise.all([
          session.execute("INSERT INTO mine VALUES (1)"),
          session.execute("INSERT INTO mine VALUES (2)"),
          session.queryValue("SELECT count(*) FROM mine"),
        ]);
        assert.deepEqual(answers, [1, 1, 2]);
        await session.transaction((tx) => tx.execute("DELETE FROM mine"));
        await session.release();
        await assert.rejects(session.query("SELECT 1"), LeaseReleasedError);
      }
      assert.deepEqual([db.stats.inUse, db.stats.idle], [0, 1]);
    },
    { max: 1 },
  );

  test(
    "closes a connection that comes back in a transaction",
    async (db, warnings) => {
      await db.query("BEGIN");
      assert.match(warnings[0], /came back in a transaction/);
      assert.equal(db.stats.discarded, 1);
      {
        await using session = await db.acquire();
        await session.query("BEGIN");
        await session.query("CREATE TABLE never (id int)");
      }
      assert.equal(
        await db.queryValue("SELECT to_regclass('never')::text"),
        null,
      );
      assert.equal(warnings.length, 2);
    },
    { max: 1 },
  );

  test(
    "never lends a connection whose script left a transaction open",
    async (db) => {
      await db.script("CREATE TABLE left_open (id int)");
      const insert = "INSERT INTO left_open VALUES (1)";
      const block = "DO $$ BEGIN PERFORM 1; END $$";
      const scripts = [
        `BEGIN; ${block}; ${insert}`,
        `/* first */ BEGIN; ${insert}`,
        `-- first;\nSTART /**/ TRANSACTION; ${insert}`,
        `${insert}; COMMIT; BEGIN; ${insert}; SELECT 'x; COMMIT'`,
        `BEGIN; ${insert}; COMMIT AND CHAIN; ${insert}`,
        `BEGIN; SAVEPOINT s; ${insert}; ROLLBACK /* only */ TO s; ${insert}`,
      ];
      for (const [index, script] of scripts.entries()) {
        {
          await using session = await db.acquire();
          await session.script(script);
        }
        assert.equal(db.stats.discarded, index + 1, script);
      }
      {
        await using session = await db.acquire();
        await assert.rejects(session.script(`BEGIN; ${insert}; SELECT 1 / 0`));
      }
      assert.equal(db.stats.discarded, scripts.length + 1);
      // What two of them committed by themselves.
      assert.equal(await db.queryValue("SELECT count(*) FROM left_open"), 2);
      await db.script("DROP TABLE left_open");
    },
    { max: 1 },
  );

  test("keeps a connection whose script left none open", async (db) => {
    const scripts = [
      "DO $$ BEGIN PERFORM 1; END $$",
      "BEGIN; SELECT 'BEGIN'; COMMIT",
      "BEGIN; DO $$ BEGIN PERFORM 1; END $$; END",
      "BEGIN; SELECT 1; ROLLBACK; SELECT CASE WHEN true THEN 1 END",
    ];
    for (const script of scripts) await db.script(script);
    await assert.rejects(db.script("SELECT 'BEGIN'; SELECT 1 / 0"));
    assert.deepEqual([db.stats.size, db.stats.discarded], [1, 0]);
  }, { max: 1 });

  test("replaces a connection after maxUses", async (db) => {
    for (let i = 0; i < 6; i++) await db.query("SELECT 1");
    assert.ok(db.stats.created >= 3, `${db.stats.created} were made`);
  }, { max: 1, maxUses: 2 });

  test("refuses what comes after close, and drains", async (db) => {
    const slow = db.query("SELECT pg_sleep(0.05)");
    await Promise.resolve();
    const drained = db.drain();
    await assert.rejects(db.query("SELECT 1"), ClosedError);
    await slow;
    await drained;
    await assert.rejects(db.acquire(), ClosedError);
    await assert.rejects(db.transaction(() => {}), ClosedError);
    assert.equal(db.stats.size, 0);
    await db.close();
  });

  test("doesn't start what has been aborted", async (db) => {
    const signal = AbortSignal.abort(new Error("before"));
    await assert.rejects(db.query("SELECT 1", [], { signal }), /before/);
    await assert.rejects(db.acquire({ signal }), /before/);
    await assert.rejects(db.transaction(() => {}, { signal }), /before/);
    assert.equal(db.stats.commands, 0);
  });

  if (!isServer) return;

  test("tells by a question whether a transaction is open", async (db) => {
    await using session = await db.acquire();
    // A script goes by the simple protocol.
    await session.script(`CREATE TEMP TABLE told AS ${IN_TRANSACTION}`);
    await session.script("BEGIN");
    await session.script(`INSERT INTO told ${IN_TRANSACTION}`);
    await session.script("COMMIT");
    await session.script(`INSERT INTO told ${IN_TRANSACTION}`);
    assert.deepEqual(
      await session.query("SELECT open FROM told ORDER BY ctid"),
      [{ open: false }, { open: true }, { open: false }],
    );
    await assert.rejects(session.script("BEGIN; SELECT 1 / 0"));
    await assert.rejects(session.script(IN_TRANSACTION), { sqlState: "25P02" });
    await session.query("ROLLBACK");
  });

  test("cancels on the server what is aborted", async (db) => {
    const controller = new AbortController();
    const query = db.query("SELECT pg_sleep(30)", [], {
      signal: controller.signal,
    });
    await running(db, 1);
    controller.abort(new Error("enough"));
    await assert.rejects(query, /enough/);
    assert.equal(await countRunning(db), 0);
    assert.equal(db.stats.commandAborts, 1);
    assert.equal(db.stats.inUse, 0);
  });

  test("cancels on the server what takes too long", async (db) => {
    await assert.rejects(
      db.query("SELECT pg_sleep(30)"),
      (error: TimeoutError) => {
        assert.ok(error instanceof TimeoutError);
        assert.match(error.message, /PostgreSQL statement.*50 ms/);
        return true;
      },
    );
    await assert.rejects(
      db.query("SELECT pg_sleep(30)", [], { timeoutMs: 20 }),
      /20 ms/,
    );
    await db.query("SELECT pg_sleep(0.2)", [], { timeoutMs: Infinity });
    assert.equal(await countRunning(db), 0);
    assert.equal(db.stats.commandTimeouts, 2);
  }, { commandTimeoutMs: 50 });

  test("a cancelled connection serves the next statement", async (db) => {
    for (let i = 0; i < 20; i++) {
      await assert.rejects(
        db.query("SELECT pg_sleep(30)", [], { timeoutMs: 1 + i % 5 }),
        TimeoutError,
      );
      assert.equal(await db.queryValue("SELECT $1::int", [i]), i);
    }
    assert.deepEqual([db.stats.size, db.stats.discarded], [1, 0]);
  }, { max: 1 });

  test("an aborted transaction is rolled back", async (db) => {
    await db.script("CREATE TEMP TABLE t (id int)");
    const controller = new AbortController();
    const transaction = db.transaction(async (tx) => {
      await tx.execute("INSERT INTO t VALUES (1)");
      setTimeout(() => controller.abort(new Error("enough")), 30);
      await tx.query("SELECT pg_sleep(30)");
    }, { signal: controller.signal });
    await assert.rejects(transaction, /enough/);
    assert.equal(await db.queryValue("SELECT count(*) FROM t"), 0);
    assert.equal(db.stats.size, 1);
  }, { max: 1 });

  test("an aborted stream leaves nothing running", async (db) => {
    const controller = new AbortController();
    const rows = db.stream(
      "SELECT pg_sleep(0.01) FROM generate_series(1, 100000)",
      [],
      { batchSize: 10, signal: controller.signal },
    );
    await assert.rejects(async () => {
      for await (const _row of rows) controller.abort(new Error("enough"));
    }, /enough/);
    assert.equal(await countRunning(db), 0);
    assert.equal(db.stats.inUse, 0);
  });

  test("goes by its application name", async (db) => {
    assert.equal(await db.queryValue("SHOW application_name"), "sluice-test");
  }, { applicationName: "sluice-test" });
}

async function raise(
  tx: PostgresTransaction,
  sqlState: string,
): Promise<void> {
  await tx.query(
    `DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '${sqlState}'; END $$`,
  );
}

function countRunning(db: PostgresPool): Promise<number | undefined> {
  return db.queryValue<number>(`SELECT count(*) FROM pg_stat_activity
    WHERE state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()
      AND application_name = current_setting('application_name')`);
}

/** Waits until so many statements sleep on the server. */
async function running(db: PostgresPool, count: number): Promise<void> {
  while (await countRunning(db) !== count);
}
