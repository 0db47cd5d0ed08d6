//! `mode: observe`: what would be decided is told, and what was live before decides.

use std::sync::Arc;

use super::decide::{Rules, decide_with};
use super::explain::{Trace, outcome};
use super::path::CanonicalPath;
use super::{App, Decision, Denial, Person, Reason, Request};
use crate::time::Timestamp;

/// What an observing rule or app would have decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// `allow`, `login`, `step_up` or `deny`.
    pub outcome: &'static str,
    /// The same in the words of a test's `expect`: `step_up key`.
    pub told: String,
    /// The rule that would have decided, if one was reached.
    pub rule: Option<String>,
}

/// The decision that has effect, where the policy as it is written gives `written`.
///
/// Without a version from before (a new app, or a gateway that was just started) an app decides as it is
/// written, and a rule is passed over as though it were not there yet.
///
/// `trace` hears how that came about, unless it is `written` itself.
pub(super) fn enforced(
    app: &Arc<App>,
    request: &Request<'_>,
    person: Option<&Person<'_>>,
    now: Timestamp,
    written: Decision,
    trace: &mut impl Trace,
) -> Decision {
    let observed = Observed::of(&written);
    let by = observed.rule.as_deref().and_then(|name| app.rules.iter().find(|rule| rule.name == name));
    if !app.observe && !by.is_some_and(|rule| rule.observe) {
        return written;
    }
    match &app.previous {
        Some(previous) => before(previous, app, (request, person), now, trace).observing(observed),
        None if app.observe => written,
        None => decide_with(app, request, person, now, Rules::Enforced, trace).observing(observed),
    }
}

/// What `previous` decides; it may normalise paths by other rules.
fn before(
    previous: &Arc<App>,
    app: &Arc<App>,
    (request, person): (&Request<'_>, Option<&Person<'_>>),
    now: Timestamp,
    trace: &mut impl Trace,
) -> Decision {
    let Ok(path) = CanonicalPath::parse(request.path.as_bytes(), previous.paths) else {
        return Decision::Deny(Denial::new(Reason::NoRule, None, None));
    };
    let request = Request { path: path.as_str(), ..*request };
    decide_with(previous, &request, person, now, Rules::Enforced, trace).on(app)
}

impl Observed {
    fn of(decision: &Decision) -> Self {
        let (outcome, rule) = match decision {
            Decision::Allow(permit) => ("allow", Some(permit.rule())),
            Decision::Login(demand) => ("login", Some(demand.rule.as_str())),
            Decision::StepUp(demand) => ("step_up", Some(demand.rule.as_str())),
            Decision::Deny(denial) => ("deny", denial.rule.as_deref()),
        };
        Self { outcome, told: self::outcome(decision), rule: rule.map(str::to_owned) }
    }
}
