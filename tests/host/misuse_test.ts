import assert from "node:assert/strict";
import {
  apiKeys,
  Batcher,
  cached,
  clientCredentials,
  deadline,
  HealthChecks,
  HttpPool,
  InvalidOptionError,
  mapConcurrent,
  McpServer,
  MemoryCache,
  MemoryEventStore,
  MemoryRateLimitStore,
  MemoryTaskStore,
  Metrics,
  monitored,
  oauth,
  Pool,
  PostgresPool,
  profile,
  profileMemory,
  RateLimiter,
  readSkills,
  RedisCache,
  RedisRateLimitStore,
  Semaphore,
  Skill,
  TieredCache,
  tokenExchange,
  WorkerPool,
} from "@sluice/mcp";

const info = { name: "misused", version: "1.0.0" };
const issuer = "https://login.example.com";

/** What an author without a type checker may write. */
// deno-lint-ignore no-explicit-any
type Anything = any;

function refused(make: () => unknown, message: RegExp): void {
  assert.throws(make, (error: Error) => {
    assert.ok(error instanceof InvalidOptionError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

const making: Record<string, (options: Anything) => unknown> = {
  MemoryCache: (options) => new MemoryCache(options),
  RedisCache: (options) => new RedisCache(options),
  TieredCache: (options) => new TieredCache(options),
  cached: (options) => cached(() => 1, options),
  Pool: (options) => new Pool(options),
  HttpPool: (options) => new HttpPool(options),
  Batcher: (options) => new Batcher(() => [], options),
  Semaphore: (options) => new Semaphore(1, options),
  RateLimiter: (options) => new RateLimiter(options),
  MemoryRateLimitStore: (options) => new MemoryRateLimitStore(options),
  RedisRateLimitStore: (options) =>
    new RedisRateLimitStore(() => Promise.resolve(null), options),
  apiKeys: (options) => apiKeys(options),
  oauth: (options) => oauth(options),
  clientCredentials: (options) => clientCredentials(options),
  tokenExchange: (options) => tokenExchange(options),
  MemoryEventStore: (options) => new MemoryEventStore(options),
  MemoryTaskStore: (options) => new MemoryTaskStore(options),
  monitored: (options) => monitored(() => 1, options),
  HealthChecks: (options) => new HealthChecks(options),
  'the health check "api"': (options) =>
    new HealthChecks().add("api", () => true, options),
};

const misspelt: Record<string, [option: string, meant: string]> = {
  MemoryCache: ["maxEntrys", "maxEntries"],
  RedisCache: ["leaseMS", "leaseMs"],
  TieredCache: ["localTTLMs", "localTtlMs"],
  cached: ["ttlms", "ttlMs"],
  Pool: ["maxx", "max"],
  HttpPool: ["maxRetrys", "maxRetries"],
  Batcher: ["maxsize", "maxSize"],
  Semaphore: ["maxwaiting", "maxWaiting"],
  RateLimiter: ["interval", "intervalMs"],
  MemoryRateLimitStore: ["maxkeys", "maxKeys"],
  RedisRateLimitStore: ["wenDown", "whenDown"],
  apiKeys: ["key", "keys"],
  oauth: ["audence", "audience"],
  clientCredentials: ["scope", "scopes"],
  tokenExchange: ["resources", "resource"],
  MemoryEventStore: ["maxEvent", "maxEvents"],
  MemoryTaskStore: ["maxTask", "maxTasks"],
  monitored: ["slowMS", "slowMs"],
  HealthChecks: ["cacheMS", "cacheMs"],
  'the health check "api"': ["isCritical", "critical"],
};

for (const [name, make] of Object.entries(making)) {
  Deno.test(`${name} refuses an option that nobody reads, and tells which was meant`, () => {
    const [option, meant] = misspelt[name];
    refused(
      () => make({ [option]: 1 }),
      new RegExp(`${name} has no option "${option}": did you mean ${meant}`),
    );
    refused(
      () => make(3),
      new RegExp(`${name}: the options must be an object`),
    );
  });
}

Deno.test("what needs options says so if there are none", () => {
  refused(() => new (Pool as Anything)(), /Pool: the options must be an/);
  refused(() => (apiKeys as Anything)(), /apiKeys: the options must be an/);
  refused(() => (oauth as Anything)(), /oauth: the options must be an/);
  refused(() => new (RateLimiter as Anything)(), /RateLimiter: the options/);
  refused(() => new (RedisCache as Anything)(), /url or client is needed/);
});

Deno.test("a clock that is none is refused wherever there is one", () => {
  const timeless = [
    "apiKeys",
    "oauth",
    "clientCredentials",
    "tokenExchange",
    "MemoryEventStore",
    'the health check "api"',
  ];
  for (const [name, make] of Object.entries(making)) {
    if (timeless.includes(name)) continue;
    refused(() => make({ clock: {} }), /clock must have the method now/);
  }
  refused(
    () => new McpServer(info, { clock: {} as Anything }),
    /clock must have the method now, got an object/,
  );
});

Deno.test("values of the wrong type are refused by name", () => {
  const serve = (options: Anything) => () => new McpServer(info, options);
  refused(serve({ allowedHosts: [3] }), /allowedHosts: each must be a string/);
  refused(serve({ allowedOrigins: [3] }), /allowedOrigins: each must be a str/);
  refused(serve({ eventStore: {} }), /eventStore must have .* storeEvent/);
  refused(serve({ tasks: { store: {} } }), /tasks.store must have .* create/);
  const tool = (config: Anything) => () =>
    new McpServer(info).registerTool("t", config, () => 1);
  refused(tool({ annotations: 3 }), /tool t: annotations must be an object/);
  refused(tool({ _meta: "x" }), /tool t: _meta must be an object, got "x"/);
  refused(
    tool({ _meta: { a: [new Map()] } }),
    /tool t: _meta: a Map can't be sent as JSON \(a\[0\]\)/,
  );
  refused(
    tool({ icons: [{ href: "a.png" }] }),
    /tool t: icons must be a list of \{ src \}/,
  );
  refused(
    () =>
      new McpServer(info).registerPrompt(
        "p",
        { icons: "a.png" as Anything },
        () => "",
      ),
    /prompt p: icons must be a list/,
  );
  refused(
    tool({ execution: { taskSupport: "maybe" } }),
    /tool t: execution.taskSupport must be one of "forbidden", "optional", "req/,
  );
  refused(tool({ execution: { tasks: true } }), /execution has no option "tas/);
  refused(
    () =>
      new McpServer(info).registerResource(
        "r",
        "note://1",
        { annotations: [] as Anything },
        () => "",
      ),
    /resource r: annotations must be an object/,
  );
  const mount = (prefix: Anything) => () =>
    new McpServer(info).mount(prefix, new McpServer(info));
  refused(mount(3), /mount: the prefix must be a string that isn't empty/);
  refused(mount(""), /mount: the prefix/);
  refused(
    () => oauth({ issuer, dpop: "yes" as Anything }),
    /dpop must be true/,
  );
  refused(
    () => oauth({ issuer, introspection: { clientID: "a" } as Anything }),
    /introspection has no option "clientID": did you mean clientId/,
  );
  refused(
    () => new HttpPool({ circuit: { failure: 3 } as Anything }),
    /circuit has no option "failure": did you mean failures/,
  );
  refused(
    () => cached(() => 1, { name: "one", cache: {} as Anything }),
    /cache must have/,
  );
  refused(
    () => new RateLimiter({ limit: 1, intervalMs: 1, store: {} as Anything }),
    /store must have the method take/,
  );
  refused(() => new McpServer({} as Anything), /the server's name must be a s/);
});

Deno.test("metrics refuse what nobody reads of their kind", () => {
  const help = "Orders.";
  refused(
    () => new Metrics().counter("orders", { help, label: ["a"] } as Anything),
    /metric orders has no option "label": did you mean labels/,
  );
  refused(
    () => new Metrics().gauge("stock", { help, buckets: [1] } as Anything),
    /metric stock has no option "buckets"/,
  );
});

class Hasty {
  get timeoutMs(): number {
    return NaN;
  }
}

Deno.test("a call refuses misspelt options as what it is made on does", async () => {
  const limiter = new RateLimiter({ limit: 1, intervalMs: 1 });
  await using pool = new Pool({ create: () => 1 });
  await using http = new HttpPool();
  await using batcher = new Batcher((ids: number[]) => Promise.resolve(ids));
  await using workers = new WorkerPool(new URL("data:text/javascript,"), {
    min: 0,
  });
  const cases: [call: () => unknown, message: RegExp][] = [
    [
      () => deadline(() => 1, 1, { nam: "x" } as Anything),
      /deadline has no option "nam": did you mean name/,
    ],
    [
      () => pool.use(() => 1, { signl: 1 } as Anything),
      /acquire has no option "signl": did you mean signal/,
    ],
    [
      () => new MemoryCache().set("k", 1, { ttl: 1 } as Anything),
      /a cache's entry has no option "ttl": did you mean ttlMs/,
    ],
    [
      () => limiter.take("k", { costs: 1 } as Anything),
      /take has no option "costs": did you mean cost/,
    ],
    [
      () => limiter.acquire("k", { timeoutMS: 1 } as Anything),
      /acquire has no option "timeoutMS": did you mean timeoutMs/,
    ],
    [
      () => new Semaphore(1).use(() => 1, { timeout: 1 } as Anything),
      /acquire has no option "timeout": did you mean timeoutMs/,
    ],
    [
      () => batcher.load(1, { signl: 1 } as Anything),
      /load has no option "signl": did you mean signal/,
    ],
    [
      () => workers.run(1, { timeoutms: 1 } as Anything),
      /run has no option "timeoutms": did you mean timeoutMs/,
    ],
    [
      () => http.getJson("http://localhost", { timeoutMs: 1 } as Anything),
      /a request has no option "timeoutMs"/,
    ],
    [
      () => http.fetch("http://localhost", { redirect: "error" } as Anything),
      /redirect must be one of "follow", "manual", got "error"/,
    ],
    [
      () => http.fetchAll([], { concurency: 1 } as Anything),
      /fetchAll has no option "concurency": did you mean concurrency/,
    ],
    [
      () => batcher.loadMany([], { sginal: 1 } as Anything),
      /loadMany has no option "sginal": did you mean signal/,
    ],
    [
      () => new Semaphore(1).acquire(AbortSignal.abort() as Anything),
      /acquire: the options must be an object, got an AbortSignal: write { signal }/,
    ],
    [
      () => limiter.acquire("k", AbortSignal.abort() as Anything),
      /acquire: the options must be an object, got an AbortSignal: write { signal }/,
    ],
    [
      () => new Semaphore(1).acquire(new Hasty() as Anything),
      /timeoutMs must be a number of milliseconds of at least 0, got NaN/,
    ],
    [
      () => http.fetch("http://localhost", { body: { a: 1 } } as Anything),
      /body must be a text.*JSON\.stringify/,
    ],
    [
      () => http.getText("http://localhost", null as Anything),
      /a request: the options must be an object, got null/,
    ],
    [
      () => profile(() => 1, { interval: 1 } as Anything),
      /profile has no option "interval"/,
    ],
    [
      () => profileMemory(() => 1, { intervalByte: 1 } as Anything),
      /profileMemory has no option "intervalByte": did you mean intervalBytes/,
    ],
    [
      () => Skill.from({}, { pat: "x" } as Anything),
      /Skill has no option "pat": did you mean path/,
    ],
    [
      () => readSkills(".", { prefx: "x" } as Anything),
      /readSkills has no option "prefx": did you mean prefix/,
    ],
  ];
  for (const [call, message] of cases) {
    await assert.rejects(async () => await call(), {
      name: "InvalidOptionError",
      message,
    });
  }
});

Deno.test("mapConcurrent refuses misspelt options", async () => {
  const options = { concurrency: 1, stopOnErrors: false };
  await assert.rejects(
    mapConcurrent([1], () => 1, options as Anything),
    /mapConcurrent has no option "stopOnErrors": did you mean stopOnError/,
  );
});

Deno.test("PostgresPool refuses misspelt options, and parameters that are no array", async () => {
  await assert.rejects(
    PostgresPool.connect("memory://", { maxConnections: 1 } as Anything),
    /PostgresPool has no option "maxConnections"/,
  );
  await using db = await PostgresPool.connect("memory://", {
    name: "misused",
    max: 1,
  });
  const ask = db as Anything;
  const misspelt = /query has no option "timeout": did you mean timeoutMs/;
  await assert.rejects(ask.query("SELECT 1", [], { timeout: 1 }), misspelt);
  const message = /the parameters must be an array, got 3/;
  await assert.rejects(ask.query("SELECT $1::int", 3), message);
  await assert.rejects(ask.queryOne("SELECT $1::int", 3), message);
  await assert.rejects(ask.execute("SELECT $1::int", 3), message);
  await assert.rejects(ask.stream("SELECT $1::int", 3).next(), message);
});
