//! What a mail says, in every language of the installation, as nobody's own language is known.

use super::notice::Notice;
use crate::audit::CorrelationIds;
use crate::pages::text::telling::Telling;
use crate::pages::text::{Lang, moment};
use crate::user::User;

/// The longest name that is shown.
const LONGEST: usize = 60;

/// A mail without its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// To whom it happened to. `phone` is the service desk's. `None` for what has no words.
pub(super) fn to_person(
    notice: &Notice,
    user: &User,
    languages: &[Lang],
    phone: Option<&str>,
) -> Option<Letter> {
    in_all(languages, notice, |lang, words, lead| {
        let mut facts = vec![(words.user, user.username.to_string())];
        facts.extend(filled(words.key, plain(notice.text("key"))));
        facts.push((words.at, moment(lang, notice.at())));
        facts.extend(notice.address.map(|address| (words.address, address.to_string())));
        facts.extend(filled(words.browser, plain(notice.text("client"))));
        let code = CorrelationIds::parse(&notice.correlation);
        facts.extend(code.clone().map(|code| (words.code, code)));
        let mut facts = listed(&facts);
        if !notice.text("operator").is_empty() {
            facts = format!("{facts}\n{}", words.by_desk);
        }
        let mut not_you = match phone {
            Some(phone) => words.not_you_call.replace("{}", phone),
            None => words.not_you.to_owned(),
        };
        if code.is_some() {
            not_you = format!("{not_you} {}", words.code_hint);
        }
        let hello = format!("{} {}", words.hello, plain(&user.name)).trim_end().to_owned();
        [&hello, lead, &facts, &format!("{}\n{not_you}", words.you), words.footer].join("\n\n")
    })
}

/// To those whom alarms go to.
pub(super) fn to_administrators(notice: &Notice, languages: &[Lang]) -> Option<Letter> {
    in_all(languages, notice, |lang, words, lead| {
        let number = |name: &str| notice.detail[name].as_u64();
        let mut facts = Vec::new();
        if let (Some(count), Some(minutes)) = (number("wrong").or(number("locked")), number("minutes")) {
            let within = words.minutes.replace("{}", &minutes.to_string());
            facts.push((words.count, format!("{count} {within}")));
        }
        if let (Some(from), Some(to)) = (notice.detail["from"].as_str(), notice.detail["to"].as_str()) {
            facts.push((words.from_to, format!("{from}, {to}")));
        }
        // What a stranger typed stands in the audit, not here: it could be a text of theirs.
        let known = notice.username.as_deref().filter(|_| notice.user.is_some());
        match notice.text("by") {
            "address" => facts.extend(notice.address.map(|address| (words.address, address.to_string()))),
            _ => facts.extend(known.map(|name| (words.user, plain(name)))),
        }
        facts.push((words.at, moment(lang, notice.at())));
        facts.push((words.more, format!("sluse audit list --event {}", notice.event)));
        [lead, &listed(&facts), words.footer_administrators].join("\n\n")
    })
}

fn in_all(
    languages: &[Lang],
    notice: &Notice,
    write: impl Fn(Lang, &Telling, &str) -> String,
) -> Option<Letter> {
    let for_good = notice.text("kind") == "for-good";
    let words = |lang: Lang| lang.texts().telling.of(&notice.event, for_good);
    let (subject, _) = words(*languages.first()?)?;
    let bodies =
        languages.iter().filter_map(|lang| Some(write(*lang, &lang.texts().telling, words(*lang)?.1)));
    let below = languages[1..].iter().map(|lang| format!("{}\n\n", lang.texts().telling.below));
    let body = bodies.collect::<Vec<_>>().join("\n\n----\n\n");
    Some(Letter { subject: subject.to_owned(), body: format!("{}{body}\n", below.collect::<String>()) })
}

fn filled(label: &'static str, value: String) -> Option<(&'static str, String)> {
    (!value.is_empty()).then_some((label, value))
}

fn listed(facts: &[(&str, String)]) -> String {
    facts.iter().map(|(label, value)| format!("{label}: {value}")).collect::<Vec<_>>().join("\n")
}

/// A name somebody chose, on one line and without what a mail program would make a link of: whoever has got into
/// an account may name a key, and so write in a mail to whom it belongs.
fn plain(name: &str) -> String {
    let mut shown = String::new();
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        let ends_a_word = rest.peek().is_none_or(|next| next.is_whitespace());
        let fine = c.is_alphanumeric()
            || matches!(c, '-' | '_' | '(' | ')' | '\'' | ',')
            || (c == '.' && ends_a_word);
        match (fine, shown.ends_with(' ')) {
            (true, _) => shown.push(c),
            (false, false) => shown.push(' '),
            (false, true) => {}
        }
    }
    shown.chars().take(LONGEST).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::audit::told::{TOLD, To};
    use crate::time::Timestamp;
    use crate::user::{UserId, Username};

    fn notice(event: &str, detail: Value) -> Notice {
        serde_json::from_value(json!({
            "id": "1f", "position": 7, "at": 1_795_337_696_007_i64, "event": event, "user": Uuid::nil(),
            "username": "nez", "address": "10.20.0.7", "correlation": "7F3K-92QD", "detail": detail,
        }))
        .unwrap()
    }

    fn nez(name: &str) -> User {
        User {
            id: UserId(Uuid::nil()),
            username: Username::parse("nez").unwrap(),
            name: name.to_owned(),
            groups: Vec::new(),
            claims: Vec::new(),
            cpr: None,
            disabled: false,
            expires_at: None,
            created_at: Timestamp::EPOCH,
        }
    }

    fn person(notice: &Notice, phone: Option<&str>) -> String {
        let Letter { subject, body } = to_person(notice, &nez("Nez Perce"), &Lang::ALL, phone).unwrap();
        format!("Subject: {subject}\n\n{body}")
    }

    #[test]
    fn as_people_read_it() {
        let key = notice("key-registered", json!({ "key": "Blå nøgle", "client": "Chrome, Android" }));
        insta::assert_snapshot!("key_registered", person(&key, Some("72 10 10 10")));
        let mut password = notice("password-set", json!({ "operator": "hbo" }));
        (password.address, password.correlation) = (None, "aB3xY".to_owned());
        insta::assert_snapshot!("password_set_by_desk", person(&password, None));
        let locked = notice("account-locked", json!({ "kind": "for-a-while", "browser": "unknown" }));
        insta::assert_snapshot!("account_locked", person(&locked, Some("72 10 10 10")));
    }

    #[test]
    fn as_administrators_read_it() {
        let by_name = notice("password-guessing", json!({ "by": "name", "wrong": 10, "minutes": 10 }));
        let letter = |notice: &Notice| {
            let Letter { subject, body } = to_administrators(notice, &[Lang::Da]).unwrap();
            format!("Subject: {subject}\n\n{body}")
        };
        insta::assert_snapshot!("password_guessing", letter(&by_name));
        // What a stranger typed, and nobody is called, could be a text of theirs.
        let mut typed = by_name.clone();
        (typed.user, typed.username) = (None, Some("ring 12 34 56 78".to_owned()));
        assert!(!letter(&typed).contains("ring"));
        let lockouts = notice("many-lockouts", json!({ "locked": 10, "minutes": 10 }));
        assert!(letter(&lockouts).contains("Antal: 10 på 10 minutter"));
        let countries = notice("two-countries", json!({ "from": "DK", "to": "SE", "minutes": 120 }));
        assert!(letter(&countries).contains("Lande: DK, SE\nBrugernavn: nez\n"));
    }

    #[test]
    fn every_event_that_is_told_has_words_in_every_language() {
        for told in TOLD {
            let notice = notice(told.event.code(), json!({}));
            let letter = match told.to {
                To::Person => to_person(&notice, &nez("Nez"), &Lang::ALL, None),
                To::Administrators => to_administrators(&notice, &Lang::ALL),
            };
            let letter = letter.unwrap_or_else(|| panic!("no words for {:?}", told.event));
            assert_eq!(letter.body.matches("----").count(), 1);
            assert!(!letter.body.contains("{}"), "{}", letter.body);
        }
        let locked = |kind| person(&notice("account-locked", json!({ "kind": kind })), None);
        assert!(
            locked("for-a-while").contains("fem minutter") && !locked("for-good").contains("fem minutter")
        );
    }

    /// A mail program makes links of addresses: there is none in any mail, whoever wrote the names in it.
    #[test]
    fn nobody_writes_a_link_or_a_line() {
        for (chosen, shown) in [
            ("Blå nøgle (2)", "Blå nøgle (2)"),
            ("se https://evil.example/x?y", "se https evil example x y"),
            ("www.evil.dk", "www evil dk"),
            ("a\r\nBcc: ole@evil.dk", "a Bcc ole evil dk"),
            ("Per A. Holm", "Per A. Holm"),
            ("\u{202e}\u{0}", ""),
        ] {
            assert_eq!(plain(chosen), shown, "{chosen:?}");
            let key = notice("key-deleted", json!({ "key": chosen, "client": chosen }));
            let letter = to_person(&key, &nez(chosen), &Lang::ALL, None).unwrap();
            for mark in ["://", "www.", "evil.", "\r", "Bcc:"] {
                assert!(!letter.body.contains(mark) && !letter.subject.contains(mark), "{}", letter.body);
            }
        }
        assert_eq!(plain(&"x".repeat(500)).len(), LONGEST);
    }
}
