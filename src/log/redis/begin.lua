-- Enters a session in its visitor's list, before its first append: whatever has begun is listed.
-- Not one whose number was used by a session that was removed since.
-- KEYS: 1 the visitor's sessions
-- ARGV: 1 the session, 2 its ordinal, 3 the member that holds the highest removed ordinal

local highest = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[3]) or '0')
if tonumber(ARGV[2]) <= highest then
  return 0
end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
return 1
