-- What the scripts that change who attends a session have in common. It stands before each of them.

local function bytes_of(hex)
  return (hex:gsub('%x%x', function(digits) return string.char(tonumber(digits, 16)) end))
end

-- What is written of a node that attends, `since:visitor:number`, and `:dead` if it was given by an
-- adoption: since when it does (nil if it does not), whether a visitor is there, and the number of its
-- change that has written this, 0 if it has none.
local function mark_of(attendance, node)
  local value = redis.call('HGET', attendance, node) or ''
  local since, visitor, by = value:match('^(%d+):([01]):?(%d*)')
  return since, visitor, tonumber(by) or 0
end

-- The nodes that attend, those that have attended longest first.
local function attendants(attendance)
  local found = {}
  local fields = redis.call('HGETALL', attendance)
  for i = 1, #fields, 2 do
    local since, visitor = fields[i + 1]:match('^(%d+):([01])')
    if since and #fields[i] == 16 and fields[i]:match('^%x+$') then
      found[#found + 1] = { node = fields[i], since = tonumber(since), visitor = tonumber(visitor) }
    end
  end
  table.sort(found, function(a, b)
    return a.since < b.since or (a.since == b.since and a.node < b.node)
  end)
  return found
end

-- As Attendance::encode.
local function encode(record, found, told_max)
  local head, mark = unpack(redis.call('HMGET', record, 'h', 'm'))
  local count = math.min(#found, told_max)
  local parts = { struct.pack('>I8', tonumber(head or '0') or 0), mark or string.rep('\0', 8) }
  parts[3] = struct.pack('>I2', count)
  for i = 1, count do
    parts[#parts + 1] = bytes_of(found[i].node) .. struct.pack('>I8B', found[i].since, found[i].visitor)
  end
  return table.concat(parts)
end

-- Where nobody attends, nothing is left behind.
local function forget_if_unattended(attendance, found)
  if #found == 0 then
    redis.call('DEL', attendance)
  end
end

local function tell(found, but, publish, channels, session, encoded)
  for _, attendant in ipairs(found) do
    if attendant.node ~= but then
      redis.call(publish, channels .. attendant.node, 'A' .. session .. encoded)
    end
  end
end
