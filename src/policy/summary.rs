//! Matchers and requirements in a few words, as they are written.

use std::fmt;

use super::matcher::{Condition, Device, Fact, Named, Protocol};
use super::reader::format_duration;
use super::{Fresh, Requirement};

/// The condition's values: `/a/** /b`.
impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(patterns) => spaced(f, patterns),
            Self::PathRe(list) => spaced(f, list.iter().map(|regex| regex.as_str())),
            Self::Method(methods) => f.write_str(&methods.join(",")),
            Self::Header(header) => named(f, header),
            Self::Query(parameter) => named(f, parameter),
            Self::Network(networks) => spaced(f, networks.iter().map(|network| &network.name)),
            Self::Time(schedules) => spaced(f, schedules),
            Self::Device(device) => f.write_str(word(&Device::WORDS, device)),
            Self::Protocol(protocols) => spaced(f, protocols.iter().map(|one| word(&Protocol::WORDS, one))),
        }
    }
}

/// Its key and its values: `not_network kommune-lan`.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key(), self.fact)
    }
}

/// All that is asked: `level strong, groups nurses|doctors, fresh 5m`. Empty if nothing is.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.level.as_ref().map(|level| format!("level {}", level.value.name)));
        let lists = [
            ("groups", &self.groups, "|"),
            ("all_groups", &self.all_groups, "+"),
            ("users", &self.users, "|"),
        ];
        for (key, list, joint) in lists {
            parts.extend(list.as_ref().map(|list| format!("{key} {}", list.value.join(joint))));
        }
        parts.extend(
            self.claims.iter().map(|(name, values)| format!("claims {name}={}", values.value.join("|"))),
        );
        parts.extend(self.max_age.map(|age| format!("max_age {}", format_duration(age.value))));
        parts.extend(self.fresh.map(|fresh| match fresh.value {
            Fresh::Within(age) => format!("fresh {}", format_duration(age)),
            Fresh::Once => "fresh once".to_owned(),
        }));
        f.write_str(&parts.join(", "))
    }
}

fn spaced<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: impl IntoIterator<Item = T>) -> fmt::Result {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    f.write_str(&items.join(" "))
}

fn named<N: fmt::Display>(f: &mut fmt::Formatter<'_>, named: &Named<N>) -> fmt::Result {
    match &named.values {
        None => write!(f, "{}", named.name),
        Some(values) => write!(f, "{}={}", named.name, values.join("|")),
    }
}

fn word<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    words.iter().find(|(_, known)| known == value).map_or("", |(word, _)| word)
}
