//! Every metric, named here and nowhere else. Served on the admin listener in the Prometheus text format.

use std::time::Duration;

use prometheus::{
    Encoder as _, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

/// The gateway's metrics.
pub struct Metrics {
    registry: Registry,
    /// By app, rule and outcome (`allow`, `login`, `step_up`, `deny`, `refused`, `page`, `error`).
    pub requests: IntCounterVec,
    /// Seconds from a canonical request to its decision, the session included.
    pub decision: Histogram,
    /// Session look-ups by `hit` and `miss`.
    pub session_lookups: IntCounterVec,
    /// Sessions in memory.
    pub sessions: IntGauge,
    /// By kind (`password`, `key`, `key-registration`, `mitid`) and result.
    pub ceremonies: IntCounterVec,
    /// Requests being answered.
    pub in_flight: IntGauge,
    /// 1 for the version that runs.
    pub build: IntGaugeVec,
    /// Seconds since the epoch at which the live policy was loaded.
    pub policy_loaded: IntGauge,
    /// 1 while the files hold a policy that could not be loaded, and an older one is live.
    pub policy_reload_failed: IntGauge,
    /// Passwords locked by wrong ones: `for-a-while` and `for-good`.
    pub lockouts: IntCounterVec,
    /// Requests an observing rule or app had another say on: by app, rule, what became of them, and what
    /// would have.
    pub observed: IntCounterVec,
    /// Traces of requests that were not let through, by `kept` and `dropped`.
    pub traces: IntCounterVec,
    /// Alarms over wrong passwords, by what they have in common: `name` or `address`.
    pub password_alarms: IntCounterVec,
    /// Alarms over many locked accounts.
    pub lockout_alarms: IntCounter,
    /// Alarms over one person in two countries.
    pub country_alarms: IntCounter,
    /// Messages about security events by channel (`person`, `administrators`, `webhook`) and `sent`, `failed`
    /// (to be tried again) or `given-up`.
    pub told: IntCounterVec,
    /// Messages still to be sent.
    pub messages_waiting: IntGauge,
}

/// Bucket bounds of a decision, in seconds: a hit takes microseconds, a miss a read of the store.
const DECISION_BUCKETS: [f64; 9] = [1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 1e-4, 1e-3, 1e-2, 1e-1];

impl Metrics {
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let requests =
            counter("sluse_requests_total", "Requests by what became of them.", &["app", "rule", "outcome"])?;
        let session_lookups = counter(
            "sluse_session_lookups_total",
            "Session look-ups by where they were answered.",
            &["result"],
        )?;
        let ceremonies = counter(
            "sluse_ceremonies_total",
            "Finished ceremonies by kind and result.",
            &["kind", "result"],
        )?;
        let sessions = gauge("sluse_sessions", "Sessions in memory.")?;
        let in_flight = gauge("sluse_requests_in_flight", "Requests being answered.")?;
        let policy_loaded =
            gauge("sluse_policy_loaded_timestamp_seconds", "When the live policy was loaded.")?;
        let policy_reload_failed = gauge(
            "sluse_policy_reload_failed",
            "1 while the policy's files could not be loaded and an older policy is live.",
        )?;
        let observed = counter(
            "sluse_observed_total",
            "Decisions of what only observes, beside what became of the request.",
            &["app", "rule", "outcome", "observed"],
        )?;
        let traces = counter(
            "sluse_traces_total",
            "Traces of requests that were not let through, by whether there was room to keep them.",
            &["result"],
        )?;
        let password_alarms = counter(
            "sluse_password_alarms_total",
            "Alarms over many wrong passwords, by what they have in common.",
            &["by"],
        )?;
        // From the start: Prometheus sees no increase in a series that begins at 1.
        for by in ["name", "address"] {
            password_alarms.with_label_values(&[by]);
        }
        let country_alarms =
            IntCounter::new("sluse_country_alarms_total", "Alarms over one person in two countries.")?;
        registry.register(Box::new(country_alarms.clone()))?;
        let lockout_alarms =
            IntCounter::new("sluse_lockout_alarms_total", "Alarms over many locked accounts.")?;
        registry.register(Box::new(lockout_alarms.clone()))?;
        let told = counter(
            "sluse_told_total",
            "Messages about security events by channel and result.",
            &["channel", "result"],
        )?;
        for channel in ["person", "administrators", "webhook"] {
            for result in ["sent", "failed", "given-up"] {
                told.with_label_values(&[channel, result]);
            }
        }
        let messages_waiting = gauge("sluse_messages_waiting", "Messages still to be sent.")?;
        let lockouts = counter("sluse_lockouts_total", "Passwords locked by wrong ones.", &["kind"])?;
        let build = IntGaugeVec::new(Opts::new("sluse_build_info", "The running version."), &["version"])?;
        registry.register(Box::new(build.clone()))?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let decision = Histogram::with_opts(
            HistogramOpts::new("sluse_decision_seconds", "Time to a decision, the session included.")
                .buckets(DECISION_BUCKETS.to_vec()),
        )?;
        registry.register(Box::new(decision.clone()))?;
        Ok(Self {
            registry,
            requests,
            decision,
            session_lookups,
            sessions,
            ceremonies,
            in_flight,
            build,
            policy_loaded,
            policy_reload_failed,
            lockouts,
            observed,
            traces,
            password_alarms,
            lockout_alarms,
            country_alarms,
            told,
            messages_waiting,
        })
    }

    pub fn decided(&self, took: Duration) {
        self.decision.observe(took.as_secs_f64());
    }

    pub fn ceremony(&self, kind: &str, result: &str) {
        self.ceremonies.with_label_values(&[kind, result]).inc();
    }

    pub fn trace(&self, result: &str, count: usize) {
        self.traces.with_label_values(&[result]).inc_by(count as u64);
    }

    /// The text format, version 0.0.4.
    pub fn render(&self) -> Vec<u8> {
        let mut text = Vec::new();
        // Writing to memory does not fail, and what is registered can be encoded.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_yaml::Value;

    use super::*;

    /// JSON is YAML too.
    const SHIPPED: [&str; 2] =
        [include_str!("../deploy/grafana-dashboard.json"), include_str!("../deploy/alerts.yaml")];

    /// The scraper's, not ours.
    const FOREIGN: [&str; 3] = ["job", "instance", "le"];

    #[test]
    fn what_is_deployed_asks_for_metrics_and_labels_that_exist() {
        let labels = labels_by_name();
        for text in SHIPPED {
            let expressions = expressions(&serde_yaml::from_str(text).unwrap());
            assert!(expressions.len() > 5);
            for expression in expressions {
                let named: Vec<&str> = words(&expression).filter(|word| word.starts_with("sluse_")).collect();
                assert!(!named.is_empty() || expression.starts_with("up{"), "{expression}");
                let known: BTreeSet<&str> = named
                    .iter()
                    .flat_map(|name| labels.get(*name).unwrap_or_else(|| panic!("no `{name}`: {expression}")))
                    .map(String::as_str)
                    .chain(FOREIGN)
                    .collect();
                for label in labels_of(&expression) {
                    assert!(known.contains(label), "no label `{label}`: {expression}");
                }
            }
        }
    }

    /// Every series that can be rendered, by its name there.
    fn labels_by_name() -> BTreeMap<String, BTreeSet<String>> {
        let metrics = Metrics::new().unwrap();
        metrics.requests.with_label_values(&["a", "r", "allow"]).inc();
        metrics.session_lookups.with_label_values(&["hit"]).inc();
        metrics.ceremony("key", "ok");
        metrics.decided(Duration::from_micros(3));
        let text = String::from_utf8(metrics.render()).unwrap();
        let series = text.lines().filter(|line| !line.starts_with('#'));
        series
            .map(|line| {
                let labels = labels_of(line).map(str::to_owned).collect();
                (words(line).next().expect("a series has a name").to_owned(), labels)
            })
            .collect()
    }

    fn expressions(value: &Value) -> Vec<String> {
        match value {
            Value::Mapping(map) => map
                .iter()
                .flat_map(|(key, value)| match value {
                    Value::String(text) if key == "expr" => vec![text.clone()],
                    other => expressions(other),
                })
                .collect(),
            Value::Sequence(list) => list.iter().flat_map(expressions).collect(),
            _ => Vec::new(),
        }
    }

    fn words(text: &str) -> impl Iterator<Item = &str> {
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
    }

    /// The names in `{name="…"}` and in `by (…)`.
    fn labels_of(expression: &str) -> impl Iterator<Item = &str> {
        let inside = |open: &'static str, close: char| {
            expression.split(open).skip(1).filter_map(move |rest| Some(rest.split_once(close)?.0))
        };
        let selected = inside("{", '}').flat_map(|inner| inner.split(',').filter_map(|m| words(m).next()));
        selected.chain(inside("by (", ')').flat_map(words))
    }
}
