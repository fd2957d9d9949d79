-- Appends events to a session if its log ends where their author expected, and tells the other
-- nodes that attend it.
-- KEYS: 1 what is known of the session, 2 its events, 3 who attends it, 4 the bucket's open sessions,
--       5 its closed ones
-- ARGV: 1 the author's node or "", 2 this append's id, 3 the expected offset, 4 the mark of the event
--       there, or "" if it is any, 5 the mark of the last event, 6 the site, 7 the session, 8 its
--       bytes, 9 what the channels' names begin with, 10 PUBLISH or SPUBLISH, 11 the most missing
--       events to tell of, 12 the time of the last event, 13 that of its closing or "", 14 the
--       visitor, 15 the ordinal and 16 the time of its start, each "" but with the first append, 17
--       and on: the events

local EVENTS = 17
local NO_MARK = string.rep('\0', 8)

local id, expected, session = ARGV[2], tonumber(ARGV[3]), ARGV[7]
local site, known, mark, closed, removed =
  unpack(redis.call('HMGET', KEYS[1], 'site', 'h', 'm', 'closed', 'removed'))
local head = tonumber(known or '0')

local function entry(offset)
  return string.format('%.0f-0', offset)
end

if removed then
  return { 'removed' }
end
if site and site ~= ARGV[6] then
  return { 'elsewhere', site }
end
if expected < head then
  local missing = redis.call('XRANGE', KEYS[2], entry(expected + 1), '+', 'COUNT', ARGV[11])
  -- Made before, and the answer was lost.
  if missing[1] and missing[1][2][4] == id then
    return { 'made' }
  end
  return { 'conflict', missing }
end
if expected > head then
  return { 'beyond', string.format('%.0f', head) }
end
-- The log has lost the event that its author knows, and was given others since.
if mark and ARGV[4] ~= '' and mark ~= ARGV[4] then
  return { 'parted' }
end

for i = EVENTS, #ARGV do
  redis.call('XADD', KEYS[2], entry(expected + 1 + i - EVENTS), 'e', ARGV[i], 'a', id)
end
local ends = string.format('%.0f', expected + 1 + #ARGV - EVENTS)
redis.call('HSET', KEYS[1], 'h', ends, 'm', ARGV[5], 't', ARGV[12])
if not site then
  redis.call(
    'HSET', KEYS[1], 'site', ARGV[6], 'visitor', ARGV[14], 'ordinal', ARGV[15], 'started', ARGV[16])
end
if not closed then
  if ARGV[13] ~= '' then
    redis.call('HSET', KEYS[1], 'closed', ARGV[13])
    redis.call('ZREM', KEYS[4], session)
    redis.call('ZADD', KEYS[5], ARGV[13], session)
  else
    redis.call('ZADD', KEYS[4], ARGV[12], session)
  end
end

local told
for _, node in ipairs(redis.call('HKEYS', KEYS[3])) do
  if node ~= '#' and node ~= ARGV[1] then
    if not told then
      local parts = { 'E', ARGV[8], struct.pack('>I8', expected), mark or NO_MARK }
      for i = EVENTS, #ARGV do
        parts[#parts + 1] = struct.pack('>I4', #ARGV[i])
        parts[#parts + 1] = ARGV[i]
      end
      told = table.concat(parts)
    end
    -- It is appended whether or not anybody can be told.
    redis.pcall(ARGV[10], ARGV[9] .. node, told)
  end
end
return { 'made' }
