//! How somebody who is not signed in may log in: as the policy has it for the address that was asked for.

use super::{Destination, decide_with};
use crate::pages::Pages;
use crate::pages::visitor::Visitor;
use crate::policy::expression::Need;
use crate::policy::{Decision, Text};

/// The ways there are, MitID aside.
#[derive(Clone, Debug)]
pub struct Ways {
    /// A key and its PIN are enough, by themselves.
    pub key: bool,
    /// A password is a part of one.
    pub password: bool,
    /// What the login is for, in the policy's words.
    pub purpose: Option<Text>,
    /// It is good for one request alone.
    pub once: bool,
}

/// The ways to log in that lead to that destination. Where no rule asks for anything (a page of ours, or one that
/// is open to everybody) a key alone is one if there is a rule to which it opens something.
pub fn ways(pages: &Pages, visitor: &Visitor, destination: &Destination) -> Ways {
    let anywhere = pages.policy.load().opens_to_key_alone();
    let Some(Decision::Login(demand) | Decision::StepUp(demand)) =
        decide_with(pages, visitor, None, destination, (false, &[]))
    else {
        return Ways { key: anywhere, password: true, purpose: None, once: false };
    };
    let alone = |way: &Vec<Need>| match way[..] {
        // A rule that asks for any method, or for a touch, does not say that nobody need give a password.
        [Need::Key { pin }] => pin || anywhere,
        _ => false,
    };
    Ways {
        key: demand.alternatives.iter().any(alone),
        password: demand.alternatives.iter().any(|way| way.contains(&Need::Password)),
        purpose: demand.text,
        once: demand.once,
    }
}
