//! The analysis against brute force: every request that could make a difference is tried.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::policy::decide::Request;
use crate::policy::matcher::{Facts, Named, PathRegex, Pattern};
use crate::policy::schedule::{Schedule, next};
use crate::time::Timestamp;

fn zone() -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::get("Europe/Copenhagen").unwrap()
}

fn subset<T: Clone + std::fmt::Debug + 'static>(of: Vec<T>) -> impl Strategy<Value = Vec<T>> {
    let most = of.len();
    proptest::sample::subsequence(of, 1..=most)
}

fn any_pattern() -> impl Strategy<Value = Pattern> {
    let segment = prop_oneof![Just("/a"), Just("/A"), Just("/b"), Just("/*")];
    (proptest::collection::vec(segment, 0..3), any::<bool>()).prop_map(|(segments, open)| {
        let text = segments.concat() + if open { "/**" } else { "" };
        Pattern::parse(if text.is_empty() { "/" } else { &text }).unwrap()
    })
}

fn any_network() -> impl Strategy<Value = std::sync::Arc<Network>> {
    let ranges =
        ["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32", "0.0.0.0/0", "::/0"].map(str::to_owned).to_vec();
    subset(ranges).prop_map(|ranges| {
        let ranges = ranges.iter().map(|range| range.parse().unwrap()).collect();
        std::sync::Arc::new(Network { name: "n".to_owned(), ranges })
    })
}

fn any_fact() -> impl Strategy<Value = Fact> {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let values = || proptest::option::of(subset(vec!["1".to_owned(), "2".to_owned()]));
    let hours = words(&["mon-fri", "sat", "07:00-16:00", "fri 22:00-06:00"]);
    prop_oneof![
        5 => proptest::collection::vec(any_pattern(), 1..3).prop_map(Fact::Path),
        3 => subset(words(&["GET", "POST", "DELETE"])).prop_map(Fact::Method),
        1 => any_network().prop_map(|network| Fact::Network(vec![network])),
        1 => prop_oneof![Just(Device::Shared), Just(Device::Personal)].prop_map(Fact::Device),
        1 => subset(Protocol::WORDS.map(|(_, protocol)| protocol).to_vec()).prop_map(Fact::Protocol),
        1 => subset(hours).prop_map(|list| Fact::Time(list.iter().map(|text| Schedule::parse(text).unwrap()).collect())),
        2 => values().prop_map(|values| Fact::Header(Named { name: http::HeaderName::from_static("x"), values })),
        1 => values().prop_map(|values| Fact::Query(Named { name: "q".to_owned(), values })),
    ]
}

fn any_matcher() -> impl Strategy<Value = Matcher> {
    let condition = (any_fact(), any::<bool>()).prop_map(|(fact, negated)| Condition { fact, negated });
    proptest::collection::vec(condition, 0..3).prop_map(|conditions| Matcher { conditions })
}

/// Every combination, on the axes that the matchers look at, of values that could make a difference.
fn every_request(matchers: &[&Matcher], mut each: impl FnMut(&Request<'_>, Timestamp)) {
    let on = |wanted: fn(&Fact) -> bool| {
        matchers.iter().flat_map(|matcher| &matcher.conditions).any(|condition| wanted(&condition.fact))
    };
    let few = |on: bool, most: usize| if on { most } else { 1 };
    let mut paths = vec!["/".to_owned()];
    for path in ["/a", "/A", "/b", "/x"] {
        paths.push(path.to_owned());
        for below in ["/a", "/A", "/b", "/x"] {
            paths.push(format!("{path}{below}"));
            paths.push(format!("{path}{below}/x"));
        }
    }
    let addresses: Vec<Option<IpAddr>> = ["10.1.0.1", "10.2.0.1", "9.9.9.9", "2001:db8::1", "2001:db9::1"]
        .iter()
        .map(|address| address.parse().ok())
        .chain([None])
        .collect();
    let now = Timestamp::from_seconds(1_800_000_000);
    let times = [
        "mon 05:00",
        "mon 12:00",
        "fri 23:00",
        "fri 12:00",
        "sat 05:00",
        "sat 12:00",
        "sat 20:00",
        "sun 20:00",
        "sun 12:00",
    ];
    let times: Vec<Timestamp> = if on(|fact| matches!(fact, Fact::Time(_))) {
        times.iter().map(|text| next(text, now, &zone()).unwrap()).collect()
    } else {
        vec![now]
    };
    let values: [&[&'static str]; 8] =
        [&[], &["1"], &["2"], &["3"], &["1", "2"], &["1", "3"], &["2", "3"], &["1", "2", "3"]];
    for path in &paths[..few(on(|fact| matches!(fact, Fact::Path(_))), paths.len())] {
        for method in
            &["OPTIONS", "GET", "POST", "DELETE"][..few(on(|fact| matches!(fact, Fact::Method(_))), 4)]
        {
            for address in &addresses[..few(on(|fact| matches!(fact, Fact::Network(_))), addresses.len())] {
                for device in 0..few(on(|fact| matches!(fact, Fact::Device(_))), 2) {
                    for (_, protocol) in
                        &Protocol::WORDS[..few(on(|fact| matches!(fact, Fact::Protocol(_))), 3)]
                    {
                        for header in &values[..few(on(|fact| matches!(fact, Fact::Header(_))), values.len())]
                        {
                            for query in
                                &values[..few(on(|fact| matches!(fact, Fact::Query(_))), values.len())]
                            {
                                let mut headers = HeaderMap::new();
                                for value in *header {
                                    headers.append("x", HeaderValue::from_static(value));
                                }
                                let query: Vec<String> =
                                    query.iter().map(|value| format!("q={value}")).collect();
                                let query = query.join("&");
                                let request = Request {
                                    query: Some(&query),
                                    headers: Some(&headers),
                                    address: *address,
                                    shared_device: device == 1,
                                    protocol: *protocol,
                                    ..Request::new(method, path)
                                };
                                for at in &times {
                                    each(&request, *at);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whether earlier matchers leave the last one anything, and whether two have a request in common.
    #[test]
    fn the_analysis_agrees_with_trying_everything(
        matchers in proptest::collection::vec(any_matcher(), 1..5),
        ignore_case in any::<bool>(),
    ) {
        let rules = PathRules { ignore_case, ..PathRules::default() };
        let zone = zone();
        let all: Vec<&Matcher> = matchers.iter().collect();
        let (last, earlier) = all.split_last().unwrap();
        let (mut left, mut common) = (false, vec![false; earlier.len()]);
        every_request(&all, |request, now| {
            let facts = Facts { request, rules, now, zone: &zone };
            if last.fits(&facts) {
                let fits: Vec<bool> = earlier.iter().map(|matcher| matcher.fits(&facts)).collect();
                left |= !fits.contains(&true);
                common.iter_mut().zip(&fits).for_each(|(common, fits)| *common |= fits);
            }
        });
        let impossible = Region::impossible(all.iter().copied());
        let regions: Vec<Vec<Region>> = earlier.iter().map(|matcher| Region::of(matcher, rules)).collect();
        let own = Region::of(last, rules);
        let covers: Vec<&Region> = regions.iter().flatten().chain(&impossible).collect();
        let found = own.iter().find_map(|own| own.left_by(&covers).unwrap());
        prop_assert_eq!(found.is_some(), left);
        if let Some(witness) = found.map(|region| region.witness()) {
            let headers = witness.headers.iter().map(|(_, value)| ("x".parse().unwrap(), value.parse().unwrap()));
            let headers: HeaderMap = headers.collect();
            let request = Request {
                query: witness.query.as_deref(),
                headers: Some(&headers),
                address: witness.address,
                shared_device: witness.shared_device,
                protocol: witness.protocol,
                ..Request::new(witness.method, &witness.path)
            };
            // From Monday 00:00.
            let now = next("mon 00:00", Timestamp::from_seconds(1_800_000_000), &zone).unwrap();
            let now = now.plus(std::time::Duration::from_secs(witness.minute * 60));
            let facts = Facts { request: &request, rules, now, zone: &zone };
            prop_assert!(last.fits(&facts) && !earlier.iter().any(|matcher| matcher.fits(&facts)), "{:?}", request);
        }
        let impossible: Vec<&Region> = impossible.iter().collect();
        for (theirs, common) in regions.iter().zip(common) {
            let both = own.iter().flat_map(|own| theirs.iter().filter_map(move |theirs| own.and(theirs)));
            let found = both.into_iter().any(|both| both.left_by(&impossible).unwrap().is_some());
            prop_assert_eq!(found, common);
        }
    }
}

#[test]
fn an_example_is_a_request_as_people_write_it() {
    let matcher = |fact| Matcher { conditions: vec![Condition { fact, negated: true }] };
    let region =
        &Region::of(&matcher(Fact::Path(vec![Pattern::parse("/").unwrap()])), PathRules::default())[0];
    assert_eq!(region.example(), "GET /x");
    let methods = METHODS.map(str::to_owned).to_vec();
    let region = &Region::of(&matcher(Fact::Method(methods)), PathRules::default())[0];
    assert_eq!(region.example(), "UNNAMED /");
}

/// What one expression has in common with another, or with a path, is not known: each may hold or not.
#[test]
fn a_regular_expression_is_a_fact_of_its_own() {
    let matcher = |text: &str, negated| {
        let fact = Fact::PathRe(vec![PathRegex::parse(text).unwrap()]);
        Region::of(&Matcher { conditions: vec![Condition { fact, negated }] }, PathRules::default())
    };
    let (one, not_one, two) = (matcher("/1", false), matcher("/1", true), matcher("/2", false));
    assert!(one[0].meets(&two[0]) && !one[0].meets(&not_one[0]));
    assert_eq!(Region::default().left_by(&[&one[0], &not_one[0]]), Ok(None));
}
