-- Takes a node among those that attend a session, unless it was overtaken; returns who attends it.
-- KEYS: 1 the session's record, 2 its attendance, 3 what the node attends in this bucket, 4 the number
--       of the node's latest leave in it
-- ARGV: 1 the node, 2 the number of this change, 3 whether one of the visitor's connections is there
--       (0 or 1), 4 the session's name, 5 its bytes, 6 what the channels' names begin with, 7 PUBLISH
--       or SPUBLISH, 8 the most attendants to tell of

local node, number, visitor = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local since, before, by = mark_of(KEYS[2], node)
if not since then
  -- It may have left this session, or another: that is not told apart, for it costs one number.
  by = tonumber(redis.call('GET', KEYS[4]) or '0')
end
local overtaken = number < by
if not overtaken then
  since = since or string.format('%.0f', redis.call('HINCRBY', KEYS[2], '#', 1))
  -- Written also when nothing changes for others: the number does, and a mark of adoption goes.
  redis.call('HSET', KEYS[2], node, since .. ':' .. visitor .. ':' .. ARGV[2])
  redis.call('SADD', KEYS[3], ARGV[4])
end

local found = attendants(KEYS[2])
local encoded = encode(KEYS[1], found, tonumber(ARGV[8]))
if not overtaken and before ~= visitor then
  tell(found, node, ARGV[7], ARGV[6], ARGV[5], encoded)
end
return encoded
