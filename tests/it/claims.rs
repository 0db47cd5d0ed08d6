//! What a policy asks of a person beside their groups.

use crate::broker::{NEZ, OLE};
use crate::harness::Installation;
use crate::origin::Origin;
use crate::person::Person;

const PASSWORD: &str = "en lang og god sætning";

#[tokio::test]
async fn a_claim_lets_one_person_in_and_keeps_another_out() {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    let north = "  - { name: north, match: { path: /north/** }, require: { claims: { unit: [nord] } } }\n";
    installation.change("policies/cura.yaml", "rules:\n", &format!("rules:\n{north}"));
    let people = installation.write(
        "people.csv",
        &format!("username,name,claim:unit\n{},Nez,syd; nord\n{},Ole,syd\n", NEZ.user, OLE.user),
    );
    installation.succeed(["user", "import", people.to_str().expect("UTF-8")], "");
    for person in [&NEZ, &OLE] {
        installation.succeed(["user", "set-password", person.user], PASSWORD);
    }
    let _gateway = installation.serve().await;
    let mut nez = Person::let_in(&installation, &NEZ, PASSWORD).await;
    let page = nez.open(&installation.cura("/north/1")).await;
    assert_eq!((page.url, page.reply.status), (installation.cura("/north/1"), 200));
    origin.request("/north/1").await;

    let mut ole = Person::let_in(&installation, &OLE, PASSWORD).await;
    let page = ole.open(&installation.cura("/north/2")).await;
    assert_eq!(page.reply.status, 403);
    assert!(origin.received().iter().all(|seen| seen.target() != "/north/2"));
    assert_eq!(installation.events("request-denied").len(), 1);

    // On the way in, too: the login host decides as the app's host does.
    let mut fresh = Person::at(&installation).holding(nez.key);
    let page = fresh.open(&installation.cura("/north/3")).await;
    let page = fresh.log_in(&page, NEZ.user, PASSWORD).await;
    let page = fresh.touch(&page).await;
    assert_eq!((page.url, page.reply.status), (installation.cura("/north/3"), 200));
}
