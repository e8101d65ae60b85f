-- Grants discounts to users, of each discount to many, in their order.
--   KEYS: for each discount: itself, its grants, and the wallet of each of its users
--   ARGV: for each discount: its id, the number of its users, and they in the order of the wallets
--   Returns {now, and four for each discount: its discount_code, its starts_at or false, the number
--   of its grants if who came too late did so for good (FINAL_AFTER_US in backend.h) or false, what
--   became of its users}, and behind all of them the text in which Redis refused to write, if it
--   did. What became of them is a text with one outcome token for each user:
--     g   granted now                    x   all units were granted before
--     hT  granted before, at T           r   Redis takes no writes
--     n   the discount has not started   e   it has expired
--     u   may be granted now, or before  c   holds what is no grant of ours
--   It is false when there is no such discount, and an error when a discount is not what we write.
--
-- The number granted is the number of members of the grants, and all new grants of a discount are
-- written by one command: count and grants cannot disagree. Whoever holds a grant gets it again
-- before anything else is looked at, so that a repeated request is answered as its first one was.
local call, try = redis.call, redis.pcall
local clock = call('TIME')
local now = clock[1] .. string.format('%06d', clock[2])
local refusal = false
local seen = {} -- the discounts, some of which may come more than once

local function error_text(reply)
  local text = type(reply) == 'table' and reply.err
  return text and (string.match(text, '%u%u+ .*') or text)
end

-- Returns how many of these were not members; false when Redis takes no writes.
local function write(key, new)
  local added = try('ZADD', KEYS[key], 'NX', unpack(new))
  refusal = error_text(added) or refusal
  return not error_text(added) and added
end

-- Mostly nobody of them holds it yet and all of them get it, which one write finds out.
local function all_are_granted(key, at, count)
  local new = {}
  for i = 1, count do
    new[2 * i - 1], new[2 * i] = now, ARGV[at + i - 1]
  end
  return write(key, new) == count
end

-- A score that is no time would read as several tokens.
local function held_token(score)
  return string.find(score, '^%d+$') and 'h' .. score or 'c'
end

-- One by one; returns their tokens and how many were written. `was_tried`: whom `all_are_granted` has
-- written while others held it has the time of this call.
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
    -- A refused write leaves its units in stock, so nobody behind it was too late either.
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

-- The wallet follows the grant. Should it not take it, the next repeat writes it.
local function wallets_write(key, id, tokens)
  for i = 1, #tokens do
    local kind = string.sub(tokens[i], 1, 1)
    if kind == 'g' then
      try('ZADD', KEYS[key + i - 1], now, id)
    elseif kind == 'h' then
      try('ZADD', KEYS[key + i - 1], string.sub(tokens[i], 2), id)
    end
  end
end

-- What the backend reads as one, or nothing.
local function is_time(text)
  return not text or #text <= 18 and string.find(text, '^[1-9]%d*$')
end

-- What discount_code_is_sound says of it: it has to be known here, before anything is written.
local function is_code(text)
  if string.find(text, '[^ -~]') then
    -- The characters beyond ASCII that a text may have, by their bytes in UTF-8 (RFC 3629).
    for _, character in ipairs({'\194[\160-\191]', '[\195-\223][\128-\191]', '\224[\160-\191][\128-\191]',
      '[\225-\236\238\239][\128-\191][\128-\191]', '\237[\128-\159][\128-\191]',
      '\240[\144-\191][\128-\191][\128-\191]', '[\241-\243][\128-\191][\128-\191][\128-\191]',
      '\244[\128-\143][\128-\191][\128-\191]'}) do
      text = string.gsub(text, character, 'x')
    end
  end
  return text ~= '' and not string.find(text, '[^ -~]')
end

-- Of a discount that is none of ours nothing is granted.
local function is_sound(code, total, starts_at, expires_at)
  return code and #code <= 256 and is_code(code) and total and total >= 1 and is_time(starts_at)
    and is_time(expires_at) and (not expires_at or tonumber(expires_at) > tonumber(starts_at or 0))
end

-- KEYS[key] is the discount, ARGV[at] the first of its users.
local function grant(key, at, count, id)
  local terms = call('HMGET', KEYS[key], 'discount_code', 'total_count', 'starts_at', 'expires_at')
  local code, total, starts_at, expires_at = terms[1], tonumber(terms[2]), terms[3], terms[4]
  if not code and not terms[2] then
    -- A replica may not have it yet, and says that it is one to a write that changes nothing.
    local text = error_text(try('ZREM', KEYS[key + 1], ''))
    if text and string.find(text, 'READONLY', 1, true) == 1 then
      refusal = text
      return false, false, false, string.rep('r', count)
    end
    return false, false, false, false
  end
  if not is_sound(code, total, starts_at, expires_at) then
    error(redis.error_reply('CORRUPT discount'))
  end
  local closed
  if starts_at and tonumber(now) < tonumber(starts_at) then
    closed = 'n'
  elseif expires_at and tonumber(now) >= tonumber(expires_at) then
    closed = 'e'
  end
  local granted = call('ZCARD', KEYS[key + 1])
  -- Whom this call has granted it already, further up, has the time of this call, too.
  local is_tried = not closed and granted + count <= total and not seen[id]
  seen[id] = true
  if is_tried and all_are_granted(key + 1, at, count) then
    for i = 1, count do
      try('ZADD', KEYS[key + 1 + i], now, id)
    end
    return code, starts_at, false, string.rep('g', count)
  end
  local tokens, new = grant_each(key + 1, at, count, total - granted, closed, is_tried)
  wallets_write(key + 2, id, tokens)
  local is_final = not expires_at or math.abs(tonumber(now) - tonumber(expires_at)) > 10000000
  return code, starts_at, is_final and granted + new, table.concat(tokens)
end

-- What goes wrong with one discount is no other one's affair: it is an error in the place of what
-- became of its users, and nothing was written for them.
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
