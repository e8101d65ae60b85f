-- Calls each command of the other scripts once, and leaves nothing behind. Nothing is ever stored
-- under these keys, because an id, a brand or a user has at least one byte.
--   KEYS: a discount, its grants, the index of all discounts, the index of a brand, a wallet, an
--         idempotency key.
--   Returns a text for each command or key that Redis refuses: its name and the error.
local lacking = {}

-- What a Redis says that is fit, but takes no writes at this moment: that is told when it happens.
local passing = {OOM = true, MISCONF = true, READONLY = true, NOREPLICAS = true, MASTERDOWN = true}

-- `expected`: a part of the error by which the command says that it was executed.
local function probe(expected, ...)
  local reply = redis.pcall(...)
  local text = type(reply) == 'table' and reply.err
  if text and not passing[string.match(text, '^%S+')] and not (expected and string.find(text, expected, 1, true)) then
    local name, key = ...
    lacking[#lacking + 1] = name .. ' ' .. (key or '') .. ' (' .. text .. ')'
  end
end

local discount, grants, index, brand, wallet, kept = unpack(KEYS)
probe(nil, 'TIME')
probe(nil, 'HGET', discount, 'total_count')
probe(nil, 'HMGET', discount, 'total_count')
-- A field without a value is refused by the command itself, after all checks of rights.
probe('wrong number of arguments', 'HSET', discount, 'total_count', '1', 'brand_id')
for _, key in ipairs({grants, index, brand, wallet}) do
  -- XX changes members that are there and adds none.
  probe(nil, 'ZADD', key, 'XX', 0, '')
end
probe(nil, 'ZREM', grants, '')
probe(nil, 'ZCARD', grants)
probe(nil, 'ZSCORE', grants, '')
probe(nil, 'ZMSCORE', grants, '')
probe(nil, 'ZRANK', grants, '')
probe(nil, 'ZCOUNT', grants, 0, 0)
probe(nil, 'ZRANGE', index, -1, -1)
probe(nil, 'ZREVRANK', wallet, '')
probe(nil, 'ZREVRANGE', wallet, 0, 0)
probe(nil, 'GET', kept)
probe(nil, 'SET', kept, '', 'XX', 'EX', 1)
return lacking
