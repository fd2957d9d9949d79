-- One operation on the store, all at once: nothing of another node comes between what it reads and
-- what it writes. A script is not undone, so each operation first reads all that it may be refused
-- for, and writes then. One that arrives twice, because a cluster moved meanwhile, is done once.
--
-- KEYS[1]  what the names of all keys of the store begin with; its hash tag puts them in one slot
-- ARGV[1]  which operation, the rest are its arguments
--
-- The answer is a list: first a word for what became of it, then what was asked for.
--
--   sites                hash   site -> JSON
--   keys                 hash   public key -> site
--   operators:SITE       set    operators
--   operator:SITE:ID     hash   name, rank (JSON)
--   memberships:ID       set    sites of an operator
--   logins               hash   login -> account
--   account:ID           hash   login, password, name, owner (0 or 1)
--   sign_in:SECRET       hash   account, started, expires, the request by which it came with an
--                               account; Redis clears it away some time after it has expired
--   sign_ins:ACCOUNT     zset   secrets by when they started
--   invitation:CODE      hash   kind, account (whose password), grants (JSON), expires
--   invitations          zset   codes by when they expire
--   articles             hash   site -> VERSION:PIECES
--   articles:SITE:VERSION hash  number of a piece -> piece

-- Times beyond this are no dates, and would be too far for PEXPIRE.
local LIFE_MAX_MS = 1e15

local call = redis.call

local function key(name)
  return KEYS[1] .. name
end

local function has_site(site)
  return call('HEXISTS', key('sites'), site) == 1
end

local function any_account()
  return call('EXISTS', key('logins')) == 1
end

local function account(id)
  local found = call('HMGET', key('account:' .. id), 'login', 'password', 'name', 'owner')
  if not found[1] then
    return nil
  end
  return id, unpack(found)
end

local function put_operator(site, id, name, rank)
  call('HSET', key('operator:' .. site .. ':' .. id), 'name', name, 'rank', rank)
  call('SADD', key('operators:' .. site), id)
  call('SADD', key('memberships:' .. id), site)
end

local function remove_operator(site, id)
  call('SREM', key('operators:' .. site), id)
  call('SREM', key('memberships:' .. id), site)
  return call('DEL', key('operator:' .. site .. ':' .. id))
end

-- Each member of a set with the operator that it stands for.
local function named_and_ranked(set, operator_of)
  local answer = { 'done' }
  for _, member in ipairs(call('SMEMBERS', key(set))) do
    local found = call('HMGET', key('operator:' .. operator_of(member)), 'name', 'rank')
    answer[#answer + 1] = { member, found[1], found[2] }
  end
  return answer
end

local function remove_sign_in(account, secret)
  call('DEL', key('sign_in:' .. secret))
  call('ZREM', key('sign_ins:' .. account), secret)
end

-- It lives on the clock of Redis, which nobody compares with another: as long as from its start to
-- its end, counted from now. So it is never gone too early; whether it is still good, `sign_in` says.
local function let_expire(secret, account, started, expires)
  local life = string.format('%.0f', math.min(expires - started, LIFE_MAX_MS))
  local index = key('sign_ins:' .. account)
  call('PEXPIRE', key('sign_in:' .. secret), life)
  if call('PTTL', index) < tonumber(life) then
    call('PEXPIRE', index, life)
  end
end

local function put_sign_in(secret, account, started, expires, most)
  local index = key('sign_ins:' .. account)
  for _, old in ipairs(call('ZRANGE', index, 0, -1)) do
    local ends = call('HGET', key('sign_in:' .. old), 'expires')
    if not ends or tonumber(ends) <= tonumber(started) then
      remove_sign_in(account, old)
    end
  end
  local over = call('ZCARD', index) - (tonumber(most) - 1)
  if over > 0 then
    for _, old in ipairs(call('ZRANGE', index, 0, over - 1)) do
      remove_sign_in(account, old)
    end
  end
  call('HSET', key('sign_in:' .. secret), 'account', account, 'started', started, 'expires', expires)
  call('ZADD', index, started, secret)
  let_expire(secret, account, started, expires)
end

local function remove_invitation(code)
  call('DEL', key('invitation:' .. code))
  call('ZREM', key('invitations'), code)
end

local function put_invitation(code, kind, account, grants, expires)
  call('HSET', key('invitation:' .. code),
    'kind', kind, 'account', account, 'grants', grants, 'expires', expires)
  call('ZADD', key('invitations'), expires, code)
end

-- Goes through all that are open: there is a bound to them.
local function invitations_with(field, value)
  local found = {}
  for _, code in ipairs(call('ZRANGE', key('invitations'), 0, -1)) do
    if call('HGET', key('invitation:' .. code), field) == value then
      found[#found + 1] = code
    end
  end
  return found
end

local function remove_invitations_with(field, value)
  for _, code in ipairs(invitations_with(field, value)) do
    remove_invitation(code)
  end
end

-- Its kind, account, grants and end, if it can be accepted.
local function invitation(code, now)
  local found =
    call('HMGET', key('invitation:' .. code), 'kind', 'account', 'grants', 'expires')
  local kind, account, grants, expires = unpack(found)
  if not expires or tonumber(expires) <= tonumber(now) then
    return nil
  end
  -- The first account is made once, however long its link would still last.
  if kind == 'owner' and any_account() then
    return nil
  end
  return kind, account, grants, expires
end

local function change_password(id, password, keep)
  call('HSET', key('account:' .. id), 'password', password)
  for _, secret in ipairs(call('ZRANGE', key('sign_ins:' .. id), 0, -1)) do
    if secret ~= keep then
      remove_sign_in(id, secret)
    end
  end
  remove_invitations_with('account', id)
end

local function insert_account(id, login, password, name, owner)
  call('HSET', key('account:' .. id),
    'login', login, 'password', password, 'name', name, 'owner', owner)
  call('HSET', key('logins'), login, id)
end

local operations = {}

function operations.put_site(id, public_key, record)
  local holder = call('HGET', key('keys'), public_key)
  if holder and holder ~= id then
    return { 'key_taken' }
  end
  local old = call('HGET', key('sites'), id)
  if old then
    call('HDEL', key('keys'), cjson.decode(old).key)
  end
  call('HSET', key('keys'), public_key, id)
  call('HSET', key('sites'), id, record)
  return { 'done' }
end

function operations.site(id)
  return { 'done', call('HGET', key('sites'), id) or nil }
end

function operations.sites()
  local answer = call('HVALS', key('sites'))
  table.insert(answer, 1, 'done')
  return answer
end

function operations.site_by_key(public_key)
  local id = call('HGET', key('keys'), public_key)
  return { 'done', id and call('HGET', key('sites'), id) or nil }
end

function operations.put_operator(site, id, name, rank)
  if not has_site(site) then
    return { 'unknown_site', site }
  end
  put_operator(site, id, name, rank)
  return { 'done' }
end

function operations.operators(site)
  return named_and_ranked('operators:' .. site, function(id) return site .. ':' .. id end)
end

function operations.memberships(id)
  return named_and_ranked('memberships:' .. id, function(site) return site .. ':' .. id end)
end

function operations.rename_operator(site, id, name)
  local operator = key('operator:' .. site .. ':' .. id)
  if call('EXISTS', operator) == 0 then
    return { 'unknown' }
  end
  call('HSET', operator, 'name', name)
  return { 'done' }
end

function operations.remove_operator(site, id)
  return { remove_operator(site, id) == 1 and 'done' or 'unknown' }
end

function operations.accounts()
  local answer = { 'done' }
  for _, id in ipairs(call('HVALS', key('logins'))) do
    answer[#answer + 1] = { account(id) }
  end
  return answer
end

function operations.account(id)
  return { 'done', account(id) }
end

function operations.account_by_login(login)
  local id = call('HGET', key('logins'), login)
  if not id then
    return { 'done' }
  end
  return { 'done', account(id) }
end

function operations.remove_account(id)
  for _, site in ipairs(call('SMEMBERS', key('memberships:' .. id))) do
    remove_operator(site, id)
  end
  local login = call('HGET', key('account:' .. id), 'login')
  if not login then
    return { 'unknown' }
  end
  for _, secret in ipairs(call('ZRANGE', key('sign_ins:' .. id), 0, -1)) do
    remove_sign_in(id, secret)
  end
  remove_invitations_with('account', id)
  call('HDEL', key('logins'), login)
  call('DEL', key('account:' .. id))
  return { 'done' }
end

function operations.set_password(id, password, keep)
  if not account(id) then
    return { 'unknown' }
  end
  change_password(id, password, keep)
  return { 'done' }
end

function operations.put_sign_in(secret, id, started, expires, most)
  if not account(id) then
    return { 'unknown_account' }
  end
  put_sign_in(secret, id, started, expires, most)
  return { 'done' }
end

function operations.sign_in(secret, now)
  local found = call('HMGET', key('sign_in:' .. secret), 'account', 'started', 'expires')
  local id, started, expires = unpack(found)
  if not expires or tonumber(expires) <= tonumber(now) then
    return { 'done' }
  end
  return { 'done', started, expires, account(id) }
end

function operations.renew_sign_in(secret, expires)
  local name = key('sign_in:' .. secret)
  local id, started = unpack(call('HMGET', name, 'account', 'started'))
  if id then
    call('HSET', name, 'expires', expires)
    let_expire(secret, id, started, expires)
  end
  return { 'done' }
end

function operations.remove_sign_in(secret)
  local id = call('HGET', key('sign_in:' .. secret), 'account')
  if id then
    remove_sign_in(id, secret)
  end
  return { 'done' }
end

function operations.put_invitation(code, kind, site, id, grants, expires, now, most)
  if kind == 'site' and not has_site(site) then
    return { 'unknown_site', site }
  end
  if kind == 'password' and not account(id) then
    return { 'unknown_account' }
  end
  for _, old in ipairs(call('ZRANGEBYSCORE', key('invitations'), '-inf', now)) do
    remove_invitation(old)
  end
  local there = call('EXISTS', key('invitation:' .. code)) == 1
  if not there and call('ZCARD', key('invitations')) >= tonumber(most) then
    return { 'full' }
  end
  put_invitation(code, kind, id, grants, expires)
  return { 'done' }
end

function operations.put_first_invitation(code, grants, expires)
  remove_invitations_with('kind', 'owner')
  if any_account() then
    return { 'account' }
  end
  put_invitation(code, 'owner', '', grants, expires)
  return { 'done' }
end

function operations.offer_first_invitation(code, grants, expires, now)
  for _, earlier in ipairs(invitations_with('kind', 'owner')) do
    if earlier ~= code and invitation(earlier, now) then
      return { 'earlier' }
    end
  end
  return operations.put_first_invitation(code, grants, expires)
end

function operations.invitation(code, now)
  local kind, _, grants, expires = invitation(code, now)
  if not kind then
    return { 'done' }
  end
  return { 'done', grants, expires }
end

function operations.accept_invitation(
  request, code, now, id, login, password, name, secret, expires, most
)
  local before = call('HMGET', key('sign_in:' .. secret), 'request', 'account')
  if before[1] == request then
    return { 'done', account(before[2]) }
  end
  local kind, owner_of_password, grants = invitation(code, now)
  if not kind then
    return { 'unknown_invitation' }
  end
  if kind == 'password' then
    id = owner_of_password
    if not account(id) then
      return { 'unknown_invitation' }
    end
    change_password(id, password, '')
  else
    local granted = cjson.decode(grants)
    if call('HEXISTS', key('logins'), login) == 1 then
      return { 'login_taken' }
    end
    if account(id) then
      return { 'id_taken' }
    end
    if kind == 'site' and not has_site(granted.site) then
      return { 'unknown_site', granted.site }
    end
    insert_account(id, login, password, name, kind == 'owner' and '1' or '0')
    if kind == 'site' then
      put_operator(granted.site, id, name, cjson.encode(granted.rank))
    end
  end
  remove_invitation(code)
  put_sign_in(secret, id, now, expires, most)
  call('HSET', key('sign_in:' .. secret), 'request', request)
  return { 'done', account(id) }
end

-- Under a name that nobody reads yet; if it never comes to that, it goes by itself.
function operations.put_piece(site, version, number, piece, life)
  local name = key('articles:' .. site .. ':' .. version)
  call('HSET', name, number, piece)
  call('PEXPIRE', name, life)
  return { 'done' }
end

function operations.replace_articles(site, version, pieces)
  if not has_site(site) then
    return { 'unknown_site', site }
  end
  local name = key('articles:' .. site .. ':')
  local old = call('HGET', key('articles'), site)
  if old == version .. ':' .. pieces then
    return { 'done' }
  end
  if call('HLEN', name .. version) ~= tonumber(pieces) then
    return { 'pieces_gone' }
  end
  call('PERSIST', name .. version)
  call('HSET', key('articles'), site, version .. ':' .. pieces)
  if old then
    call('UNLINK', name .. string.match(old, '^[^:]*'))
  end
  return { 'done' }
end

function operations.articles(site)
  return { 'done', call('HGET', key('articles'), site) or nil }
end

function operations.piece(site, version, number)
  return { 'done', call('HGET', key('articles:' .. site .. ':' .. version), number) or nil }
end

return operations[ARGV[1]](unpack(ARGV, 2))
