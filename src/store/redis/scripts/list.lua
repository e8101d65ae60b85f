-- Reads the next discounts in order of creation.
--   KEYS: the index of all discounts, or of one brand.
--   ARGV: the created_at after which to begin, the limit.
--   Returns a list of {brand_id, discount_code, total_count, created_at, starts_at or false,
--   expires_at or false, granted_count, id}.
local rows = {}
-- The first page begins with any score, so that a damaged entry is not silently left out.
local after = ARGV[1] == '0' and '-inf' or '(' .. ARGV[1]
local ids = redis.call('ZRANGE', KEYS[1], after, '+inf', 'BYSCORE', 'LIMIT', 0, ARGV[2])
for i, id in ipairs(ids) do
  local key = 'discount:{' .. id .. '}'
  local row = redis.call('HMGET', key, 'brand_id', 'discount_code', 'total_count', 'created_at',
    'starts_at', 'expires_at')
  row[7] = redis.call('ZCARD', key .. ':grants')
  row[8] = id
  rows[i] = row
end
return rows
