//! How fast anybody may try: token buckets in memory, as many as there is room for. What must outlive a restart
//! or hold on every node is [`super::lockout`].

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::store::TokenHash;
use crate::time::Timestamp;
use crate::user::Username;

/// Buckets by who asks and by what is asked for.
pub struct Throttles {
    /// Wrong passwords from one address, or from one IPv6 /64. A town hall may be behind one address: generous.
    pub address: Throttle<IpAddr>,
    /// Passwords at one name: from one known browser, or from all others.
    pub account: Throttle<(Username, Option<TokenHash>)>,
}

impl Default for Throttles {
    fn default() -> Self {
        Self {
            address: Throttle::new(Rate { burst: 50, every: Duration::from_secs(2) }),
            account: Throttle::new(Rate { burst: 60, every: Duration::from_secs(1) }),
        }
    }
}

/// `burst` at once, and one more each time `every` has passed.
#[derive(Copy, Clone, Debug)]
pub struct Rate {
    pub burst: u32,
    pub every: Duration,
}

pub struct Throttle<K> {
    rate: Rate,
    /// When each bucket will be full again; one that is not here is full.
    full_at: Mutex<HashMap<K, Timestamp>>,
}

/// How many buckets there are at most, a few megabytes of them.
const ROOM: usize = 1 << 16;

impl<K: Eq + Hash> Throttle<K> {
    pub fn new(rate: Rate) -> Self {
        Self { rate, full_at: Mutex::default() }
    }

    /// Takes a token; or how long it is until there is one.
    pub fn take(&self, key: K, now: Timestamp) -> Result<(), Duration> {
        let mut buckets = self.buckets();
        if buckets.len() >= ROOM && !buckets.contains_key(&key) {
            make_room(&mut buckets, now);
        }
        let full_at = buckets.get(&key).copied().unwrap_or(now).max(now).plus(self.rate.every);
        let missing = full_at.since(now);
        let most = self.rate.every * self.rate.burst;
        if missing > most {
            return Err(missing - most);
        }
        buckets.insert(key, full_at);
        Ok(())
    }

    /// Puts a token back.
    pub fn give_back(&self, key: &K) {
        if let Some(full_at) = self.buckets().get_mut(key) {
            *full_at = full_at.minus(self.rate.every);
        }
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<K, Timestamp>> {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets the full ones. If few are, somebody has more addresses than we have room: then all, since to turn
/// everybody away would be that somebody's doing, and the lockout still holds.
fn make_room<K: Eq + Hash>(buckets: &mut HashMap<K, Timestamp>, now: Timestamp) {
    buckets.retain(|_, full_at| *full_at > now);
    if buckets.len() > ROOM / 4 * 3 {
        buckets.clear();
    }
}

/// The address by which somebody is known: an IPv6 subscriber has a /64, and may use all of it.
pub fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, every: Duration::from_secs(2) };
    const NOW: Timestamp = Timestamp::from_seconds(1000);

    #[test]
    fn a_burst_then_one_at_a_time() {
        let throttle = Throttle::new(RATE);
        for _ in 0..3 {
            assert_eq!(throttle.take("a", NOW), Ok(()));
        }
        assert_eq!(throttle.take("a", NOW), Err(Duration::from_secs(2)));
        assert_eq!(throttle.take("b", NOW), Ok(()), "another's bucket is full");
        let almost = NOW.plus(Duration::from_millis(1999));
        assert_eq!(throttle.take("a", almost), Err(Duration::from_millis(1)));
        let later = NOW.plus(Duration::from_secs(2));
        assert_eq!(throttle.take("a", later), Ok(()));
        assert_eq!(throttle.take("a", later), Err(Duration::from_secs(2)));
        let much_later = NOW.plus(Duration::from_secs(1000));
        for _ in 0..3 {
            assert_eq!(throttle.take("a", much_later), Ok(()), "no more than a burst is saved up");
        }
        assert!(throttle.take("a", much_later).is_err());
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let throttle = Throttle::new(RATE);
        for _ in 0..100 {
            assert_eq!(throttle.take("a", NOW), Ok(()));
            throttle.give_back(&"a");
        }
        throttle.give_back(&"never taken");
        for _ in 0..3 {
            assert_eq!(throttle.take("never taken", NOW), Ok(()));
        }
        assert!(throttle.take("never taken", NOW).is_err(), "nothing is given that was not taken");
    }

    #[test]
    fn there_is_never_more_than_there_is_room_for() {
        let throttle = Throttle::new(RATE);
        for n in 0..3 * ROOM {
            throttle.take(n, NOW).unwrap();
            assert!(throttle.buckets().len() <= ROOM);
        }
    }

    #[test]
    fn one_subscriber_one_bucket() {
        let of = |text: &str| subscriber(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
