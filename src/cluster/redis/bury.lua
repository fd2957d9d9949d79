-- Puts a tombstone in place of a node's beats, or of the mark that it is gone, unless there is one.
-- KEYS: 1 the beats
-- ARGV: 1 the node

local before = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if before:match('^dead:') then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], 'dead:' .. redis.call('TIME')[1])
return 1
