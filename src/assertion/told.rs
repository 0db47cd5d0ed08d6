//! What an upstream is told of a session, as header values: made once, and used again while they are true.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;

use super::{AssertionKey, Statement};
use crate::time::Timestamp;

/// How long an assertion is used again: it always has half its life before it.
const REUSED: Duration = Duration::from_secs(30);

/// Kept with a session: as many rules are rarely in use at once.
const KEPT: usize = 4;

/// The values of the headers by these names.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub user: HeaderValue,
    /// With commas between.
    pub groups: HeaderValue,
    pub level: Option<HeaderValue>,
    /// Until when, in seconds since the epoch.
    pub break_glass: Option<HeaderValue>,
    pub assertion: HeaderValue,
}

/// What was told last of a session: a signature costs more than all the rest of a request.
#[derive(Debug, Default)]
pub struct Recent(Mutex<Vec<Kept>>);

#[derive(Debug)]
struct Kept {
    app: String,
    rule: String,
    level: Option<String>,
    break_glass: Option<Timestamp>,
    signed_at: Timestamp,
    told: Told,
}

impl Recent {
    /// What was told lately for the same app, rule, level and glass, or is told now.
    pub fn told(&self, key: &AssertionKey, statement: &Statement<'_>, now: Timestamp) -> Told {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| now >= kept.signed_at && now.since(kept.signed_at) < REUSED);
        let fits = |kept: &&Kept| {
            kept.app == statement.app
                && kept.rule == statement.rule
                && kept.level.as_deref() == statement.level
                && kept.break_glass == statement.break_glass
        };
        if let Some(known) = kept.iter().find(fits) {
            return known.told.clone();
        }
        let told = Told::of(key, statement, now);
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push(Kept {
            app: statement.app.to_owned(),
            rule: statement.rule.to_owned(),
            level: statement.level.map(str::to_owned),
            break_glass: statement.break_glass,
            signed_at: now,
            told: told.clone(),
        });
        told
    }
}

impl Told {
    fn of(key: &AssertionKey, statement: &Statement<'_>, now: Timestamp) -> Self {
        Self {
            user: text(statement.username),
            groups: text(&statement.groups.join(",")),
            level: statement.level.map(text),
            break_glass: statement.break_glass.map(|until| HeaderValue::from(until.as_seconds())),
            assertion: key.sign(statement, now),
        }
    }
}

/// A header's value in UTF-8, without what would end it.
fn text(value: &str) -> HeaderValue {
    let clean: Vec<u8> = value.bytes().filter(|b| !b.is_ascii_control()).collect();
    HeaderValue::try_from(clean).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::super::tests::{NOW, key, password, statement};
    use super::*;

    #[test]
    fn an_assertion_is_used_again_for_half_its_life_and_for_its_rule_alone() {
        let (key, recent, assurance) = (key(), Recent::default(), password());
        let said = |statement: &Statement<'_>, at| recent.told(&key, statement, at).assertion;
        let first = said(&statement(&assurance), NOW);
        let later = NOW.plus(REUSED - Duration::from_millis(1));
        assert_eq!(said(&statement(&assurance), later), first);
        let other = Statement { rule: "export", ..statement(&assurance) };
        assert_ne!(said(&other, later), first);
        let broken = Statement { break_glass: Some(later), ..statement(&assurance) };
        let told = said(&broken, later);
        assert_ne!(told, first);
        let claims = told.to_str().unwrap().split('.').nth(1).unwrap();
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        assert_eq!((&claims["break_glass"], &claims["break_glass_until"]), (&json!(true), &json!(1_000_029)));
        assert_ne!(said(&statement(&assurance), NOW.plus(REUSED)), first);
    }

    #[test]
    fn a_name_ends_no_header() {
        assert_eq!(text("a\r\nX-Sluse-User: b\u{0}"), "aX-Sluse-User: b");
        assert_eq!(text("Åse").as_bytes(), "Åse".as_bytes());
        let (key, assurance, groups) = (key(), password(), ["nurses", "care\nstaff"].map(str::to_owned));
        let statement = Statement { groups: &groups, level: None, ..statement(&assurance) };
        let told = Recent::default().told(&key, &statement, NOW);
        assert_eq!((&told.user, &told.groups, &told.level), (&text("nez"), &text("nurses,carestaff"), &None));
    }
}
