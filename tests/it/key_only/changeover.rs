//! On a tablet that many use, by their keys alone.

use super::*;
use crate::person::SESSION;

#[tokio::test]
async fn a_login_by_key_ends_what_was_open_on_a_shared_device() {
    let ward = Ward::new().await;
    let (nez, ole) = (ward.with_key(&NEZ).await, ward.with_key(&OLE).await);
    let mut tablet = nez;
    let answer = ward.installation.succeed(["device", "add", "Tablet 3", "--format", "json"], "");
    let answer: Value = serde_json::from_str(&answer).expect("JSON, as asked for");
    let page = tablet.open(answer["link"].as_str().expect("a link")).await;
    tablet.submit(&page, "/device", &[]).await;

    let form = tablet.open(&ward.installation.cura("/")).await;
    assert!(!form.reply.text().contains("Husk brugernavn"));
    let page = tablet.submit(&form, "/login/key", &[("username", NEZ.user), ("remember", "yes")]).await;
    let page = tablet.answer(&page).await;
    assert_eq!(page.url, ward.installation.cura("/"));
    assert_eq!(tablet.cookie(LOGIN_HOST, "__Host-sluse-name"), None, "never on a shared device");
    tablet.open(&ward.installation.cura("/citizens/1-of-nez")).await;
    let stale = tablet.cookie("cura.localhost", SESSION).expect("she is in").to_owned();
    let told = ward.installation.events("browser-new").len();

    // Ole does not wait for her to log out.
    let mut tablet = tablet.holding(ole.key);
    let page = tablet.name_for_key(&form, OLE.user).await;
    let shown = tablet.history.len();
    let page = tablet.answer(&page).await;
    assert_eq!((page.url.as_str(), page.reply.status), (&*ward.installation.cura("/"), 200));
    let enter = tablet.history.iter().rfind(|page| page.url.contains("/.sluse/enter")).expect("a hand-off");
    assert_eq!(enter.reply.all("clear-site-data"), ["\"cache\", \"storage\""]);
    for page in &tablet.history[shown..] {
        let text = format!("{} {:?} {}", page.url, page.reply.headers, page.reply.text());
        assert!(!text.contains("of-nez") && !text.contains(NEZ.name), "{text}");
    }
    tablet.open(&ward.installation.cura("/hers")).await;
    assert_eq!(ward.origin.request("/hers").await.all("x-sluse-user"), [OLE.user]);
    let mut thief = Person::at(&ward.installation);
    thief.plant("cura.localhost", SESSION, &stale);
    assert_eq!(thief.get(&ward.installation.cura("/")).await.status, 303, "hers is over");
    assert_eq!(ward.installation.events("browser-new").len(), told, "nobody's browser, nobody is told");
}
