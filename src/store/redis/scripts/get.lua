-- Reads a discount.
--   KEYS: the discount, its grants.
--   Returns false when it does not exist. Otherwise returns {brand_id, discount_code, total_count,
--   created_at, starts_at or false, expires_at or false, granted_count}.
local row = redis.call('HMGET', KEYS[1], 'brand_id', 'discount_code', 'total_count', 'created_at',
  'starts_at', 'expires_at')
if not row[3] then
  return false
end
row[7] = redis.call('ZCARD', KEYS[2])
return row
