//! Which of many matchers can fit a path at all: found by walking its segments instead of trying each.

use std::collections::BTreeMap;
use std::ops::Range;

use super::matcher::{Fact, Matcher};
use super::path::{PathRules, segments};
use super::pattern::{Pattern, fold, spelled};

/// A tree over the segments of the patterns. What it leaves out does not fit; what it finds may.
#[derive(Debug, Default)]
pub(super) struct Index {
    count: usize,
    /// `None` where there are so few that trying each is as quick.
    tree: Option<Tree>,
}

/// Positions in the list that was indexed, in its order.
pub(super) enum Candidates {
    All(Range<usize>),
    Some(std::vec::IntoIter<usize>),
}

/// Up to here a walk costs no less than what it saves.
const FEW: usize = 16;

#[derive(Debug, Default)]
struct Tree {
    /// Matchers that name no pattern that must fit.
    pathless: Vec<usize>,
    root: Node,
}

/// What may follow after a number of segments.
#[derive(Debug, Default)]
struct Node {
    /// Matchers with a pattern that ends here.
    end: Vec<usize>,
    /// Matchers with a pattern that takes all below.
    open: Vec<usize>,
    named: BTreeMap<String, Node>,
    any: Option<Box<Node>>,
}

impl Index {
    pub fn of<'m>(matchers: impl ExactSizeIterator<Item = &'m Matcher>, rules: PathRules) -> Self {
        let count = matchers.len();
        let tree = (count > FEW).then(|| Tree::of(matchers, rules));
        Self { count, tree }
    }

    /// What can fit the canonical `path`; `rules` are those it was made with.
    pub fn candidates(&self, path: &str, rules: PathRules) -> Candidates {
        let Some(tree) = &self.tree else { return self.all() };
        let mut found = tree.pathless.clone();
        tree.root.collect(segments(path), rules, &mut found);
        found.sort_unstable();
        found.dedup();
        Candidates::Some(found.into_iter())
    }

    pub fn all(&self) -> Candidates {
        Candidates::All(0..self.count)
    }
}

impl Iterator for Candidates {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        match self {
            Self::All(range) => range.next(),
            Self::Some(found) => found.next(),
        }
    }
}

impl Tree {
    fn of<'m>(matchers: impl Iterator<Item = &'m Matcher>, rules: PathRules) -> Self {
        let mut tree = Self::default();
        for (index, matcher) in matchers.enumerate() {
            let patterns = matcher.conditions.iter().find_map(|condition| match &condition.fact {
                Fact::Path(patterns) if !condition.negated => Some(patterns),
                _ => None,
            });
            match patterns {
                None => tree.pathless.push(index),
                Some(patterns) => {
                    patterns.iter().for_each(|pattern| tree.root.add(pattern, rules, index));
                }
            }
        }
        tree
    }
}

impl Node {
    fn add(&mut self, pattern: &Pattern, rules: PathRules, index: usize) {
        let (parts, open) = pattern.parts();
        let node = parts.fold(self, |node, part| match part {
            None => node.any.get_or_insert_default(),
            Some(name) if rules.ignore_case => node.named.entry(fold(name)).or_default(),
            Some(name) => node.named.entry(name.to_owned()).or_default(),
        });
        if open { node.open.push(index) } else { node.end.push(index) }
    }

    fn collect<'p>(
        &self,
        mut rest: impl Iterator<Item = &'p str> + Clone,
        rules: PathRules,
        found: &mut Vec<usize>,
    ) {
        found.extend_from_slice(&self.open);
        let Some(segment) = rest.next() else {
            found.extend_from_slice(&self.end);
            return;
        };
        if let Some(any) = &self.any {
            any.collect(rest.clone(), rules, found);
        }
        if let Some(below) = self.named.get(&*spelled(segment, rules)) {
            below.collect(rest, rules, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::decide::Request;
    use crate::policy::matcher::{Condition, Facts};
    use crate::time::Timestamp;

    fn any_pattern() -> impl Strategy<Value = String> {
        let segment =
            prop_oneof![Just("/a"), Just("/B"), Just("/\u{f8}"), Just("/a!"), Just("/*"), Just("/%21")];
        (proptest::collection::vec(segment, 0..4), any::<bool>()).prop_map(|(segments, open)| {
            let text = segments.concat() + if open { "/**" } else { "" };
            if text.is_empty() { "/".to_owned() } else { text }
        })
    }

    fn any_matcher() -> impl Strategy<Value = Matcher> {
        let patterns = proptest::collection::vec(any_pattern(), 1..3);
        let condition = (patterns, any::<bool>()).prop_map(|(patterns, negated)| {
            let patterns = patterns.iter().map(|text| Pattern::parse(text).unwrap()).collect();
            Condition { fact: Fact::Path(patterns), negated }
        });
        proptest::collection::vec(condition, 0..3).prop_map(|conditions| Matcher { conditions })
    }

    fn any_path() -> impl Strategy<Value = String> {
        let segment = prop_oneof![
            Just("/a"),
            Just("/A"),
            Just("/b"),
            Just("/B"),
            Just("/%C3%B8"),
            Just("/%C3%98"),
            Just("/a%21"),
            Just("/!"),
            Just("/a;x=1"),
            Just("/B%3Bb"),
            Just("/x"),
        ];
        (proptest::collection::vec(segment, 0..5), any::<bool>()).prop_map(|(segments, slash)| {
            let text = segments.concat();
            if text.is_empty() || slash { text + "/" } else { text }
        })
    }

    proptest! {
        /// Whatever fits is found, in order; and in so small a world, little else.
        #[test]
        fn nothing_that_fits_is_left_out(
            matchers in proptest::collection::vec(any_matcher(), 0..24),
            path in any_path(),
            [ignore_case, matrix] in any::<[bool; 2]>(),
        ) {
            let rules = PathRules { ignore_case, matrix, ..PathRules::default() };
            let tree = Tree::of(matchers.iter(), rules);
            let index = Index { count: matchers.len(), tree: Some(tree) };
            let found: Vec<usize> = index.candidates(&path, rules).collect();
            prop_assert!(found.is_sorted_by(|one, next| one < next));
            let request = Request::new("GET", &path);
            let facts = Facts { request: &request, rules, now: Timestamp::EPOCH, zone: &jiff::tz::TimeZone::UTC };
            for (position, matcher) in matchers.iter().enumerate() {
                prop_assert!(!matcher.fits(&facts) || found.contains(&position), "{matcher:?}");
                let bound = matcher.conditions.iter().find(|condition| !condition.negated);
                let alone = bound.map(|bound| Matcher { conditions: vec![bound.clone()] });
                let possible = alone.is_none_or(|alone| alone.fits(&facts));
                prop_assert_eq!(found.contains(&position), possible, "{:?}", matcher);
            }
        }
    }

    #[test]
    fn few_are_all_tried() {
        let matchers = vec![Matcher::default(); FEW + 1];
        let candidates = |count: usize| Index::of(matchers[..count].iter(), PathRules::default());
        assert!(candidates(FEW).tree.is_none() && candidates(FEW + 1).tree.is_some());
        assert!(candidates(FEW).candidates("/", PathRules::default()).eq(0..FEW));
    }
}
