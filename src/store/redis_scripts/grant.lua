-- Grants one discount to many users, in their order.
--   KEYS: the discount, its grants, and the wallet of each user
--   ARGV: the discount's id, then the user ids in the order of the wallets
--   Returns false when there is no such discount, else
--   {discount_code, now, starts_at or false, what became of each user ...}, which is one of
--   'granted T', 'held T' (T: granted_at), 'not-started', 'expired', 'exhausted', and 'refused' when
--   Redis takes no writes; behind them, if any is, the words in which Redis refused.
--
-- The number granted is the number of members of the grants, and all new grants are written by
-- one command: count and grants cannot disagree. Whoever holds a grant gets it again before anything
-- else is looked at, so that a repeated request is answered as its first one was.
local function refusal_of(reply)
  local words = type(reply) == 'table' and reply.err
  return words and (string.match(words, '%u%u+ .*') or words)
end

local discount = redis.call('HMGET', KEYS[1], 'discount_code', 'total_count', 'starts_at',
  'expires_at')
if not discount[1] and not discount[2] then
  -- A replica may not have it yet, and says that it is one to a write that changes nothing.
  local words = refusal_of(redis.pcall('ZREM', KEYS[2], ''))
  return words and string.find(words, 'READONLY', 1, true) == 1 and redis.error_reply(words)
end
if not discount[1] or not tonumber(discount[2]) then
  return redis.error_reply('CORRUPT discount')
end

local clock = redis.call('TIME')
local now = clock[1] .. string.format('%06d', clock[2])
local closed
if discount[3] and tonumber(now) < tonumber(discount[3]) then
  closed = 'not-started'
elseif discount[4] and tonumber(now) >= tonumber(discount[4]) then
  closed = 'expired'
end

local held = redis.call('ZMSCORE', KEYS[2], unpack(ARGV, 2))
local left = tonumber(discount[2]) - redis.call('ZCARD', KEYS[2])
local granted_at, words, new, granted_here = {}, {}, {}, {}
for i = 1, #held do
  local user = ARGV[i + 1]
  if held[i] then
    words[i], granted_at[i] = 'held ', held[i]
  elseif granted_here[user] then
    words[i], granted_at[i] = 'held ', now
  elseif closed then
    words[i] = closed
  elseif left <= 0 then
    words[i] = 'exhausted'
  else
    words[i], granted_at[i] = 'granted ', now
    granted_here[user] = true
    left = left - 1
    new[#new + 1] = now
    new[#new + 1] = user
  end
end

local refused = false
if #new > 0 then
  refused = refusal_of(redis.pcall('ZADD', KEYS[2], unpack(new)))
end

local answer = {discount[1], now, discount[3]}
for i = 1, #held do
  -- A refused write leaves its units in stock, so nobody behind it was too late either.
  if refused and (granted_here[ARGV[i + 1]] or words[i] == 'exhausted') then
    words[i], granted_at[i] = 'refused', nil
  end
  if granted_at[i] then
    -- The wallet follows the grant. Should it not take it, the next repeat writes it.
    redis.pcall('ZADD', KEYS[i + 2], granted_at[i], ARGV[1])
  end
  answer[i + 3] = words[i] .. (granted_at[i] or '')
end
if refused then
  answer[#held + 4] = refused
end
return answer
