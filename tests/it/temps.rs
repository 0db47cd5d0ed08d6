//! Temps: a unit's spare key is a person's until a certain moment, and opens apps, nothing else.

use std::time::Duration;

use sluse::authn::authenticator::SoftwareAuthenticator;
use sluse::random::SystemRandom;

use crate::broker::{NEZ, OLE, Person as Account};
use crate::harness::{CURA, Installation};
use crate::in_process::InProcess;
use crate::origin::Origin;
use crate::person::{Page, Person};

pub const PASSWORD: &str = "en lang og god sætning";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const SECOND: Duration = Duration::from_secs(1);

/// Leads the unit, and has a key of their own.
pub const LEAD: Account = Account { cpr: None, ..OLE };
pub const TEMP: Account = Account { cpr: None, ..NEZ };

pub const SPARE: &str = "Nord: Nøgle 1";

#[tokio::test]
async fn a_temp_from_the_lent_key_to_the_end_of_the_account() {
    let ward = Ward::new().await;
    let mut lead = ward.lead().await;
    let mut temp = ward.with_spare_key(&mut lead).await;

    // Before it is lent it is nobody's.
    let page = temp.open(&ward.installation.cura("/before")).await;
    let page = temp.log_in(&page, TEMP.user, PASSWORD).await;
    assert_eq!(page.heading(), "Ingen 2-faktor enheder registreret");

    // Lent until the clock shows what it shows in eight hours.
    ward.lend(&mut lead, 8 * HOUR).await;
    let page = temp.open(&ward.installation.cura("/at-work?a=b")).await;
    assert_eq!(page.heading(), "Anvend hardwarenøgle");
    let page = temp.touch(&page).await;
    assert_eq!((page.url.as_str(), page.reply.status), (&*ward.installation.cura("/at-work?a=b"), 200));
    let seen = ward.origin.request("/at-work?a=b").await;
    assert_eq!(seen.header("x-sluse-user").as_deref(), Some(TEMP.user), "the temp is who is in");
    assert_eq!(seen.header("x-sluse-level").as_deref(), Some("strong"));
    let told = temp.get(&ward.installation.cura("/.sluse/session")).await.json();
    let left = told["proofs"]["key"]["expires_in"].as_u64().expect("a lent key has an end");
    assert!((7 * 3600 + 59 * 60..=8 * 3600).contains(&left), "{told}");
    let page = lead.open(&ward.installation.login("/lend")).await;
    assert!(page.reply.text().contains(TEMP.name), "the drawer does not say who has it");

    // To the second: the loan began at no full minute, and ends at one.
    ward.gateway.after(Duration::from_secs(left) - 30 * SECOND);
    let page = ward.touched_again(&mut temp, "/late").await;
    assert_eq!(page.reply.status, 200);
    let page = temp.open(&ward.installation.cura("/later")).await;
    assert_eq!((page.url.as_str(), page.reply.status), (&*ward.installation.cura("/later"), 200));
    ward.gateway.after(31 * SECOND);
    let page = ward.is_kept_from(&mut temp, "/too-late").await;
    assert_eq!(
        page.heading(),
        "Ingen 2-faktor enheder registreret",
        "the password still counts, the key does not"
    );
    let told = temp.get(&ward.installation.cura("/.sluse/session")).await.json();
    assert!(told["proofs"]["key"].is_null() && told["proofs"]["password"].is_object(), "{told}");

    // A new sign-in does not bring it back.
    let mut again = Person::at(&ward.installation).holding(temp.key);
    let page = again.open(&ward.installation.cura("/again")).await;
    let page = again.log_in(&page, TEMP.user, PASSWORD).await;
    assert_eq!(page.heading(), "Ingen 2-faktor enheder registreret");

    // It is back in the drawer by itself, and may be lent again.
    let page = lead.open(&ward.installation.login("/lend")).await;
    let page = lead.touch(&page).await;
    assert!(page.reply.text().contains("I skuffen") && !page.reply.text().contains(TEMP.name));
    ward.lend(&mut lead, HOUR).await;
    let page = again.open(&ward.installation.cura("/lent-again")).await;
    assert_eq!(page.heading(), "Anvend hardwarenøgle");
    let page = again.touch(&page).await;
    assert_eq!(page.reply.status, 200);
}

#[tokio::test]
async fn an_account_ends_at_that_very_moment() {
    let ward = Ward::new().await;
    let end = ward.gateway.clock_shows(2 * HOUR);
    let people = format!("username,name,expiry\n{},{},{end}\n", TEMP.user, TEMP.name);
    let file = ward.installation.write("people.csv", &people);
    ward.installation.succeed(["user", "import", file.to_str().expect("UTF-8")], "");
    let mut temp = Person::let_in(&ward.installation, &TEMP, PASSWORD).await;
    ward.gateway.until(&end, SECOND);
    let page = temp.open(&ward.installation.cura("/at-the-end")).await;
    let page = temp.touch(&page).await;
    assert_eq!((page.url.as_str(), page.reply.status), (&*ward.installation.cura("/at-the-end"), 200));
    ward.gateway.after(SECOND);
    let page = ward.is_kept_from(&mut temp, "/after-the-end").await;
    assert_eq!(page.heading(), "Login");
    // A stranger hears nothing; whoever knows the password hears that it is over.
    for (password, status, heading) in [("forkert", 401, "Login"), (PASSWORD, 403, "Udløben konto")] {
        let page = temp.log_in(&page, TEMP.user, password).await;
        assert_eq!((page.reply.status, page.heading().as_str()), (status, heading));
    }
    let rows = ward.installation.events("account-inactive");
    assert!(rows[0]["detail"]["expired_at"].is_string(), "{rows:?}");
    // A locked account says nothing, even to who knows the password.
    ward.installation.succeed(["user", "disable", TEMP.user], "");
    let page = temp.log_in(&page, TEMP.user, PASSWORD).await;
    assert_eq!((page.reply.status, page.heading().as_str()), (401, "Login"));
}

#[tokio::test]
async fn a_key_that_is_given_back_early_opens_nothing_from_then_on() {
    let ward = Ward::new().await;
    let mut lead = ward.lead().await;
    let mut temp = ward.at_work(&mut lead).await;
    let page = lead.open(&ward.installation.login("/lend")).await;
    let spare = page.link_with("/remove").expect("a key in the list").replace("/remove", "");
    let page = lead.submit(&page, &format!("{spare}/return"), &[]).await;
    assert!(page.reply.text().contains("Nøglen er afleveret"), "{}", page.reply.text());
    let page = ward.is_kept_from(&mut temp, "/after").await;
    assert_eq!(page.heading(), "Login");
    let page = temp.log_in(&page, TEMP.user, PASSWORD).await;
    assert_eq!(page.heading(), "Ingen 2-faktor enheder registreret");
    let row = ward.installation.events("spare-key-returned").remove(0);
    assert_eq!((&row["username"], &row["detail"]["by"]), (&TEMP.user.into(), &LEAD.user.into()));
}

#[tokio::test]
async fn a_lent_key_makes_no_other_key_and_has_no_duty() {
    let ward = Ward::new().await;
    let mut lead = ward.lead().await;
    // The worst case: the temp has every duty, but no key of their own.
    ward.give_groups(TEMP.user, "leads; desk");
    let mut temp = ward.at_work(&mut lead).await;
    let me = ward.installation.login("/me");
    temp.open(&me).await;
    for path in ["/keys/new", "/lend", "/lend/new", "/vouch"] {
        let page = temp.open(&ward.installation.login(path)).await;
        assert_eq!(page.heading(), "Ingen 2-faktor enheder registreret", "{path}");
    }
    let mut mine = SoftwareAuthenticator::new(&SystemRandom);
    std::mem::swap(&mut temp.key, &mut mine);
    let page = temp.open(&me).await;
    let fields = [("unit", "Nord"), ("name", "Min egen")];
    for path in ["/keys/new", "/lend/new"] {
        let page = temp.submit(&page, path, &fields).await;
        assert_eq!(page.heading(), "Ingen 2-faktor enheder registreret", "{path}");
        assert!(!page.reply.text().contains("data-options"), "a ceremony began at {path}");
    }
    let page = temp
        .submit(&page, "/vouch", &[("username", LEAD.user), ("kind", "passport"), ("number", "1234")])
        .await;
    assert_eq!(page.heading(), "Ingen 2-faktor enheder registreret");
    // Nor when the touch is begun for an app and finished for our own page.
    std::mem::swap(&mut temp.key, &mut mine);
    ward.gateway.after(HOUR + SECOND);
    let page = temp.open(&ward.installation.cura("/elsewhere")).await;
    let page = if page.heading() == "Login" { temp.log_in(&page, TEMP.user, PASSWORD).await } else { page };
    assert_eq!(page.heading(), "Anvend hardwarenøgle");
    let own = format!("{}/keys/new", ward.installation.login(""));
    let text = page.reply.text().replace(&ward.installation.cura("/elsewhere"), &own);
    let mut swapped = page.clone();
    swapped.reply.body = text.into_bytes();
    let answer = temp.touch(&swapped).await;
    assert_eq!(answer.reply.status, 400, "{:?}", answer.reply);
    assert_eq!(ward.installation.events("key-registered").len(), 1, "the lead's own");
    assert_eq!(ward.installation.events("papers-seen").len(), 0);
}

#[tokio::test]
async fn only_whom_a_role_allows_lends_and_only_with_their_own_key() {
    let ward = Ward::new().await;
    let mut nurse = Person::let_in(&ward.installation, &TEMP, PASSWORD).await;
    for path in ["/lend", "/lend/new", "/vouch"] {
        let page = nurse.open(&ward.installation.login(path)).await;
        assert_eq!((page.reply.status, page.heading().as_str()), (403, "Du har ikke adgang"), "{path}");
    }
    let rows = ward.installation.events("duty-refused");
    assert_eq!(rows[0]["detail"]["duty"], "Lend");
    let mut lead = ward.lead().await;
    let page = lead.open(&ward.installation.login("/vouch")).await;
    assert_eq!(page.reply.status, 403, "who lends does not vouch with papers");
    // Ten minutes later the lead is asked for the key again.
    ward.gateway.after(10 * MINUTE + SECOND);
    let page = lead.open(&ward.installation.login("/lend")).await;
    assert_eq!(page.heading(), "Anvend hardwarenøgle");
    let page = lead.touch(&page).await;
    assert_eq!(page.heading(), "Reservenøgler");
}

#[tokio::test]
async fn a_key_on_papers_has_their_level_and_gives_it_on() {
    let ward = Ward::new().await;
    ward.give_groups(LEAD.user, "desk");
    let mut desk = ward.lead().await;
    let page = desk.open(&ward.installation.login("/vouch")).await;
    assert_eq!(page.heading(), "Legitimation");
    let papers =
        |number| [("username", TEMP.user), ("kind", "passport"), ("number", number), ("note", "Nordisk pas")];
    let refused = desk.submit(&page, "/vouch", &papers("010190-1234")).await;
    assert_eq!(refused.reply.status, 422);
    let oneself = [("username", LEAD.user), ("kind", "passport"), ("number", "209876543")];
    assert_eq!(desk.submit(&page, "/vouch", &oneself).await.reply.status, 422);
    let page = desk.submit(&page, "/vouch", &papers("209876543")).await;
    assert_eq!(page.heading(), "Engangskode");
    let text = page.reply.text();
    let shown = text.split_once("<p class=\"code\"><strong>").and_then(|(_, rest)| rest.split_once('<'));
    let code = shown.expect("the code is shown").0.to_owned();
    let row = ward.installation.events("papers-seen").remove(0);
    let detail = &row["detail"];
    assert_eq!((&detail["kind"], &detail["number_ends"]), (&"passport".into(), &"6543".into()));
    assert_eq!((&row["username"], &detail["by"]), (&TEMP.user.into(), &LEAD.user.into()));
    assert!(!row.to_string().contains("209876543"));

    let mut temp = Person::at(&ward.installation);
    let page = temp.open(&ward.installation.cura("/")).await;
    let page = temp.log_in(&page, TEMP.user, PASSWORD).await;
    let page = temp.register(&page, &code).await;
    let page = temp.go_on(&page).await;
    temp.touch(&page).await;
    // What papers vouched for does not become more by way of another key.
    let page = temp.open(&ward.installation.login("/keys/new")).await;
    let page = temp.submit(&page, "/keys/new", &[("name", "Reserve")]).await;
    let origin = ward.installation.login("");
    let mut second = SoftwareAuthenticator::new(&SystemRandom);
    let response = second.register(&page.options(), &origin).expect("another key");
    assert_eq!(temp.post_response(&page, "/keys/finish", &response).await.status, 200);
    let with: Vec<_> = ward.installation.events("key-registered");
    let with: Vec<_> = with.iter().map(|row| row["detail"]["with"].as_str().unwrap_or_default()).collect();
    assert_eq!(with, ["code", "papers-low", "papers-low"]);
}

/// Cura, a lead with the duty to lend, a temp without a key, and a gateway whose time is ours.
pub struct Ward {
    pub origin: Origin,
    pub installation: Installation,
    pub gateway: InProcess,
}

impl Ward {
    pub async fn new() -> Self {
        Self::asking_for("strong").await
    }

    /// With a Cura that asks everybody for this level.
    pub async fn asking_for(level: &str) -> Self {
        let origin = Origin::echo().await;
        let installation = Installation::new(&origin);
        let policy = CURA.replace("UPSTREAM", &origin.url());
        installation.policy("cura", &policy.replace("level: strong", &format!("level: {level}")));
        let settings = "sessions: { idle: 12h }\nroles: { unit_lead: leads, registrant: desk }\nmethods:\n";
        installation.change("sluse.yaml", "methods:\n", settings);
        for account in [LEAD, TEMP] {
            installation.enrol(&account, PASSWORD);
        }
        let gateway = InProcess::serve(&installation).await;
        let ward = Self { origin, installation, gateway };
        ward.give_groups(LEAD.user, "leads");
        ward
    }

    fn give_groups(&self, user: &str, groups: &str) {
        let name = if user == LEAD.user { LEAD.name } else { TEMP.name };
        let people = format!("username,name,groups\n{user},{name},{groups}\n");
        let file = self.installation.write("people.csv", &people);
        self.installation.succeed(["user", "import", file.to_str().expect("UTF-8")], "");
    }

    pub async fn lead(&self) -> Person {
        Person::let_in(&self.installation, &LEAD, PASSWORD).await
    }

    /// Somebody who holds the unit's new key, and has nothing else.
    pub async fn with_spare_key(&self, lead: &mut Person) -> Person {
        add_spare_key(&self.installation, lead).await
    }

    /// The lead lends it to the temp until the clock shows what it will show then.
    async fn lend(&self, lead: &mut Person, span: Duration) {
        let page = lead.open(&self.installation.login("/lend")).await;
        let spare = page.link_with("/remove").expect("a key in the list").replace("/remove", "");
        let page = lead.open(&page.resolve(&spare)).await;
        assert_eq!(page.heading(), "Udlån nøgle");
        let until = self.gateway.clock_shows(span);
        let time = until.split(' ').next_back().expect("a day and a time").to_owned();
        let page = lead.submit(&page, &spare, &[("username", TEMP.user), ("until", &time)]).await;
        assert!(page.reply.text().contains("Nøglen er udlånt"), "{}", page.reply.text());
    }

    /// The temp, in Cura by password and a key that is lent for eight hours.
    async fn at_work(&self, lead: &mut Person) -> Person {
        let mut temp = self.with_spare_key(lead).await;
        self.lend(lead, 8 * HOUR).await;
        let page = temp.open(&self.installation.cura("/work")).await;
        let page = temp.log_in(&page, TEMP.user, PASSWORD).await;
        let page = temp.touch(&page).await;
        assert_eq!((page.url.as_str(), page.reply.status), (&*self.installation.cura("/work"), 200));
        temp
    }

    /// Opens `target` after the password and the key have grown old.
    async fn touched_again(&self, temp: &mut Person, target: &str) -> Page {
        let page = temp.open(&self.installation.cura(target)).await;
        let page =
            if page.heading() == "Login" { temp.log_in(&page, TEMP.user, PASSWORD).await } else { page };
        assert_eq!(page.heading(), "Anvend hardwarenøgle");
        temp.touch(&page).await
    }

    /// The page they get instead; the origin hears nothing of it.
    async fn is_kept_from(&self, person: &mut Person, target: &str) -> Page {
        let page = person.open(&self.installation.cura(target)).await;
        assert!(page.url.starts_with(&self.installation.login("/")), "let in: {}", page.url);
        assert!(self.origin.received().iter().all(|seen| seen.target() != target));
        page
    }
}

pub async fn add_spare_key(installation: &Installation, lead: &mut Person) -> Person {
    let holder = Person::at(installation);
    let mut key = holder.key;
    key.flags = lead.key.flags;
    let page = lead.open(&installation.login("/lend/new")).await;
    let page = lead.submit(&page, "/lend/new", &[("unit", "Nord"), ("name", "Nøgle 1")]).await;
    let response = key.register(&page.options(), &installation.login("")).expect("the unit's key");
    let page = lead.finish(&page, "/lend/finish", &response).await;
    assert!(page.reply.text().contains("Reservenøglen er registreret"), "{}", page.reply.text());
    Person::at(installation).holding(key)
}
