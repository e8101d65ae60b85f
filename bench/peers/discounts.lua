-- SPDX-License-Identifier: MIT
-- The handlers of nginx.conf. Debian has no Redis client for this nginx, so a small one is here: commands out;
-- integers, strings and arrays in. It uses nginx's own sockets, which wait without a thread and are kept for later
-- requests.
local cjson = require 'cjson.safe'

local POOL = 512
local IDLE_MS = 60000

local discounts = {}
local host, port = string.match(os.getenv('REDIS_URL'), '^redis://([^:]+):(%d+)')
local file = assert(io.open(os.getenv('GRANT_LUA')))
local script = file:read('*a')
file:close()
local script_sha = (function()
  local hex = {}
  for i, byte in ipairs({string.byte(ngx.sha1_bin(script), 1, -1)}) do
    hex[i] = string.format('%02x', byte)
  end
  return table.concat(hex)
end)()

-- ---- Redis ----

local function command(...)
  local count = select('#', ...)
  local parts = {'*' .. count .. '\r\n'}
  for i = 1, count do
    local argument = tostring((select(i, ...)))
    parts[i + 1] = '$' .. #argument .. '\r\n' .. argument .. '\r\n'
  end
  return table.concat(parts)
end

-- Returns a reply, or nil and the error of Redis (or of the socket, with broken = true).
local function reply_read(socket)
  local line, err = socket:receive()
  if not line then
    return nil, err, true
  end
  local kind, rest = string.sub(line, 1, 1), string.sub(line, 2)
  if kind == ':' then
    return tonumber(rest)
  elseif kind == '+' then
    return rest
  elseif kind == '-' then
    return nil, rest
  elseif kind == '$' then
    local size = tonumber(rest)
    if size < 0 then
      return false
    end
    local bytes, why = socket:receive(size + 2)
    if not bytes then
      return nil, why, true
    end
    return string.sub(bytes, 1, size)
  end
  local array = {}
  for i = 1, tonumber(rest) do
    local value, why, broken = reply_read(socket)
    if value == nil then
      return nil, why, broken
    end
    array[i] = value
  end
  return array
end

local function ask(...)
  local socket = ngx.socket.tcp()
  local ok, err = socket:connect(host, port, {pool_size = POOL})
  if not ok then
    return nil, err
  end
  ok, err = socket:send(command(...))
  if not ok then
    return nil, err
  end
  local reply, why, broken = reply_read(socket)
  if broken then
    socket:close()
  else
    socket:setkeepalive(IDLE_MS, POOL)
  end
  return reply, why
end

-- ---- The handlers ----

local function answer(status, value)
  local text = cjson.encode(value)
  ngx.status = status
  ngx.header['Content-Length'] = #text
  ngx.print(text)
end

local function body()
  ngx.req.read_body()
  local value = cjson.decode(ngx.req.get_body_data() or '')
  return type(value) == 'table' and value or {}
end

function discounts.create()
  local discount = body()
  if not (discount.brand_id and discount.discount_code and discount.total_count) then
    return answer(422, {granted = false})
  end
  -- nginx's id of a request has 16 random bytes, in hexadecimal.
  discount.id = 'dsc-' .. ngx.var.request_id
  local ok = ask('HSET', 'discount:{' .. discount.id .. '}', 'brand_id', discount.brand_id, 'discount_code',
    discount.discount_code, 'total_count', discount.total_count)
  return answer(ok and 201 or 503, discount)
end

function discounts.grant(id)
  local user = body().user_id
  if type(user) ~= 'string' then
    return answer(422, {granted = false})
  end
  local key = 'discount:{' .. id .. '}'
  local wallet = 'user:{' .. user .. '}:discounts'
  local reply, err = ask('EVALSHA', script_sha, 3, key, key .. ':grants', wallet, id, user)
  if not reply and string.find(err, 'NOSCRIPT', 1, true) == 1 then
    reply = ask('EVAL', script, 3, key, key .. ':grants', wallet, id, user)
  end
  if not reply then
    return answer(503, {granted = false})
  elseif reply[1] > 201 then
    return answer(reply[1], {discount_id = id, granted = false})
  end
  return answer(reply[1],
    {discount_code = reply[3], discount_id = id, granted = true, granted_at = reply[2], user_id = user})
end

function discounts.get(id)
  local key = 'discount:{' .. id .. '}'
  local total, granted = ask('HGET', key, 'total_count'), ask('ZCARD', key .. ':grants')
  if not granted then
    return answer(503, {granted = false})
  elseif not total then
    return answer(404, {granted = false})
  end
  return answer(200, {granted_count = granted, id = id, total_count = tonumber(total)})
end

return discounts
