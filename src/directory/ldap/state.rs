//! What a bind's answer, and an entry, say of an account. Pure.

use ldap3::SearchEntry;

use super::policy::PolicyError;
use crate::directory::Unusable;

/// What a bind with a person's password said.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum BindAnswer {
    Right,
    Wrong,
    /// The password is right all the same.
    Unusable(Unusable),
    /// No password is looked at.
    Locked,
    /// Neither right nor wrong: the server could not say.
    Failed,
}

/// LDAP result codes (RFC 4511, appendix A).
const SUCCESS: u32 = 0;
const INVALID_CREDENTIALS: u32 = 49;
const INAPPROPRIATE_AUTHENTICATION: u32 = 48;

/// `userAccountControl` (MS-ADTS 2.2.16).
const ACCOUNT_DISABLE: u32 = 0x2;

/// `accountExpires` of an account that does not (MS-ADA1 2.1): zero, or the greatest value.
const NEVER: [i64; 2] = [0, i64::MAX];
/// 1601-01-01 to 1970-01-01 in units of 100 ns.
const FILETIME_OF_EPOCH: i64 = 116_444_736_000_000_000;

/// AD says more than `invalidCredentials` in the text, as `… AcceptSecurityContext error, data 533, v3839`:
/// Windows error codes in hexadecimal (MS-ERREF 2.2). It does so of a right password alone, but for 775, which it
/// says before it looks. Others say it by `policy`.
pub fn of_bind(code: u32, text: &str, policy: Option<PolicyError>) -> BindAnswer {
    match (code, policy) {
        (SUCCESS, Some(PolicyError::ChangeAfterReset)) => {
            return BindAnswer::Unusable(Unusable::PasswordMustChange);
        }
        (INVALID_CREDENTIALS, Some(PolicyError::PasswordExpired)) => {
            return BindAnswer::Unusable(Unusable::PasswordExpired);
        }
        (INVALID_CREDENTIALS, Some(PolicyError::AccountLocked)) => return BindAnswer::Locked,
        _ => {}
    }
    match code {
        SUCCESS => BindAnswer::Right,
        // OpenLDAP's answer where the entry has no password.
        INAPPROPRIATE_AUTHENTICATION => BindAnswer::Wrong,
        INVALID_CREDENTIALS => match sub_code(text) {
            Some("532") => BindAnswer::Unusable(Unusable::PasswordExpired),
            Some("533") => BindAnswer::Unusable(Unusable::Disabled),
            Some("701") => BindAnswer::Unusable(Unusable::Expired),
            Some("773") => BindAnswer::Unusable(Unusable::PasswordMustChange),
            Some("775") => BindAnswer::Locked,
            _ => BindAnswer::Wrong,
        },
        _ => BindAnswer::Failed,
    }
}

fn sub_code(text: &str) -> Option<&str> {
    let (_, after) = text.split_once(" data ")?;
    after.split(|c: char| !c.is_ascii_hexdigit()).next()
}

/// What the entry says by itself, at `now_millis` since the Unix epoch. A bind says it as well, as a rule, but
/// not every server does.
pub fn of_entry(entry: &SearchEntry, now_millis: i64) -> Option<Unusable> {
    let first = |name| first(entry, name);
    let control: u32 = first("userAccountControl").and_then(|value| value.parse().ok()).unwrap_or(0);
    if control & ACCOUNT_DISABLE != 0 {
        return Some(Unusable::Disabled);
    }
    let expires: Option<i64> = first("accountExpires").and_then(|value| value.parse().ok());
    let now = now_millis.saturating_mul(10_000).saturating_add(FILETIME_OF_EPOCH);
    if expires.is_some_and(|expires| !NEVER.contains(&expires) && expires <= now) {
        return Some(Unusable::Expired);
    }
    // OpenLDAP's ppolicy: there for good, or until the server's own time is up; it answers the bind by itself.
    if first("pwdAccountLockedTime") == Some("000001010000Z") {
        return Some(Unusable::Locked);
    }
    (first("pwdReset") == Some("TRUE")).then_some(Unusable::PasswordMustChange)
}

/// The first value of an attribute, whose name has no letter case (RFC 4512, 2.5).
pub fn first<'e>(entry: &'e SearchEntry, name: &str) -> Option<&'e str> {
    all(entry, name).first().map(String::as_str)
}

pub fn all<'e>(entry: &'e SearchEntry, name: &str) -> &'e [String] {
    let found = entry.attrs.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map_or(&[], |(_, values)| values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ad_says_beside_the_code() {
        let text = |data: &str| {
            format!(
                "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {data}, v3839"
            )
        };
        for (data, answer) in [
            ("52e", BindAnswer::Wrong),
            ("525", BindAnswer::Wrong),
            ("530", BindAnswer::Wrong),
            ("532", BindAnswer::Unusable(Unusable::PasswordExpired)),
            ("533", BindAnswer::Unusable(Unusable::Disabled)),
            ("701", BindAnswer::Unusable(Unusable::Expired)),
            ("773", BindAnswer::Unusable(Unusable::PasswordMustChange)),
            ("775", BindAnswer::Locked),
        ] {
            assert_eq!(of_bind(49, &text(data), None), answer, "{data}");
        }
        assert_eq!(of_bind(0, &text("533"), None), BindAnswer::Right);
        assert_eq!(of_bind(49, "", None), BindAnswer::Wrong);
        for unclear in [1, 10, 51, 52, 53, 80] {
            assert_eq!(
                of_bind(unclear, "", None),
                BindAnswer::Failed,
                "{unclear} lets nobody in and blames nobody"
            );
        }
    }

    #[test]
    fn what_a_password_policy_says_beside_the_code() {
        use PolicyError::{AccountLocked, ChangeAfterReset, PasswordExpired};
        let must_change = BindAnswer::Unusable(Unusable::PasswordMustChange);
        assert_eq!(of_bind(0, "", Some(ChangeAfterReset)), must_change);
        let expired = BindAnswer::Unusable(Unusable::PasswordExpired);
        assert_eq!(of_bind(49, "", Some(PasswordExpired)), expired);
        assert_eq!(of_bind(49, "", Some(AccountLocked)), BindAnswer::Locked);
        // Nothing a policy adds makes a wrong password a right one.
        assert_eq!(of_bind(49, "", Some(ChangeAfterReset)), BindAnswer::Wrong);
    }

    #[test]
    fn what_an_entry_says() {
        let of = |attributes: &[(&str, &str)]| {
            let attrs =
                attributes.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()]));
            let entry = SearchEntry { dn: String::new(), attrs: attrs.collect(), bin_attrs: <_>::default() };
            // 2026-11-22T00:00:00Z
            of_entry(&entry, 1_795_305_600_000)
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("userAccountControl", "512")]), None);
        assert_eq!(of(&[("useraccountcontrol", "514")]), Some(Unusable::Disabled));
        for never in ["0", "9223372036854775807"] {
            assert_eq!(of(&[("accountExpires", never)]), None);
        }
        assert_eq!(of(&[("accountExpires", "134397792000000000")]), Some(Unusable::Expired));
        assert_eq!(of(&[("accountExpires", "134397792000000001")]), None);
        assert_eq!(of(&[("pwdAccountLockedTime", "000001010000Z")]), Some(Unusable::Locked));
        assert_eq!(of(&[("pwdReset", "TRUE")]), Some(Unusable::PasswordMustChange));
    }
}
