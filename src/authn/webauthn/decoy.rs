//! Credential ids for a name that nobody has, or whose owner has no key, so that a login page does not tell
//! (WebAuthn L3, section 14.6.2).

use crate::authn::CredentialId;
use crate::secret::Secret;
use crate::user::Username;

/// Lengths of credential ids, in bytes: those of security keys that are about.
const LENGTHS: [usize; 4] = [64, 64, 48, 32];

/// One or two ids, always the same for a name: a keyed hash of it. Whoever lacks the key cannot tell them from an
/// authenticator's, which are as random.
pub fn decoys(key: &Secret<[u8; 32]>, name: &Username) -> Vec<CredentialId> {
    let mut hasher = blake3::Hasher::new_keyed(key.expose());
    hasher.update(name.as_str().as_bytes());
    let mut stream = hasher.finalize_xof();
    let mut choice = [0; 2];
    stream.fill(&mut choice);
    let [count, length] = choice.map(usize::from);
    let id = |_| {
        let mut id = vec![0; LENGTHS[length % LENGTHS.len()]];
        stream.fill(&mut id);
        CredentialId(id)
    };
    (0..1 + count % 2).map(id).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_name_has_its_own_at_each_installation() {
        let ids = |key: u8, name: &str| decoys(&Secret::new([key; 32]), &Username::parse(name).unwrap());
        assert_eq!(ids(1, "nobody"), ids(1, " NOBODY"));
        assert_ne!(ids(1, "nobody"), ids(1, "nobody2"));
        assert_ne!(ids(1, "nobody"), ids(2, "nobody"));
        let (mut shapes, mut all) = (BTreeSet::new(), BTreeSet::new());
        for n in 0..200 {
            let ids = ids(1, &format!("nobody{n}"));
            shapes.insert((ids.len(), ids[0].0.len()));
            all.extend(ids);
        }
        let expected = [1, 2].into_iter().flat_map(|count| [32, 48, 64].map(|length| (count, length)));
        assert_eq!(shapes, expected.collect());
        assert!(all.len() > 200, "no two names share one");
    }
}
