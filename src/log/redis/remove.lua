-- Removes a closed session with all its events. A mark stays in its place, by which an append is
-- refused and the rest of the removal can be found and finished.
-- KEYS: 1 what is known of the session, 2 its events
-- ARGV: 1 the offset where its log must end, or ""

local known, closed, removed, site, visitor, ordinal =
  unpack(redis.call('HMGET', KEYS[1], 'h', 'closed', 'removed', 'site', 'visitor', 'ordinal'))

if removed then
  return { 'removed', site, visitor, ordinal }
end
if not known then
  return { 'none' }
end
if not closed then
  return { 'open' }
end
if ARGV[1] ~= '' and ARGV[1] ~= known then
  return { 'elsewhere' }
end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[1], 'removed', 1, 'site', site, 'visitor', visitor, 'ordinal', ordinal)
return { 'removed', site, visitor, ordinal }
