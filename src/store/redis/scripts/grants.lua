-- Reads the next grants of a discount, in the order of their times and, at one time, of their users.
--   KEYS: the discount, its grants
--   ARGV: the time and the user of the grant after which to begin (user empty: at the first), how
--         many
--   Returns false when there is no such discount, else {discount_code, {user, granted_at ...}}.
local code = redis.call('HGET', KEYS[1], 'discount_code')
if not code then
  return false
end
local from = 0
if ARGV[2] ~= '' then
  -- By rank, which is right whatever was granted since. Who is not there gives his time at least.
  local rank = redis.call('ZRANK', KEYS[2], ARGV[2])
  from = rank and rank + 1 or redis.call('ZCOUNT', KEYS[2], '-inf', ARGV[1])
end
return {code, redis.call('ZRANGE', KEYS[2], from, from + ARGV[3] - 1, 'WITHSCORES')}
