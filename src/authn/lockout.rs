//! How many wrong passwords are too many. Pure: the store keeps the counters, and `now` is an argument.
//!
//! ```text
//!          wrong, fewer than RUN in a row           LOCK has passed
//!         ┌──────┐                              ┌───────────────────┐
//!         │      ▼      wrong, RUN in a row     ▼                   │
//!         └──── open ───────────────────────────┼─────────► locked for LOCK
//!                │  wrong, EVER in all          │
//!                └──────────────────────────────┴─────────► locked for good
//! ```
//!
//! A right password ends the row; only a person who was proven otherwise (MitID, a key, the service desk) ends
//! a lock, and begins the count of all anew (NIST SP 800-63B, 3.2.2: at most 100). What is locked is the
//! password, never MitID or a key.
//!
//! Browsers that a person has logged in with count by themselves, each on its own (OWASP, *Device Cookies*):
//! all others share a counter, so that no stranger can lock a person out of a browser of theirs.

use std::time::Duration;

use crate::time::Timestamp;

/// So many wrong in a row lock the password for a while.
pub const RUN: u32 = 5;
/// For so long.
pub const LOCK: Duration = Duration::from_secs(5 * 60);
/// So many wrong, however slowly, lock it until the person is proven otherwise.
pub const EVER: u32 = 100;

/// A counter. The default is one that nobody has touched.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub struct Attempts {
    /// Wrong in a row.
    pub run: u32,
    /// Wrong since the person was last proven otherwise.
    pub total: u32,
    pub locked_until: Option<Timestamp>,
}

/// Why no password is looked at.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Lock {
    Until(Timestamp),
    /// Until the person is proven otherwise.
    ForGood,
}

impl Attempts {
    pub fn lock(&self, now: Timestamp) -> Option<Lock> {
        if self.total >= EVER {
            return Some(Lock::ForGood);
        }
        self.locked_until.filter(|until| now < *until).map(Lock::Until)
    }

    /// Counts an attempt as wrong before it is looked at: of many at once, no more are looked at than may be.
    pub fn begin(self, now: Timestamp) -> Result<Self, Lock> {
        if let Some(lock) = self.lock(now) {
            return Err(lock);
        }
        let before = if self.locked_until.is_some() { 0 } else { self.run };
        let run = before + 1;
        let locked_until = (run >= RUN).then(|| now.plus(LOCK));
        Ok(Self { run, total: self.total + 1, locked_until })
    }

    /// The attempt was right after all.
    pub fn right(self) -> Self {
        Self { run: 0, total: self.total.saturating_sub(1), locked_until: None }
    }

    /// The attempt was never looked at.
    pub fn void(self) -> Self {
        let run = self.run.saturating_sub(1);
        let locked_until = self.locked_until.filter(|_| run >= RUN);
        Self { run, total: self.total.saturating_sub(1), locked_until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_000_000);

    /// One letter an attempt: `w`rong, `r`ight, `v`oid, `L` refused, `G` refused for good; `+` lets LOCK pass,
    /// `-` all but a millisecond of it.
    fn play(script: &str) -> Attempts {
        let (mut attempts, mut now) = (Attempts::default(), START);
        for (at, letter) in script.chars().enumerate() {
            let begun = attempts.begin(now);
            match (letter, begun) {
                ('w', Ok(begun)) => attempts = begun,
                ('r', Ok(begun)) => attempts = begun.right(),
                ('v', Ok(begun)) => attempts = begun.void(),
                ('L', Err(Lock::Until(until))) => assert!(now < until && until <= now.plus(LOCK)),
                ('G', Err(Lock::ForGood)) => {}
                ('+', _) => now = now.plus(LOCK),
                ('-', _) => now = now.plus(LOCK - Duration::from_millis(1)),
                (_, begun) => panic!("{script}: {letter} at {at} met {begun:?}"),
            }
        }
        attempts
    }

    #[test]
    fn the_table() {
        for (script, run, total) in [
            ("", 0, 0),
            ("wwww", 4, 4),
            ("wwwwwLLL", 5, 5),
            ("wwwww-L", 5, 5),
            ("wwwww+w", 1, 6),
            ("wwwww+wwww", 4, 9),
            ("wwwwrwwww", 4, 8),
            ("wwwwr", 0, 4),
            ("wwwwwL+r", 0, 5),
            ("wwwwvvvw", 5, 5),
            ("vvvvvvvv", 0, 0),
            ("rrrrrrrr", 0, 0),
        ] {
            let attempts = play(script);
            assert_eq!((attempts.run, attempts.total), (run, total), "{script}");
        }
    }

    #[test]
    fn a_hundred_wrong_lock_for_good_however_slowly() {
        let slowly = format!("{}G+G{}", "wwwww+".repeat(20), "+".repeat(1000));
        assert_eq!(play(&slowly).lock(START.plus(LOCK * 1_000_000)), Some(Lock::ForGood));
        // Right ones in between do not begin the count anew: they may be the person's own, between a stranger's.
        let between = format!("{}wwwwG", "wwwwr".repeat(24));
        assert_eq!(play(&between).total, EVER);
    }

    #[test]
    fn the_fifth_is_looked_at_and_opens_if_it_is_right() {
        let attempts = play("wwwwr");
        assert_eq!(attempts.lock(START), None);
        assert_eq!(play("wwwwwL").lock(START), Some(Lock::Until(START.plus(LOCK))));
    }
}
