//! Made-up policies of any size, and who asks.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use sluse::authn::{Assurance, CredentialId, Evidence, KeyEvidence, PasswordEvidence};
use sluse::config::Config;
use sluse::policy::problem::Source;
use sluse::policy::{Policy, Request, file};
use sluse::time::Timestamp;

/// A Friday morning.
pub const NOW: Timestamp = Timestamp::from_seconds(1_795_337_696);

pub fn config() -> Config {
    let text = include_str!("../deploy/sluse.yaml").to_owned();
    let source = Source { name: "sluse.yaml".to_owned(), text };
    Config::parse(&source, Path::new("")).expect("the shipped configuration is sound")
}

pub fn load(sources: &[Source]) -> Policy {
    file::parse(sources, &config()).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

pub fn cura() -> Source {
    Source { name: "cura.yaml".to_owned(), text: include_str!("../policies/cura.yaml").to_owned() }
}

/// One app at `a.example` of `count` rules, of which the last is the first that fits.
pub fn one_app(count: usize) -> Source {
    let mut text =
        "version: 1\napp: a\nhosts: [a.example]\nupstream: http://127.0.0.1:1\nrules:\n".to_owned();
    for rule in 1..count {
        writeln!(text, "  - {{ name: r{rule}, match: {{ path: /part-{rule}/*/journal, method: GET }}, require: {{ level: basic }} }}")
            .expect("a string takes any text");
    }
    text += "  - { name: rest, match: { path: /** }, require: { level: strong, groups: [care-staff] }, overlap: ok }\n";
    Source { name: "a.yaml".to_owned(), text }
}

/// As many apps of ten rules each, at `app-0.kommune.example` and so on.
pub fn many_apps(count: usize) -> Vec<Source> {
    let rule = |r: usize| {
        format!(
            "  - name: part-{r}\n    match: {{ path: [/part-{r}/**, /v2/*/part-{r}], method: [GET, POST] }}\n    require: {{ groups: [nurses], fresh: {}m }}\n",
            r + 1
        )
    };
    let rules: String = (0..8).map(rule).collect();
    let app = |n: usize| {
        let text = format!(
            "version: 1\napp: app-{n}\nhosts: [app-{n}.kommune.example]\nupstream: http://10.20.0.7:8080\n\
             floor:\n  - require: {{ level: strong, max_age: 10h }}\n\
             deny:\n  - {{ name: admin-outside, match: {{ path: /admin/**, not_network: kommune-lan }} }}\n\
             rules:\n  - {{ name: assets, match: {{ path: /assets/**, method: [GET, HEAD] }}, public: true }}\n{rules}  \
             - {{ name: rest, match: {{ path: /** }} }}\n\
             tests:\n  - {{ as: anonymous, do: GET /assets/a.js, expect: allow assets }}\n"
        );
        Source { name: format!("app-{n}.yaml"), text }
    };
    (0..count).map(app).collect()
}

pub fn request<'a>(method: &'a str, path: &'a str) -> Request<'a> {
    Request { address: Some([10, 20, 0, 7].into()), ..Request::new(method, path) }
}

/// Password and key, twenty minutes ago.
pub fn proven() -> Assurance {
    let at = NOW.minus(Duration::from_secs(20 * 60));
    let key = KeyEvidence { at, credential: CredentialId(vec![7; 32]), user_verified: false, until: None };
    Assurance::default().with(Evidence::Password(PasswordEvidence { at })).with(Evidence::Key(key))
}
