-- Reads one user's grant of a discount.
--   KEYS: the discount, its grants.
--   ARGV: the user id.
--   Returns false when the discount does not exist, else {discount_code, granted_at or false}.
local code = redis.call('HGET', KEYS[1], 'discount_code')
if not code then
  return false
end
return {code, redis.call('ZSCORE', KEYS[2], ARGV[1])}
