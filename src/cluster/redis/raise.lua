-- Raises the generation, unless somebody did; one that was lost with other writes counts as lower.
-- It goes beyond any that was ever told, also by a server whose writes are lost: to the time, if that
-- is later.
-- KEYS: 1 the generation
-- ARGV: 1 the one to raise from

local now = tonumber(redis.call('GET', KEYS[1]) or '1')
local from = tonumber(ARGV[1])
if now > from then
  return now
end
local raised = math.max(now, from) + 1
raised = math.max(raised, tonumber(redis.call('TIME')[1]))
redis.call('SET', KEYS[1], string.format('%.0f', raised))
return raised
