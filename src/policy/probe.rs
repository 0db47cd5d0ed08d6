//! Requests and people that tell two versions of an app apart: one request for every way in which an entry of
//! the one and an entry of the other can decide together.

use std::collections::BTreeSet;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::decide::Request;
use super::matcher::Matcher;
use super::region::{Region, Witness};
use super::{App, Fresh, Requirement};

/// A request that stands for many.
#[derive(Debug)]
pub struct Probe {
    witness: Witness,
    headers: HeaderMap,
}

impl Probe {
    pub fn request(&self) -> Request<'_> {
        let Witness { method, path, query, address, shared_device, protocol, .. } = &self.witness;
        Request {
            query: query.as_deref(),
            headers: Some(&self.headers),
            address: *address,
            shared_device: *shared_device,
            protocol: *protocol,
            ..Request::new(method, path)
        }
    }

    /// Minutes since Monday 00:00.
    pub fn minute(&self) -> u64 {
        self.witness.minute
    }
}

/// The requests. Complete but for regular expressions and for entries too intertwined to be compared.
pub fn probes(old: &App, new: &App) -> Vec<Probe> {
    let matchers = |app: &'_ App| -> Vec<Matcher> {
        let denies = app.denies.iter().map(|deny| deny.matcher.clone());
        denies.chain(app.rules.iter().map(|rule| rule.matcher.clone())).collect()
    };
    let floors = old.floors.iter().chain(&new.floors).map(|floor| floor.matcher.clone());
    let (old_matchers, new_matchers) = (matchers(old), matchers(new));
    let floors: Vec<Matcher> = floors.collect();
    let all = old_matchers.iter().chain(&new_matchers).chain(&floors);
    let impossible = Region::impossible(all);
    let (old, new) = (cells(&old_matchers, old), cells(&new_matchers, new));
    let mut probes = Vec::new();
    for (index, old_cell) in old.iter().enumerate() {
        for (other, new_cell) in new.iter().enumerate() {
            let above = old[..index].iter().chain(&new[..other]).flatten().chain(&impossible);
            let above: Vec<&Region> = above.collect();
            for both in old_cell.iter().flat_map(|one| new_cell.iter().filter_map(move |two| one.and(two))) {
                // And once for every floor that fits part of it.
                let floors = floors.iter().flat_map(|floor| Region::of(floor, super::PathRules::default()));
                let parts = floors.filter_map(|floor| both.and(&floor)).chain([both.clone()]);
                let left = parts.filter_map(|part| part.left_by(&above).ok().flatten());
                probes.extend(left.map(|left| Probe::of(left.witness())));
            }
        }
    }
    probes
}

/// What each entry fits, and at last everything, for what none does.
fn cells(matchers: &[Matcher], app: &App) -> Vec<Vec<Region>> {
    let cells = matchers.iter().map(|matcher| Region::of(matcher, app.paths));
    cells.chain([vec![Region::default()]]).collect()
}

impl Probe {
    fn of(witness: Witness) -> Self {
        let header = |(name, value): &(String, String)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in witness.headers.iter().filter_map(header) {
            headers.append(name, value);
        }
        Self { witness, headers }
    }
}

impl App {
    fn requirements(&self) -> impl Iterator<Item = &Requirement> {
        let floors = self.floors.iter().map(|floor| &floor.require);
        floors.chain(self.rules.iter().map(|rule| &rule.require))
    }

    /// Every group that is asked for anywhere.
    pub fn groups(&self) -> BTreeSet<&str> {
        let lists = self.requirements().flat_map(|require| require.groups.iter().chain(&require.all_groups));
        let glass = self.rules.iter().filter_map(|rule| Some(&rule.break_glass.as_ref()?.groups));
        lists.chain(glass).flat_map(|list| &list.value).map(String::as_str).collect()
    }

    /// Every age that is asked for anywhere.
    pub fn ages(&self) -> BTreeSet<Duration> {
        let fresh = self.requirements().filter_map(|require| match require.fresh?.value {
            Fresh::Within(age) => Some(age),
            Fresh::Once => None,
        });
        fresh.chain(self.requirements().filter_map(|require| Some(require.max_age?.value))).collect()
    }
}
