//! The login tells nobody who has an account, and nothing that is typed breaks it.

use super::{Field, PASSWORD};
use crate::broker::Person as Account;
use crate::person::Person;
use crate::raw::{Connection, Reply};

/// The reply to a login, with what differs from one request to the next made the same.
fn shape(reply: &Reply, name: &str) -> (u16, Vec<(String, String)>, String) {
    let fixed = |(header, value): &(String, String)| {
        let value = if header.eq_ignore_ascii_case("set-cookie") { "…" } else { value.as_str() };
        let header = header.to_ascii_lowercase();
        (header != "date").then(|| (header, value.to_owned()))
    };
    let body = reply.text().replace(&format!("value=\"{name}\""), "value=\"NAME\"");
    (reply.status, reply.headers.iter().filter_map(fixed).collect(), body)
}

/// A44, R17: an unknown user, a wrong password, a disabled account and one without a password answer alike.
#[tokio::test]
async fn nobody_learns_who_has_an_account() {
    let field = Field::new().await;
    field.installation.succeed(["user", "add", "lea", "--name", "Lea"], "");
    field.installation.enrol(&Account { user: "pia", name: "Pia", uuid: "", cpr: None }, PASSWORD);
    field.installation.succeed(["user", "disable", "pia"], "");
    let mut shapes = Vec::new();
    for (case, name, password) in [
        ("known", "nez", "wrong"),
        ("unknown", "nix", "wrong"),
        ("no password set", "lea", "wrong"),
        ("disabled, wrong", "pia", "wrong"),
        ("disabled, right", "pia", PASSWORD),
        ("no name at all", "a\u{1}b", "wrong"),
        ("too long a password", "nez", &"x".repeat(2000)),
    ] {
        let mut person = Person::at(&field.installation);
        let page = person.open(&field.installation.cura("/app/x")).await;
        let page = person.log_in(&page, name, password).await;
        assert_eq!(page.reply.status, 401, "{case}");
        let ask = page.hidden().into_iter().find(|(name, _)| name == "ask").expect("a nonce's hash").1;
        let (status, headers, body) = shape(&page.reply, name);
        shapes.push((case, (status, headers, body.replace(&ask, "ASK"))));
    }
    let (_, known) = &shapes[0];
    for (case, other) in &shapes {
        // All names have one length, since the form shows the name again.
        assert_eq!(other.0, known.0, "{case}");
        assert_eq!(other.2, known.2, "{case}");
        assert_eq!(other.1, known.1, "{case}");
    }
}

/// A49: more than a password is, is not read.
#[tokio::test]
async fn a_huge_password_is_not_read() {
    let field = Field::new().await;
    let login = field.authority("login.localhost");
    let head = |length: &str| {
        format!(
            "POST /login HTTP/1.1\r\nHost: {login}\r\nOrigin: http://{login}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n{length}\r\n\r\n"
        )
    };
    let body = format!("username=nez&password={}", "x".repeat(1 << 20));
    let announced = format!("{}{body}", head(&format!("Content-Length: {}", body.len())));
    assert_eq!(field.raw(announced).await.status, 413);
    let chunked = format!("{}{:x}\r\n{body}\r\n0\r\n\r\n", head("Transfer-Encoding: chunked"), body.len());
    assert_eq!(field.raw(chunked).await.status, 413);
    assert_eq!(field.ask("GET /public/x HTTP/1.1").await.status, 200, "and all goes on");
}

/// A49: many passwords at once wait or are turned away, and nobody else waits for them.
#[tokio::test]
async fn a_crowd_at_the_login_does_not_stop_the_traffic() {
    let field = Field::new().await;
    let login = field.authority("login.localhost");
    let body = "username=nez&password=wrong";
    let request = format!(
        "POST /login HTTP/1.1\r\nHost: {login}\r\nOrigin: http://{login}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (start, last) = request.split_at(request.len() - 1);
    let mut crowd: Vec<Connection> = Vec::new();
    for _ in 0..200 {
        let mut connection = field.connect().await;
        connection.send(start).await;
        crowd.push(connection);
    }
    for connection in &mut crowd {
        connection.send(last).await;
    }
    assert_eq!(field.ask("GET /public/x HTTP/1.1").await.status, 200, "while they wait");
    let mut turned_away = 0;
    for mut connection in crowd {
        let reply = connection.reply().await;
        assert!(matches!(reply.status, 401 | 429), "{}", reply.status);
        if reply.status == 429 {
            assert!(reply.header("retry-after").is_some());
            turned_away += 1;
        }
    }
    assert!(turned_away > 0, "so many do not all get a place");
}

/// A50: a password counts as typed.
#[tokio::test]
async fn a_password_is_neither_cut_nor_trimmed_nor_folded() {
    const ODD: &str = " Grøn \u{1f511} nøgle med mellemrum til sidst og mere end 72 bytes i alt, talt efter ";
    let field = Field::new().await;
    field.installation.enrol(&Account { user: "eva", name: "Eva", uuid: "", cpr: None }, ODD);
    for (case, typed, status) in [
        ("as it is", ODD.to_owned(), 200),
        ("trimmed", ODD.trim().to_owned(), 401),
        ("cut", ODD[..72].to_owned(), 401),
        ("lower case", ODD.to_lowercase(), 401),
        ("with a NUL", format!("{ODD}\0"), 401),
        ("with more", format!("{ODD}x"), 401),
    ] {
        let mut eva = Person::at(&field.installation);
        // Five in a row would be locked out.
        field.installation.succeed(["user", "unlock", "eva"], "");
        let page = eva.open(&field.installation.cura("/app/x")).await;
        assert_eq!(eva.log_in(&page, "eva", &typed).await.reply.status, status, "{case}");
    }
}

/// A59: names are text, wherever they are shown.
#[tokio::test]
async fn names_are_escaped() {
    const NAME: &str = "\"><img src=x onerror=alert(1)>{{7*7}}'</title></script>";
    let field = Field::new().await;
    let account = Account { user: "<b>mia\"'", name: NAME, uuid: "", cpr: None };
    field.installation.enrol(&account, PASSWORD);
    let mut mia = Person::at(&field.installation);
    let page = mia.open(&field.installation.cura("/")).await;
    let refused = mia.log_in(&page, account.user, "wrong").await;
    let page = mia.log_in(&page, account.user, PASSWORD).await;
    let coded = mia.submit(&page, "/code", &[("code", &field.installation.invite(&account))]).await;
    let named = mia.submit(&coded, "/keys/new", &[("name", NAME)]).await;
    let response = mia.key.register(&named.options(), &field.installation.login("")).expect("goes along");
    let registered = mia.finish(&named, "/keys/finish", &response).await;
    let touch = mia.go_on(&registered).await;
    mia.touch(&touch).await;
    let me = mia.open(&field.installation.login("/me")).await;
    let rename = me.link_with("/rename").expect("a key");
    let rename = mia.open(&field.installation.login(&rename)).await;
    let delete = mia.open(&rename.url.replace("/rename", "/delete")).await;
    for (case, page) in [
        ("refused", refused),
        ("no keys", page),
        ("named", named),
        ("registered", registered),
        ("touch", touch),
        ("me", me),
        ("rename", rename),
        ("delete", delete),
    ] {
        let text = page.reply.text();
        assert!(matches!(page.reply.status, 200 | 401), "{case}: {}", page.reply.status);
        assert!(!text.contains("<img src=x") && !text.contains("<b>mia"), "{case}: {text}");
        assert!(!text.contains("</script>{{") && !text.contains("'</title>"), "{case}: {text}");
        assert!(!text.contains(">49"), "{case}");
    }
    let told = field.origin.request("/").await;
    assert_eq!(told.all("x-sluse-user"), ["<b>mia\"'"], "as it is: a header is not HTML");
}

/// A84: what is typed is one value in one record, in the log and in the audit.
#[tokio::test]
async fn a_typed_name_cannot_forge_a_record() {
    const TYPED: &str =
        "nez\r\n2026-01-01T00:00:00Z INFO sluse::request user=\"forged\" {\"event\":\"x\"}\u{1b}[31m";
    let field = Field::new().await;
    let mut person = Person::at(&field.installation);
    let page = person.open(&field.installation.cura("/app/x")).await;
    person.log_in(&page, TYPED, "wrong").await;
    let agent = "Mozilla \"}\\n {\"event\":\"forged\"}";
    field.ask(&format!("GET /public/x HTTP/1.1\r\nUser-Agent: {agent}")).await;
    field.gateway.logged("/public/x").await;
    let log = field.gateway.log();
    assert!(!log.contains('\u{1b}'), "no terminal is driven from outside");
    assert!(log.lines().all(|line| !line.starts_with("2026-01-01")), "{log}");
    let audit = field.installation.succeed(["audit", "list", "--format", "json"], "");
    let records: serde_json::Value = serde_json::from_str(&audit).expect("JSON");
    let names: Vec<_> = records.as_array().expect("a list").iter().map(|it| &it["username"]).collect();
    assert_eq!(names.iter().filter(|name| name.as_str().is_some_and(|it| it.contains("forged"))).count(), 1);
    let table = field.installation.succeed(["audit", "list"], "");
    assert!(table.lines().all(|line| !line.starts_with("2026-01-01")), "{table}");
    assert!(!table.contains('\u{1b}'), "{table}");
}
