-- Looks at one key, or at a page of it, and at what must agree with it elsewhere. Changes nothing,
-- and is one atomic step, so it sees no half of a creation or of a grant.
--   KEYS: any key
--   ARGV: where in it to go on ('0' at first), about how many elements to look at
--   Returns {where to go on ('0': it is done), how many elements it has looked at, how many grants
--   their discounts have if it is the index of all discounts, {fault ...}}.
local key, position, most = KEYS[1], ARGV[1], tonumber(ARGV[2])
local faults, looked, grants = {}, 0, 0

local function fault(...)
  faults[#faults + 1] = table.concat({...})
end

-- A reply, or nil when the key is of a wrong type, which is told where that key is looked at.
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

-- What the backend reads as a number.
local function is_number(text)
  return text and #text <= 18 and string.find(text, '^%d+$') ~= nil
end

local function is_positive(text)
  return is_number(text) and tonumber(text) > 0
end

-- Calls look(member, score) for each of a page of a sorted set, by rank: what is added meanwhile
-- comes behind, or was looked at in the same moment it came, so none is passed over.
local function each_ranked(look)
  local page = redis.call('ZRANGE', key, position, position + most - 1, 'WITHSCORES')
  for i = 1, #page, 2 do
    look(page[i], page[i + 1])
  end
  looked = #page / 2
  return looked == most and string.format('%.0f', position + most) or '0'
end

-- ---- Each kind of key ----

local function look_at_index()
  local last
  if tonumber(position) > 0 then
    last = redis.call('ZRANGE', key, position - 1, position - 1, 'WITHSCORES')[2]
  end
  return each_ranked(function(id, created_at)
    if not exists(id) then
      fault(id, ': is in the index of all discounts, and there is no such discount')
    end
    if last and tonumber(last) >= tonumber(created_at) then
      fault(id, ': was created at the same time as the one before it, ', created_at)
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
    fault(id, ': was created at ', created_at, ', and the index of ', name, ' says ', score)
  end
end

local function look_at_stock(id, total)
  local granted = ask('ZCARD', key .. ':grants')
  if not is_positive(total) then
    fault(id, ': total_count is no such number: ', total or 'missing')
  elseif granted and granted > tonumber(total) then
    fault(id, ': ', granted, ' grants of a total of ', total)
  end
end

local function look_at_discount(id)
  local brand, code, total, created_at, starts_at, expires_at = unpack(redis.call('HMGET', key,
    'brand_id', 'discount_code', 'total_count', 'created_at', 'starts_at', 'expires_at'))
  if not code or code == '' then
    fault(id, ': has no discount_code')
  end
  if starts_at and not is_number(starts_at) then
    fault(id, ': starts_at is no time: ', starts_at)
  end
  if expires_at and not is_number(expires_at) then
    fault(id, ': expires_at is no time: ', expires_at)
  end
  look_at_stock(id, total)
  if not is_positive(created_at) then
    fault(id, ': created_at is no time: ', created_at or 'missing')
    created_at = nil
  end
  look_for_entry(id, 'discounts', 'all discounts', created_at)
  if not brand or brand == '' then
    fault(id, ': has no brand_id')
  else
    look_for_entry(id, 'brand:{' .. brand .. '}:discounts', 'brand ' .. brand, created_at)
  end
  return '0'
end

local function look_at_grant(id, user, granted_at)
  local noted = ask('ZSCORE', 'user:{' .. user .. '}:discounts', id)
  if not is_positive(granted_at) then
    fault(id, ': user ', user, ' was granted it at no time: ', granted_at)
  elseif noted == false then
    fault(id, ': is not in the wallet of user ', user,
      ', who was granted it; the next repeat of that request writes it there')
  elseif noted and tonumber(noted) ~= tonumber(granted_at) then
    fault(id, ': user ', user, ' was granted it at ', granted_at, ', and the wallet says ', noted)
  end
end

local function look_at_grants(id)
  if not exists(id) then
    fault(id, ': ', redis.call('ZCARD', key), ' grants, and there is no such discount')
    return '0'
  end
  return each_ranked(function(user, granted_at)
    look_at_grant(id, user, granted_at)
  end)
end

local function look_at_brand(brand)
  return each_ranked(function(id)
    if ask('HGET', discount_key(id), 'brand_id') ~= brand then
      fault(id, ': is in the index of brand ', brand, ', and is no discount of it')
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

local function look_at_idempotency_key()
  local kept = redis.call('GET', key)
  local id = string.match(kept, '^%S+ (%S+) %d+$')
  if not id then
    fault(key, ': is no use of an idempotency key: ', kept)
  elseif not exists(id) then
    fault(key, ': names ', id, ', and there is no such discount')
  end
  return '0'
end

-- The first that fits; any other key is none of ours.
local kinds = {
  {'^discounts$', 'zset', look_at_index},
  {'^discount:{(.*)}:grants$', 'zset', look_at_grants},
  {'^discount:{(.*)}$', 'hash', look_at_discount},
  {'^brand:{(.*)}:discounts$', 'zset', look_at_brand},
  {'^user:{(.*)}:discounts$', 'zset', look_at_wallet},
  {'^idempotency:%d+:{', 'string', look_at_idempotency_key},
}

local function look_at_key()
  for _, kind in ipairs(kinds) do
    local name = string.match(key, kind[1])
    if name then
      local type_of_key = redis.call('TYPE', key).ok
      if type_of_key == kind[2] then
        return kind[3](name)
      elseif type_of_key ~= 'none' then -- that is gone meanwhile, or was never written
        fault(key, ': is a ', type_of_key, ' and not a ', kind[2])
      end
      return '0'
    end
  end
  return '0'
end

position = look_at_key()
return {position, looked, grants, faults}
