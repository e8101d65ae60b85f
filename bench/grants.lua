-- wrk script: every request asks for a grant of the discount $DISCOUNT for a user never seen before.
local id = os.getenv('DISCOUNT')
local thread_count = 0

function setup(thread)
  thread_count = thread_count + 1
  thread:set('thread_number', thread_count)
end

function init()
  user = 0
  prefix = os.time() .. '-' .. thread_number .. '-'
end

function request()
  user = user + 1
  return wrk.format('POST', '/discount/' .. id .. '/grant', {['Content-Type'] = 'application/json'},
    '{"user_id":"' .. prefix .. user .. '"}')
end

function done(summary, latency)
  io.write(string.format('requests %d, errors: connect %d read %d write %d status %d timeout %d, p99 %.1f ms\n',
    summary.requests, summary.errors.connect, summary.errors.read, summary.errors.write,
    summary.errors.status, summary.errors.timeout, latency:percentile(99) / 1000))
end
