//! Keys are registered once, and changed by their owner alone.

use super::ceremonies::message;
use super::{Field, PASSWORD};
use crate::broker::{NEZ, OLE};
use crate::person::{Person, origin};
use crate::words::says;

/// A54, A58, W41: keys are changed by their owner, with a fresh second factor.
#[tokio::test]
async fn only_the_owner_changes_a_key_and_not_with_a_password_alone() {
    let field = Field::new().await;
    let mut nez = field.nez().await;
    let mut ole = Person::at(&field.installation);
    let page = ole.open(&field.installation.cura("/")).await;
    let page = ole.log_in(&page, OLE.user, PASSWORD).await;
    let page = ole.register(&page, &field.installation.invite(&OLE)).await;
    let page = ole.go_on(&page).await;
    ole.touch(&page).await;
    let path = nez.open(&field.installation.login("/me")).await.link_with("/rename").expect("nez has a key");
    let delete = path.replace("/rename", "/delete");
    let login = |path: &str| field.installation.login(path);
    let name = [("name".to_owned(), "Evil".to_owned())];
    assert_eq!(ole.get(&login(&path)).await.status, 404, "A58");
    assert_eq!(ole.post_form(&login(&path), &name).await.status, 404, "A58");
    assert_eq!(ole.post_form(&login(&delete), &[]).await.status, 404, "A58");
    let audit = field.installation.succeed(["audit", "list", "--user", "ole", "--format", "json"], "");
    assert_eq!(audit.matches("not-own-key").count(), 3, "{audit}");

    let mut weak = Person::at(&field.installation);
    let page = weak.open(&field.installation.cura("/app/x")).await;
    weak.log_in(&page, NEZ.user, PASSWORD).await;
    for (url, fields) in [(login(&path), &name[..]), (login(&delete), &[]), (login("/keys/new"), &name[..])] {
        let reply = weak.post_form(&url, fields).await;
        let location = reply.header("location").unwrap_or_default();
        assert!(reply.status == 303 && location.starts_with("/key?"), "A54, {url}: {reply:?}");
    }
    let me = nez.open(&login("/me")).await.reply.text();
    assert!(me.contains("Blå nøgle") && !says(&me, "Evil"), "nothing changed");
}

/// A55: a one-time code registers one key of one person.
#[tokio::test]
async fn a_code_registers_one_key_of_one_person() {
    let field = Field::new().await;
    let code = field.installation.invite(&NEZ);
    let begin = async |account: &crate::broker::Person| {
        let mut person = Person::at(&field.installation);
        let page = person.open(&field.installation.cura("/")).await;
        let page = person.log_in(&page, account.user, PASSWORD).await;
        (person, page)
    };
    let (mut ole, page) = begin(&OLE).await;
    let refused = ole.submit(&page, "/code", &[("code", &code)]).await;
    assert_eq!(refused.reply.status, 422, "somebody else's");
    for wrong in ["", "AAAA-AAAA-AAAA", &code[1..], &format!("{code}A")] {
        assert_eq!(ole.submit(&page, "/code", &[("code", wrong)]).await.reply.status, 422, "{wrong:?}");
    }
    ole.plant("login.localhost", "__Host-sluse-code", &code);
    let planted = ole.submit_and_stay(&page, "/keys/new", &[("name", "Evil")]).await;
    assert_eq!(planted.status, 303, "somebody else's, planted");

    // Two browsers get as far as the touch with the same code; one key is registered.
    let mut ends = Vec::new();
    for _ in 0..2 {
        let (mut nez, page) = begin(&NEZ).await;
        let page = nez.submit(&page, "/code", &[("code", &code)]).await;
        let page = nez.submit(&page, "/keys/new", &[("name", "Blå nøgle")]).await;
        let response = nez.key.register(&page.options(), &origin(&page.url)).expect("goes along");
        ends.push((nez, page, response));
    }
    let mut ends = ends.into_iter();
    let (Some(mut one), Some(mut other)) = (ends.next(), ends.next()) else { unreachable!("two began") };
    let (first, second) = tokio::join!(
        one.0.post_response(&one.1, "/keys/finish", &one.2),
        other.0.post_response(&other.1, "/keys/finish", &other.2),
    );
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    let (mut again, page) = begin(&NEZ).await;
    let page = again.open(&page.resolve("/keys/new")).await;
    assert!(page.url.starts_with(&field.installation.login("/key")), "there is a key now: {}", page.url);
    let reused = again.submit(&page, "/code", &[("code", &code)]).await;
    assert_eq!(reused.reply.status, 422, "used");
}

/// W37, W38, W05 for a registration: a credential is one person's, and a ceremony one session's.
#[tokio::test]
async fn a_registration_is_one_persons() {
    let field = Field::new().await;
    let mut nez = Person::at(&field.installation);
    let page = nez.open(&field.installation.cura("/")).await;
    let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
    let page = nez.submit(&page, "/code", &[("code", &field.installation.invite(&NEZ))]).await;
    let page = nez.submit(&page, "/keys/new", &[("name", "Blå nøgle")]).await;
    let registered = nez.key.draft_registration(&page.options(), &origin(&page.url)).expect("goes along");
    let response = registered.response().to_string();

    let mut ole = Person::at(&field.installation);
    let form = ole.open(&field.installation.cura("/")).await;
    let form = ole.log_in(&form, OLE.user, PASSWORD).await;
    let body = message(&page, &registered.response());
    let json_type = [("Content-Type", "application/json")];
    let finish = field.installation.login("/keys/finish");
    assert_eq!(ole.post(&finish, &json_type, &body).await.status, 400, "W05");
    assert_eq!(nez.post_response(&page, "/keys/finish", &response).await.status, 200);
    assert_eq!(nez.post_response(&page, "/keys/finish", &response).await.status, 400, "W04");

    let code = field.installation.invite(&OLE);
    let own = ole.submit(&form, "/code", &[("code", &code)]).await;
    let own = ole.submit(&own, "/keys/new", &[("name", "Oles")]).await;
    let mut stolen = ole.key.draft_registration(&own.options(), &origin(&own.url)).expect("goes along");
    // The same credential id, inside the authenticator data and around it.
    let at = stolen.authenticator_data.windows(32).position(|it| it == stolen.id).expect("it is in there");
    stolen.authenticator_data[at..at + 32].copy_from_slice(&registered.id);
    stolen.id.clone_from(&registered.id);
    let reply = ole.post_response(&own, "/keys/finish", &stolen.response().to_string()).await;
    assert_eq!(reply.status, 400, "W37");
    let audit = field.installation.succeed(["audit", "list", "--user", "ole", "--format", "json"], "");
    assert!(audit.contains("credential-taken"), "{audit}");
}
