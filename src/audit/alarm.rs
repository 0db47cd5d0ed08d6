//! Many wrong passwords by one name, or from one address, and many people locked out: counted, and told once a
//! window. Pure.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use crate::time::Timestamp;
use crate::user::UserId;

/// How long wrong passwords, and locked people, are counted together, from the first.
pub const WINDOW: Duration = Duration::from_secs(10 * 60);

/// How many by one name are an alarm.
pub const BY_NAME: u32 = 10;

/// How many from one address: a whole ward may share one.
pub const FROM_ADDRESS: u32 = 30;

/// How many people with a locked password are an alarm. Names nobody has are not counted: a stranger can lock
/// any number of those.
pub const LOCKED: usize = 10;

/// Names and addresses counted at a time. When there are more, the one with the fewest makes room, so that
/// nobody is forgotten who is being guessed at.
const CAPACITY: usize = 10_000;

/// What wrong passwords have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Suspect {
    /// The user name in the spelling in which names are compared.
    Name(String),
    Address(IpAddr),
}

impl Suspect {
    const fn most(&self) -> u32 {
        match self {
            Self::Name(_) => BY_NAME,
            Self::Address(_) => FROM_ADDRESS,
        }
    }

    /// `name` or `address`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Name(_) => "name",
            Self::Address(_) => "address",
        }
    }
}

/// The counters.
#[derive(Debug, Default)]
pub struct Alarms {
    windows: HashMap<Suspect, Count>,
    locked: Option<Locked>,
}

/// Never more people than [`LOCKED`].
#[derive(Debug)]
struct Locked {
    since: Timestamp,
    people: HashSet<UserId>,
}

#[derive(Copy, Clone, Debug)]
struct Count {
    since: Timestamp,
    wrong: u32,
}

impl Alarms {
    /// Counts one wrong password. `Some(how many)` when that makes it an alarm: once a window.
    pub fn wrong(&mut self, suspect: Suspect, now: Timestamp) -> Option<u32> {
        let most = suspect.most();
        if !self.windows.contains_key(&suspect) && self.windows.len() >= CAPACITY {
            self.make_room(now);
        }
        let count = self.windows.entry(suspect).or_insert(Count { since: now, wrong: 0 });
        if count.is_over(now) {
            *count = Count { since: now, wrong: 0 };
        }
        count.wrong = count.wrong.saturating_add(1);
        (count.wrong == most).then_some(most)
    }

    /// Counts a person whose password was locked, once however often it is. `Some(how many)` when that makes it
    /// an alarm: once a window.
    pub fn locked(&mut self, user: UserId, now: Timestamp) -> Option<usize> {
        let running = self.locked.take().filter(|locked| now.since(locked.since) < WINDOW);
        let locked = self.locked.insert(running.unwrap_or(Locked { since: now, people: HashSet::new() }));
        let before = locked.people.len();
        if before < LOCKED {
            locked.people.insert(user);
        }
        (before < LOCKED && locked.people.len() == LOCKED).then_some(LOCKED)
    }

    fn make_room(&mut self, now: Timestamp) {
        self.windows.retain(|_, count| !count.is_over(now));
        if self.windows.len() < CAPACITY {
            return;
        }
        let fewest = self.windows.iter().min_by_key(|(_, count)| (count.wrong, count.since));
        if let Some(fewest) = fewest.map(|(suspect, _)| suspect.clone()) {
            self.windows.remove(&fewest);
        }
    }
}

impl Count {
    fn is_over(&self, now: Timestamp) -> bool {
        now.since(self.since) >= WINDOW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn name(name: &str) -> Suspect {
        Suspect::Name(name.to_owned())
    }

    fn address() -> Suspect {
        Suspect::Address("10.20.0.7".parse().unwrap())
    }

    /// Wrong passwords, as how many at which second, and at which seconds there is an alarm.
    #[test]
    fn many_within_a_window_are_one_alarm() {
        for (suspect, wrong, alarms) in [
            (name("nez"), &[(9, 0)][..], &[][..]),
            (name("nez"), &[(9, 0), (1, 599)], &[599]),
            (name("nez"), &[(9, 0), (1, 600)], &[]),
            (name("nez"), &[(9, 0), (9, 600), (1, 601)], &[601]),
            (name("nez"), &[(1000, 0)], &[0]),
            (name("nez"), &[(1000, 0), (1000, 600)], &[0, 600]),
            (address(), &[(29, 0)], &[]),
            (address(), &[(29, 0), (1, 1)], &[1]),
        ] {
            let mut counters = Alarms::default();
            let mut heard = Vec::new();
            for (times, second) in wrong {
                for _ in 0..*times {
                    heard.extend(counters.wrong(suspect.clone(), at(*second)).map(|_| *second));
                }
            }
            assert_eq!(heard, alarms, "{suspect:?} {wrong:?}");
        }
    }

    /// People locked, as which at which second, and at which seconds there is an alarm.
    #[test]
    fn many_people_locked_within_a_window_are_one_alarm() {
        let people = |of: std::ops::Range<u128>, second| of.map(move |n| (n, second));
        for (locked, alarms) in [
            (people(0..9, 0).collect::<Vec<_>>(), &[][..]),
            (people(0..9, 0).chain(people(9..30, 599)).collect(), &[599]),
            (people(0..9, 0).chain(people(9..18, 600)).collect(), &[]),
            (people(0..9, 0).chain(people(0..9, 1)).collect(), &[]),
            (people(0..30, 0).chain(people(0..30, 600)).collect(), &[0, 600]),
        ] {
            let mut counters = Alarms::default();
            let mut heard = Vec::new();
            for (person, second) in &locked {
                let user = UserId(uuid::Uuid::from_u128(*person));
                heard.extend(counters.locked(user, at(*second)).map(|_| *second));
            }
            assert_eq!(heard, alarms, "{locked:?}");
        }
    }

    #[test]
    fn everybody_is_counted_apart() {
        let mut counters = Alarms::default();
        for n in 0..9 {
            assert_eq!(counters.wrong(name("nez"), at(n)), None);
            assert_eq!(counters.wrong(name("ole"), at(n)), None);
        }
        assert_eq!(counters.wrong(address(), at(9)), None);
        assert_eq!(counters.wrong(name("nez"), at(9)), Some(10));
    }

    #[test]
    fn a_flood_of_names_does_not_hide_the_one_who_is_guessed_at() {
        let mut counters = Alarms::default();
        for n in 0..9 {
            assert_eq!(counters.wrong(name("nez"), at(n)), None);
        }
        for n in 0..CAPACITY + 1000 {
            counters.wrong(name(&format!("stranger {n}")), at(10));
        }
        assert!(counters.windows.len() <= CAPACITY);
        assert_eq!(counters.wrong(name("nez"), at(11)), Some(10));
    }
}
