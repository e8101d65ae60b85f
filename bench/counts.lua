-- SPDX-License-Identifier: MIT
-- wrk script: reads each discount whose id is in the file $DISCOUNTS once. It ends with "granted N", where N is the sum
-- of their grants, or "granted -1" if one could not be read. One thread.
local ids = {}
for id in io.lines(os.getenv('DISCOUNTS')) do
  ids[#ids + 1] = id
end
-- wrk calls this once to check the request, and does not send that one.
local asked, read, granted = -1, 0, 0

local function finish(sum)
  io.write('granted ', sum, '\n')
  io.flush()
  os.exit(0)
end

function request()
  asked = asked + 1
  return wrk.format('GET', ids[asked] and '/discount/' .. ids[asked] or '/healthy')
end

function response(status, _, body)
  local count = string.match(body, '"granted_count": ?(%d+)')
  if status ~= 200 then
    finish(-1)
  elseif count then
    read, granted = read + 1, granted + count
    if read == #ids then
      finish(granted)
    end
  end
end
