//! Sets of requests, exact: what a `match` fits, as boxes over everything it can look at.

pub mod intervals;
pub mod paths;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use self::intervals::Intervals;
use self::paths::Paths;
use super::matcher::{Condition, Device, Fact, Matcher, Network, Protocol};
use super::path::PathRules;
use super::rule::METHODS;
use super::schedule::WEEK;

/// Requests that are in a set on every axis; an axis that is not there is free.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Region(BTreeMap<Axis, Set>);

/// What a condition looks at. A regular expression, and each value of a header or of a parameter, is an axis
/// of its own that has two values: it is there (2), or it is not (1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Axis {
    Path,
    Method,
    Device,
    Protocol,
    Time,
    Address,
    PathRe(String),
    /// `None`: present with whatever value.
    Header(String, Option<String>),
    Query(String, Option<String>),
}

/// On one axis, all of the same kind.
#[derive(Clone, Debug, PartialEq)]
enum Set {
    Paths(Paths),
    Numbers(Intervals),
    Bits(u32),
}

/// Rules so intertwined that comparing them takes too long.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Intertwined;

/// How many pieces may be cut in comparing one rule with all others.
pub const PATIENCE: usize = 200_000;

const THERE: u32 = 0b10;
const MISSING: u32 = 0b01;

impl Region {
    /// The requests that fit: as many boxes as the lists of headers and parameters make necessary.
    pub fn of(matcher: &Matcher, rules: PathRules) -> Vec<Self> {
        let mut regions = vec![Self::default()];
        for condition in &matcher.conditions {
            let choices = choices(condition, rules);
            let with = |region: &Self| {
                let region = region.clone();
                choices.iter().filter_map(move |choice| region.and(choice)).collect::<Vec<_>>()
            };
            regions = regions.iter().flat_map(with).collect();
        }
        regions
    }

    /// What no request is: a value of a header that is not there at all.
    pub fn impossible<'m>(matchers: impl Iterator<Item = &'m Matcher>) -> Vec<Self> {
        let mut impossible = Vec::new();
        for fact in matchers.flat_map(|matcher| &matcher.conditions).map(|condition| &condition.fact) {
            for axis in named(fact).into_iter().flatten() {
                let present = match &axis {
                    Axis::Header(name, Some(_)) => Axis::Header(name.clone(), None),
                    Axis::Query(name, Some(_)) => Axis::Query(name.clone(), None),
                    _ => continue,
                };
                let region = Self(BTreeMap::from([(axis, Set::Bits(THERE)), (present, Set::Bits(MISSING))]));
                if !impossible.contains(&region) {
                    impossible.push(region);
                }
            }
        }
        impossible
    }

    /// Both; `None` if they have no request in common.
    pub fn and(&self, other: &Self) -> Option<Self> {
        let mut both = self.0.clone();
        for (axis, set) in &other.0 {
            let set = both.get(axis).map_or_else(|| set.clone(), |own| own.and(set));
            if set.is_empty() {
                return None;
            }
            both.insert(axis.clone(), set);
        }
        Some(Self(both))
    }

    /// Whether they have a request in common.
    pub fn meets(&self, other: &Self) -> bool {
        other.0.iter().all(|(axis, set)| self.0.get(axis).is_none_or(|own| own.meets(set)))
    }

    /// Part of what none of `covers` holds: `None` if together they hold all of it.
    pub fn left_by(&self, covers: &[&Self]) -> Result<Option<Self>, Intertwined> {
        let mut patience = PATIENCE;
        // Pieces, and by how many of the covers each was cut. Kept here and not in calls: there may be more
        // covers than a stack holds.
        let mut pieces = vec![(self.clone(), 0)];
        while let Some((piece, done)) = pieces.pop() {
            let Some(ahead) = covers[done..].iter().position(|cover| cover.meets(&piece)) else {
                return Ok(Some(piece));
            };
            let next = done + ahead;
            let cut = piece.minus(covers[next]);
            patience = patience.checked_sub(cut.len()).ok_or(Intertwined)?;
            pieces.extend(cut.into_iter().rev().map(|piece| (piece, next + 1)));
        }
        Ok(None)
    }

    /// Boxes that do not meet one another.
    fn minus(mut self, other: &Self) -> Vec<Self> {
        let mut pieces = Vec::new();
        for (axis, set) in &other.0 {
            let own = self.0.get(axis).cloned().unwrap_or_else(|| axis.universe());
            let outside = own.minus(set);
            if !outside.is_empty() {
                let mut piece = self.clone();
                piece.0.insert(axis.clone(), outside);
                pieces.push(piece);
            }
            self.0.insert(axis.clone(), own.and(set));
        }
        pieces
    }

    /// A request of it, as people write one: `GET /a/b`.
    pub fn example(&self) -> String {
        let Witness { method, path, .. } = self.witness();
        format!("{method} {path}")
    }

    /// A request of it.
    pub fn witness(&self) -> Witness {
        let bits = |axis: &Axis| match self.0.get(axis) {
            Some(Set::Bits(bits)) => *bits,
            _ => u32::MAX,
        };
        let number = |axis: &Axis, usual: u128| match self.0.get(axis) {
            Some(Set::Numbers(numbers)) if !numbers.contains(usual) => numbers.first().unwrap_or(usual),
            _ => usual,
        };
        let methods = bits(&Axis::Method);
        let method = METHODS.iter().enumerate().find(|(index, _)| methods >> index & 1 == 1);
        let protocols = bits(&Axis::Protocol);
        let protocol = Protocol::WORDS.iter().enumerate().find(|(index, _)| protocols >> index & 1 == 1);
        let there = self.0.iter().filter(|(_, set)| **set == Set::Bits(THERE));
        let (mut headers, mut query) = (Vec::new(), form_urlencoded::Serializer::new(String::new()));
        for (axis, _) in there {
            match axis {
                Axis::Header(name, value) => {
                    headers.push((name.clone(), value.clone().unwrap_or_else(|| "any".to_owned())));
                }
                Axis::Query(name, value) => _ = query.append_pair(name, value.as_deref().unwrap_or("any")),
                _ => {}
            }
        }
        let query = query.finish();
        Witness {
            method: method.map_or("UNNAMED", |(_, method)| method),
            path: self.paths().example().unwrap_or_else(|| "/".to_owned()),
            query: Some(query).filter(|query| !query.is_empty()),
            headers,
            address: address(number(&Axis::Address, OUTSIDE)),
            shared_device: bits(&Axis::Device) == THERE,
            protocol: protocol.map_or(Protocol::Http, |(_, (_, protocol))| *protocol),
            minute: u64::try_from(number(&Axis::Time, NINE_ON_FRIDAY)).unwrap_or(0),
        }
    }
}

/// A request that stands for a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    pub method: &'static str,
    pub path: String,
    pub query: Option<String>,
    pub headers: Vec<(String, String)>,
    pub address: Option<IpAddr>,
    pub shared_device: bool,
    pub protocol: Protocol,
    /// Minutes since Monday 00:00.
    pub minute: u64,
}

/// The documentation's address (RFC 5737), 203.0.113.1, as IPv6 maps it.
const OUTSIDE: u128 = (0xffff << 32) | 0xcb00_7101;
const NINE_ON_FRIDAY: u128 = (4 * 24 + 9) * 60;

/// The other way round than [`addresses`].
fn address(number: u128) -> Option<IpAddr> {
    (number > 0).then(|| IpAddr::from(std::net::Ipv6Addr::from(number)).to_canonical())
}

/// The boxes on its axes that make up a condition.
fn choices(condition: &Condition, rules: PathRules) -> Vec<Region> {
    let one = |axis: Axis, set: Set| {
        let set = if condition.negated { axis.universe().minus(&set) } else { set };
        vec![Region(BTreeMap::from([(axis, set)]))]
            .into_iter()
            .filter(|region| !region.is_nothing())
            .collect()
    };
    match &condition.fact {
        Fact::Path(patterns) => one(Axis::Path, Set::Paths(Paths::of(patterns, rules))),
        Fact::Method(methods) => {
            let bit =
                |method: &String| METHODS.iter().position(|known| known == method).unwrap_or(METHODS.len());
            one(Axis::Method, Set::Bits(methods.iter().fold(0, |bits, method| bits | 1 << bit(method))))
        }
        Fact::Network(networks) => {
            let ranges = networks.iter().flat_map(|network: &std::sync::Arc<Network>| &network.ranges);
            one(Axis::Address, Set::Numbers(addresses(ranges)))
        }
        Fact::Time(schedules) => {
            let minutes = schedules.iter().flat_map(|schedule| schedule.minutes());
            one(Axis::Time, Set::Numbers(Intervals::of(minutes)))
        }
        Fact::Device(device) => {
            one(Axis::Device, Set::Bits(if *device == Device::Shared { THERE } else { MISSING }))
        }
        Fact::Protocol(protocols) => {
            let bit = |protocol: &Protocol| Protocol::WORDS.iter().position(|(_, known)| known == protocol);
            one(
                Axis::Protocol,
                Set::Bits(protocols.iter().filter_map(bit).fold(0, |bits, bit| bits | 1 << bit)),
            )
        }
        fact => any_of(named(fact).unwrap_or_default(), condition.negated),
    }
}

/// That one of them is there, as boxes that do not meet: the first is, or it is not and the second is; or else
/// that none is.
fn any_of(axes: Vec<Axis>, negated: bool) -> Vec<Region> {
    let missing = |axes: &[Axis]| axes.iter().map(|axis| (axis.clone(), Set::Bits(MISSING))).collect();
    if negated {
        return vec![Region(missing(&axes))];
    }
    let first = |index: usize| {
        let mut region: BTreeMap<Axis, Set> = missing(&axes[..index]);
        region.insert(axes[index].clone(), Set::Bits(THERE));
        Region(region)
    };
    (0..axes.len()).map(first).collect()
}

/// The axes of what can be there or not.
fn named(fact: &Fact) -> Option<Vec<Axis>> {
    fn each<N: ToString>(
        named: &super::matcher::Named<N>,
        axis: fn(String, Option<String>) -> Axis,
    ) -> Vec<Axis> {
        match &named.values {
            None => vec![axis(named.name.to_string(), None)],
            Some(values) => {
                let mut values = values.clone();
                values.sort_unstable();
                values.dedup();
                values.into_iter().map(|value| axis(named.name.to_string(), Some(value))).collect()
            }
        }
    }
    match fact {
        Fact::PathRe(list) => {
            Some(list.iter().map(|regex| Axis::PathRe(regex.as_str().to_owned())).collect())
        }
        Fact::Header(header) => Some(each(header, Axis::Header)),
        Fact::Query(parameter) => Some(each(parameter, Axis::Query)),
        _ => None,
    }
}

/// Addresses as numbers: IPv4 where IPv6 maps it, as no request comes from a mapped address. 0 is an address
/// that is not known, as none comes from `::` either.
fn addresses<'r>(ranges: impl Iterator<Item = &'r IpNet>) -> Intervals {
    const MAPPED: (u128, u128) = (0xffff << 32, (0xffff << 32) | 0xffff_ffff);
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
        IpAddr::V6(address) => u128::from(address),
    };
    let (four, six): (Vec<&IpNet>, Vec<&IpNet>) = ranges.partition(|range| range.addr().is_ipv4());
    let numbers = |ranges: Vec<&IpNet>| {
        ranges
            .into_iter()
            .map(|range| (number(range.network()), number(range.broadcast())))
            .collect::<Vec<_>>()
    };
    let six = Intervals::of(numbers(six)).minus(&Intervals::of([MAPPED, (0, 0)]));
    Intervals::of(six.iter().chain(numbers(four)))
}

impl Region {
    fn is_nothing(&self) -> bool {
        self.0.values().any(Set::is_empty)
    }

    /// The paths it is about.
    pub fn paths(&self) -> Paths {
        match self.0.get(&Axis::Path) {
            Some(Set::Paths(paths)) => paths.clone(),
            _ => Paths::All,
        }
    }
}

impl Axis {
    fn universe(&self) -> Set {
        match self {
            Self::Path => Set::Paths(Paths::All),
            // One more for every method that has no name here.
            Self::Method => Set::Bits((1 << (METHODS.len() + 1)) - 1),
            Self::Protocol => Set::Bits((1 << Protocol::WORDS.len()) - 1),
            Self::Time => Set::Numbers(Intervals::of([(0, WEEK - 1)])),
            Self::Address => Set::Numbers(Intervals::of([(0, u128::MAX)])),
            Self::Device | Self::PathRe(_) | Self::Header(..) | Self::Query(..) => Set::Bits(THERE | MISSING),
        }
    }
}

impl Set {
    fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Paths(a), Self::Paths(b)) => Self::Paths(a.and(b)),
            (Self::Numbers(a), Self::Numbers(b)) => Self::Numbers(a.and(b)),
            (Self::Bits(a), Self::Bits(b)) => Self::Bits(a & b),
            _ => unreachable!("an axis has sets of one kind"),
        }
    }

    fn minus(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Paths(a), Self::Paths(b)) => Self::Paths(a.minus(b)),
            (Self::Numbers(a), Self::Numbers(b)) => Self::Numbers(a.minus(b)),
            (Self::Bits(a), Self::Bits(b)) => Self::Bits(a & !b),
            _ => unreachable!("an axis has sets of one kind"),
        }
    }

    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Paths(a), Self::Paths(b)) => a.meets(b),
            _ => !self.and(other).is_empty(),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Paths(paths) => *paths == Paths::None,
            Self::Numbers(numbers) => numbers.is_empty(),
            Self::Bits(bits) => *bits == 0,
        }
    }
}

#[cfg(test)]
#[path = "region_tests.rs"]
mod tests;
