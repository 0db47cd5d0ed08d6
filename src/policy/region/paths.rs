//! Sets of paths, exact: a deterministic automaton over segments. Patterns have no loops but a last `**`, so
//! it is a tree whose leaves are nothing and everything.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::policy::path::PathRules;
use crate::policy::pattern::{Pattern, fold};

/// Equal sets are equal values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paths {
    None,
    All,
    /// Some, and not all.
    Some(Arc<Branch>),
}

/// What may follow after a number of segments.
#[derive(Debug, PartialEq, Eq)]
pub struct Branch {
    /// Whether the path that ends here is in the set.
    end: bool,
    /// Only names after which something else follows than after any other name.
    named: BTreeMap<Arc<str>, Paths>,
    other: Paths,
}

#[derive(Copy, Clone)]
enum Join {
    And,
    Or,
    Minus,
}

impl Paths {
    /// What any of the patterns fits.
    pub fn of(patterns: &[Pattern], rules: PathRules) -> Self {
        patterns.iter().fold(Self::None, |set, pattern| set.or(&Self::of_one(pattern, rules)))
    }

    fn of_one(pattern: &Pattern, rules: PathRules) -> Self {
        let (parts, open) = pattern.parts();
        let end = if open { Self::All } else { Self::node(true, BTreeMap::new(), Self::None) };
        parts.rev().fold(end, |below, part| match part {
            None => Self::node(false, BTreeMap::new(), below),
            Some(name) => {
                let name = if rules.ignore_case { fold(name).into() } else { Arc::from(name) };
                Self::node(false, BTreeMap::from([(name, below)]), Self::None)
            }
        })
    }

    fn node(end: bool, mut named: BTreeMap<Arc<str>, Self>, other: Self) -> Self {
        named.retain(|_, below| *below != other);
        match (end, named.is_empty(), &other) {
            (true, true, Self::All) => Self::All,
            (false, true, Self::None) => Self::None,
            _ => Self::Some(Arc::new(Branch { end, named, other })),
        }
    }

    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        self.join(other, Join::And)
    }

    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        self.join(other, Join::Or)
    }

    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.join(other, Join::Minus)
    }

    fn join(&self, other: &Self, join: Join) -> Self {
        match (join, self, other) {
            (Join::And, Self::None, _) | (Join::And, _, Self::None) => return Self::None,
            (Join::And, Self::All, set) | (Join::And, set, Self::All) => return set.clone(),
            (Join::Or, Self::All, _) | (Join::Or, _, Self::All) => return Self::All,
            (Join::Or, Self::None, set) | (Join::Or, set, Self::None) => return set.clone(),
            (Join::Minus, Self::None, _) | (Join::Minus, _, Self::All) => return Self::None,
            (Join::Minus, set, Self::None) => return set.clone(),
            _ => {}
        }
        let end = match join {
            Join::And => self.end() && other.end(),
            Join::Or => self.end() || other.end(),
            Join::Minus => self.end() && !other.end(),
        };
        let others = self.others().join(other.others(), join);
        let below = |name: &Arc<str>| (name.clone(), self.below(name).join(other.below(name), join));
        // A thousand rules are joined one by one: what a name of the one side alone leads to often stays as it is.
        let named = match (join, self, other.others()) {
            (Join::Or | Join::Minus, Self::Some(branch), Self::None) => {
                let mut named = branch.named.clone();
                named.extend(other.names().map(below));
                named
            }
            (Join::And, _, Self::None) => other.names().map(below).collect(),
            _ => self.names().chain(other.names()).map(below).collect(),
        };
        Self::node(end, named, others)
    }

    /// Whether they have a path in common.
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, _) | (_, Self::None) => false,
            (Self::All, _) | (_, Self::All) => true,
            _ => {
                let common = |name: &Arc<str>| self.below(name).meets(other.below(name));
                (self.end() && other.end())
                    || self.others().meets(other.others())
                    // A name that only the one has can only lead on where the other takes any name.
                    || (*other.others() != Self::None && self.names().any(common))
                    || other.names().any(common)
            }
        }
    }

    /// A path of the set, the shortest names first.
    pub fn example(&self) -> Option<String> {
        let Self::Some(_) = self else { return (*self == Self::All).then(|| "/".to_owned()) };
        if self.end() {
            return Some("/".to_owned());
        }
        let named = self.names().find(|name| *self.below(name) != Self::None).cloned();
        let name = named.or_else(|| {
            let strange = (0..).map(|n| if n == 0 { "x".into() } else { format!("x{n}").into() });
            strange.into_iter().find(|name| self.names().all(|known| known != name))
        })?;
        let below = self.below(&name).example()?;
        Some(format!("/{name}{}", if below == "/" { "" } else { &below }))
    }

    fn end(&self) -> bool {
        match self {
            Self::Some(branch) => branch.end,
            set => *set == Self::All,
        }
    }

    fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        let named = match self {
            Self::Some(branch) => Some(branch.named.keys()),
            _ => None,
        };
        named.into_iter().flatten()
    }

    fn others(&self) -> &Self {
        match self {
            Self::Some(branch) => &branch.other,
            set => set,
        }
    }

    fn below(&self, name: &str) -> &Self {
        match self {
            Self::Some(branch) => branch.named.get(name).unwrap_or(&branch.other),
            set => set,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn patterns(list: &[String]) -> Vec<Pattern> {
        list.iter().map(|text| Pattern::parse(text).unwrap()).collect()
    }

    fn any_pattern() -> impl Strategy<Value = String> {
        let segment = prop_oneof![Just("a"), Just("b"), Just("c"), Just("*")];
        (proptest::collection::vec(segment, 0..4), any::<bool>()).prop_map(|(segments, open)| {
            let end = if open { "/**" } else { "" };
            let text: String = segments.iter().map(|segment| format!("/{segment}")).collect();
            if text.is_empty() && !open { "/".to_owned() } else { format!("{text}{end}") }
        })
    }

    /// All paths of up to four segments of names that are named, and of one that is not.
    fn every_path() -> Vec<String> {
        let mut paths = vec![String::new()];
        for depth in 0..4 {
            let longest: Vec<String> =
                paths.iter().filter(|p| p.matches('/').count() == depth).cloned().collect();
            paths.extend(
                longest.iter().flat_map(|path| ["a", "b", "c", "x"].map(|name| format!("{path}/{name}"))),
            );
        }
        paths[0].push('/');
        paths
    }

    #[test]
    fn unions_may_be_everything() {
        let set = |list: &[&str]| {
            Paths::of(
                &patterns(&list.iter().map(|&t| t.to_owned()).collect::<Vec<_>>()),
                PathRules::default(),
            )
        };
        assert_eq!(set(&["/", "/*", "/*/*/**"]), Paths::All);
        assert_eq!(set(&["/a", "/a/b/**", "/*"]), set(&["/*", "/a/b/**"]));
        assert_eq!(set(&["/a/*/c"]).minus(&set(&["/*/b/c"])).example().as_deref(), Some("/a/x/c"));
        let folded = PathRules { ignore_case: true, ..PathRules::default() };
        assert_eq!(
            Paths::of(&patterns(&["/Admin".into()]), folded),
            Paths::of(&patterns(&["/aDMIN".into()]), folded)
        );
    }

    proptest! {
        #[test]
        fn sets_are_what_their_paths_say(
            a in proptest::collection::vec(any_pattern(), 0..4),
            b in proptest::collection::vec(any_pattern(), 0..4),
        ) {
            let rules = PathRules::default();
            let (a, b) = (patterns(&a), patterns(&b));
            let (left, right) = (Paths::of(&a, rules), Paths::of(&b, rules));
            let holds = |set: &Paths, path: &str| {
                let mut set = set;
                for name in crate::policy::path::segments(path) {
                    set = set.below(name);
                }
                set.end()
            };
            let (mut common, mut only, mut any) = (false, false, false);
            for path in every_path() {
                let fits = |list: &[Pattern]| list.iter().any(|pattern| pattern.fits(&path, rules));
                let (in_a, in_b) = (fits(&a), fits(&b));
                prop_assert_eq!(holds(&left, &path), in_a, "{}", path);
                prop_assert_eq!(holds(&left.and(&right), &path), in_a && in_b, "{}", path);
                prop_assert_eq!(holds(&left.or(&right), &path), in_a || in_b, "{}", path);
                prop_assert_eq!(holds(&left.minus(&right), &path), in_a && !in_b, "{}", path);
                common |= in_a && in_b;
                only |= in_a && !in_b;
                any |= in_a;
            }
            prop_assert_eq!(left.meets(&right), common);
            prop_assert_eq!(left.and(&right) != Paths::None, common);
            prop_assert_eq!(left.minus(&right) != Paths::None, only);
            prop_assert_eq!(left != Paths::None, any);
            if let Some(path) = left.minus(&right).example() {
                prop_assert!(a.iter().any(|p| p.fits(&path, rules)) && !b.iter().any(|p| p.fits(&path, rules)));
            }
        }
    }
}
