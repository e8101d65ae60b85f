-- wrk script: creates $COUNT discounts, exactly, and ends with the answer to the last of them. One
-- thread.
local count = tonumber(os.getenv('COUNT'))
-- wrk takes one request from here to look at it, and does not send it.
local asked, created = -1, 0

function request()
  asked = asked + 1
  if asked > count then
    return wrk.format('GET', '/livez')
  end
  return wrk.format('POST', '/discount', {['Content-Type'] = 'application/json'},
    '{"brand_id":"brand ' .. asked % 100 .. '","discount_code":"Code ' .. asked .. '","total_count":100}')
end

function response(status)
  if status == 201 then
    created = created + 1
    if created == count then
      os.exit(0)
    end
  end
end
