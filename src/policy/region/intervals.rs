//! Sets of whole numbers as intervals: addresses, and minutes of the week.

/// Disjoint, in order, and never touching: so that equal sets are equal values. Both ends belong to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intervals(Vec<(u128, u128)>);

impl Intervals {
    /// The union of all of them, in whatever order.
    pub fn of(intervals: impl IntoIterator<Item = (u128, u128)>) -> Self {
        let mut intervals: Vec<_> = intervals.into_iter().filter(|(first, last)| first <= last).collect();
        intervals.sort_unstable();
        let mut joined: Vec<(u128, u128)> = Vec::new();
        for (first, last) in intervals {
            match joined.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
                _ => joined.push((first, last)),
            }
        }
        Self(joined)
    }

    pub fn contains(&self, number: u128) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= number);
        after > 0 && number <= self.0[after - 1].1
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn first(&self) -> Option<u128> {
        self.0.first().map(|(first, _)| *first)
    }

    pub fn iter(&self) -> impl Iterator<Item = (u128, u128)> {
        self.0.iter().copied()
    }

    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut common = Vec::new();
        let (mut own, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some(a), Some(b)) = (own.peek(), theirs.peek()) {
            let (first, last) = (a.0.max(b.0), a.1.min(b.1));
            if first <= last {
                common.push((first, last));
            }
            if a.1 < b.1 {
                own.next()
            } else {
                theirs.next()
            };
        }
        Self(common)
    }

    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.and(&other.complement())
    }

    fn complement(&self) -> Self {
        let mut gaps = Vec::new();
        let mut next = Some(0);
        for (first, last) in self.iter() {
            if let Some(start) = next.filter(|start| *start < first) {
                gaps.push((start, first - 1));
            }
            next = last.checked_add(1);
        }
        gaps.extend(next.map(|start| (start, u128::MAX)));
        Self(gaps)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_intervals() -> impl Strategy<Value = Vec<(u128, u128)>> {
        proptest::collection::vec((0_u128..20, 0_u128..20), 0..4)
    }

    proptest! {
        #[test]
        fn sets_are_what_their_members_say(a in any_intervals(), b in any_intervals()) {
            let holds = |list: &[(u128, u128)], n: u128| list.iter().any(|(first, last)| (*first..=*last).contains(&n));
            let (left, right) = (Intervals::of(a.iter().copied()), Intervals::of(b.iter().copied()));
            for n in (0..22).chain([u128::MAX]) {
                let (in_a, in_b) = (holds(&a, n), holds(&b, n));
                prop_assert_eq!(left.contains(n), in_a);
                prop_assert_eq!(left.and(&right).contains(n), in_a && in_b);
                prop_assert_eq!(left.minus(&right).contains(n), in_a && !in_b);
            }
            let both = left.and(&right);
            prop_assert_eq!(Intervals::of(both.iter()), both);
        }
    }
}
