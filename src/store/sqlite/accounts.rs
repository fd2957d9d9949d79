//! Accounts, sign-ins and invitations as rows.
//!
//! What must happen together happens in one immediate transaction: an invitation is used up and its
//! account is there, or neither.

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, ffi, params};
use vigie_protocol::event::Millis;
use vigie_protocol::id::{OperatorId, SiteId};

use super::{is, put_operator};
use crate::accounts::SecretHash;
use crate::sqlite::column;
use crate::store::{
    Account, Entrant, FirstInvitation, Grants, INVITATIONS_MAX, Invitation, OperatorRecord,
    SIGN_INS_OF_ACCOUNT_MAX, SignIn, StoreError,
};

type Outcome<T> = rusqlite::Result<Result<T, StoreError>>;

pub(super) fn memberships(
    connection: &Connection,
    operator: &OperatorId,
) -> rusqlite::Result<Vec<(SiteId, OperatorRecord)>> {
    let mut query = connection
        .prepare_cached("SELECT site, name, rank FROM operators WHERE id = ? ORDER BY site")?;
    let membership = |row: &Row<'_>| {
        let record =
            OperatorRecord { id: operator.clone(), name: row.get(1)?, rank: column::json(row, 2)? };
        Ok((column::parsed(row, 0)?, record))
    };
    query.query_map([operator.as_str()], membership)?.collect()
}

pub(super) fn rename_operator(
    connection: &Connection,
    site: &SiteId,
    id: &OperatorId,
    name: &str,
) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached("UPDATE operators SET name = ? WHERE site = ? AND id = ?")?
        .execute([name, site.as_str(), id.as_str()])?;
    Ok(changed > 0)
}

pub(super) fn remove_operator(
    connection: &Connection,
    site: &SiteId,
    id: &OperatorId,
) -> rusqlite::Result<bool> {
    let removed = connection
        .prepare_cached("DELETE FROM operators WHERE site = ? AND id = ?")?
        .execute([site.as_str(), id.as_str()])?;
    Ok(removed > 0)
}

const ACCOUNT: &str = "id, login, password, name, owner";

fn read_account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        id: column::parsed(row, 0)?,
        login: row.get(1)?,
        password: row.get(2)?,
        name: row.get(3)?,
        owner: row.get(4)?,
    })
}

pub(super) fn accounts(connection: &Connection) -> rusqlite::Result<Vec<Account>> {
    let text = format!("SELECT {ACCOUNT} FROM accounts ORDER BY login");
    connection.prepare_cached(&text)?.query_map([], read_account)?.collect()
}

pub(super) fn account(
    connection: &Connection,
    id: &OperatorId,
) -> rusqlite::Result<Option<Account>> {
    let text = format!("SELECT {ACCOUNT} FROM accounts WHERE id = ?");
    connection.prepare_cached(&text)?.query_row([id.as_str()], read_account).optional()
}

pub(super) fn account_by_login(
    connection: &Connection,
    login: &str,
) -> rusqlite::Result<Option<Account>> {
    let text = format!("SELECT {ACCOUNT} FROM accounts WHERE login = ?");
    connection.prepare_cached(&text)?.query_row([login], read_account).optional()
}

pub(super) fn remove_account(
    connection: &mut Connection,
    id: &OperatorId,
) -> rusqlite::Result<bool> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("DELETE FROM operators WHERE id = ?", [id.as_str()])?;
    let removed = transaction.execute("DELETE FROM accounts WHERE id = ?", [id.as_str()])?;
    transaction.commit()?;
    Ok(removed > 0)
}

pub(super) fn set_password(
    connection: &mut Connection,
    id: &OperatorId,
    password: &str,
    keep: Option<SecretHash>,
) -> rusqlite::Result<bool> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let changed = change_password(&transaction, id, password, keep)?;
    transaction.commit()?;
    Ok(changed)
}

fn change_password(
    connection: &Connection,
    id: &OperatorId,
    password: &str,
    keep: Option<SecretHash>,
) -> rusqlite::Result<bool> {
    let changed = connection
        .execute("UPDATE accounts SET password = ? WHERE id = ?", [password, id.as_str()])?;
    // A code is never empty: without one to keep, all go.
    let keep = keep.as_ref().map_or(&[][..], |secret| secret.bytes());
    connection.execute(
        "DELETE FROM sign_ins WHERE account = ? AND secret <> ?",
        params![id.as_str(), keep],
    )?;
    connection.execute("DELETE FROM invitations WHERE account = ?", [id.as_str()])?;
    Ok(changed > 0)
}

pub(super) fn put_sign_in(
    connection: &mut Connection,
    secret: SecretHash,
    sign_in: &SignIn,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    insert_sign_in(&transaction, secret, sign_in)?;
    transaction.commit()
}

fn insert_sign_in(
    connection: &Connection,
    secret: SecretHash,
    SignIn { account, started, expires }: &SignIn,
) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM sign_ins WHERE expires <= ?", [started])?;
    connection.execute(
        "DELETE FROM sign_ins WHERE secret IN (
            SELECT secret FROM sign_ins WHERE account = ?
            ORDER BY started DESC LIMIT -1 OFFSET ?)",
        params![account.as_str(), SIGN_INS_OF_ACCOUNT_MAX - 1],
    )?;
    connection.execute(
        "INSERT INTO sign_ins (secret, account, started, expires) VALUES (?, ?, ?, ?)",
        params![secret.bytes(), account.as_str(), started, expires],
    )?;
    Ok(())
}

pub(super) fn sign_in(
    connection: &Connection,
    secret: SecretHash,
    now: Millis,
) -> rusqlite::Result<Option<(SignIn, Account)>> {
    let found = connection
        .prepare_cached(
            "SELECT account, started, expires FROM sign_ins WHERE secret = ? AND expires > ?",
        )?
        .query_row(params![secret.bytes(), now], |row| {
            Ok(SignIn {
                account: column::parsed(row, 0)?,
                started: row.get(1)?,
                expires: row.get(2)?,
            })
        })
        .optional()?;
    let Some(sign_in) = found else { return Ok(None) };
    Ok(account(connection, &sign_in.account)?.map(|account| (sign_in, account)))
}

pub(super) fn renew_sign_in(
    connection: &Connection,
    secret: SecretHash,
    expires: Millis,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE sign_ins SET expires = ? WHERE secret = ?")?
        .execute(params![expires, secret.bytes()])
        .map(drop)
}

pub(super) fn remove_sign_in(connection: &Connection, secret: SecretHash) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM sign_ins WHERE secret = ?")?
        .execute([secret.bytes()])
        .map(drop)
}

pub(super) fn put_invitation(
    connection: &mut Connection,
    code: SecretHash,
    invitation: &Invitation,
    now: Millis,
) -> Outcome<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Grants::Site { site, .. } = &invitation.grants
        && super::site_number(&transaction, site)?.is_none()
    {
        return Ok(Err(StoreError::UnknownSite(site.clone())));
    }
    transaction.execute("DELETE FROM invitations WHERE expires <= ?", [now])?;
    let open: u32 =
        transaction.query_row("SELECT count(*) FROM invitations", [], |row| row.get(0))?;
    if open >= INVITATIONS_MAX {
        return Ok(Err(StoreError::InvitationsFull));
    }
    insert_invitation(&transaction, code, invitation)?;
    transaction.commit()?;
    Ok(Ok(()))
}

pub(super) fn put_first_invitation(
    connection: &mut Connection,
    code: SecretHash,
    expires: Millis,
) -> rusqlite::Result<bool> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let first = replace_first_invitation(&transaction, code, expires)?;
    transaction.commit()?;
    Ok(first)
}

pub(super) fn offer_first_invitation(
    connection: &mut Connection,
    code: SecretHash,
    expires: Millis,
    now: Millis,
) -> rusqlite::Result<FirstInvitation> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let open = "SELECT EXISTS (SELECT 1 FROM invitations WHERE kind = 'owner' AND expires > ?)";
    let open: bool = transaction.query_row(open, [now], |row| row.get(0))?;
    if open && !any_account(&transaction)? {
        return Ok(FirstInvitation::Earlier);
    }
    let first = replace_first_invitation(&transaction, code, expires)?;
    transaction.commit()?;
    Ok(if first { FirstInvitation::Kept } else { FirstInvitation::NotNeeded })
}

fn replace_first_invitation(
    connection: &Connection,
    code: SecretHash,
    expires: Millis,
) -> rusqlite::Result<bool> {
    connection.execute("DELETE FROM invitations WHERE kind = 'owner'", [])?;
    let first = !any_account(connection)?;
    if first {
        insert_invitation(connection, code, &Invitation { grants: Grants::Owner {}, expires })?;
    }
    Ok(first)
}

fn insert_invitation(
    connection: &Connection,
    code: SecretHash,
    Invitation { grants, expires }: &Invitation,
) -> rusqlite::Result<()> {
    let (kind, account) = match grants {
        Grants::Owner {} => ("owner", None),
        Grants::Site { .. } => ("site", None),
        Grants::Password { account } => ("password", Some(account.as_str())),
    };
    connection.execute(
        "INSERT INTO invitations (code, kind, account, grants, expires) VALUES (?, ?, ?, ?, ?)",
        params![code.bytes(), kind, account, column::to_json(grants)?, expires],
    )?;
    Ok(())
}

fn any_account(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT EXISTS (SELECT 1 FROM accounts)", [], |row| row.get(0))
}

pub(super) fn invitation(
    connection: &Connection,
    code: SecretHash,
    now: Millis,
) -> rusqlite::Result<Option<Invitation>> {
    let found = connection
        .prepare_cached("SELECT grants, expires FROM invitations WHERE code = ? AND expires > ?")?
        .query_row(params![code.bytes(), now], |row| {
            Ok(Invitation { grants: column::json(row, 0)?, expires: row.get(1)? })
        })
        .optional()?;
    match found {
        // The first account is made once, however long its link would still last.
        Some(Invitation { grants: Grants::Owner {}, .. }) if any_account(connection)? => Ok(None),
        found => Ok(found),
    }
}

pub(super) fn accept_invitation(
    connection: &mut Connection,
    code: SecretHash,
    entrant: &Entrant,
    now: Millis,
) -> Outcome<Account> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(invitation) = invitation(&transaction, code, now)? else {
        return Ok(Err(StoreError::UnknownInvitation));
    };
    transaction.execute("DELETE FROM invitations WHERE code = ?", [code.bytes()])?;
    let granted = match invitation.grants {
        Grants::Owner {} => insert_account(&transaction, entrant, true)?,
        Grants::Site { site, rank } => match insert_account(&transaction, entrant, false)? {
            Ok(account) => {
                let (id, name) = (account.id.clone(), account.name.clone());
                put_operator(&transaction, site, &OperatorRecord { id, name, rank })?
                    .map(|()| account)
            }
            refused => refused,
        },
        Grants::Password { account: id } => {
            change_password(&transaction, &id, &entrant.password, None)?;
            account(&transaction, &id)?.ok_or(StoreError::UnknownInvitation)
        }
    };
    // Whatever was refused is undone as a whole: the transaction is dropped.
    let account = match granted {
        Ok(account) => account,
        Err(refused) => return Ok(Err(refused)),
    };
    let sign_in = SignIn { account: account.id.clone(), started: now, expires: entrant.expires };
    insert_sign_in(&transaction, entrant.secret, &sign_in)?;
    transaction.commit()?;
    Ok(Ok(account))
}

fn insert_account(connection: &Connection, entrant: &Entrant, owner: bool) -> Outcome<Account> {
    let Entrant { id, login, password, name, .. } = entrant.clone();
    let inserted = connection.execute(
        "INSERT INTO accounts (id, login, password, name, owner) VALUES (?, ?, ?, ?, ?)",
        params![id.as_str(), login, password, name, owner],
    );
    match inserted {
        Err(error) if is(&error, ffi::SQLITE_CONSTRAINT_UNIQUE) => Ok(Err(StoreError::LoginTaken)),
        inserted => inserted.map(|_| Ok(Account { id, login, password, name, owner })),
    }
}
