//! What is no login: another's key, a second time, another browser, an account that is closed, a flood.

use std::time::Duration;

use super::*;
use crate::person::SESSION;

/// The JSON the script gets, without the code of this very request.
fn said(page: &Page) -> (u16, Value) {
    let message = page.reply.json()["message"].clone();
    (page.reply.status, message)
}

/// The page without what is new each time, and the keys it asks for.
fn shape(page: &Page) -> (String, Vec<String>) {
    let text = page.reply.text();
    let (options, ceremony) = (page.attribute("data-options"), page.attribute("data-ceremony"));
    let options: Value = serde_json::from_str(&options).expect("options are JSON");
    let ids = options["allowCredentials"].as_array().expect("a list");
    let ids: Vec<String> = ids.iter().map(|id| id["id"].as_str().expect("an id").to_owned()).collect();
    let challenge = options["challenge"].as_str().expect("a challenge");
    let text = text.replace(&ceremony, "").replace(challenge, "");
    (ids.iter().fold(text, |text, id| text.replace(id, "")), ids)
}

#[tokio::test]
async fn a_touch_without_a_pin_is_no_login() {
    let ward = Ward::new().await;
    let mut nez = ward.with_key(&NEZ).await;
    nez.key.flags &= !flag::USER_VERIFIED;
    let page = nez.open(&ward.installation.cura("/")).await;
    let page = nez.log_in_by_key(&page, NEZ.user).await;
    assert_eq!(said(&page), (400, "Nøglen blev ikke godkendt. Prøv igen.".into()));
    assert_eq!(ward.told("key-refused")["reason"], "user-not-verified");
    assert_eq!(nez.cookie(LOGIN_HOST, SESSION), None);
    assert_eq!(nez.open(&ward.installation.cura("/")).await.heading(), "Login");
}

#[tokio::test]
async fn nothing_tells_who_has_an_account_or_a_key() {
    let ward = Ward::new().await;
    let mut somebody = ward.with_key(&NEZ).await;
    let form = somebody.open(&ward.installation.cura("/")).await;
    let mut seen = Vec::new();
    for name in ["nez", "ole", "findes-ikke", "heller-ikke", "kan ikke/være et navn"] {
        let page = somebody.name_for_key(&form, name).await;
        let (text, ids) = shape(&page);
        let again = shape(&somebody.name_for_key(&form, name).await).1;
        assert_eq!((page.reply.status, &ids), (200, &again), "{name}: always the same");
        seen.push((name, text, ids));
    }
    // Of keys, some people have more.
    let one = |text: &str| text.replace("&#34;", "\"").replace(",{\"type\":\"public-key\",\"id\":\"\"}", "");
    for (name, text, ids) in &seen[1..] {
        assert!((1..=2).contains(&ids.len()), "{name}: {ids:?}");
        assert!(!seen.iter().any(|(other, _, theirs)| other != name && theirs[0] == ids[0]), "{name}");
        assert_eq!(one(&seen[0].1), one(text), "{name}");
    }
    // Whatever answers, nobody is let in.
    let page = somebody.name_for_key(&form, "findes-ikke").await;
    let own = seen[0].2[0].clone();
    let options = page.options().replace(&shape(&page).1[0], &own);
    let response = somebody.key.assert(&options, &origin(&page.url)).expect("a key for any question");
    let page = somebody.finish(&page, "/login/key/finish", &response).await;
    assert_eq!(said(&page), (400, "Nøglen blev ikke godkendt. Prøv igen.".into()));
    let told = ward.installation.events("key-refused").pop().expect("it is told");
    assert_eq!((&told["username"], &told["user"]), (&"findes-ikke".into(), &Value::Null));
}

#[tokio::test]
async fn anothers_key_logs_nobody_in() {
    let ward = Ward::new().await;
    let (mut nez, ole) = (ward.with_key(&NEZ).await, ward.with_key(&OLE).await);
    let form = nez.open(&ward.installation.cura("/")).await;
    let oles = shape(&nez.name_for_key(&form, OLE.user).await).1;
    let page = nez.name_for_key(&form, NEZ.user).await;
    let options = page.options().replace(&shape(&page).1[0], &oles[0]);
    let mut nez = nez.holding(ole.key);
    let response = nez.key.assert(&options, &origin(&page.url)).expect("it is Ole's");
    let page = nez.finish(&page, "/login/key/finish", &response).await;
    assert_eq!(page.reply.status, 400);
    assert_eq!(ward.told("key-refused")["reason"], "unknown-credential");
    assert_eq!(nez.cookie(LOGIN_HOST, SESSION), None);
}

#[tokio::test]
async fn an_answer_is_good_once_and_in_one_browser() {
    let ward = Ward::new().await;
    let mut nez = ward.with_key(&NEZ).await;
    let form = nez.open(&ward.installation.cura("/")).await;
    let page = nez.name_for_key(&form, NEZ.user).await;
    let response = nez.key.assert(&page.options(), &origin(&page.url)).expect("the key goes along");
    let mut thief = Person::at(&ward.installation);
    thief.open(&ward.installation.cura("/")).await;
    let reply = thief.post_response(&page, "/login/key/finish", &response).await;
    assert_eq!(reply.status, 400, "another browser's");
    // It is not spent by that.
    let reply = nez.post_response(&page, "/login/key/finish", &response).await;
    assert_eq!(reply.status, 200);
    let reply = nez.post_response(&page, "/login/key/finish", &response).await;
    assert_eq!(reply.status, 400, "a second time");
    assert_eq!(ward.told("key-refused")["reason"], "ceremony-unknown");
    // Nor is the answer to one question one to the next, or to another kind.
    let page = nez.name_for_key(&form, NEZ.user).await;
    assert_eq!(nez.post_response(&page, "/login/key/finish", &response).await.status, 400);
    let page = nez.name_for_key(&form, NEZ.user).await;
    let reply = nez.post_response(&page, "/key/finish", &response).await;
    assert_eq!(reply.status, 400);
}

#[tokio::test]
async fn a_question_is_good_for_five_minutes() {
    let ward = Ward::new().await;
    let mut nez = ward.with_key(&NEZ).await;
    let form = nez.open(&ward.installation.cura("/")).await;
    let page = nez.name_for_key(&form, NEZ.user).await;
    ward.gateway.after(Duration::from_secs(5 * 60));
    assert_eq!(nez.answer(&page).await.reply.status, 400);
    let page = nez.name_for_key(&form, NEZ.user).await;
    ward.gateway.after(Duration::from_secs(5 * 60 - 1));
    assert_eq!(nez.answer(&page).await.reply.status, 200);
}

#[tokio::test]
async fn whose_account_is_closed_or_over_is_not_let_in() {
    let ward = Ward::new().await;
    let mut nez = ward.with_key(&NEZ).await;
    let form = nez.open(&ward.installation.cura("/")).await;
    ward.installation.succeed(["user", "disable", NEZ.user], "");
    let page = nez.log_in_by_key(&form, NEZ.user).await;
    assert_eq!(said(&page), (400, "Nøglen blev ikke godkendt. Prøv igen.".into()), "as a wrong key");
    assert_eq!(ward.installation.events("account-inactive").len(), 1);
    ward.installation.succeed(["user", "enable", NEZ.user], "");
    let page = nez.log_in_by_key(&form, NEZ.user).await;
    assert_eq!(page.reply.status, 200);
}

#[tokio::test]
async fn an_account_that_has_ended_says_so_to_its_person() {
    let ward = Ward::new().await;
    let mut nez = ward.with_key(&NEZ).await;
    let until = ward.gateway.clock_shows(Duration::from_secs(3600));
    let people = format!("username,name,expiry\n{},{},{until}\n", NEZ.user, NEZ.name);
    let file = ward.installation.write("people.csv", &people);
    ward.installation.succeed(["user", "import", file.to_str().expect("UTF-8")], "");
    let form = nez.open(&ward.installation.cura("/")).await;
    ward.gateway.after(Duration::from_secs(2 * 3600));
    let page = nez.log_in_by_key(&form, NEZ.user).await;
    let (status, message) = said(&page);
    assert_eq!(status, 403);
    assert!(message.as_str().is_some_and(|words| words.starts_with("Din konto er udløbet.")), "{message}");
    assert_eq!(nez.cookie(LOGIN_HOST, SESSION), None);
}

#[tokio::test]
async fn wrong_passwords_do_not_lock_the_key_which_opens_the_password() {
    let ward = Ward::new().await;
    let mut nez = ward.with_key(&NEZ).await;
    let mut stranger = Person::at(&ward.installation);
    let form = stranger.open(&ward.installation.cura("/")).await;
    for _ in 0..5 {
        stranger.log_in(&form, NEZ.user, "forkert").await;
    }
    assert_eq!(stranger.log_in(&form, NEZ.user, PASSWORD).await.reply.status, 429);
    let form = nez.open(&ward.installation.cura("/")).await;
    let page = nez.log_in_by_key(&form, NEZ.user).await;
    assert_eq!(page.url, ward.installation.cura("/"));
    assert_eq!(ward.installation.events("account-unlocked").len(), 1);
}

#[tokio::test]
async fn a_key_that_may_be_copied_logs_nobody_in() {
    let ward = Ward::new().await;
    let mut nez = ward.with_key(&NEZ).await;
    let form = nez.open(&ward.installation.cura("/")).await;
    nez.key.sign_count = Some(0);
    let first = nez.name_for_key(&form, NEZ.user).await;
    let own = shape(&first).1;
    assert_eq!(nez.answer(&first).await.reply.status, 400);
    assert_eq!(ward.told("key-refused")["reason"], "counter-regressed");
    let page = nez.name_for_key(&form, NEZ.user).await;
    assert_ne!(shape(&page).1, own, "it is not asked for any more");
}

#[tokio::test]
async fn a_flood_is_slowed_down_and_keeps_nobody_from_their_own_browser() {
    let ward = Ward::new().await;
    let mut nez = ward.with_key(&NEZ).await;
    let form = nez.open(&ward.installation.cura("/")).await;
    nez.log_in_by_key(&form, NEZ.user).await;
    let mut stranger = Person::at(&ward.installation);
    let form = stranger.open(&ward.installation.cura("/")).await;
    for n in 0..50 {
        let page = stranger.name_for_key(&form, &format!("gaet-{n}")).await;
        assert_eq!(page.reply.status, 200, "{n}");
    }
    let page = stranger.name_for_key(&form, "gaet").await;
    assert_eq!((page.reply.status, page.reply.header("retry-after")), (429, Some("2")));
    assert!(page.reply.text().contains(BUTTON), "the same form");
    // The same address, and a browser that is known.
    let page = nez.name_for_key(&form, NEZ.user).await;
    assert_eq!(page.reply.status, 200);
    // Passwords are none of it.
    assert_eq!(stranger.log_in(&form, NEZ.user, "forkert").await.reply.status, 401);
}
