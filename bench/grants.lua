-- wrk script: every request asks for a grant of the discount $DISCOUNT for a user never seen before.
--
--   USERS=sequential  the users' ids grow; otherwise each falls anywhere among those before it
--   UNTIL_SOLD_OUT=1  ends with the first answer that the stock is used up
local id = os.getenv('DISCOUNT')
local sequential = os.getenv('USERS') == 'sequential'
local thread_count = 0

function setup(thread)
  thread_count = thread_count + 1
  thread:set('thread_number', thread_count)
end

function init()
  user = 0
  run = '-' .. os.time() .. '-' .. thread_number
end

-- A number's digits backwards fall evenly between those of the numbers before it.
local function name(number)
  return sequential and string.format('%09d', number) or string.reverse(number)
end

function request()
  user = user + 1
  return wrk.format('POST', '/discount/' .. id .. '/grant', {['Content-Type'] = 'application/json'},
    '{"user_id":"' .. name(user) .. run .. '"}')
end

if os.getenv('UNTIL_SOLD_OUT') then
  function response(status)
    if status == 409 then
      os.exit(0)
    end
  end
end

-- "figures": grants, other answers, broken connections, answers later than 2 s, seconds, p50 and p99
-- in ms.
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('figures %d %d %d %d %.3f %.3f %.3f\n', summary.requests - errors.status,
    errors.status, errors.connect + errors.read + errors.write, errors.timeout,
    summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
