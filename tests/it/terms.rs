//! *Vilkår for anvendelse*, and what every page says of whose it is.

use crate::broker::{NEZ, Person as Account};
use crate::harness::Installation;
use crate::origin::Origin;
use crate::person::Person;

const PASSWORD: &str = "en lang og god sætning";
const ME: Account = Account { cpr: None, ..NEZ };

fn demand(installation: &Installation, version: u32) {
    installation.write("terms.da.txt", "# Brug\nPas godt på <b>det</b>.\n\nTak.");
    installation.write("terms.en.txt", "Take care.");
    let text = installation.settings("");
    let terms = format!("terms: {{ version: {version}, da: terms.da.txt, en: terms.en.txt }}\n");
    installation.write("sluse.yaml", &format!("{text}{terms}"));
}

#[tokio::test]
async fn nobody_goes_on_to_an_app_before_the_terms_are_accepted() {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    installation.enrol(&ME, PASSWORD);
    demand(&installation, 1);
    let gateway = installation.serve().await;
    let mut nez = Person::at(&installation);
    let page = nez.open(&installation.cura("/ward?bed=4")).await;
    let page = nez.log_in(&page, ME.user, PASSWORD).await;
    let page = nez.register(&page, &installation.invite(&ME)).await;
    let page = nez.go_on(&page).await;
    let page = nez.touch(&page).await;
    assert_eq!(page.heading(), "Vilkår for anvendelse");
    let text = page.reply.text();
    assert!(text.contains("<bdi>Brug</bdi>") && text.contains("Pas godt på &#60;b&#62;det"), "{text}");
    assert!(origin.received().is_empty());
    // Neither a shortcut, nor a version nobody has read, nor a form without the box ticked.
    assert_eq!(nez.open(&installation.cura("/ward?bed=4")).await.heading(), "Vilkår for anvendelse");
    for refused in [[("read", ""), ("version", "1")], [("read", "yes"), ("version", "0")]] {
        let mut fields = page.hidden();
        fields.retain(|(name, _)| name != "version");
        fields.extend(refused.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let reply = nez.post_form(&page.resolve("/terms"), &fields).await;
        let shown = nez.follow(&page.resolve("/terms"), reply).await;
        assert_eq!(shown.heading(), "Vilkår for anvendelse");
    }
    assert!(installation.events("terms-accepted").is_empty());

    let page = nez.submit(&page, "/terms", &[("read", "yes")]).await;
    assert_eq!(page.url, installation.cura("/ward?bed=4"));
    let accepted = installation.events("terms-accepted");
    assert_eq!(accepted.len(), 1);
    assert_eq!((&accepted[0]["username"], &accepted[0]["detail"]["version"]), (&"nez".into(), &1.into()));
    let page = nez.open(&installation.login("/terms")).await;
    assert!(page.reply.text().contains("Du accepterede vilkårene"));

    // Once is enough for a version; the next one asks anew, and interrupts nobody who is in.
    drop(gateway);
    demand(&installation, 2);
    let _gateway = installation.serve().await;
    assert_eq!(nez.get(&installation.cura("/in")).await.status, 200, "a session that is there goes on");
    let mut again = Person::at(&installation).holding(nez.key);
    let page = again.open(&installation.cura("/")).await;
    let page = again.log_in(&page, ME.user, PASSWORD).await;
    let page = again.touch(&page).await;
    assert!(page.reply.text().contains("Vilkårene er nye"), "{page:?}");
}

#[tokio::test]
async fn every_page_says_whose_it_is_and_links_to_what_the_law_asks_for() {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    demand(&installation, 1);
    let text = std::fs::read_to_string(installation.path().join("sluse.yaml")).expect("just written");
    let links = "organisation: Åby Kommune\nlinks:\n  accessibility: { da: \"https://was.example/da\", en: \"https://was.example/en\" }\n  privacy: https://kommune.example/privatliv\n";
    installation.write("sluse.yaml", &format!("{text}{links}"));
    let _gateway = installation.serve().await;
    let mut visitor = Person::at(&installation);
    for (page, own, other) in [
        ("/login", "was.example/da", "was.example/en"),
        ("/login?lang=en", "was.example/en", "was.example/da"),
    ] {
        let text = visitor.open(&installation.login(page)).await.reply.text();
        for words in ["Åby Kommune", own, "https://kommune.example/privatliv", "/terms\""] {
            assert!(text.contains(words), "{page}: no {words}");
        }
        assert!(!text.contains(other));
    }
    let page = visitor.open(&installation.login("/terms")).await;
    assert!(page.reply.text().contains("Take care.") && !page.reply.text().contains("name=\"read\""));
}
