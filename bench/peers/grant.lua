-- SPDX-License-Identifier: MIT
-- Grants one discount to one user; every peer runs this. It makes the same checks and the same writes as discountd's
-- script. But it is for one user, as an engineer would write it who does not combine grants.
--   KEYS: the discount, its grants, the user's wallet
--   ARGV: the discount's id, the user
--   Returns {HTTP status, granted_at or '', discount_code or ''}.
local discount = redis.call('HMGET', KEYS[1], 'discount_code', 'total_count', 'starts_at', 'expires_at')
if not discount[1] then
  return {404, '', ''}
end
local held = redis.call('ZSCORE', KEYS[2], ARGV[2])
if held then
  return {200, held, discount[1]}
end
local clock = redis.call('TIME')
local now = clock[1] .. string.format('%06d', clock[2])
if discount[3] and tonumber(now) < tonumber(discount[3]) then
  return {409, '', ''}
end
if discount[4] and tonumber(now) >= tonumber(discount[4]) then
  return {410, '', ''}
end
if redis.call('ZCARD', KEYS[2]) >= tonumber(discount[2]) then
  return {409, '', ''}
end
redis.call('ZADD', KEYS[2], now, ARGV[2])
redis.call('ZADD', KEYS[3], now, ARGV[1])
return {201, now, discount[1]}
