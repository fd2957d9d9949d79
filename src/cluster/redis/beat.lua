-- Counts a sign of life and calls the roll. A node that was buried, or whose acknowledged beat is
-- not there, is told so and nothing is written: only after it has learned that does it beat again.
-- One that comes late, after a later beat or when the node has departed, writes nothing either.
-- KEYS: 1 the beats, 2 the generation
-- ARGV: 1 the node, 2 its count, 3 the last count that was acknowledged to it, 4 the tombstone that
--       it knows of, 5 seconds that tombstones are kept

local DEAD, GONE = '^dead:(%d+)$', '^gone:'
local before = redis.call('HGET', KEYS[1], ARGV[1]) or '0'
if not before:match(GONE) then
  local counted = tonumber(before) or 0
  if before ~= ARGV[4] then
    if before:match(DEAD) then
      return { 'buried', before }
    end
    if counted < tonumber(ARGV[3]) then
      return { 'lost', before }
    end
  end
  if counted < tonumber(ARGV[2]) then
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  end
end

local now = tonumber(redis.call('TIME')[1])
local beats, gone = {}, {}
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local node, value = fields[i], fields[i + 1]
  local died = value:match(DEAD)
  if value:match(GONE) then
    gone[#gone + 1] = node
  elseif not died then
    beats[#beats + 1] = node
    beats[#beats + 1] = value
  elseif now - tonumber(died) > tonumber(ARGV[5]) then
    redis.call('HDEL', KEYS[1], node)
  end
end
return { 'known', redis.call('GET', KEYS[2]) or '1', beats, gone }
