//! People who log in from two countries faster than most travel. Pure.

use std::collections::HashMap;
use std::time::Duration;

use super::atlas::Country;
use crate::time::Timestamp;
use crate::user::UserId;

/// Two countries within this are an alarm: once in it, however often somebody goes back and forth.
pub const WITHIN: Duration = Duration::from_hours(2);

/// People remembered at a time. When there are more, the one seen longest ago makes room.
const CAPACITY: usize = 50_000;

/// Where people were last.
#[derive(Debug, Default)]
pub struct Travels {
    last: HashMap<UserId, Last>,
}

#[derive(Copy, Clone, Debug)]
struct Last {
    country: Country,
    at: Timestamp,
    told: Option<Timestamp>,
}

impl Travels {
    /// Notes where somebody proved who they are. The country they came from, if that makes it an alarm.
    pub fn seen(&mut self, user: UserId, country: Country, now: Timestamp) -> Option<Country> {
        if !self.last.contains_key(&user) && self.last.len() >= CAPACITY {
            self.make_room(now);
        }
        let before = self.last.insert(user, Last { country, at: now, told: None })?;
        let told = before.told.filter(|told| now.since(*told) < WITHIN);
        let travelled = before.country != country && now.since(before.at) < WITHIN;
        let alarm = travelled && told.is_none();
        self.last.insert(user, Last { country, at: now, told: if alarm { Some(now) } else { told } });
        alarm.then_some(before.country)
    }

    fn make_room(&mut self, now: Timestamp) {
        self.last.retain(|_, last| now.since(last.at) < WITHIN);
        if self.last.len() >= CAPACITY
            && let Some(user) = self.last.iter().min_by_key(|(_, last)| last.at).map(|(user, _)| *user)
        {
            self.last.remove(&user);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    /// Logins, as who from where at which minute, and at which minutes there is an alarm.
    #[test]
    fn two_countries_within_two_hours_are_one_alarm() {
        for (logins, alarms) in [
            (&[(1, "DK", 0), (1, "DK", 1)][..], &[][..]),
            (&[(1, "DK", 0), (1, "SE", 119)], &[(119, "DK")]),
            (&[(1, "DK", 0), (1, "SE", 120)], &[]),
            (&[(1, "DK", 0), (2, "SE", 1)], &[]),
            (&[(1, "DK", 0), (1, "SE", 1), (1, "DK", 2), (1, "SE", 120)], &[(1, "DK")]),
            (&[(1, "DK", 0), (1, "SE", 1), (1, "DK", 2), (1, "SE", 121)], &[(1, "DK"), (121, "DK")]),
            (&[(1, "DK", 0), (1, "DK", 119), (1, "SE", 121)], &[(121, "DK")]),
        ] {
            let mut travels = Travels::default();
            let mut heard = Vec::new();
            for &(who, country, minute) in logins {
                let user = UserId(Uuid::from_u128(who));
                let at = Timestamp::from_seconds(minute * 60);
                let country = Country::parse(country).unwrap();
                heard.extend(travels.seen(user, country, at).map(|from| (minute, from.to_string())));
            }
            let alarms: Vec<_> = alarms.iter().map(|&(minute, from)| (minute, from.to_owned())).collect();
            assert_eq!(heard, alarms, "{logins:?}");
        }
    }

    #[test]
    fn there_is_room_for_the_latest() {
        let country = |code| Country::parse(code).unwrap();
        let user = |number| UserId(Uuid::from_u128(number));
        let mut travels = Travels::default();
        for number in 0..=CAPACITY as u128 {
            let at = Timestamp::from_millis(number as i64);
            assert_eq!(travels.seen(user(number), country("DK"), at), None);
        }
        assert_eq!(travels.last.len(), CAPACITY);
        let now = Timestamp::from_millis(CAPACITY as i64 + 1);
        assert_eq!(travels.seen(user(0), country("SE"), now), None, "the first one was forgotten");
        assert_eq!(travels.seen(user(CAPACITY as u128), country("SE"), now), Some(country("DK")));
    }
}
