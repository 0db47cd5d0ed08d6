//! A ceremony is finished once, by the browser and the person that began it, with what was asked for.

use serde_json::{Value, json};
use sluse::authn::authenticator::{AssertionDraft, flag};

use super::{Field, PASSWORD};
use crate::broker::{NEZ, OLE};
use crate::person::{BROWSER, Page, Person, SESSION, origin};

const LOGIN: &str = "login.localhost";

impl Field {
    /// `nez` before the touch: a password, and the page that asks for the key.
    async fn asked_for_a_touch(&self, nez: &mut Person) -> Page {
        let page = nez.open(&self.installation.cura("/admin/x")).await;
        let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
        assert!(page.url.starts_with(&self.installation.login("/key?")), "{}", page.url);
        page
    }

    async fn is_in(&self, nez: &mut Person) -> bool {
        nez.open(&self.installation.cura("/admin/in")).await.url == self.installation.cura("/admin/in")
    }
}

/// What is done to a ceremony's part on its way.
type Bend<T> = fn(&mut T);

fn draft(nez: &mut Person, page: &Page) -> AssertionDraft {
    nez.key.draft_assertion(&page.options(), &origin(&page.url)).expect("the key goes along")
}

/// What the script of `page` would post.
pub fn message(page: &Page, response: &Value) -> String {
    json!({ "ceremony": page.attribute("data-ceremony"), "response": response }).to_string()
}

/// W43 to W63 as they arrive over HTTP: each is refused, in one voice, and the level stays what it was.
#[tokio::test]
async fn a_bent_assertion_raises_nothing() {
    let field = Field::new().await;
    let key = field.nez().await.key;
    let mut nez = Person::at(&field.installation).holding(key);
    fn client_data(draft: &mut AssertionDraft, from: &str, to: &str) {
        let text = String::from_utf8(draft.client_data.clone()).expect("JSON");
        assert!(text.contains(from), "{text}");
        draft.client_data = text.replace(from, to).into_bytes();
    }
    let before: &[(&str, Bend<AssertionDraft>)] = &[
        ("W43", |draft| client_data(draft, "webauthn.get", "webauthn.create")),
        ("W44 another challenge", |draft| client_data(draft, "\"challenge\":\"", "\"challenge\":\"AAAA")),
        ("W45 another origin", |draft| client_data(draft, "http://login.", "http://evil.")),
        ("W45 a subdomain", |draft| client_data(draft, "http://login.", "http://x.login.")),
        ("W45 https", |draft| client_data(draft, "http://", "https://")),
        ("W46", |draft| client_data(draft, "\"crossOrigin\":false", "\"crossOrigin\":true")),
        ("W47", |draft| client_data(draft, "false}", "false,\"topOrigin\":\"http://evil.example\"}")),
        ("W14", |draft| client_data(draft, "false}", "false}x")),
        ("W48", |draft| draft.authenticator_data[0] ^= 1),
        ("W49", |draft| draft.authenticator_data[32] &= !flag::USER_PRESENT),
        ("W52", |draft| draft.authenticator_data[32] |= flag::BACKUP_ELIGIBLE),
        ("W53", |draft| draft.authenticator_data[32] |= flag::BACKED_UP),
        ("W57", |draft| draft.authenticator_data.push(0)),
        ("W58 short", |draft| draft.authenticator_data.truncate(36)),
        ("W58 extensions", |draft| draft.authenticator_data[32] |= flag::EXTENSIONS),
    ];
    let mut answers = Vec::new();
    for (row, bend) in before {
        nez.post_form(&field.installation.login("/logout"), &[]).await;
        let page = field.asked_for_a_touch(&mut nez).await;
        let mut draft = draft(&mut nez, &page);
        bend(&mut draft);
        let response = nez.key.sign(&draft).expect("the key signs").to_string();
        answers.push((*row, nez.post_response(&page, "/key/finish", &response).await));
        assert!(!field.is_in(&mut nez).await, "{row}");
    }
    let after: &[(&str, Bend<Value>)] = &[
        ("W59", |it| it["response"]["signature"] = "MEUCIQ".into()),
        ("W59 empty", |it| it["response"]["signature"] = "".into()),
        ("W60", |it| {
            it["id"] = "AAAA".into();
            it["rawId"] = "AAAA".into();
        }),
        ("W62 id", |it| it["id"] = "AAAA".into()),
        ("W62 type", |it| it["type"] = "password".into()),
        ("W63 missing", |it| drop(it["response"].as_object_mut().map(|it| it.remove("clientDataJSON")))),
        ("W63 not base64url", |it| it["response"]["authenticatorData"] = "+/=".into()),
        ("a foreign user handle", |it| it["response"]["userHandle"] = "AAAAAAAAAAAAAAAAAAAAAA".into()),
        ("W82 a list", |it| *it = json!([])),
        ("W82 a number", |it| it["response"] = 1.into()),
    ];
    for (row, bend) in after {
        nez.post_form(&field.installation.login("/logout"), &[]).await;
        let page = field.asked_for_a_touch(&mut nez).await;
        let draft = draft(&mut nez, &page);
        let mut response = nez.key.sign(&draft).expect("the key signs");
        bend(&mut response);
        answers.push((*row, nez.post_response(&page, "/key/finish", &response.to_string()).await));
        assert!(!field.is_in(&mut nez).await, "{row}");
    }
    let words = answers[0].1.json()["message"].clone();
    for (row, reply) in &answers {
        assert_eq!(reply.status, 400, "{row}");
        assert_eq!(reply.json()["message"], words, "W73, {row}: the cause is in the audit alone");
        assert!(reply.all("set-cookie").iter().all(|set| !set.starts_with("__Host-sluse=")), "{row}");
    }
    nez.post_form(&field.installation.login("/logout"), &[]).await;
    let page = field.asked_for_a_touch(&mut nez).await;
    nez.touch(&page).await;
    assert!(field.is_in(&mut nez).await, "the key itself is as good as ever");
}

/// W44, W05, W06, W69, W78: whose ceremony it is.
#[tokio::test]
async fn a_ceremony_is_for_one_browser_and_one_session_once() {
    let field = Field::new().await;
    let key = field.nez().await.key;
    let mut nez = Person::at(&field.installation).holding(key);
    let page = field.asked_for_a_touch(&mut nez).await;
    let draft = draft(&mut nez, &page);
    let response = nez.key.sign(&draft).expect("the key signs").to_string();

    let login = field.installation.login("/key/finish");
    let json_type = [("Content-Type", "application/json")];
    let body = message(&page, &serde_json::from_str(&response).expect("JSON"));
    let mut stranger = Person::at(&field.installation);
    assert_eq!(stranger.post(&login, &json_type, &body).await.status, 401, "W69 without a session");
    let cookie = |name| nez.cookie(LOGIN, name).expect("a browser that was here").to_owned();
    stranger.plant(LOGIN, SESSION, &cookie(SESSION));
    assert_eq!(stranger.post(&login, &json_type, &body).await.status, 400, "W78 another browser");
    let mut ole = Person::at(&field.installation);
    let form = ole.open(&field.installation.cura("/app/x")).await;
    ole.log_in(&form, OLE.user, PASSWORD).await;
    assert_eq!(ole.post(&login, &json_type, &body).await.status, 400, "W05 another person");
    ole.plant(LOGIN, BROWSER, &cookie(BROWSER));
    let switched = ole.post(&login, &json_type, &body).await;
    assert_eq!(switched.status, 400, "W05, A41 another session in the same browser");

    // The last one had the right browser: it has spent the ceremony.
    assert_eq!(nez.post_response(&page, "/key/finish", &response).await.status, 400);
    let page = nez.open(&page.url).await;
    let before = self::draft(&mut nez, &page);
    let response = nez.key.sign(&before).expect("the key signs").to_string();
    nez.post_form(&field.installation.login("/logout"), &[]).await;
    let form = nez.open(&field.installation.cura("/admin/x")).await;
    let again = nez.log_in(&form, NEZ.user, PASSWORD).await;
    let old = nez.post_response(&page, "/key/finish", &response).await;
    assert_eq!(old.status, 400, "W05 the same person in the same browser, after a log-out");
    let page = nez.open(&again.url).await;
    let first = self::draft(&mut nez, &page);
    let response = nez.key.sign(&first).expect("the key signs").to_string();
    let wrong_kind = nez.post_response(&page, "/keys/finish", &response).await;
    assert_eq!(wrong_kind.status, 400, "W06 as a registration");
    assert_eq!(
        nez.post_response(&page, "/key/finish", &response).await.status,
        200,
        "and that spent nothing"
    );
    assert_eq!(nez.post_response(&page, "/key/finish", &response).await.status, 400, "W44 a second time");
}

/// A41: two tabs ask for a touch each, and both get theirs. W69 would have the earlier one refused; it is of the
/// same browser and the same signing in, and good for once, so nothing is gained by that.
#[tokio::test]
async fn two_tabs_finish_a_step_up_each() {
    let field = Field::new().await;
    let key = field.nez().await.key;
    let mut nez = Person::at(&field.installation).holding(key);
    let first = field.asked_for_a_touch(&mut nez).await;
    let second = nez.open(&field.installation.cura("/admin/y")).await;
    for (page, target) in [(first, "/admin/x"), (second, "/admin/y")] {
        let touched = nez.touch(&page).await;
        assert_eq!(touched.url, field.installation.cura(target));
    }
}

/// W04: of many that finish one ceremony at once, one does.
#[tokio::test]
async fn of_many_finishes_at_once_one_counts() {
    let field = Field::new().await;
    let key = field.nez().await.key;
    let mut nez = Person::at(&field.installation).holding(key);
    let page = field.asked_for_a_touch(&mut nez).await;
    let draft = draft(&mut nez, &page);
    let response = nez.key.sign(&draft).expect("the key signs");
    let body = message(&page, &response);
    let host = field.authority(LOGIN);
    let cookies = nez.cookie_line(&page.url).expect("cookies");
    let request = format!(
        "POST /key/finish HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {cookies}\r\n\
         Connection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let replies =
        tokio::join!(field.raw(&request), field.raw(&request), field.raw(&request), field.raw(&request),);
    let statuses = [replies.0.status, replies.1.status, replies.2.status, replies.3.status];
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 400 | 401)), "{statuses:?}");
}

/// W54: a counter that went back is refused, and the key proves nothing from then on.
#[tokio::test]
async fn a_key_whose_counter_went_back_is_suspect() {
    let field = Field::new().await;
    let mut first = field.nez().await;
    first.key.sign_count = Some(0);
    let mut nez = Person::at(&field.installation).holding(first.key);
    let page = field.asked_for_a_touch(&mut nez).await;
    let touched = nez.touch(&page).await;
    assert_eq!(touched.reply.status, 400);
    let audit = field.installation.succeed(["audit", "list", "--format", "json"], "");
    assert!(audit.contains("counter-regressed"), "{audit}");
    nez.key.sign_count = Some(1000);
    let page = nez.open(&field.installation.cura("/admin/x")).await;
    assert!(!page.reply.text().contains("data-ceremony"), "it is not asked for again");
    assert!(!field.is_in(&mut nez).await);
}

/// W50, W51: where the policy asks for a PIN, a touch alone is not one.
#[tokio::test]
async fn a_touch_is_no_pin() {
    let field = Field::new().await;
    let url = field.origin.url();
    field.installation.policy(
        "pinned",
        &format!(
            "version: 1\napp: pinned\nhosts: [pin.localhost]\nupstream: {url}\nrules:\n  - name: all\n    \
             match: {{ path: /** }}\n    require: {{ level: password + key(pin) }}\n"
        ),
    );
    let key = field.nez().await.key;
    drop(field.gateway);
    let gateway = field.installation.serve().await;
    let field = Field { gateway, ..field };
    let mut nez = Person::at(&field.installation).holding(key);
    let target = field.installation.url("pin.localhost", "/x");
    let page = nez.open(&target).await;
    let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
    let touched = nez.touch(&page).await;
    assert_ne!(touched.url, target);
    assert_eq!(nez.get(&target).await.status, 303, "not in");
    nez.key.flags |= flag::USER_VERIFIED;
    let page = nez.open(&target).await;
    let touched = nez.touch(&page).await;
    assert_eq!(touched.url, target, "{:?}", touched.reply);
}

/// A51, A78, W40: what is no message of ours is refused and changes nothing.
#[tokio::test]
async fn what_is_no_message_is_refused() {
    let field = Field::new().await;
    let key = field.nez().await.key;
    let mut nez = Person::at(&field.installation).holding(key);
    field.asked_for_a_touch(&mut nez).await;
    let deep = format!("{{\"ceremony\":\"x\",\"response\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let json_type = "application/json";
    for path in ["/key/finish", "/keys/finish"] {
        let url = field.installation.login(path);
        for (case, kind, body, status) in [
            ("empty", json_type, "", 400),
            ("null", json_type, "null", 400),
            ("no fields", json_type, "{}", 400),
            ("a list", json_type, "[]", 400),
            ("unknown", json_type, "{\"ceremony\":\"x\",\"response\":{}}", 400),
            ("twice", json_type, "{\"ceremony\":\"x\",\"ceremony\":\"y\",\"response\":{}}", 400),
            ("not UTF-8 text", json_type, "{\"ceremony\":\"\u{0}\",\"response\":null}", 400),
            ("10 000 deep", json_type, &deep, 400),
            ("a form", "application/x-www-form-urlencoded", "ceremony=x&response=y", 415),
            ("plain", "text/plain", "{\"ceremony\":\"x\",\"response\":{}}", 415),
            ("no type", "", "{}", 415),
            ("64 KiB and more", json_type, &" ".repeat(65 * 1024), 413),
        ] {
            let reply = nez.post(&url, &[("Content-Type", kind)], body).await;
            assert_eq!(reply.status, status, "{path}, {case}");
        }
        let zipped = [("Content-Type", json_type), ("Content-Encoding", "gzip")];
        assert_eq!(nez.post(&url, &zipped, "\u{1f}\u{8b}").await.status, 415, "{path}, gzip");
    }
    for (path, body, status) in [
        ("/login", "", 422),
        ("/login", "username=nez", 422),
        ("/login", "username=nez&username=ole&password=x", 422),
        ("/code", "code=", 422),
        ("/code", "code=%00", 422),
        ("/keys/new", "", 303),
    ] {
        let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "text/html")];
        let reply = nez.post(&field.installation.login(path), &headers, body).await;
        assert_eq!(reply.status, status, "{path}: {body}");
    }
    assert!(!field.is_in(&mut nez).await);
}
