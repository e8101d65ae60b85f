-- SPDX-License-Identifier: MIT
-- wrk script: creates exactly $COUNT discounts, and ends with the answer to the last of them. One thread.
--
--   TOTAL=100   units of each
--   IDS=FILE    gets their ids, one per line
local count = tonumber(os.getenv('COUNT'))
local total = os.getenv('TOTAL') or '100'
local ids = os.getenv('IDS') and assert(io.open(os.getenv('IDS'), 'w'))
-- wrk calls this once to check the request, and does not send that one.
local asked, created = -1, 0

function request()
  asked = asked + 1
  if asked > count then
    return wrk.format('GET', '/healthy')
  end
  return wrk.format('POST', '/discount', {['Content-Type'] = 'application/json'},
    '{"brand_id":"brand ' .. asked % 100 .. '","discount_code":"Code ' .. asked .. '","total_count":' .. total .. '}')
end

function response(status, _, body)
  if status ~= 201 then
    return
  end
  created = created + 1
  if ids then
    ids:write(string.match(body, '"id": ?"([^"]+)"'), '\n')
  end
  if created == count then
    if ids then
      ids:close()
    end
    os.exit(0)
  end
end
