-- Grants discounts to users: each discount to one or more users, in the order given.
--   KEYS: for each discount: the discount, its grants, and the wallet of each of its users.
--   ARGV: for each discount: its id, the number of its users, and the users in the order of the
--         wallets.
--   Returns {now} followed by four elements for each discount. If Redis refused a write, the text
--   of the refusal comes last. The four elements are:
--     1. its discount_code
--     2. its starts_at or false
--     3. the number of its grants if its refusals are final (FINAL_AFTER_US in backend.h), or false
--     4. the outcomes: a text with one outcome token for each user.
--   The outcomes are false when the discount does not exist, and an error when it is not valid.
--   The outcome tokens:
--     g   granted now                    x   sold out before this user
--     hT  granted before, at T           r   Redis refused the write
--     n   the discount has not started   e   it has expired
--     u   may be granted now or before   c   the stored grant is not valid
--
-- The number of grants is the size of the sorted set of grants, and one command writes all new
-- grants of a discount. So count and grants cannot disagree. A user who holds a grant gets it again
-- before anything else is checked, so a repeated request gets the same answer.
local call, try = redis.call, redis.pcall
local clock = try('TIME')
if clock.err then
  return redis.error_reply('REFUSED ' .. clock.err)
end
-- 2020-01-01 and 2255-01-01: outside of these the clock is wrong, and nothing is stored with its times.
if tonumber(clock[1]) < 1577836800 or tonumber(clock[1]) >= 8993721600 then
  return redis.error_reply('CLOCK ' .. clock[1] .. ' s after 1970 cannot be right')
end
local now = clock[1] .. string.format('%06d', clock[2])
local refusal = false
local seen = {} -- the ids of the discounts so far; a discount may come more than once

local function error_text(reply)
  local text = type(reply) == 'table' and reply.err
  return text and (string.match(text, '%u%u+ .*') or text)
end

-- Returns how many of these were not members before; false when Redis refuses the write.
local function write(key, new)
  local added = try('ZADD', KEYS[key], 'NX', unpack(new))
  refusal = error_text(added) or refusal
  return not error_text(added) and added
end

-- In the usual case no user holds the discount and all users get it. One write finds this out.
local function all_are_granted(key, at, count)
  local new = {}
  for i = 1, count do
    new[2 * i - 1], new[2 * i] = now, ARGV[at + i - 1]
  end
  return write(key, new) == count
end

-- A score that is not a time could read as several tokens.
local function held_token(score)
  return string.find(score, '^%d+$') and 'h' .. score or 'c'
end

-- Grants to the users one by one. Returns their tokens and the number written. `was_tried`:
-- all_are_granted has written new users while others held it already. The new ones have the time of
-- this call.
local function grant_each(key, at, count, left, closed, was_tried)
  local held = try('ZMSCORE', KEYS[key], unpack(ARGV, at, at + count - 1))
  if error_text(held) then
    return was_tried and {string.rep('u', count)} or error(held), 0
  end
  local tokens, new, fresh, first, again = {}, {}, {}, {}, {}
  for i = 1, count do
    local user = ARGV[at + i - 1]
    if first[user] then
      again[i] = first[user]
    elseif held[i] then
      tokens[i] = was_tried and held[i] == now and 'g' or held_token(held[i])
    elseif closed then
      tokens[i] = closed
    elseif left <= 0 then
      tokens[i] = 'x'
    else
      tokens[i], left = 'g', left - 1
      fresh[i] = true
      new[#new + 1] = now
      new[#new + 1] = user
    end
    first[user] = first[user] or i
  end
  if #new > 0 and not write(key, new) then
    -- A refused write leaves its units in stock, so the users after it were not too late either.
    for i = 1, count do
      if fresh[i] or tokens[i] == 'x' then
        tokens[i] = 'r'
      end
    end
  end
  for i, at_first in pairs(again) do
    tokens[i] = tokens[at_first] == 'g' and 'h' .. now or tokens[at_first]
  end
  return tokens, #new / 2
end

-- Writes a wallet's entry. False when Redis refuses it and the wallet does not have it yet: the next
-- repeat writes it. A key that is no wallet is damaged, which hinders no grant.
local function wallet_write(key, time, id)
  local text = error_text(try('ZADD', KEYS[key], time, id))
  if text and not string.find(text, '^WRONGTYPE') then
    refusal = text
    return type(try('ZSCORE', KEYS[key], id)) == 'string'
  end
  return true
end

-- The wallets follow the grants. Of one that is not written the outcome is unknown.
local function wallets_write(key, id, tokens)
  for i = 1, #tokens do
    local kind = string.sub(tokens[i], 1, 1)
    if kind == 'g' and not wallet_write(key + i - 1, now, id) or
      kind == 'h' and not wallet_write(key + i - 1, string.sub(tokens[i], 2), id) then
      tokens[i] = 'u'
    end
  end
end

-- Returns whether the backend reads it as a time, or it is missing.
local function is_time(text)
  return not text or #text <= 18 and string.find(text, '^[1-9]%d*$')
end

-- The rule of discount_code_is_valid. It must be checked here, before anything is written.
local function is_code(text)
  if string.find(text, '[^ -~]') then
    -- The characters beyond ASCII that a text may have, as bytes of UTF-8 (RFC 3629).
    for _, character in ipairs({'\194[\160-\191]', '[\195-\223][\128-\191]', '\224[\160-\191][\128-\191]',
      '[\225-\236\238\239][\128-\191][\128-\191]', '\237[\128-\159][\128-\191]',
      '\240[\144-\191][\128-\191][\128-\191]', '[\241-\243][\128-\191][\128-\191][\128-\191]',
      '\244[\128-\143][\128-\191][\128-\191]'}) do
      text = string.gsub(text, character, 'x')
    end
  end
  return text ~= '' and not string.find(text, '[^ -~]')
end

-- An invalid discount is not granted.
local function is_valid(code, total, starts_at, expires_at)
  return code and #code <= 256 and is_code(code) and total and total >= 1 and is_time(starts_at)
    and is_time(expires_at) and (not expires_at or tonumber(expires_at) > tonumber(starts_at or 0))
end

-- KEYS[key] is the discount, ARGV[at] the first of its users.
local function grant(key, at, count, id)
  local terms = call('HMGET', KEYS[key], 'discount_code', 'total_count', 'starts_at', 'expires_at')
  local code, total, starts_at, expires_at = terms[1], tonumber(terms[2]), terms[3], terms[4]
  if not code and not terms[2] then
    -- A replica may not have the discount yet. A write that changes nothing shows whether this
    -- Redis is a replica.
    local text = error_text(try('ZREM', KEYS[key + 1], ''))
    if text and string.find(text, 'READONLY', 1, true) == 1 then
      refusal = text
      return false, false, false, string.rep('r', count)
    end
    return false, false, false, false
  end
  if not is_valid(code, total, starts_at, expires_at) then
    error(redis.error_reply('CORRUPT discount'))
  end
  local closed
  if starts_at and tonumber(now) < tonumber(starts_at) then
    closed = 'n'
  elseif expires_at and tonumber(now) >= tonumber(expires_at) then
    closed = 'e'
  end
  local granted = call('ZCARD', KEYS[key + 1])
  -- A user who got this discount earlier in this call has the time of this call too, so
  -- all_are_granted could not tell the two apart.
  local is_tried = not closed and granted + count <= total and not seen[id]
  seen[id] = true
  if is_tried and all_are_granted(key + 1, at, count) then
    local tokens = string.rep('g', count)
    for i = 1, count do
      if not wallet_write(key + 1 + i, now, id) then
        tokens = string.sub(tokens, 1, i - 1) .. 'u' .. string.sub(tokens, i + 1)
      end
    end
    return code, starts_at, false, tokens
  end
  local tokens, new = grant_each(key + 1, at, count, total - granted, closed, is_tried)
  wallets_write(key + 2, id, tokens)
  local is_final = not expires_at or math.abs(tonumber(now) - tonumber(expires_at)) > 10000000
  return code, starts_at, is_final and granted + new, table.concat(tokens)
end

-- An error of one discount must not affect the others. It takes the place of the discount's
-- outcomes, and nothing was written for its users.
local answer, key, at = {now}, 1, 1
while ARGV[at] do
  local count = tonumber(ARGV[at + 1])
  local well, code, starts_at, final, tokens = pcall(grant, key, at + 2, count, ARGV[at])
  local n = #answer
  if not well then
    local fault = type(code) == 'table' and code or {err = code}
    code, starts_at, final, tokens = false, false, false, redis.error_reply(error_text(fault))
  end
  answer[n + 1], answer[n + 2], answer[n + 3], answer[n + 4] = code, starts_at, final, tokens
  key, at = key + 2 + count, at + 2 + count
end
answer[#answer + 1] = refusal or nil
return answer
