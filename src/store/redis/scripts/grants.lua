-- Reads the next grants of a discount, by time and then by user.
--   KEYS: the discount, its grants.
--   ARGV: time and user of the grant after which to begin (user empty: at the first), the limit.
--   Returns false when the discount does not exist, else {discount_code, {user, granted_at ...}}.
local code = redis.call('HGET', KEYS[1], 'discount_code')
if not code then
  return false
end
local from = 0
if ARGV[2] ~= '' then
  -- The rank is right whatever was granted since. For a user who is no longer there, the time is
  -- used.
  local rank = redis.call('ZRANK', KEYS[2], ARGV[2])
  from = rank and rank + 1 or redis.call('ZCOUNT', KEYS[2], '-inf', ARGV[1])
end
return {code, redis.call('ZRANGE', KEYS[2], from, from + ARGV[3] - 1, 'WITHSCORES')}
