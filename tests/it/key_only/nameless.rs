//! Without even a user name, where the administrator allows it: the key says whose it is.

use super::*;
use crate::person::SESSION;

const SETTING: &str = ", discoverable: true";

#[tokio::test]
async fn it_is_off_where_nobody_has_turned_it_on() {
    let ward = Ward::new().await;
    let mut nez = ward.with_key(&NEZ).await;
    let form = nez.open(&ward.installation.cura("/")).await;
    let page = nez.name_for_key(&form, " ").await;
    assert_eq!(page.reply.status, 422);
    assert!(page.reply.text().contains("Skriv dit brugernavn."), "{}", page.reply.text());
}

#[tokio::test]
async fn the_key_says_whose_it_is() {
    let ward = Ward::asking("key(pin)", SETTING).await;
    let mut nez = ward.with_key(&NEZ).await;
    let target = ward.installation.cura("/citizens/7");
    let form = nez.open(&target).await;
    let page = nez.name_for_key(&form, "").await;
    assert!(page.options().contains(r#""allowCredentials":[]"#), "{}", page.options());
    let page = nez.answer(&page).await;
    assert_eq!((page.url, page.reply.status), (target, 200));
    let seen = ward.origin.request("/citizens/7").await;
    assert_eq!(seen.header("x-sluse-user").as_deref(), Some("nez"));
    assert_eq!(ward.told("key-verified")["login"], "discovered");
    // A name is another way still.
    let mut again = Person::at(&ward.installation).holding(nez.key);
    let form = again.open(&ward.installation.cura("/")).await;
    let page = again.log_in_by_key(&form, NEZ.user).await;
    assert_eq!(page.url, ward.installation.cura("/"));
}

#[tokio::test]
async fn a_key_that_does_not_say_or_says_another_logs_nobody_in() {
    let ward = Ward::asking("key(pin)", SETTING).await;
    let (mut nez, mut ole) = (ward.with_key(&NEZ).await, ward.with_key(&OLE).await);
    let form = nez.open(&ward.installation.cura("/")).await;
    let page = nez.name_for_key(&form, "").await;
    let oles = ole.key.draft_assertion(&page.options(), &origin(&page.url)).expect("a key").user_handle;
    for (handle, reason) in [
        (None, "user-handle-missing"),
        (Some(vec![1; 16]), "unknown-credential"),
        (oles, "unknown-credential"),
    ] {
        let page = nez.name_for_key(&form, "").await;
        let mut draft = nez.key.draft_assertion(&page.options(), &origin(&page.url)).expect("a key");
        draft.user_handle = handle;
        let response = nez.key.sign(&draft).expect("it is its own").to_string();
        let page = nez.finish(&page, "/login/key/finish", &response).await;
        assert_eq!(page.reply.status, 400, "{reason}");
        assert_eq!(ward.told("key-refused")["reason"], reason);
    }
    assert_eq!(nez.cookie(LOGIN_HOST, SESSION), None);
}
