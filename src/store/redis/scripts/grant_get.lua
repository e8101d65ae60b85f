-- Reads one user's grant of a discount.
--   KEYS: the discount, its grants
--   ARGV: the user id
--   Returns false when there is no such discount, else {discount_code, granted_at or false}.
local code = redis.call('HGET', KEYS[1], 'discount_code')
if not code then
  return false
end
return {code, redis.call('ZSCORE', KEYS[2], ARGV[1])}
