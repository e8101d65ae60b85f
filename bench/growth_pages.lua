-- SPDX-License-Identifier: MIT
-- wrk script, one connection: reads the list $TARGET page by page, $LIMIT items each, to its end. $ITEM is a text
-- that occurs once in each item.
--
-- It prints "pages": the number of pages and of items, and two cursors ('-' for none). These are for the page in the
-- middle, and for the last hundred items or more.
local target, limit, item = os.getenv('TARGET'), os.getenv('LIMIT'), os.getenv('ITEM')
local cursors, pages, items = {}, 0, 0
local FEWEST = 100 -- items behind the last cursor

function request()
  local path = target .. (target:find('?', 1, true) and '&' or '?') .. 'limit=' .. limit
  return wrk.format('GET', path .. (cursors[pages] and '&cursor=' .. cursors[pages] or ''))
end

local function count(body)
  local found = 0
  local _, at = body:find(item, 1, true)
  while at do
    found = found + 1
    _, at = body:find(item, at + 1, true)
  end
  return found
end

function response(status, _, body)
  if status ~= 200 then
    io.stderr:write('FAULT: page ', pages + 1, ' was answered ', status, '\n')
    os.exit(1)
  end
  local found = count(body)
  items, pages = items + found, pages + 1
  cursors[pages] = body:match('"next_cursor":"([^"]*)"', -2048)
  if not cursors[pages] then
    local last = found < FEWEST and pages - 2 or pages - 1
    io.write(string.format('pages %d %d %s %s\n', pages, items, cursors[math.floor(pages / 2)] or '-',
      cursors[last] or '-'))
    os.exit(0)
  end
end
