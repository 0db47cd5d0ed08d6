//! From columns to values. What cannot be read is [`StoreError::Corrupt`], never guessed at.

use sqlx::FromRow;
use uuid::Uuid;

use crate::store::{Result, StoreError, TokenHash};
use crate::time::Timestamp;
use crate::user::{CprHash, User, UserId, Username};

/// The columns of `users`.
#[derive(FromRow)]
pub(super) struct UserRow {
    id: Vec<u8>,
    username: String,
    name: String,
    group_names: String,
    claims: String,
    cpr: Option<Vec<u8>>,
    disabled: bool,
    expires_at: Option<i64>,
    created_at: i64,
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self> {
        let corrupt = StoreError::Corrupt { what: "a user" };
        let (Ok(username), Ok(groups), Ok(claims)) = (
            Username::parse(&row.username),
            serde_json::from_str(&row.group_names),
            serde_json::from_str(&row.claims),
        ) else {
            return Err(corrupt);
        };
        // A name in any other spelling would be a second person of the same name.
        if username.as_str() != row.username {
            return Err(corrupt);
        }
        Ok(Self {
            id: UserId(uuid(&row.id)?),
            username,
            name: row.name,
            groups,
            claims,
            cpr: row.cpr.map(|cpr| array(&cpr)).transpose()?.map(CprHash::from_bytes),
            disabled: row.disabled,
            expires_at: row.expires_at.map(Timestamp::from_millis),
            created_at: Timestamp::from_millis(row.created_at),
        })
    }
}

pub(super) fn users(rows: Vec<UserRow>) -> Result<Vec<User>> {
    rows.into_iter().map(User::try_from).collect()
}

pub(super) fn uuid(bytes: &[u8]) -> Result<Uuid> {
    Ok(Uuid::from_bytes(array(bytes)?))
}

pub(super) fn token(bytes: &[u8]) -> Result<TokenHash> {
    Ok(TokenHash(array(bytes)?))
}

pub(super) fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| StoreError::Corrupt { what: "an identifier" })
}
