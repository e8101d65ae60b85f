-- Reads what a user holds, newest first.
--   KEYS: the user's wallet.
--   ARGV: time and id of the grant after which to begin (id empty: at the newest), the limit.
--   Returns a list of {brand_id, discount_code, total_count, created_at, starts_at or false,
--   expires_at or false, 0, id, granted_at}.
local from = 0
if ARGV[2] ~= '' then
  local rank = redis.call('ZREVRANK', KEYS[1], ARGV[2])
  from = rank and rank + 1 or redis.call('ZCOUNT', KEYS[1], ARGV[1], '+inf')
end
local rows = {}
local held = redis.call('ZREVRANGE', KEYS[1], from, from + ARGV[3] - 1, 'WITHSCORES')
for i = 1, #held, 2 do
  local row = redis.call('HMGET', 'discount:{' .. held[i] .. '}', 'brand_id', 'discount_code',
    'total_count', 'created_at', 'starts_at', 'expires_at')
  row[7] = 0
  row[8] = held[i]
  row[9] = held[i + 1]
  rows[#rows + 1] = row
end
return rows
