//! Only the gateway's own pages change anything: what a foreign page has a browser send is refused.

use super::{Field, PASSWORD};
use crate::broker::{NEZ, OLE};
use crate::person::{Person, SESSION, origin};
use crate::words::says;

const CURA: &str = "cura.localhost";
const LOGIN: &str = "login.localhost";

/// A60: what browsers add to a request that another page started.
fn foreign(url: &str) -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let own = origin(url);
    let other = if own.contains(LOGIN) { own.replace(LOGIN, CURA) } else { own.replace(CURA, LOGIN) };
    vec![
        ("no Origin", vec![]),
        ("Origin: null", vec![("Origin", "null".into())]),
        ("empty Origin", vec![("Origin", String::new())]),
        ("foreign", vec![("Origin", "https://evil.example".into())]),
        ("another host of ours", vec![("Origin", other)]),
        ("https", vec![("Origin", own.replace("http:", "https:"))]),
        ("no port", vec![("Origin", own.rsplit_once(':').expect("a port").0.into())]),
        ("a longer host", vec![("Origin", format!("{own}.evil.example"))]),
        ("a slash", vec![("Origin", format!("{own}/"))]),
        ("two", vec![("Origin", own.clone()), ("Origin", "https://evil.example".into())]),
        ("cross-site", vec![("Origin", own.clone()), ("Sec-Fetch-Site", "cross-site".into())]),
        ("same-site", vec![("Origin", own.clone()), ("Sec-Fetch-Site", "same-site".into())]),
        ("nobody's site", vec![("Origin", own), ("Sec-Fetch-Site", "none".into())]),
    ]
}

#[tokio::test]
async fn no_foreign_page_changes_anything() {
    let field = Field::new().await;
    let mut nez = field.nez().await;
    let me = nez.open(&field.installation.login("/me")).await;
    let rename = me.link_with("/rename").expect("nez has a key");
    let delete = rename.replace("/rename", "/delete");
    let (login, cura) =
        (|path: &str| field.installation.login(path), |path: &str| field.installation.cura(path));
    let form = "application/x-www-form-urlencoded";
    let credentials = format!("username={}&password={}", OLE.user, PASSWORD.replace(' ', "+"));
    let posts = [
        (login("/login"), form, credentials.as_str()),
        (login("/logout"), form, ""),
        (login("/code"), form, "code=ABCD-EFGH"),
        (login("/mitid"), form, ""),
        (login("/keys/new"), form, "name=Evil"),
        (login("/keys/finish"), "application/json", "{}"),
        (login("/key/finish"), "application/json", "{}"),
        (login(&rename), form, "name=Evil"),
        (login(&delete), form, ""),
        (cura("/.sluse/logout"), form, ""),
    ];
    let session = nez.cookie(LOGIN, SESSION).expect("a session").to_owned();
    for (url, kind, body) in &posts {
        for (case, headers) in foreign(url) {
            let mut all = vec![("Content-Type", *kind), ("Accept", "text/html")];
            all.extend(headers.iter().map(|(name, value)| (*name, value.as_str())));
            let reply = nez.send("POST", url, &all, body).await;
            assert_eq!(reply.status, 403, "{url}, {case}");
            let opened = reply.all("set-cookie").iter().any(|set| set.starts_with("__Host-sluse="));
            assert!(!opened, "{url}, {case}: {reply:?}");
            assert_eq!(reply.header("cache-control"), Some("no-store"), "{url}, {case}");
        }
    }
    assert_eq!(nez.cookie(LOGIN, SESSION), Some(session.as_str()));
    let me = nez.open(&login("/me")).await;
    assert!(me.reply.text().contains("Blå nøgle") && !says(&me.reply.text(), "Evil"), "nothing changed");
    assert_eq!(nez.open(&cura("/admin/x")).await.url, cura("/admin/x"), "still in");

    let audit = field.installation.succeed(["audit", "list", "--limit", "1000", "--format", "json"], "");
    let refused = audit.matches("cross-site-refused").count();
    assert_eq!(refused, posts.len() * foreign(&posts[0].0).len(), "each is in the audit");
}

/// A60: nobody is signed in as somebody else by a page that posts a login.
#[tokio::test]
async fn no_foreign_page_signs_anybody_in() {
    let field = Field::new().await;
    let mut victim = Person::at(&field.installation);
    victim.open(&field.installation.login("/login")).await;
    let body = format!("username={}&password={}", NEZ.user, PASSWORD.replace(' ', "+"));
    for (case, headers) in foreign(&field.installation.login("/login")) {
        let mut all = vec![("Content-Type", "application/x-www-form-urlencoded")];
        all.extend(headers.iter().map(|(name, value)| (*name, value.as_str())));
        let reply = victim.send("POST", &field.installation.login("/login"), &all, &body).await;
        assert_eq!(reply.status, 403, "{case}");
        assert_eq!(victim.cookie(LOGIN, SESSION), None, "{case}");
    }
}

/// A65, R48: nothing changes on GET, however it is asked.
#[tokio::test]
async fn a_picture_logs_nobody_out() {
    let field = Field::new().await;
    let mut nez = field.nez().await;
    let id = nez.open(&field.installation.login("/me")).await.link_with("/rename").expect("nez has a key");
    for (url, status) in [
        (field.installation.login("/logout"), 405),
        (field.installation.cura("/.sluse/logout"), 200),
        (field.installation.login("/code"), 405),
        (field.installation.login("/key/finish"), 405),
        (field.installation.login("/keys/finish"), 405),
        (field.installation.login("/mitid"), 405),
        (field.installation.login(&id.replace("/rename", "/delete")), 200),
        (field.installation.login("/logged-out"), 200),
        (field.installation.login("/abort"), 303),
    ] {
        let reply = nez.send("GET", &url, &[("Sec-Fetch-Site", "cross-site")], "").await;
        assert_eq!(reply.status, status, "{url}");
    }
    let page = nez.open(&field.installation.cura("/admin/x")).await;
    assert_eq!(page.url, field.installation.cura("/admin/x"), "still in");
    assert!(nez.open(&field.installation.login("/me")).await.reply.text().contains("Blå nøgle"));
}
