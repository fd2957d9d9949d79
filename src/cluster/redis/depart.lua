-- Puts in place of a node's beats that it is gone: whoever takes care of what it attends buries it.
-- KEYS: 1 the beats
-- ARGV: 1 the node

redis.call('HSET', KEYS[1], ARGV[1], 'gone:' .. redis.call('TIME')[1])
return 1
