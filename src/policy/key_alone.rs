//! Whether anybody may come in by a key and its PIN alone: only where a policy says so.

use super::expression::Need;
use super::{App, Level, Rule};

impl App {
    /// Whether a rule is met by `key(pin)` without anything else, and says `key(pin)`. Every floor counts, whether
    /// or not it would fit: rather too few than too many.
    pub(super) fn opens_to_key_alone(&self) -> bool {
        let floors: Vec<&Level> =
            self.floors.iter().filter_map(|floor| floor.require.level.as_ref()).map(|l| &*l.value).collect();
        let opens = |rule: &Rule| {
            let own = rule.require.level.as_ref().map(|level| &*level.value);
            let all = || floors.iter().copied().chain(own);
            all().all(|level| is_met(level, false)) && all().any(|level| is_met(level, true))
        };
        self.rules.iter().filter(|rule| !rule.public).any(opens)
    }
}

/// Whether a key alone meets it, or one with a PIN where that is what the level says.
fn is_met(level: &Level, said: bool) -> bool {
    let sets = level.expression.sets();
    sets.iter().any(|set| matches!(set.needs(), [Need::Key { pin }] if *pin || !said))
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::policy::file;
    use crate::policy::problem::Source;

    fn opens(floor: &str, rule: &str) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let policy = format!(
            "version: 1\napp: a\nhosts: [a.example]\nupstream: http://u:1\n{floor}rules:\n\
             - {{ name: open, match: {{ path: /open }}, public: true }}\n\
             - {{ name: rest, match: {{ path: /** }}{rule} }}\n"
        );
        std::fs::write(folder.path().join("a.yaml"), policy).unwrap();
        let text = include_str!("../../deploy/sluse.yaml").to_owned();
        let config = Config::parse(&Source { name: String::new(), text }, folder.path()).unwrap();
        file::load(folder.path(), &config).unwrap().opens_to_key_alone()
    }

    #[test]
    fn a_key_alone_opens_what_a_policy_says() {
        let floor = |level: &str| format!("floor: [{{ require: {{ level: {level} }} }}]\n");
        let rule = |level: &str| format!(", require: {{ level: {level} }}");
        assert!(opens("", &rule("key(pin)")));
        assert!(opens("", &rule("password + key | key(pin)")));
        assert!(opens(&floor("key(pin)"), ""));
        assert!(opens(&floor("key"), &rule("key(pin)")));
        assert!(!opens("", ""), "nobody said so");
        assert!(!opens("", &rule("key")), "a touch is no login");
        assert!(!opens(&floor("strong"), &rule("pin")));
        assert!(!opens("", &rule("password + key(pin)")));
    }
}
