//! How long a unit's spare key may be lent. Pure.

use std::time::Duration;

use crate::time::Timestamp;
use crate::user::User;

/// The terms of an installation.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Where nobody says otherwise: a shift.
    pub usual: Duration,
    /// A day at most, so that a time of day is one moment.
    pub longest: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self { usual: Duration::from_hours(9), longest: Duration::from_hours(16) }
    }
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTerm {
    #[error("the loan would end before it begins")]
    Past,
    #[error("a key is lent for {} hours at most", .0.as_secs() / 3600)]
    TooLong(Duration),
}

impl Terms {
    /// When a loan to `holder` that begins at `now` ends: as `asked`, or after the usual time; with their
    /// account at the latest, since nobody else could use the key until then.
    pub fn end(
        &self,
        now: Timestamp,
        asked: Option<Timestamp>,
        holder: &User,
    ) -> Result<Timestamp, InvalidTerm> {
        let latest = now.plus(self.longest);
        let asked = asked.unwrap_or_else(|| now.plus(self.usual).min(latest));
        if asked > latest {
            return Err(InvalidTerm::TooLong(self.longest));
        }
        let end = holder.expires_at.map_or(asked, |expires_at| expires_at.min(asked));
        if end > now { Ok(end) } else { Err(InvalidTerm::Past) }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::user::{UserId, Username};

    #[test]
    fn a_loan_ends_in_time() {
        let hours = |n| Timestamp::EPOCH.plus(Duration::from_hours(n));
        let temp = |expires_at| User {
            id: UserId(Uuid::nil()),
            username: Username::parse("temp").unwrap(),
            name: String::new(),
            groups: Vec::new(),
            claims: Vec::new(),
            cpr: None,
            disabled: false,
            expires_at,
            created_at: Timestamp::EPOCH,
        };
        let terms = Terms { usual: Duration::from_hours(9), longest: Duration::from_hours(16) };
        let end = |asked, expires_at| terms.end(hours(1), asked, &temp(expires_at));
        assert_eq!(end(None, None), Ok(hours(10)));
        assert_eq!(end(Some(hours(17)), None), Ok(hours(17)));
        let late = hours(17).plus(Duration::from_millis(1));
        assert_eq!(end(Some(late), None), Err(InvalidTerm::TooLong(terms.longest)));
        assert_eq!(end(Some(hours(1)), None), Err(InvalidTerm::Past));
        assert_eq!(end(None, Some(hours(3))), Ok(hours(3)), "the account ends before");
        assert_eq!(end(None, Some(hours(1))), Err(InvalidTerm::Past), "it has ended");
        let short = Terms { usual: Duration::from_hours(9), longest: Duration::from_hours(2) };
        assert_eq!(short.end(hours(1), None, &temp(None)), Ok(hours(3)));
    }
}
