-- Takes sessions of one bucket from a dead node, and gives those that no living one attends to
-- another. Returns the names of those, and how many the dead node still has.
-- KEYS: 1 what the dead node attends in this bucket, 2 what the adopting one attends in it
-- ARGV: 1 the dead node, 2 the adopting one, 3 the number of its change, 4 the most sessions to give,
--       5 the most to look at, 6 what the bucket's keys begin with, 7 what its channels' names begin
--       with, 8 PUBLISH or SPUBLISH, 9 the most attendants to tell of, 10 and on: the living nodes

local LIVING = 10

local dead, heir, most, prefix = ARGV[1], ARGV[2], tonumber(ARGV[4]), ARGV[6]

local function attended_by_the_living(attendance)
  for i = LIVING, #ARGV do
    if redis.call('HEXISTS', attendance, ARGV[i]) == 1 then
      return true
    end
  end
  return redis.call('HEXISTS', attendance, heir) == 1
end

local given = {}
for _, name in ipairs(redis.call('SRANDMEMBER', KEYS[1], ARGV[5])) do
  if #given == most then
    break
  end
  local attendance = prefix .. 'n:' .. name
  redis.call('HDEL', attendance, dead)
  redis.call('SREM', KEYS[1], name)
  local to_give = not attended_by_the_living(attendance)
  if to_give then
    local since = string.format('%.0f', redis.call('HINCRBY', attendance, '#', 1))
    -- Marked with whom it is from, for should this answer be lost.
    redis.call('HSET', attendance, heir, since .. ':0:' .. ARGV[3] .. ':' .. dead)
    redis.call('SADD', KEYS[2], name)
    given[#given + 1] = name
  end
  local found = attendants(attendance)
  local encoded = encode(prefix .. 's:' .. name, found, tonumber(ARGV[9]))
  local session = bytes_of((name:gsub('-', '')))
  -- The dead is told as well: should it live after all, it learns that it attends no more.
  found[#found + 1] = { node = dead }
  -- What the heir is given this call tells it; what it attended before, it does not.
  tell(found, to_give and heir, ARGV[8], ARGV[7], session, encoded)
end
return { given, redis.call('SCARD', KEYS[1]) }
