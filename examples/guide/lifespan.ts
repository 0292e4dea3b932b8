import {
  Batcher,
  type CacheStore,
  type HealthCheckable,
  HealthChecks,
  type HealthOutcome,
  HttpPool,
  MemoryCache,
  PostgresPool,
  TieredCache,
} from "@sluice/mcp";
import { startUpstream } from "./upstream.ts";

/** A row of the demo's table. */
export interface User {
  id: number;
  name: string;
  email: string;
}

/** Makes something when it is first asked for. */
type Lazy<T> = HealthCheckable & (() => Promise<T>);

/** What the guide's handlers share; what can tell its health is checked under its key. */
export interface GuideLifespan {
  /** Opened by the first who asks; an embedded one, in a thread of its own. */
  database: Lazy<PostgresPool>;
  /** Many look-ups, one query. */
  users: Batcher<number, User | null>;
  cache: CacheStore & HealthCheckable;
  http: HttpPool;
  /** Makes the URL of an endpoint; a full URL stays as it is. */
  apiUrl: (endpoint: string) => string;
}

/** How the lifespan is opened. */
export interface GuideLifespanOptions {
  /** Whether what is configured must answer, or the opening fails. */
  strict?: boolean;
}

const DEMO_USERS = 10_000;

/**
 * Opens what the handlers share, in memory unless the environment says
 * otherwise: `DATABASE_URL`, `REDIS_URL`, and `FETCH_ORIGINS` for the origins
 * (separated by commas) that the tools may fetch from, beside that of the small
 * API which comes along.
 */
export async function openLifespan(
  stack: AsyncDisposableStack,
  { strict = false }: GuideLifespanOptions = {},
): Promise<GuideLifespan> {
  const url = Deno.env.get("DATABASE_URL");
  const database = lazily(
    async () => stack.use(await openDatabase(url)),
    { isConfigured: url !== undefined },
  );
  const users = stack.use(
    new Batcher<number, User | null>(
      async (ids) => {
        const rows = await (await database()).query<User>(
          "SELECT id, name, email FROM guide_users WHERE id = ANY($1)",
          [ids],
        );
        return new Map(rows.map((row) => [row.id, row]));
      },
      { name: "users", maxSize: 100, missing: () => null },
    ),
  );
  const cache = stack.use(await openCache(Deno.env.get("REDIS_URL")));
  if (strict) await demandHealth({ DATABASE_URL: database, REDIS_URL: cache });
  const upstream = stack.use(startUpstream());
  const origins = Deno.env.get("FETCH_ORIGINS")?.split(",") ?? [];
  return {
    database,
    users,
    cache,
    http: stack.use(openHttp([upstream.url, ...origins])),
    apiUrl: (endpoint) => new URL(endpoint, upstream.url).href,
  };
}

/** @throws {Error} naming the variable, and why nobody answers there */
async function demandHealth(
  checked: Record<string, HealthCheckable>,
): Promise<void> {
  const health = new HealthChecks({ timeoutMs: 10_000 });
  health.adopt(checked);
  const { checks } = await health.run();
  for (const [variable, { status, message }] of Object.entries(checks)) {
    if (status === "unhealthy") throw new Error(`${variable}: ${message}`);
  }
}

async function openDatabase(url = "memory://"): Promise<PostgresPool> {
  const db = await PostgresPool.connect(url, {
    max: 20,
    commandTimeoutMs: 30_000,
    applicationName: "sluice_guide",
  });
  await db.script(`
    CREATE TABLE IF NOT EXISTS guide_users (
      id int PRIMARY KEY, name text NOT NULL, email text NOT NULL
    );
    INSERT INTO guide_users
      SELECT i, 'User ' || i, 'user' || i || '@example.com'
      FROM generate_series(1, ${DEMO_USERS}) AS i
      ON CONFLICT DO NOTHING;
  `);
  return db;
}

async function openCache(
  url: string | undefined,
): Promise<CacheStore & HealthCheckable & AsyncDisposable> {
  if (url === undefined) {
    return new LoneCache({ maxEntries: 10_000, ttlMs: 300_000 });
  }
  const cache = new SharedCache({
    local: { maxEntries: 10_000 },
    remote: { url, prefix: "sluice-guide", ttlMs: 300_000 },
  });
  await cache.ready();
  return cache;
}

/** Who names a Redis wants it to be there: without it the server isn't well. */
class SharedCache extends TieredCache {
  override get healthCritical(): boolean {
    return true;
  }
}

/** A cache without the Redis that the guide checks. */
class LoneCache extends MemoryCache implements HealthCheckable {
  checkHealth(): HealthOutcome {
    return { status: "not_configured", message: "REDIS_URL is not set" };
  }
}

function openHttp(origins: readonly string[]): HttpPool {
  const allowed = new Set(origins.map((each) => new URL(each.trim()).origin));
  return new HttpPool({
    connectTimeoutMs: 5_000,
    readTimeoutMs: 30_000,
    maxPerOrigin: 20,
    allowUrl: ({ origin }) => allowed.has(origin),
  });
}

/**
 * Makes something once; a failure is tried again. Before that it is checked, and
 * made, only if somebody has configured it.
 */
function lazily<T extends HealthCheckable>(
  make: () => Promise<T>,
  { isConfigured }: { isConfigured: boolean },
): Lazy<T> {
  let made: Promise<T> | undefined;
  const get = () => {
    if (made === undefined) {
      const making = made = make();
      making.catch(() => made = undefined);
    }
    return made;
  };
  const checkHealth = async (signal?: AbortSignal) =>
    made === undefined && !isConfigured
      ? "not_configured" as const
      : await (await get()).checkHealth(signal);
  return Object.assign(get, { checkHealth });
}
