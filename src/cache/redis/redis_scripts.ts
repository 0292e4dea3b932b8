/**
 * Scripts for what must happen in Redis in one step. The versions of tags are
 * how a tag is invalidated at once, whatever it is on: an entry names the
 * versions it was loaded under and is void when one has changed or is gone,
 * even by eviction. All keys are declared, so that a cluster takes the scripts
 * if the prefix has a hash tag.
 */

/** Time that a tag's version is kept longer than its entries, in milliseconds. */
const VERSION_MARGIN_MS = 3_600_000;

/** Gives a tag a version if it has none, and has it outlive an entry. */
const KEEP_VERSION = `
local function keepVersion(key, fresh, ttlMs)
  local version = redis.call('GET', key)
  if not version then
    version = fresh
    redis.call('SET', key, version)
  end
  if ttlMs == '' then
    redis.call('PERSIST', key)
    return version
  end
  local neededMs = tonumber(ttlMs) + ${VERSION_MARGIN_MS}
  local leftMs = redis.call('PTTL', key)
  if version == fresh or (leftMs >= 0 and leftMs < neededMs) then
    redis.call('PEXPIRE', key, string.format('%.0f', neededMs))
  end
  return version
end
`;

const WRITE = `
local function write(key, stored, ttlMs)
  if ttlMs == '' then
    redis.call('SET', key, stored)
  else
    redis.call('SET', key, stored, 'PX', ttlMs)
  end
end
`;

/** KEYS entry; ARGV stored, ttlMs, channel, message. */
export const SET = `${WRITE}
write(KEYS[1], ARGV[1], ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
`;

/**
 * KEYS entry, versions...; ARGV payload, ttlMs, channel, message, freshUntil,
 * new version, tags as JSON...
 */
export const SET_TAGGED = `${KEEP_VERSION}${WRITE}
local versions = {}
for i = 2, #KEYS do
  local version = keepVersion(KEYS[i], ARGV[6], ARGV[2])
  versions[i - 1] = ARGV[i + 5] .. ':"' .. version .. '"'
end
local fresh = ARGV[5] == '' and '' or '"f":' .. ARGV[5] .. ','
local marks = '{' .. fresh .. '"t":{' .. table.concat(versions, ',') .. '}}'
write(KEYS[1], '~' .. marks .. '\\n' .. ARGV[1], ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
`;

/** KEYS a key that isn't there. Writes as the others do, and changes nothing. */
export const TRIAL = `
redis.call('GET', KEYS[1])
return redis.call('UNLINK', KEYS[1])
`;

/** KEYS entry, lock; ARGV channel, message. */
export const DELETE = `
local deleted = redis.call('UNLINK', KEYS[1])
redis.call('UNLINK', KEYS[2])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return deleted
`;

/** KEYS version; ARGV channel, message. */
export const INVALIDATE_TAG = `
redis.call('UNLINK', KEYS[1])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1
`;

/**
 * KEYS peers; ARGV name, intervalMs, forgetMs, inbox, message. Puts off when the
 * peer is due again, and tells its inbox by how many milliseconds the latest of
 * all is overdue, those aside that have been for `forgetMs`. A Redis that is full
 * takes no sign of life, and is no reason to be silent.
 */
export const BEAT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local function text(ms) return string.format('%.3f', ms) end
redis.pcall('ZADD', KEYS[1], text(now + ARGV[2]), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now - ARGV[3]))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local late = math.max(0, now - (first[2] or now))
return redis.call('PUBLISH', ARGV[4], ARGV[5] .. ' ' .. text(late))
`;

/** Fingerprint of the entry as it is now; the lock remembers it from the claim. */
const FINGERPRINT = `
local function fingerprint(key)
  local stored = redis.call('GET', key)
  return stored and redis.sha1hex(stored) or '-'
end
`;

/** Gives what a lock remembers, if the claim's owner still has it. */
const HELD = `
local function held(lock, token)
  local value = redis.call('GET', lock)
  if value and string.sub(value, 1, #token) == token then
    return string.sub(value, #token + 1)
  end
end
`;

/**
 * KEYS entry, lock, versions...; ARGV token, leaseMs, steal, ttlMs. Gives
 * nothing where another has the lock, else the versions of the tags.
 */
export const CLAIM = `${KEEP_VERSION}${FINGERPRINT}
local value = ARGV[1] .. fingerprint(KEYS[1])
if ARGV[3] == '1' then
  redis.call('SET', KEYS[2], value, 'PX', ARGV[2])
elseif not redis.call('SET', KEYS[2], value, 'NX', 'PX', ARGV[2]) then
  return false
end
local versions = {}
for i = 3, #KEYS do
  versions[i - 2] = keepVersion(KEYS[i], ARGV[1], ARGV[4])
end
return versions
`;

/**
 * KEYS entry, lock, versions...; ARGV token, stored, ttlMs, channel, message,
 * versions... Gives 1 if the entry was kept.
 */
export const COMMIT = `${FINGERPRINT}${HELD}${WRITE}
local before = held(KEYS[2], ARGV[1])
if not before then return 0 end
redis.call('UNLINK', KEYS[2])
local now = fingerprint(KEYS[1])
if now ~= '-' and now ~= before then return 0 end
for i = 3, #KEYS do
  if redis.call('GET', KEYS[i]) ~= ARGV[i + 3] then return 0 end
end
write(KEYS[1], ARGV[2], ARGV[3])
redis.call('PUBLISH', ARGV[4], ARGV[5])
return 1
`;

/** KEYS lock; ARGV token, leaseMs. Gives 1 while the lock is held. */
export const RENEW = `${HELD}
if not held(KEYS[1], ARGV[1]) then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`;

/** KEYS lock; ARGV token. */
export const RELEASE = `${HELD}
if not held(KEYS[1], ARGV[1]) then return 0 end
return redis.call('UNLINK', KEYS[1])
`;

/** The arguments of a script's call. */
export function evalScript(
  script: string,
  keys: readonly string[],
  args: readonly (string | Uint8Array)[],
): (string | Uint8Array)[] {
  return ["EVAL", script, String(keys.length), ...keys, ...args];
}
