-- Names the sessions of one bucket that a node was given of a dead one and has not attended anew
-- since: it may never have learned of them.
-- KEYS: 1 what the node attends in this bucket
-- ARGV: 1 the dead node, 2 the node, 3 what the bucket's keys begin with

local given = {}
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local value = redis.call('HGET', ARGV[3] .. 'n:' .. name, ARGV[2]) or ''
  if value:match('^%d+:[01]:%d+:(%x+)$') == ARGV[1] then
    given[#given + 1] = name
  end
end
return given
