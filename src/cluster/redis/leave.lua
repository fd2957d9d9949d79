-- Takes a node from those that attend a session, unless it was overtaken; returns who attends it then.
-- KEYS: 1 the session's record, 2 its attendance, 3 what the node attends in this bucket, 4 the number
--       of the node's latest leave in it
-- ARGV: 1 the node, 2 the number of this change, 3 the session's name, 4 its bytes, 5 what the
--       channels' names begin with, 6 PUBLISH or SPUBLISH, 7 the most attendants to tell of, 8 seconds
--       that the number of the latest leave is kept

local node, number = ARGV[1], tonumber(ARGV[2])
local _, _, by = mark_of(KEYS[2], node)
local attended = 0
if number >= by then
  attended = redis.call('HDEL', KEYS[2], node)
  redis.call('SREM', KEYS[3], ARGV[3])
  if tonumber(redis.call('GET', KEYS[4]) or '0') < number then
    redis.call('SET', KEYS[4], ARGV[2], 'EX', ARGV[8])
  end
end
local found = attendants(KEYS[2])
local encoded = encode(KEYS[1], found, tonumber(ARGV[7]))
if attended == 1 then
  tell(found, node, ARGV[6], ARGV[5], ARGV[4], encoded)
  forget_if_unattended(KEYS[2], found)
end
return encoded
