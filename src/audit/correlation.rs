//! The codes that people read out on the phone.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::random::{self, Random};

/// Makes the codes that identify requests: eight characters without look-alikes, as in `7F3K-92QD`.
///
/// They are read aloud on the phone, not kept secret: a counter, mixed so that neighbours do not look alike.
pub struct CorrelationIds {
    seed: u64,
    next: AtomicU64,
}

impl CorrelationIds {
    pub fn new(random: &dyn Random) -> Self {
        Self { seed: u64::from_ne_bytes(random::bytes(random)), next: AtomicU64::new(0) }
    }

    /// The code as it was made, from what somebody read aloud or copied: in any case, with or without dash and
    /// spaces, with O for 0 and I or L for 1. `None` if it can be none.
    pub fn parse(typed: &str) -> Option<String> {
        let typed = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
        let code: String = typed
            .map(|c| match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            })
            .collect();
        let known = code.bytes().all(|byte| ALPHABET.contains(&byte));
        (known && code.len() == 8).then(|| format!("{}-{}", &code[..4], &code[4..]))
    }

    pub fn next(&self) -> String {
        // SplitMix64: a bijection, so no code repeats before the 40 bits below are used up by chance.
        let mut mixed = self
            .seed
            .wrapping_add(self.next.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let mut code = String::with_capacity(9);
        for position in 0..8 {
            if position == 4 {
                code.push('-');
            }
            code.push(char::from(ALPHABET[(mixed >> (5 * position)) as usize & 31]));
        }
        code
    }
}

/// Crockford's: without I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlation_ids_read_aloud() {
        let ids = CorrelationIds::new(&crate::random::SeededRandom::new(1));
        let many: std::collections::HashSet<String> = (0..1000).map(|_| ids.next()).collect();
        assert_eq!(many.len(), 1000);
        assert!(many.iter().all(|id| id.len() == 9 && id.as_bytes()[4] == b'-'));
    }

    #[test]
    fn correlation_ids_are_understood_as_people_say_them() {
        for said in ["7F3K-92QD", "7f3k92qd", " 7f3k 92qd ", "7F3K–92QD".replace('–', "-").as_str()] {
            assert_eq!(CorrelationIds::parse(said).as_deref(), Some("7F3K-92QD"), "{said:?}");
        }
        assert_eq!(CorrelationIds::parse("oilo-0000").as_deref(), Some("0110-0000"));
        for said in ["", "GET", "7F3K-92Q", "7F3K-92QDD", "7F3K-92QU", "7F3K-92Qæ"] {
            assert_eq!(CorrelationIds::parse(said), None, "{said:?}");
        }
    }
}
