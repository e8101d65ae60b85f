-- SPDX-License-Identifier: MIT
-- wrk script: sends requests of one kind, and measures the cost of each for the server and Redis. One thread.
--
--   KIND         create  a discount
--                grant   of $DISCOUNT, to a new user
--                repeat  of $DISCOUNT, to one of its users
--                held    read one user's grant of $DISCOUNT
--                any     read one of $IDS
--                spread  a grant of one of $IDS, to a new user
--                collect grants of all in $IDS in turn, to $HOLDER or, if that is not set, to a new user each
--                get     read $TARGET
--   FROM         the first number for users, codes and $IDS: this many exist
--   COUNT        ends after this many, all of which must succeed. The first $WARM are not measured, the others are in
--                $PARTS of one size. Without COUNT it measures $RUN_S seconds after the first $WARM_S, until wrk ends
--   SERVER, REDIS  process ids; CONNECTIONS: wrk's -c
--
-- It prints "figures" of the measured part, one line for each of $PARTS. They are requests, seconds, us of CPU of the
-- server and of Redis, and bytes that the server wrote to the disk. Without COUNT it also prints "latency" and
-- "answered". "latency" is answers that were no grants, broken connections, answers later than 2 s, p50 and p99 in
-- ms. "answered" is all answers.
local ffi = require('ffi')
ffi.cdef [[
  typedef struct { long s, ns; } growth_time;
  int clock_gettime(int, growth_time *);
]]

local function env(name, fallback)
  return os.getenv(name) or fallback
end

local kind, id = env('KIND', 'grant'), env('DISCOUNT', '')
local from, count, warm = tonumber(env('FROM', '0')), tonumber(env('COUNT', nil)), tonumber(env('WARM', '0'))
local warm_s, run_s = tonumber(env('WARM_S', '1')), tonumber(env('RUN_S', '5'))
local connections, holder, target = tonumber(env('CONNECTIONS', '1')), env('HOLDER'), env('TARGET')
local tag = env('TAG', 'growth')
local ids = {}
local parts = tonumber(env('PARTS', '1'))
local before
-- wrk calls this once to check the request, and does not send that one.
local asked, answered = -1, 0

function init()
  math.randomseed(1)
  if env('IDS') then
    for line in io.lines(env('IDS')) do
      ids[#ids + 1] = line
    end
  end
end

-- ---- Cost ----

local function now_s()
  local now = ffi.new('growth_time')
  ffi.C.clock_gettime(1, now)
  return tonumber(now.s) + tonumber(now.ns) / 1e9
end

local function cpu_us(pid)
  if not pid or pid == '' then
    return 0
  end
  local us, tasks = 0, io.popen('cat /proc/' .. pid .. '/task/*/schedstat')
  for line in tasks:lines() do
    us = us + tonumber(line:match('^%d+')) / 1000
  end
  tasks:close()
  return us
end

local function written(pid)
  local file = pid and io.open('/proc/' .. pid .. '/io')
  local bytes = file and file:read('*a'):match('\nwrite_bytes: (%d+)')
  if file then
    file:close()
  end
  return tonumber(bytes or 0)
end

local function spent()
  return {s = now_s(), server = cpu_us(env('SERVER')), redis = cpu_us(env('REDIS')),
    written = written(env('SERVER'))}
end

local function tell(requests)
  local after = spent()
  io.write(string.format('figures %d %.6f %.0f %.0f %.0f\n', requests, after.s - before.s,
    after.server - before.server, after.redis - before.redis, after.written - before.written))
  before = after
end

-- ---- Requests ----

-- A number's digits in reverse order fall evenly between those of earlier numbers.
local function user(number)
  return string.reverse(string.format('%09d', number)) .. '-' .. tag
end

local function post(path, body)
  return wrk.format('POST', path, {['Content-Type'] = 'application/json'}, body)
end

local function grant(discount, name)
  return post('/discount/' .. discount .. '/grant', '{"user_id":"' .. name .. '"}')
end

local requests = {}
function requests.create(i)
  return post('/discount', '{"brand_id":"brand ' .. i % 100 .. '","discount_code":"Code ' .. i ..
    '","total_count":1000000}')
end
function requests.grant(i)
  return grant(id, user(i))
end
requests['repeat'] = function()
  return grant(id, user(math.random(from)))
end
function requests.held()
  return wrk.format('GET', '/discount/' .. id .. '/grant?user_id=' .. user(math.random(from)))
end
function requests.any()
  return wrk.format('GET', '/discount/' .. ids[math.random(#ids)])
end
function requests.spread(i)
  return grant(ids[math.random(#ids)], user(i))
end
function requests.collect(i)
  return grant(ids[i], holder or user(i))
end
function requests.get()
  return wrk.format('GET', target)
end

local writes = {create = true, grant = true, spread = true, collect = true}
local expected = writes[kind] and 201 or 200

local function request_make()
  asked = asked + 1
  if count and writes[kind] and asked > count then
    return wrk.format('GET', '/livez') -- until the last answer is there
  end
  return requests[kind](from + math.max(asked, 1))
end

-- ---- By number ----

local part = count and math.ceil((count - warm) / parts)

local function counted(status)
  if status ~= expected then
    if not (status == 200 and asked > count) then
      io.stderr:write('FAULT: ', kind, ' was answered ', status, '\n')
      os.exit(1)
    end
    return
  end
  answered = answered + 1
  if answered == warm then
    before = spent()
  elseif answered == count then
    tell((count - warm - 1) % part + 1)
    os.exit(0)
  elseif answered > warm and (answered - warm) % part == 0 then
    tell(part)
  end
end

-- ---- By time ----

local began, warm_answered, is_over
local function watch()
  local now = now_s()
  began = began or now
  if not before and now - began >= warm_s then
    before, warm_answered = spent(), asked - connections
  elseif before and not is_over and now - before.s >= run_s then
    tell(asked - connections - warm_answered)
    is_over = true
  end
end

if count then
  response = counted
  request = function()
    if asked == 0 and warm == 0 then
      before = spent()
    end
    return request_make()
  end
else
  request = function()
    watch()
    return request_make()
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('latency %d %d %d %.3f %.3f\n', errors.status,
    errors.connect + errors.read + errors.write, errors.timeout, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000))
  io.write(string.format('answered %d\n', summary.requests))
end
