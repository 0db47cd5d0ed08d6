//! What a directory's password policy adds to a bind (draft-behera-ldap-password-policy, section 6): asked for by
//! a control, answered by one. Pure.

use ldap3::controls::{Control, RawControl};

/// The control's OID, of request and response.
const OID: &str = "1.3.6.1.4.1.42.2.27.8.5.1";

/// What the policy says of an account.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum PolicyError {
    /// Said of a right password alone.
    PasswordExpired,
    /// Said before the password is looked at.
    AccountLocked,
    /// Said of a right password alone.
    ChangeAfterReset,
}

pub fn request() -> RawControl {
    RawControl { ctype: OID.to_owned(), crit: false, val: None }
}

pub fn of_response(controls: &[Control]) -> Option<PolicyError> {
    let control = controls.iter().find(|Control(_, raw)| raw.ctype == OID)?;
    error(control.1.val.as_deref()?)
}

/// `SEQUENCE { warning [0] … OPTIONAL, error [1] ENUMERATED OPTIONAL }` in BER, whose lengths are short here.
fn error(value: &[u8]) -> Option<PolicyError> {
    let [0x30, length, rest @ ..] = value else { return None };
    let mut rest = rest.get(..usize::from(*length))?;
    loop {
        let [tag, length, more @ ..] = rest else { return None };
        let (content, after) = more.split_at_checked(usize::from(*length))?;
        match (tag, content) {
            (0x81, [0]) => return Some(PolicyError::PasswordExpired),
            (0x81, [1]) => return Some(PolicyError::AccountLocked),
            (0x81, [2]) => return Some(PolicyError::ChangeAfterReset),
            _ => rest = after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_and_warnings_are_not() {
        for (value, expected) in [
            (&[0x30, 0x03, 0x81, 0x01, 0x00][..], Some(PolicyError::PasswordExpired)),
            (&[0x30, 0x03, 0x81, 0x01, 0x01], Some(PolicyError::AccountLocked)),
            (&[0x30, 0x03, 0x81, 0x01, 0x02], Some(PolicyError::ChangeAfterReset)),
            (
                &[0x30, 0x08, 0xa0, 0x03, 0x80, 0x01, 0x05, 0x81, 0x01, 0x02],
                Some(PolicyError::ChangeAfterReset),
            ),
            // What is wrong with a new password is none of ours.
            (&[0x30, 0x03, 0x81, 0x01, 0x05], None),
            (&[0x30, 0x05, 0xa0, 0x03, 0x80, 0x01, 0x05], None),
            (&[0x30, 0x00], None),
            (&[0x30, 0x7f, 0x81, 0x01, 0x01], None),
            (&[0x30, 0x03, 0x81, 0x05, 0x01], None),
            (&[0x04, 0x03, 0x81, 0x01, 0x01], None),
            (&[], None),
        ] {
            assert_eq!(error(value), expected, "{value:x?}");
        }
    }

    #[test]
    fn another_control_says_nothing() {
        let control = |oid: &str| {
            let val = Some(vec![0x30, 0x03, 0x81, 0x01, 0x01]);
            Control(None, RawControl { ctype: oid.to_owned(), crit: false, val })
        };
        assert_eq!(of_response(&[control("1.2.3")]), None);
        assert_eq!(of_response(&[control("1.2.3"), control(OID)]), Some(PolicyError::AccountLocked));
    }
}
