//! What is no way to open: without a reason, a key or the right to, for somebody else, twice, elsewhere.

use serde_json::Value;

use super::{MINUTE, PASSWORD, WHY, Ward, claims, finish, log_in_anew};
use crate::broker::{NEZ, OLE};
use crate::person::{BROWSER, Person};

#[tokio::test]
async fn nothing_else_gives_way() {
    let (ward, mut nez) = Ward::new().await;
    ward.break_glass(&mut nez, "/journal/7").await;
    for (path, status, what) in [
        ("/journal/7", 200, "what was opened"),
        ("/journal/closed", 403, "a deny"),
        ("/medication/7", 403, "another rule"),
        ("/chiefs", 403, "a rule whose glass is not theirs"),
    ] {
        assert_eq!(ward.status(&mut nez, path).await, status, "{what}");
    }
    // The same rule of the same app, at another host.
    let elsewhere = ward.installation.url("journal.localhost", "/journal/7");
    assert_eq!(nez.open(&elsewhere).await.reply.status, 403, "another host");
    for path in ["/journal/closed", "/chiefs"] {
        let page = nez.open(&ward.cura(path)).await;
        assert_eq!(page.link_with("/glass"), None, "{path}");
    }
    // Ages stay: this rule asks for another touch after five minutes, and the touch that broke its glass counts.
    let page = ward.break_glass(&mut nez, "/medication/7").await;
    assert_eq!((page.reply.status, page.url.as_str()), (200, &*ward.cura("/medication/7")));
    ward.gateway.after(6 * MINUTE);
    let page = nez.open(&ward.cura("/medication/7")).await;
    assert_eq!(page.heading(), "Anvend hardwarenøgle");
    assert_eq!(nez.touch(&page).await.reply.status, 200);
    assert_eq!(ward.events("glass-broken").len(), 2);
}

#[tokio::test]
async fn a_ceremony_is_one_persons_in_one_browser_once() {
    let (ward, mut nez) = Ward::new().await;
    let mut ole = Person::let_in(&ward.installation, &OLE, PASSWORD).await;
    // Another's session, in another browser; and with that browser's cookie as well.
    let page = ward.up_to_the_touch(&mut nez, "/journal/7", WHY).await;
    let response = nez.key.assert(&page.options(), &crate::person::origin(&page.url)).expect("the key signs");
    assert_eq!(ole.post_response(&page, "/glass/finish", &response).await.status, 400);
    let browser = nez.cookie("login.localhost", BROWSER).expect("a browser").to_owned();
    let own = ole.cookie("login.localhost", BROWSER).expect("a browser").to_owned();
    ole.plant("login.localhost", BROWSER, &browser);
    assert_eq!(ole.post_response(&page, "/glass/finish", &response).await.status, 400);
    ole.plant("login.localhost", BROWSER, &own);
    // That was an attempt too many, for everybody.
    assert_eq!(nez.post_response(&page, "/glass/finish", &response).await.status, 400);
    let reasons: Vec<_> =
        ward.events("glass-refused").iter().map(|row| row["detail"]["reason"].clone()).collect();
    assert_eq!(reasons, ["ceremony-unknown", "another-session", "ceremony-unknown"]);

    // A touch for something else: a ceremony of this kind is none of the other, and the other none of this.
    let page = ward.up_to_the_touch(&mut nez, "/journal/7", WHY).await;
    let response = nez.key.assert(&page.options(), &crate::person::origin(&page.url)).expect("the key signs");
    assert_eq!(nez.post_response(&page, "/key/finish", &response).await.status, 400);
    ward.gateway.after(61 * MINUTE);
    let mut nez = log_in_anew(&ward, nez, &NEZ).await;
    assert_eq!(ward.status(&mut nez, "/journal/7").await, 403);
    assert!(ward.events("glass-broken").is_empty(), "none of that broke any");

    let page = ward.up_to_the_touch(&mut nez, "/journal/7", WHY).await;
    assert_eq!(finish(&mut nez, &page).await.status, 200);
    assert_eq!(finish(&mut nez, &page).await.status, 400, "replayed");
    assert_eq!(ward.events("glass-broken").len(), 1);
    assert_eq!(ward.status(&mut ole, "/journal/7").await, 303, "Ole has to log in, and is not in");
    let page = ward.up_to_the_touch(&mut log_in_anew(&ward, ole, &OLE).await, "/journal/7", WHY).await;
    assert_eq!(page.heading(), "Bekræft nødadgang", "Ole has his own to break");
}

/// The fields that the script posts say where to go, and no more.
#[tokio::test]
async fn a_touch_opens_what_its_page_showed() {
    let (ward, mut nez) = Ward::new().await;
    let page = ward.up_to_the_touch(&mut nez, "/journal/7", WHY).await;
    let response = nez.key.assert(&page.options(), &crate::person::origin(&page.url)).expect("the key signs");
    let message = serde_json::json!({
        "ceremony": page.attribute("data-ceremony"),
        "response": serde_json::from_str::<Value>(&response).expect("JSON"),
        "to": ward.cura("/medication/7"),
        "method": "GET",
        "rule": "medication",
    });
    let json = [("Content-Type", "application/json"), ("Accept", "application/json")];
    let reply = nez.post(&ward.login("/glass/finish"), &json, &message.to_string()).await;
    assert_eq!(reply.status, 200);
    assert_eq!(ward.status(&mut nez, "/medication/7").await, 403);
    assert_eq!(ward.events("glass-broken")[0]["detail"]["rule"], "journal");
}

#[tokio::test]
async fn whoever_may_not_is_offered_nothing_and_gets_nothing_by_the_address() {
    let (ward, mut nez) = Ward::new().await;
    let address = |to: &str| {
        let to: String = form_urlencoded::byte_serialize(to.as_bytes()).collect();
        ward.login(&format!("/glass/break?to={to}&method=GET"))
    };
    for to in [ward.cura("/chiefs"), ward.cura("/journal/closed"), ward.cura("/home"), ward.login("/me")] {
        let page = nez.open(&address(&to)).await;
        assert_eq!(page.url, to, "on to where the app itself tells");
        let reply = nez
            .post_form(
                &ward.login("/glass/break"),
                &[("to".into(), to.clone()), ("reason".into(), WHY.into())],
            )
            .await;
        assert_eq!(reply.status, 303, "{to}");
    }
    // Nobody is offered anything before they have logged in; then they are back where it is.
    let mut stranger = Person::at(&ward.installation).holding(nez.key);
    let page = stranger.open(&address(&ward.cura("/journal/7"))).await;
    assert_eq!(page.heading(), "Login");
    let page = stranger.log_in(&page, NEZ.user, PASSWORD).await;
    assert_eq!(page.heading(), "Nødadgang", "{}", page.url);
    // A group that is lost meanwhile.
    let page = stranger.submit(&page, "/glass/break", &[("reason", WHY)]).await;
    let file = ward.installation.write("people.csv", "username,name,groups\nnez,Nez Perce,\n");
    ward.installation.succeed(["user", "import", file.to_str().expect("a path")], "");
    assert_ne!(finish(&mut stranger, &page).await.status, 200);
    assert!(ward.events("glass-broken").is_empty());
}

#[tokio::test]
async fn who_has_no_key_breaks_nothing() {
    let (ward, mut nez) = Ward::new().await;
    let mut ole = Person::at(&ward.installation);
    let page = ole.open(&ward.cura("/journal/7")).await;
    let page = ole.log_in(&page, OLE.user, PASSWORD).await;
    let link = page.link_with("/glass/break").expect("it is offered");
    let page = ole.open(&link).await;
    assert_eq!((page.reply.status, page.heading().as_str()), (403, "Du har ingen hardwarenøgle"));
    let hidden = [("to".to_owned(), ward.cura("/journal/7")), ("reason".to_owned(), WHY.to_owned())];
    let reply = ole.post_form(&ward.login("/glass/break"), &hidden).await;
    assert!(reply.status == 403 && !reply.text().contains("data-ceremony"));
    // Taken away while the page waits for its touch.
    let page = ward.up_to_the_touch(&mut nez, "/journal/7", WHY).await;
    ward.installation.succeed(["key", "remove", "nez", "Blå nøgle"], "");
    assert_ne!(finish(&mut nez, &page).await.status, 200);
    assert!(ward.events("glass-broken").is_empty());
}

/// A foreign page can neither open nor close.
#[tokio::test]
async fn a_foreign_page_does_none_of_it() {
    let (ward, mut nez) = Ward::new().await;
    for path in ["/glass/break", "/glass/finish", "/glass/close"] {
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Accept", "text/html"),
            ("Origin", "https://evil.example"),
            ("Sec-Fetch-Site", "cross-site"),
        ];
        assert_eq!(nez.send("POST", &ward.login(path), &headers, "reason=x").await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn requests_by_nobodys_glass_say_nothing_of_it() {
    let (ward, mut nez) = Ward::new().await;
    ward.break_glass(&mut nez, "/journal/7").await;
    let own =
        [("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate"), ("X-Sluse-Break-Glass", "9999999999")];
    assert_eq!(nez.send("GET", &ward.cura("/home?x"), &own, "").await.status, 200);
    let told = ward.origin.request("/home?x").await;
    assert!(told.all("x-sluse-break-glass").is_empty(), "{told:?}");
    assert_eq!(claims(&told)["break_glass"], Value::Null);
}
