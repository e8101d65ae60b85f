-- SPDX-License-Identifier: MIT
-- wrk script: every request asks for a grant for a new user.
--
--   DISCOUNT=ID       of this discount
--   DISCOUNTS=FILE    of the discounts whose ids are in the file, one per line: the n-th is asked for in proportion
--                     to 1 / n ^ EXPONENT (1), which is how popularity falls (Zipf)
--   USERS=sequential  the users' ids grow; otherwise each falls anywhere among the earlier ones
--   UNTIL_SOLD_OUT=1  ends at the first answer that the stock is used up
local sequential = os.getenv('USERS') == 'sequential'
local thread_count = 0
local heads, share, other = {}, {}, {}

function setup(thread)
  thread_count = thread_count + 1
  thread:set('thread_number', thread_count)
end

-- Fills the alias table (Vose), with which one draw and one comparison pick from any distribution. share[i] of position
-- i belongs to i and the rest to other[i].
local function popularity(count, exponent)
  local sum, small, large = 0, {}, {}
  for i = 1, count do
    share[i] = 1 / i ^ exponent
    sum = sum + share[i]
  end
  for i = 1, count do
    share[i] = share[i] * count / sum
    table.insert(share[i] < 1 and small or large, i)
  end
  while #small > 0 and #large > 0 do
    local less, more = table.remove(small), large[#large]
    other[less] = more
    share[more] = share[more] - (1 - share[less])
    if share[more] < 1 then
      table.insert(small, table.remove(large))
    end
  end
  -- Rounding may make the rest differ from 1.
  for _, rest in ipairs({small, large}) do
    for _, i in ipairs(rest) do
      share[i], other[i] = 1, i
    end
  end
end

local function discounts()
  if os.getenv('DISCOUNT') then
    return {os.getenv('DISCOUNT')}
  end
  local ids = {}
  for id in io.lines(os.getenv('DISCOUNTS')) do
    ids[#ids + 1] = id
  end
  return ids
end

-- Everything of a request but its length and body is made once: this program shares the machine with the server.
function init()
  user = 0
  run = '-' .. os.time() .. '-' .. thread_number
  math.randomseed(thread_number)
  local ids = discounts()
  popularity(#ids, tonumber(os.getenv('EXPONENT') or 1))
  for i, id in ipairs(ids) do
    heads[i] = 'POST /discount/' .. id .. '/grant HTTP/1.1\r\nHost: ' .. wrk.host .. ':' .. wrk.port ..
      '\r\nContent-Type: application/json\r\nContent-Length: '
  end
end

local function pick()
  local i = math.random(#heads)
  return math.random() < share[i] and i or other[i]
end

-- A number's digits in reverse order fall evenly between those of earlier numbers.
local function name(number)
  return sequential and string.format('%09d', number) or string.reverse(number)
end

function request()
  user = user + 1
  local body = '{"user_id":"' .. name(user) .. run .. '"}'
  return heads[pick()] .. #body .. '\r\n\r\n' .. body
end

if os.getenv('UNTIL_SOLD_OUT') then
  function response(status)
    if status == 409 then
      os.exit(0)
    end
  end
end

-- "figures": grants, other answers, broken connections, answers later than 2 s, seconds, p50, p99 and
-- p99.9 in ms.
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('figures %d %d %d %d %.3f %.3f %.3f %.3f\n', summary.requests - errors.status,
    errors.status, errors.connect + errors.read + errors.write, errors.timeout,
    summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    latency:percentile(99.9) / 1000))
end
