//! Which of two requirements asks for more.

use super::expression::{Expression, MethodSet};
use super::{Fresh, Requirement, Shared, Stated};

impl Requirement {
    /// Whether it asks for anything that `other` does not ask for. Floors and default lifetimes, which are the
    /// same for both, are not looked at.
    pub(super) fn asks_more_than(&self, other: &Self, shared: &Shared) -> bool {
        let level = self.level.as_ref().is_some_and(|own| {
            let theirs = other.level.as_ref().map_or(&shared.any, |level| &level.value);
            !implies(&theirs.expression, &own.value.expression)
        });
        level || self.ages_more(other) || self.people_more(other)
    }

    fn ages_more(&self, other: &Self) -> bool {
        let max_age = match (self.max_age, other.max_age) {
            (Some(own), Some(theirs)) => own.value < theirs.value,
            (own, _) => own.is_some(),
        };
        let fresh = match (self.fresh.map(|own| own.value), other.fresh.map(|theirs| theirs.value)) {
            (None, _) | (_, Some(Fresh::Once)) => false,
            (Some(Fresh::Within(own)), Some(Fresh::Within(theirs))) => own < theirs,
            (Some(_), _) => true,
        };
        max_age || fresh
    }

    /// Whether it keeps out anybody whom `other` lets in, proofs aside.
    pub(super) fn people_more(&self, other: &Self) -> bool {
        let has = |group: &String, list: &Option<Stated<Vec<String>>>| {
            list.as_ref().is_some_and(|list| list.value.contains(group))
        };
        let only = |list: &Option<Stated<Vec<String>>>, group: &String| {
            list.as_ref().is_some_and(|list| list.value.iter().all(|known| known == group))
        };
        let groups = self.groups.as_ref().is_some_and(|own| {
            let each = |list: &Stated<Vec<String>>| list.value.iter().all(|group| own.value.contains(group));
            let one = own.value.iter().any(|group| has(group, &other.all_groups));
            !(one || other.groups.as_ref().is_some_and(each))
        });
        let all_groups = self.all_groups.as_ref().is_some_and(|own| {
            !own.value.iter().all(|group| has(group, &other.all_groups) || only(&other.groups, group))
        });
        let users = self.users.as_ref().is_some_and(|own| {
            let each = |list: &Stated<Vec<String>>| list.value.iter().all(|user| own.value.contains(user));
            !other.users.as_ref().is_some_and(each)
        });
        let claims = self.claims.iter().any(|(name, own)| {
            let narrower = |(known, theirs): &(String, Stated<Vec<String>>)| {
                known == name && theirs.value.iter().all(|value| own.value.contains(value))
            };
            !other.claims.iter().any(narrower)
        });
        groups || all_groups || users || claims
    }
}

/// Whether whoever satisfies `strong` satisfies `weak`, ages aside.
fn implies(strong: &Expression, weak: &Expression) -> bool {
    strong.sets().iter().all(|have| weak.sets().iter().any(|want| holds(have, want)))
}

fn holds(have: &MethodSet, want: &MethodSet) -> bool {
    let strong = |need: &super::expression::Need| {
        have.needs().iter().any(|had| had.method() == need.method() && had >= need)
    };
    want.needs().iter().all(strong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_expression_implies_another() {
        let implied = |strong: &str, weak: &str| {
            implies(&Expression::parse(strong).unwrap(), &Expression::parse(weak).unwrap())
        };
        for (strong, weak) in [
            ("password + key", "password"),
            ("password + (key | mitid)", "password | key"),
            ("key(pin)", "key"),
            ("mitid(high)", "mitid(substantial)"),
            ("password + key | password + mitid", "password + (key | mitid)"),
        ] {
            assert!(implied(strong, weak), "{strong} / {weak}");
            assert!(!implied(weak, strong) || strong.contains('|'), "{weak} / {strong}");
        }
        assert!(!implied("password | key", "password") && !implied("mitid", "key"));
    }
}
