-- Stores a discount, in one atomic step.
--   KEYS: the discount, the index of all discounts, the index of its brand. With an idempotency
--         key also the key under which its use is stored.
--   ARGV: id, brand_id, discount_code, total_count, starts_at, expires_at. Times are in
--         microseconds; empty: none.
--   Returns {'created', id, created_at}, also when it is sent again after its first reply was lost.
--   Returns {'replayed', id, created_at} of the first discount for the same key and same inputs.
--   Returns {'reused'} for the same key and other inputs.
local DAY_S = 86400
-- A clock outside of these, 2020-01-01 and 2255-01-01, is wrong: nothing is stored with its times.
local FIRST_US, END_US = 1577836800000000, 8993721600000000
-- Scores are doubles: after this one (the year 2255) they cannot represent the next microsecond.
local LAST_US = 2 ^ 53 - 1

-- Calls a command before the first lasting write. On an error it ends the script: REFUSED says that
-- nothing was written, because of a missing right for example. Other error codes are passed on.
local function ask(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then
    error({err = string.find(reply.err, '^ERR ') and 'REFUSED ' .. reply.err or reply.err})
  end
  return reply
end

local fingerprint
if KEYS[4] then
  local inputs = {}
  for i = 2, 6 do
    inputs[i - 1] = #ARGV[i] .. ':' .. ARGV[i]
  end
  fingerprint = redis.sha1hex(table.concat(inputs))
  local kept = ask('GET', KEYS[4])
  if kept then
    local first, id, created_at = string.match(kept, '^(%S+) (%S+) (%S+)$')
    if not first then
      return redis.error_reply('CORRUPT idempotency key')
    end
    if first ~= fingerprint then
      return {'reused'}
    end
    local brand, stored = unpack(ask('HMGET', 'discount:{' .. id .. '}', 'brand_id',
      'created_at'))
    if brand ~= ARGV[2] or stored ~= created_at then
      return redis.error_reply('CORRUPT idempotency key: the brand has no such discount: ' .. id)
    end
    return {id == ARGV[1] and 'created' or 'replayed', id, created_at}
  end
end

-- An id is made once, for one request. If the discount exists, this request has stored it.
local stored_at = ask('HGET', KEYS[1], 'created_at')
if stored_at then
  return {'created', ARGV[1], stored_at}
end

-- Times of creation are strictly increasing even when the clock is not, because they order the
-- list, and its cursor is one of them.
local clock = ask('TIME')
local created_at = clock[1] * 1000000 + clock[2]
if created_at < FIRST_US or created_at >= END_US then
  return redis.error_reply('CLOCK ' .. clock[1] .. ' s after 1970 cannot be right')
end
local newest, last = unpack(ask('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES'))
if last and tonumber(last) >= LAST_US then
  return redis.error_reply('CORRUPT time of creation of ' .. newest .. ', which is the last possible one')
end
if last and tonumber(last) >= created_at then
  created_at = tonumber(last) + 1
end
created_at = string.format('%.0f', created_at)

-- A key of a wrong type or a missing right fails here, before anything is written. XX changes only
-- members that exist, so these commands write nothing.
ask('ZADD', KEYS[2], 'XX', 0, '')
ask('ZADD', KEYS[3], 'XX', 0, '')
if KEYS[4] then
  ask('SET', KEYS[4], '', 'XX', 'EX', DAY_S)
end

local fields = {'brand_id', ARGV[2], 'discount_code', ARGV[3], 'total_count', ARGV[4],
  'created_at', created_at}
if ARGV[5] ~= '' then
  fields[#fields + 1] = 'starts_at'
  fields[#fields + 1] = ARGV[5]
end
if ARGV[6] ~= '' then
  fields[#fields + 1] = 'expires_at'
  fields[#fields + 1] = ARGV[6]
end
ask('HSET', KEYS[1], unpack(fields))
redis.call('ZADD', KEYS[2], created_at, ARGV[1])
redis.call('ZADD', KEYS[3], created_at, ARGV[1])
if KEYS[4] then
  redis.call('SET', KEYS[4], fingerprint .. ' ' .. ARGV[1] .. ' ' .. created_at, 'EX', DAY_S)
end
return {'created', ARGV[1], created_at}
