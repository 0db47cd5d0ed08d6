//! The administrator's files, and the decision.
//!
//! - [`path`]: the one spelling of a request's path. [`matcher`], [`pattern`], [`schedule`]: what a rule
//!   applies to; [`region`]: the same as a set of requests, for [`lint`].
//! - [`expression`]: levels. `glass`: who may enter all the same, in an emergency. [`decide`]: the decision, pure. [`explain`]: the same decision, told.
//! - [`document`], [`reader`], [`problem`]: YAML with positions, and what is wrong with it.
//! - [`shape`]: the keys of the files, for the reader and for the JSON Schema alike.
//! - [`file`]: a folder of it as a [`Policy`]. [`reload`]: a changed one, while the gateway runs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

mod app;
pub mod decide;
pub mod document;
mod effective;
pub mod explain;
pub mod expression;
pub mod file;
mod glass;
mod index;
mod key_alone;
mod lint;
pub mod matcher;
mod matching;
mod observe;
pub mod path;
pub mod pattern;
pub mod probe;
pub mod problem;
mod proof;
pub mod reader;
mod region;
pub mod reload;
mod require;
mod rule;
mod scalar;
mod schedule;
pub mod schema;
pub mod shape;
mod strictness;
mod summary;
mod tests_block;

pub(crate) use app::is_origin;
pub use decide::{Decision, Demand, Denial, Permit, Person, Reason, Request, decide};
use expression::Expression;
pub use glass::{BreakGlass, Offer, OpenGlass};
use index::Index;
use jiff::tz::TimeZone;
use matcher::{Facts, Matcher, Network, Pattern};
pub use observe::Observed;
use path::PathRules;
use problem::{Problem, Span};
pub(crate) use tests_block::{address, moment, proof as proof_of, proofs_of};

use crate::authn::Method;
use crate::time::Timestamp;

/// All apps at one version.
#[derive(Debug, Default)]
pub struct Policy {
    apps: Vec<Arc<App>>,
    /// Exact hosts, and wildcards by what follows their `*.`.
    exact: HashMap<String, Arc<App>>,
    wildcard: HashMap<String, Arc<App>>,
    notices: Vec<Problem>,
    key_alone: bool,
}

impl Policy {
    /// The app a host belongs to: an exact one first, then `*.x` for one label. `host` is lower case,
    /// without port or last dot.
    pub fn app(&self, host: &str) -> Option<&Arc<App>> {
        self.exact.get(host).or_else(|| {
            let (label, parent) = host.split_once('.')?;
            self.wildcard.get(parent).filter(|_| !label.is_empty())
        })
    }

    /// Whether this is a host of an app, as [`Self::app`] wants it written. A wildcard takes anything before its
    /// dot, and what is no host by itself may lead elsewhere: `evil/.a.example`.
    pub fn has_host(&self, written: &str) -> bool {
        let url = url::Url::parse(&format!("http://{written}/"));
        url.is_ok_and(|url| url.host_str() == Some(written)) && self.app(written).is_some()
    }

    /// In the order of their files.
    pub fn apps(&self) -> &[Arc<App>] {
        &self.apps
    }

    /// What is worth a look, and wrong in nothing.
    pub fn notices(&self) -> &[Problem] {
        &self.notices
    }

    /// Whether anything is open to a key and its PIN, without a password: see [`key_alone`].
    pub fn opens_to_key_alone(&self) -> bool {
        self.key_alone
    }

    fn new(apps: Vec<Arc<App>>, notices: Vec<Problem>) -> Self {
        let key_alone = apps.iter().any(|app| app.opens_to_key_alone());
        let mut policy = Self { notices, key_alone, ..Self::default() };
        for app in apps {
            for host in &app.hosts {
                match host.strip_prefix("*.") {
                    Some(parent) => policy.wildcard.insert(parent.to_owned(), Arc::clone(&app)),
                    None => policy.exact.insert(host.clone(), Arc::clone(&app)),
                };
            }
            policy.apps.push(app);
        }
        policy
    }
}

/// One protected application: a file of the policy folder.
#[derive(Debug)]
pub struct App {
    pub name: String,
    pub title: Text,
    pub hosts: Vec<String>,
    /// Scheme, host and port; no path.
    pub upstream: Url,
    pub paths: PathRules,
    pub floors: Vec<Floor>,
    pub denies: Vec<Deny>,
    pub rules: Vec<Rule>,
    /// The file, as shown.
    pub file: String,
    /// How many tests the file holds. All of them passed, or there would be no policy.
    pub tests: usize,
    /// `mode: observe`: its decisions are told, and those of `previous` have effect.
    pub observe: bool,
    /// What was live before anything here began to observe.
    pub previous: Option<Arc<App>>,
    /// What every app of the installation shares.
    pub shared: Arc<Shared>,
    denies_by_path: Index,
    rules_by_path: Index,
    /// Whether any rule states session limits.
    rules_limit: bool,
}

impl App {
    /// A host that can be linked to: the first that is no wildcard.
    pub fn exact_host(&self) -> Option<&str> {
        self.hosts.iter().map(String::as_str).find(|host| !host.starts_with("*."))
    }

    /// The tightest session limits of the floors that fit and of the rule that decides.
    pub fn session_limits(&self, request: &Request<'_>, now: Timestamp) -> SessionLimits {
        let facts = Facts::of(self, request, now);
        let limiting = |floor: &&Floor| floor.session.limits != SessionLimits::default();
        let floors = self.floors.iter().filter(limiting).filter(|floor| floor.matcher.fits(&facts));
        let limits = floors.fold(SessionLimits::default(), |limits, floor| limits.and(floor.session.limits));
        if !self.rules_limit {
            return limits;
        }
        let rules = self.rules_by_path.candidates(request.path, self.paths);
        let mut rules = rules.map(|index| &self.rules[index]);
        rules.find(|rule| rule.matcher.fits(&facts)).map_or(limits, |rule| limits.and(rule.session.limits))
    }

    /// Whether any request of it may have to wait for its person: it is parked.
    pub fn parks(&self) -> bool {
        let once = |require: &Requirement| require.fresh.is_some_and(|fresh| fresh.value == Fresh::Once);
        self.rules.iter().any(|rule| rule.on_step_up.park_body.is_some() || once(&rule.require))
            || self.floors.iter().any(|floor| once(&floor.require))
            || self.previous.as_ref().is_some_and(|previous| previous.parks())
    }

    /// Whether anything of it decides without effect.
    pub fn observes(&self) -> bool {
        self.observe || self.rules.iter().any(|rule| rule.observe)
    }
}

/// What policies refer to: from sluse.yaml.
#[derive(Debug)]
pub struct Shared {
    /// Weakest first.
    pub levels: Vec<Arc<Level>>,
    pub networks: Vec<Arc<Network>>,
    /// The methods that are set up.
    pub methods: Vec<Method>,
    /// How long a proof counts where no `max_age` is stated.
    pub lifetimes: Lifetimes,
    /// Groups that may be named; `None` where sluse.yaml does not list them.
    pub groups: Option<Vec<String>>,
    /// Whose hours `time` means.
    pub zone: TimeZone,
    /// What a rule asks that states no level: to be signed in.
    pub any: Arc<Level>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    pub password: Duration,
    /// Keys and MitID.
    pub strong: Duration,
}

/// A level, by its name; an expression written in place has its text for a name.
#[derive(Debug, PartialEq)]
pub struct Level {
    pub name: String,
    pub expression: Expression,
}

/// Added to the deciding rule wherever it fits.
#[derive(Debug, Default)]
pub struct Floor {
    pub matcher: Matcher,
    pub require: Requirement,
    pub session: SessionSettings,
    pub line: usize,
    written: Written,
}

/// Checked before any rule.
#[derive(Debug)]
pub struct Deny {
    pub name: String,
    pub matcher: Matcher,
    pub say: Option<Text>,
    pub line: usize,
    written: Written,
}

/// The first whose match fits decides.
#[derive(Debug)]
pub struct Rule {
    pub name: String,
    pub matcher: Matcher,
    /// Open to everybody, past the floors.
    pub public: bool,
    pub require: Requirement,
    pub session: SessionSettings,
    pub on_step_up: OnStepUp,
    /// Who may enter all the same, on a reason and a key.
    pub break_glass: Option<BreakGlass>,
    /// Shown when a person is denied.
    pub say: Option<Text>,
    /// `mode: observe`: see [`App::observe`].
    pub observe: bool,
    pub line: usize,
    written: Written,
}

/// How an entry was written, for those who read it with a critical eye.
#[derive(Copy, Clone, Debug, Default)]
struct Written {
    /// What to point at.
    span: Span,
    /// Where `public` stands, if it does.
    public: Option<Span>,
    /// Nothing is wrong with the entry in itself.
    sound: bool,
    /// `overlap: ok`: it is known that earlier, laxer rules take some of its requests.
    overlap: bool,
}

/// What happens when a person is asked for more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnStepUp {
    pub text: Option<Text>,
    /// The largest body, in bytes, that is kept until the step-up is done; `None`: none is.
    pub park_body: Option<u64>,
}

/// Facts of the person. Every part that is stated must hold.
#[derive(Debug, Default, PartialEq)]
pub struct Requirement {
    pub level: Option<Stated<Arc<Level>>>,
    /// One of them.
    pub groups: Option<Stated<Vec<String>>>,
    /// Each of them.
    pub all_groups: Option<Stated<Vec<String>>>,
    /// One of them, by user name in its one spelling.
    pub users: Option<Stated<Vec<String>>>,
    /// Bounds the oldest proof of the satisfying set.
    pub max_age: Option<Stated<Duration>>,
    /// Claims by name: of each, one of the values.
    pub claims: Vec<(String, Stated<Vec<String>>)>,
    /// Bounds the last method of that set.
    pub fresh: Option<Stated<Fresh>>,
}

/// How recently the last method must have been used.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Fresh {
    Within(Duration),
    /// For this very request: method, path and body. Approved once, good for once.
    Once,
}

/// A value, and the line it stands on.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Stated<T> {
    pub value: T,
    pub line: usize,
}

/// `session:` of a floor or a rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionSettings {
    pub limits: SessionLimits,
    /// Requests to these do not show that somebody is there: they keep no session alive.
    pub not_activity: Vec<Pattern>,
}

/// How long a session lives.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionLimits {
    pub idle: Option<Duration>,
    pub absolute: Option<Duration>,
    /// `remember: never`: the browser keeps no user name.
    pub forget: bool,
}

impl SessionLimits {
    fn and(self, other: Self) -> Self {
        let least = |a: Option<Duration>, b: Option<Duration>| a.into_iter().chain(b).min();
        Self {
            idle: least(self.idle, other.idle),
            absolute: least(self.absolute, other.absolute),
            forget: self.forget || other.forget,
        }
    }
}

/// Words for people, in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    pub da: String,
    pub en: String,
}
