//! A session is what its cookie proves, at its host, for as long as it lives, and no longer.

use sluse::random::SystemRandom;
use sluse::secret::Secret;
use sluse::session::cookie::SessionToken;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use super::{Field, PASSWORD};
use crate::broker::{NEZ, OLE};
use crate::person::{ASK, BROWSER, Person, SESSION};
use crate::wait::until;

const CURA: &str = "cura.localhost";
const LOGIN: &str = "login.localhost";

/// Whether these cookies get to the upstream.
async fn opens(field: &Field, cookies: &str) -> bool {
    let reply = field.ask(&format!("GET /admin/x HTTP/1.1\r\nCookie: {cookies}")).await;
    assert!(matches!(reply.status, 200 | 401), "{}", reply.status);
    let me = field.ask(&format!("GET /.sluse/session HTTP/1.1\r\nCookie: {cookies}")).await;
    if reply.status == 401 {
        assert!(!me.text().contains("strong"), "{}", me.text());
    }
    reply.status == 200
}

/// Whether these cookies are somebody's at the login host.
async fn known_at_login(field: &Field, cookies: &str) -> bool {
    let host = field.authority(LOGIN);
    let request =
        format!("GET /me HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nCookie: {cookies}\r\n\r\n");
    let reply = field.raw(request).await;
    assert!(matches!(reply.status, 200 | 303), "{}", reply.status);
    reply.status == 200
}

/// A34, R44: what is not exactly one genuine token is no token.
#[tokio::test]
async fn a_damaged_cookie_is_no_session() {
    let field = Field::new().await;
    let nez = field.nez().await;
    let good = nez.cookie(CURA, SESSION).expect("a session").to_owned();
    let at_login = nez.cookie(LOGIN, SESSION).expect("a session").to_owned();
    let made_up = |key: [u8; 32]| SessionToken::new(&SystemRandom, &Secret::new(key), CURA).value();
    let last = if good.ends_with('A') { "B" } else { "A" };
    let first = if good.starts_with('A') { "B" } else { "A" };
    let cookie = |value: &str| format!("{SESSION}={value}");
    let cases = [
        ("empty", cookie("")),
        ("no value", SESSION.to_owned()),
        ("cut", cookie(&good[..good.len() - 1])),
        ("longer", cookie(&format!("{good}A"))),
        ("padded", cookie(&format!("{good}="))),
        ("its random part alone", cookie(&good[..43])),
        ("last changed", cookie(&format!("{}{last}", &good[..good.len() - 1]))),
        ("first changed", cookie(&format!("{first}{}", &good[1..]))),
        ("upper case", cookie(&good.to_ascii_uppercase())),
        ("quoted", cookie(&format!("\"{good}\""))),
        ("percent-encoded", cookie(&format!("%{:02X}{}", good.as_bytes()[0], &good[1..]))),
        ("standard alphabet", cookie(&"+/".repeat(32))),
        ("not ASCII", cookie("æøå")),
        ("30 KiB", cookie(&"A".repeat(30 * 1024))),
        ("another installation's key", cookie(&made_up([7; 32]))),
        ("a key of zeros", cookie(&made_up([0; 32]))),
        ("the login host's", cookie(&at_login)),
        ("twice the same", format!("{}; {}", cookie(&good), cookie(&good))),
        ("twice, the second made up", format!("{}; {}", cookie(&good), cookie("x"))),
        ("twice, on two lines", format!("{}\r\nCookie: {}", cookie(&good), cookie(&good))),
        ("another name", format!("sluse={good}")),
        ("another case", format!("__host-sluse={good}")),
        ("as the browser's id", format!("{BROWSER}={good}")),
        ("as a nonce", format!("{ASK}={good}")),
    ];
    let seen = field.origin.received().len();
    for (case, cookies) in cases {
        assert!(!opens(&field, &cookies).await, "{case}");
        assert_eq!(known_at_login(&field, &cookies).await, case == "the login host's", "{case}");
    }
    field.untouched("A34", seen).await;
    assert!(!known_at_login(&field, &cookie(&good)).await, "an app's, at the login host");
    assert!(opens(&field, &cookie(&good)).await, "and all of that ended nothing");
}

/// A35, R37: every authentication has a token of its own, and the one before is dead.
#[tokio::test]
async fn a_token_does_not_outlive_a_login_or_a_step_up() {
    let field = Field::new().await;
    let mut nez = field.nez().await;
    let strong = (field.cookies(&nez), nez.cookie(LOGIN, SESSION).expect("a session").to_owned());
    nez.open(&field.installation.cura("/.sluse/logout")).await;

    // What an attacker planted before the login, made up or their own.
    let mut ole = Person::at(&field.installation);
    let page = ole.open(&field.installation.cura("/app/x")).await;
    ole.log_in(&page, OLE.user, PASSWORD).await;
    let planted = ole.cookie(LOGIN, SESSION).expect("a session").to_owned();
    let mut victim = Person::at(&field.installation).holding(nez.key);
    victim.plant(LOGIN, SESSION, &planted);
    // A signed-in browser does not see the form; its page may be an old one.
    let form = Person::at(&field.installation).open(&field.installation.cura("/app/x")).await;
    victim.log_in(&form, NEZ.user, PASSWORD).await;
    let after_login = victim.cookie(LOGIN, SESSION).expect("a session").to_owned();
    assert_ne!(after_login, planted);
    let cookie = |value: &str| format!("{SESSION}={value}");
    assert!(known_at_login(&field, &cookie(&after_login)).await);
    assert!(!known_at_login(&field, &cookie(&planted)).await, "A35: the planted one is dead");

    let page = victim.open(&field.installation.cura("/app/x")).await;
    assert_eq!(page.url, field.installation.cura("/app/x"));
    let weak = victim.cookie(CURA, SESSION).expect("a session").to_owned();
    let page = victim.open(&field.installation.cura("/admin/y")).await;
    victim.touch(&page).await;
    let raised = (victim.cookie(LOGIN, SESSION).unwrap(), victim.cookie(CURA, SESSION).unwrap());
    assert_ne!(raised.0, after_login);
    assert_ne!(raised.1, weak);
    assert!(!known_at_login(&field, &cookie(&after_login)).await, "R37: dead at the login host");
    let reply = field.ask(&format!("GET /app/x HTTP/1.1\r\nCookie: {}", cookie(&weak))).await;
    assert_eq!(reply.status, 401, "R37: dead at the app's host");
    assert!(opens(&field, &cookie(raised.1)).await);
    assert!(opens(&field, &strong.0).await, "another browser's is its own");
    assert!(known_at_login(&field, &cookie(&strong.1)).await);
}

/// A40: a password opens what asks for a password, and nothing else.
#[tokio::test]
async fn a_level_is_not_exceeded() {
    let field = Field::new().await;
    let mut nez = Person::at(&field.installation);
    let page = nez.open(&field.installation.cura("/app/x")).await;
    let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
    assert_eq!(page.url, field.installation.cura("/app/x"));
    let cookies = field.cookies(&nez);
    let seen = field.origin.received().len();
    let script = field.ask(&format!("GET /admin/x HTTP/1.1\r\nCookie: {cookies}")).await;
    assert_eq!(script.status, 401);
    assert_eq!(script.header("location"), None);
    assert_eq!(
        script.header("www-authenticate"),
        Some("Bearer error=\"insufficient_user_authentication\", acr_values=\"strong\""),
        "RFC 9470"
    );
    for mode in ["cors", "no-cors", "same-origin", "websocket", ""] {
        let headers = format!("Sec-Fetch-Mode: {mode}\r\nAccept: text/html\r\nCookie: {cookies}");
        let reply = field.ask(&format!("GET /admin/x HTTP/1.1\r\n{headers}")).await;
        assert_eq!((reply.status, reply.header("location")), (401, None), "{mode:?} is no navigation");
    }
    let page = nez.get(&field.installation.cura("/admin/x")).await;
    assert_eq!(page.status, 303, "a navigation is sent to the login host");
    field.untouched("A40", seen).await;
}

/// A36: a log-out, a changed password and a disabled account end every token, at every host.
#[tokio::test]
async fn what_is_over_is_over_everywhere() {
    let field = Field::new().await;
    let mut nez = field.nez().await;
    let cookies = (field.cookies(&nez), cookies_at_login(&nez));
    assert!(opens(&field, &cookies.0).await && known_at_login(&field, &cookies.1).await);
    let reply = nez.post_form(&field.installation.cura("/.sluse/logout"), &[]).await;
    assert_eq!(reply.status, 303);
    assert!(reply.all("set-cookie").iter().any(|set| set.starts_with("__Host-sluse=;")), "{reply:?}");
    assert!(!opens(&field, &cookies.0).await, "logged out at the app's host");
    assert!(!known_at_login(&field, &cookies.1).await, "and at the login host");

    let page = nez.open(&field.installation.cura("/")).await;
    let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
    nez.touch(&page).await;
    let cookies = (field.cookies(&nez), cookies_at_login(&nez));
    let reply = nez.post_form(&field.installation.login("/logout"), &[]).await;
    assert_eq!(reply.status, 303);
    assert!(!opens(&field, &cookies.0).await, "logged out at the login host");
    assert!(!known_at_login(&field, &cookies.1).await);

    for command in [&["user", "set-password", "nez"][..], &["user", "disable", "nez"]] {
        let page = nez.open(&field.installation.cura("/")).await;
        let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
        nez.touch(&page).await;
        let cookies = (field.cookies(&nez), cookies_at_login(&nez));
        assert!(opens(&field, &cookies.0).await, "{command:?}");
        field.installation.succeed(command.iter().copied(), PASSWORD);
        // Another process ended it: the feed tells of it within its interval.
        until("the session to end", async || match opens(&field, &cookies.0).await {
            true => Err(format!("{command:?} has not ended it")),
            false => Ok(()),
        })
        .await;
        assert!(!known_at_login(&field, &cookies.1).await, "{command:?}");
        let seen = field.origin.received().len();
        assert!(!opens(&field, &cookies.0).await, "{command:?}");
        field.untouched("A39", seen).await;
    }
    let page = nez.open(&field.installation.cura("/")).await;
    let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
    assert_eq!(page.reply.status, 401, "a disabled account gets no further than a wrong password");
}

fn cookies_at_login(person: &Person) -> String {
    format!("{SESSION}={}", person.cookie(LOGIN, SESSION).expect("a session at the login host"))
}

/// The hand-off's code: once, in the browser that asked, at the host it was made for.
#[tokio::test]
async fn a_hand_off_code_is_good_once_for_one_browser() {
    let field = Field::new().await;
    let mut nez = Person::at(&field.installation);
    let page = nez.open(&field.installation.cura("/app/x")).await;
    let at_login =
        nez.submit_and_stay(&page, "/login", &[("username", NEZ.user), ("password", PASSWORD)]).await;
    let enter = at_login.header("location").expect("a code").to_owned();
    assert!(enter.starts_with(&field.installation.cura("/.sluse/enter?code=")), "{enter}");
    assert_eq!(at_login.header("cache-control"), Some("no-store"));

    let refused = |case: &str, reply: &crate::raw::Reply| {
        assert_eq!(reply.status, 400, "{case}");
        let opened = reply.all("set-cookie").iter().any(|set| set.starts_with("__Host-sluse="));
        assert!(!opened, "{case}: {reply:?}");
    };
    let mut stranger = Person::at(&field.installation);
    refused("a browser without a nonce", &stranger.get(&enter).await);
    stranger.get(&field.installation.cura("/app/x")).await;
    assert!(stranger.cookie(CURA, ASK).is_some());
    refused("another browser", &stranger.get(&enter).await);
    let elsewhere = enter.replace("cura.localhost", "login.localhost");
    assert_eq!(nez.get(&elsewhere).await.status, 404, "the login host takes no codes");
    let longer = format!("{enter}A");
    refused("a code that was changed", &nez.get(&longer).await);
    refused("no code", &nez.get(&field.installation.cura("/.sluse/enter")).await);

    let own = nez.get(&enter).await;
    assert_eq!((own.status, own.header("location")), (303, Some(field.installation.cura("/app/x").as_str())));
    let session = nez.forget(CURA, SESSION).expect("it opens a session");
    refused("a second time", &nez.get(&enter).await);
    nez.plant(CURA, SESSION, &session);
    let again = nez.get(&enter).await;
    assert_eq!((again.status, again.header("location")), (303, Some("/")), "back in a browser that is in");
    assert_eq!(nez.cookie(CURA, SESSION), Some(session.as_str()), "and no other session");
}

/// Two browsers, one code at once: one gets in.
#[tokio::test]
async fn of_two_that_show_a_code_at_once_one_gets_in() {
    let field = Field::new().await;
    let mut nez = Person::at(&field.installation);
    let page = nez.open(&field.installation.cura("/app/x")).await;
    let at_login =
        nez.submit_and_stay(&page, "/login", &[("username", NEZ.user), ("password", PASSWORD)]).await;
    let enter = at_login.header("location").expect("a code").to_owned();
    let target = enter.strip_prefix(&field.installation.cura("")).expect("at Cura").to_owned();
    let cookies = nez.cookie_line(&enter).expect("a nonce");
    let request = format!("GET {target} HTTP/1.1\r\nCookie: {cookies}");
    let replies =
        tokio::join!(field.ask(&request), field.ask(&request), field.ask(&request), field.ask(&request),);
    let mut statuses = [replies.0.status, replies.1.status, replies.2.status, replies.3.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 400, 400, 400]);
}

/// A83: nothing that opens anything is in the log or the audit.
#[tokio::test]
async fn no_secret_is_written_down() {
    let field = Field::new().await;
    let mut nez = Person::at(&field.installation);
    let code = field.installation.invite(&NEZ);
    let page = nez.open(&field.installation.cura("/")).await;
    let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
    let page = nez.register(&page, &code).await;
    let page = nez.go_on(&page).await;
    let challenge = page.attribute("data-ceremony");
    nez.touch(&page).await;
    nez.open(&field.installation.cura("/admin/x?secret=in-the-query")).await;
    field.origin.request("/admin/x?secret=in-the-query").await;
    field.gateway.logged("/admin/x").await;
    let audit = field.installation.succeed(["audit", "list", "--format", "json"], "");
    let mut secrets = vec![PASSWORD.to_owned(), code.clone(), code.replace('-', ""), challenge];
    for (host, name) in [(CURA, SESSION), (CURA, ASK), (LOGIN, SESSION), (LOGIN, BROWSER)] {
        secrets.push(nez.cookie(host, name).expect("a browser that was here has them all").to_owned());
    }
    secrets.push(NEZ.cpr.expect("nez has a number").to_owned());
    secrets.push("in-the-query".to_owned());
    for secret in secrets {
        assert!(!field.gateway.log().contains(&secret), "in the log: {secret}");
        assert!(!audit.contains(&secret), "in the audit: {secret}");
    }
}

/// A38: with the store gone, nobody is known, and nobody is let in for that.
#[tokio::test]
async fn without_the_store_nobody_is_let_through() {
    let field = Field::new().await;
    let nez = field.nez().await;
    let cookies = field.cookies(&nez);
    let database = format!("sqlite:{}", field.installation.path().join("sluse.db").display());
    let mut store = SqliteConnection::connect(&database).await.expect("the store is a file");
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut store).await.expect("tables");
    sqlx::query("PRAGMA foreign_keys = OFF").execute(&mut store).await.expect("a setting");
    for table in tables {
        // A table of the search index goes with the index.
        let drop = format!("DROP TABLE IF EXISTS \"{table}\"");
        sqlx::query(AssertSqlSafe(drop)).execute(&mut store).await.expect("a table of ours");
    }
    // What was known before is trusted for the lease, and then no longer.
    until("the lease to end", async || {
        match field.ask(&format!("GET /admin/x HTTP/1.1\r\nCookie: {cookies}")).await.status {
            503 => Ok(()),
            status => Err(status.to_string()),
        }
    })
    .await;
    let seen = field.origin.received().len();
    for line in
        ["GET /admin/x HTTP/1.1", "GET /.sluse/session HTTP/1.1", "POST /app/x HTTP/1.1\r\nContent-Length: 0"]
    {
        let reply = field.ask(&format!("{line}\r\nCookie: {cookies}")).await;
        assert_eq!(reply.status, 503, "{line}");
        assert!(!reply.text().contains("sqlite") && !reply.text().contains("no such table"), "{line}");
    }
    field.untouched("A38", seen).await;
    let mut stranger = Person::at(&field.installation);
    let page = stranger.open(&field.installation.cura("/app/x")).await;
    assert_eq!(page.reply.status, 200, "the form needs no store");
    assert_eq!(stranger.log_in(&page, NEZ.user, PASSWORD).await.reply.status, 503, "the login does");
    assert_eq!(stranger.cookie(LOGIN, SESSION), None);
}
