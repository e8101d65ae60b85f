-- Checks one key, or one page of it, and the data elsewhere that must agree with it. It changes
-- nothing. It is one atomic step, so it never sees half a creation or half a grant.
--   KEYS: any key.
--   ARGV: the position in it ('0' at first), the approximate number of elements to check.
--   Returns a list of six elements:
--     1. the next position; '0': the key is done
--     2. the number of elements checked
--     3. for the index of all discounts: the number of grants of the discounts checked
--     4. {finding ...}
--     5. for a discount: {id, brand_id, discount_code, total_count, created_at, starts_at,
--        expires_at}
--     6. for grants: {id, user ...}
--
-- The caller checks that the values of 5 and 6 are valid. An invalid number is a finding of this
-- script already, and is replaced by a valid one. Texts are cut after the greatest valid length.
local key, position, most = KEYS[1], ARGV[1], tonumber(ARGV[2])
local faults, looked, grants, discount, users = {}, 0, 0, {}, {}
local TEXT_MOST = 257
local DAY_MS = 86400000
-- The score after which there is no next microsecond (see create.lua).
local LAST_US = 2 ^ 53 - 1

local function fault(...)
  faults[#faults + 1] = table.concat({...})
end

-- Returns the reply, or nil when the key has a wrong type, which is found when that key is checked.
local function ask(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then
    return nil
  end
  return reply
end

local function discount_key(id)
  return 'discount:{' .. id .. '}'
end

local function exists(id)
  return redis.call('EXISTS', discount_key(id)) == 1
end

-- Returns whether the backend reads it as a number.
local function is_number(text)
  return text and #text <= 18 and string.find(text, '^%d+$') ~= nil
end

local function is_positive(text)
  return is_number(text) and tonumber(text) > 0
end

-- Returns microseconds since 1970 as RFC 3339, as timestamp_format does. Anything else stays as it
-- is stored. Years are counted from March.
local function time_text(text)
  local us = tonumber(text)
  if not us or us % 1 ~= 0 or math.abs(us) >= 1e18 then
    return text
  end
  local floor, seconds = math.floor, math.floor(us / 1000000)
  local shifted = floor(seconds / 86400) + 719468
  local day, of_day = shifted % 146097, seconds % 86400
  local year = floor((day - floor(day / 1460) + floor(day / 36524) - floor(day / 146096)) / 365)
  day = day - (365 * year + floor(year / 4) - floor(year / 100))
  local month = floor((5 * day + 2) / 153)
  year = year + floor(shifted / 146097) * 400 + (month < 10 and 0 or 1)
  return string.format((year > 9999 and '+%06d' or '%04d') .. '-%02d-%02dT%02d:%02d:%02d.%06dZ',
    year, month < 10 and month + 3 or month - 9, day - floor((153 * month + 2) / 5) + 1,
    floor(of_day / 3600), floor(of_day / 60) % 60, of_day % 60, us % 1000000)
end

-- Calls look(member, score) for each element of a page of a sorted set, by rank. No element is left
-- out: one that is added meanwhile comes later, or is checked in the same step.
local function each_ranked(look)
  local page = redis.call('ZRANGE', key, position, position + most - 1, 'WITHSCORES')
  for i = 1, #page, 2 do
    look(page[i], page[i + 1])
  end
  looked = #page / 2
  return looked == most and string.format('%.0f', position + most) or '0'
end

-- The end of a key, which Redis has in milliseconds.
local function end_text(end_ms)
  return time_text(string.format('%.0f', end_ms * 1000))
end

-- ---- Each kind of key ----

local function look_at_index()
  local last
  if tonumber(position) > 0 then
    last = redis.call('ZRANGE', key, position - 1, position - 1, 'WITHSCORES')[2]
  end
  return each_ranked(function(id, created_at)
    if not exists(id) then
      fault(id, ': is in the index of all discounts, but there is no such discount')
    end
    if tonumber(created_at) >= LAST_US then
      fault(id, ': was created at ', time_text(created_at), ', and nothing can be created after that')
    end
    if last and tonumber(last) >= tonumber(created_at) then
      fault(id, ': was created at the same time as the one before it, ', time_text(created_at))
    end
    last = created_at
    grants = grants + (ask('ZCARD', discount_key(id) .. ':grants') or 0)
  end)
end

local function look_for_entry(id, index, name, created_at)
  local score = ask('ZSCORE', index, id)
  if score == false then
    fault(id, ': is not in the index of ', name)
  elseif score and created_at and tonumber(score) ~= tonumber(created_at) then
    fault(id, ': was created at ', time_text(created_at), ', and the index of ', name, ' says ',
      time_text(score))
  end
end

local function look_at_stock(id, total)
  local granted = ask('ZCARD', key .. ':grants')
  if not is_positive(total) then
    fault(id, ': total_count is not a valid number: ', total or 'missing')
  elseif granted and granted > tonumber(total) then
    fault(id, ': ', granted, ' grants of a total of ', total)
  end
end

-- Checks a time that may be missing. Returns '0' when it is missing or not valid.
local function look_at_time(id, name, time)
  if time and not is_positive(time) then
    fault(id, ': ', name, ' is not a valid time: ', time)
    time = nil
  end
  return time or '0'
end

local function look_at_discount(id)
  local brand, code, total, created_at, starts_at, expires_at = unpack(redis.call('HMGET', key,
    'brand_id', 'discount_code', 'total_count', 'created_at', 'starts_at', 'expires_at'))
  starts_at = look_at_time(id, 'starts_at', starts_at)
  expires_at = look_at_time(id, 'expires_at', expires_at)
  look_at_stock(id, total)
  if not is_positive(created_at) then
    fault(id, ': created_at is not a valid time: ', created_at or 'missing')
    created_at = nil
  end
  look_for_entry(id, 'discounts', 'all discounts', created_at)
  if brand and brand ~= '' then
    look_for_entry(id, 'brand:{' .. brand .. '}:discounts', 'brand ' .. brand, created_at)
  end
  discount = {string.sub(id, 1, TEXT_MOST), string.sub(brand or '', 1, TEXT_MOST),
    string.sub(code or '', 1, TEXT_MOST), is_positive(total) and total or '1', created_at or '1',
    starts_at, expires_at}
  return '0'
end

local function look_at_grant(id, user, granted_at)
  users[#users + 1] = string.sub(user, 1, TEXT_MOST)
  local noted = ask('ZSCORE', 'user:{' .. user .. '}:discounts', id)
  if not is_positive(granted_at) then
    fault(id, ': user ', user, ' was granted it at an invalid time: ', time_text(granted_at))
  elseif noted == false then
    fault(id, ': is not in the wallet of user ', user,
      ', who was granted it; the next repeat of that request writes it there')
  elseif noted and tonumber(noted) ~= tonumber(granted_at) then
    fault(id, ': user ', user, ' was granted it at ', time_text(granted_at),
      ', and the wallet says ', time_text(noted))
  end
end

local function look_at_grants(id)
  if not exists(id) then
    fault(id, ': ', redis.call('ZCARD', key), ' grants, but there is no such discount')
    return '0'
  end
  users[1] = string.sub(id, 1, TEXT_MOST)
  return each_ranked(function(user, granted_at)
    look_at_grant(id, user, granted_at)
  end)
end

local function look_at_brand(brand)
  return each_ranked(function(id)
    if ask('HGET', discount_key(id), 'brand_id') ~= brand then
      fault(id, ': is in the index of brand ', brand, ', but is not one of its discounts')
    end
  end)
end

local function look_at_wallet(user)
  return each_ranked(function(id)
    if ask('ZSCORE', discount_key(id) .. ':grants', user) == false then
      fault(id, ': is in the wallet of user ', user, ', who was not granted it')
    end
  end)
end

-- Returns the brand in the key's name, after its length; nil when the name is not valid.
local function brand_of_key()
  local length, named = string.match(key, '^idempotency:(%d+):{(.*)$')
  local brand, rest = string.sub(named, 1, length), string.sub(named, length + 1)
  return #brand == tonumber(length) and #rest > 2 and string.sub(rest, 1, 2) == '}:' and brand
end

-- The end of a key was set when its discount was created. So the time of creation shows whether it
-- is too late, whatever a clock says now. That time is never before the clock's of then: it is
-- pushed on when that was set back. A second day is slack: for a clock that was set within the
-- creation, and for tools that copy the rest of a key's day to a Redis with another clock.
local function look_at_end_of_use(created_at)
  local end_ms = redis.call('PEXPIRETIME', key)
  if end_ms > tonumber(created_at) / 1000 + 2 * DAY_MS then
    fault(key, ': will expire at ', end_text(end_ms),
      ', which is more than a day after its first use')
  end
end

local function look_at_use(brand, id, created_at)
  local stored_brand, stored_at = unpack(redis.call('HMGET', discount_key(id), 'brand_id',
    'created_at'))
  if not exists(id) then
    fault(key, ': names ', id, ', but there is no such discount')
  elseif stored_brand ~= brand then
    fault(key, ': names ', id, ', which is a discount of another brand, ', stored_brand or 'none')
  elseif stored_at ~= created_at then
    fault(key, ': says that ', id, ' was created at ', time_text(created_at),
      ', which was created at ', stored_at and time_text(stored_at) or 'no time')
  else
    look_at_end_of_use(created_at)
  end
end

local function look_at_idempotency_key()
  local kept, brand = redis.call('GET', key), brand_of_key()
  local fingerprint, id, created_at = string.match(kept, '^(%x+) (%S+) (%d+)$')
  if not brand then
    fault(key, ': is not a valid name of an idempotency key')
  elseif not id or #fingerprint ~= 40 then
    fault(key, ': is not a valid use of an idempotency key: ', kept)
  else
    look_at_use(brand, id, created_at)
  end
  return '0'
end

-- Idempotency keys expire after a day; all other keys never do.
local function look_at_end(is_kept_for_a_day)
  local end_ms = redis.call('PEXPIRETIME', key)
  if not is_kept_for_a_day and end_ms ~= -1 then
    fault(key, ': will expire at ', end_text(end_ms))
  elseif is_kept_for_a_day and end_ms == -1 then
    fault(key, ': will never expire')
  end
end

-- The first pattern that matches counts. Any other key belongs to another program.
local kinds = {
  {'^discounts$', 'zset', look_at_index},
  {'^discount:{(.*)}:grants$', 'zset', look_at_grants},
  {'^discount:{(.*)}$', 'hash', look_at_discount},
  {'^brand:{(.*)}:discounts$', 'zset', look_at_brand},
  {'^user:{(.*)}:discounts$', 'zset', look_at_wallet},
  {'^idempotency:%d+:{', 'string', look_at_idempotency_key, true},
}

local function look_at_key()
  for _, kind in ipairs(kinds) do
    local name = string.match(key, kind[1])
    if name then
      local type_of_key = redis.call('TYPE', key).ok
      if type_of_key ~= 'none' and position == '0' then
        look_at_end(kind[4])
      end
      if type_of_key == kind[2] then
        return kind[3](name)
      elseif type_of_key ~= 'none' then -- it was deleted meanwhile, or never existed
        fault(key, ': is a ', type_of_key, ' and not a ', kind[2])
      end
      return '0'
    end
  end
  return '0'
end

position = look_at_key()
return {position, looked, grants, faults, discount, users}
