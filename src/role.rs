//! Who may do what for other people: roles, which the groups of a person give. Pure.

use std::time::Duration;

/// Something that is done for, or seen of, other people.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
pub enum Duty {
    /// Seeing people, their keys and what they have open.
    Look,
    /// Closing an account, with a reason.
    Lock,
    /// Opening an account or a password that is locked.
    Unlock,
    /// Taking a key away, and ending sessions.
    Revoke,
    /// Making the one-time code that registers a first key.
    Invite,
    /// Lending a unit's spare keys, and taking them back.
    Lend,
    /// Registering a key for somebody who showed identity papers.
    Vouch,
    /// Reading everybody's events.
    Audit,
    /// Marking devices that many people use.
    Devices,
}

impl Duty {
    pub const ALL: [Self; 9] = [
        Self::Look,
        Self::Lock,
        Self::Unlock,
        Self::Revoke,
        Self::Invite,
        Self::Lend,
        Self::Vouch,
        Self::Audit,
        Self::Devices,
    ];
}

/// A name for duties that belong together.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
pub enum Role {
    Administrator,
    ServiceDesk,
    Registrant,
    UnitLead,
    Auditor,
}

impl Role {
    pub const ALL: [Self; 5] =
        [Self::Administrator, Self::ServiceDesk, Self::Registrant, Self::UnitLead, Self::Auditor];

    /// As the configuration writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::ServiceDesk => "service_desk",
            Self::Registrant => "registrant",
            Self::UnitLead => "unit_lead",
            Self::Auditor => "auditor",
        }
    }

    pub const fn has(self, duty: Duty) -> bool {
        use Duty::{Audit, Invite, Lend, Lock, Look, Revoke, Unlock, Vouch};
        match self {
            Self::Administrator => true,
            Self::ServiceDesk => matches!(duty, Look | Lock | Unlock | Revoke | Invite | Lend),
            Self::Registrant => matches!(duty, Look | Vouch),
            Self::UnitLead => matches!(duty, Lend),
            Self::Auditor => matches!(duty, Audit),
        }
    }
}

/// What the admin pages ask of those who work at them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The key must also have verified its user.
    pub pin: bool,
    /// MitID does as well as a key.
    pub mitid: bool,
    /// What a second person must confirm.
    pub four_eyes: Vec<Duty>,
    /// How long they have for that.
    pub answer_within: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self { pin: false, mitid: false, four_eyes: Vec::new(), answer_within: Duration::from_hours(24) }
    }
}

/// Which groups give which roles; none, where nothing is said.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Roles(Vec<(Role, String)>);

impl Roles {
    /// Pairs of a role and a group that gives it.
    pub fn new(given: impl IntoIterator<Item = (Role, String)>) -> Self {
        Self(given.into_iter().collect())
    }

    /// The groups that give a role.
    pub fn groups(&self, role: Role) -> Vec<String> {
        self.0.iter().filter(|(given, _)| *given == role).map(|(_, group)| group.clone()).collect()
    }

    /// Whether somebody in these groups may do that.
    pub fn allow(&self, groups: &[String], duty: Duty) -> bool {
        self.0.iter().any(|(role, group)| role.has(duty) && groups.contains(group))
    }

    /// Whether there is a group whose people may do that.
    pub fn anybody(&self, duty: Duty) -> bool {
        self.0.iter().any(|(role, _)| role.has(duty))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles() -> Roles {
        Roles::new(Role::ALL.map(|role| (role, format!("{}s", role.name()))))
    }

    #[test]
    fn a_role_has_its_duties_and_no_others() {
        use Duty::{Audit, Invite, Lend, Lock, Look, Revoke, Unlock, Vouch};
        let all = Duty::ALL;
        let table: [(&str, &[Duty]); 6] = [
            ("administrators", &all),
            ("service_desks", &[Look, Lock, Unlock, Revoke, Invite, Lend]),
            ("registrants", &[Look, Vouch]),
            ("unit_leads", &[Lend]),
            ("auditors", &[Audit]),
            ("nurses", &[]),
        ];
        for (group, duties) in table {
            for duty in all {
                let allowed = roles().allow(&[group.to_owned()], duty);
                assert_eq!(allowed, duties.contains(&duty), "{group} {duty:?}");
            }
        }
    }

    #[test]
    fn nobody_has_a_role_that_nobody_gave() {
        assert!(!Roles::default().allow(&["administrators".to_owned()], Duty::Look));
        assert!(!roles().allow(&[], Duty::Look));
    }
}
