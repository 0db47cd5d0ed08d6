//! People of an LDAP directory: a real slapd, over LDAPS and StartTLS.

use crate::broker::{NEZ, Person as Account};
use crate::harness::{Gateway, Installation, free_addresses};
use crate::origin::Origin;
use crate::person::{Page, Person};
use crate::slapd::Slapd;
use crate::wait::until;

const PASSWORD: &str = "rigtigt";

/// `nez` is a nurse, and so, by way of two groups that hold each other, staff; `lukket` and `udløbet` are what
/// their names say.
const PEOPLE: &str = "\
dn: uid=nez,dc=example
objectClass: inetOrgPerson
objectClass: adAccount
uid: nez
cn: Nez Nielsen
sn: Nielsen
departmentNumber: nord
userPassword: rigtigt

dn: uid=lukket,dc=example
objectClass: inetOrgPerson
objectClass: adAccount
uid: lukket
cn: Lukket
sn: Lukket
userAccountControl: 514
userPassword: rigtigt

dn: uid=gammel,dc=example
objectClass: inetOrgPerson
objectClass: adAccount
uid: gammel
cn: Gammel
sn: Gammel
accountExpires: 116444736000000001
userPassword: rigtigt

dn: cn=nurses,dc=example
objectClass: groupOfNames
cn: nurses
member: uid=nez,dc=example

dn: cn=care,dc=example
objectClass: groupOfNames
cn: care
member: cn=nurses,dc=example
member: cn=staff,dc=example

dn: cn=staff,dc=example
objectClass: groupOfNames
cn: staff
member: cn=care,dc=example

dn: cn=others,dc=example
objectClass: groupOfNames
cn: others
member: uid=lukket,dc=example
";

#[tokio::test]
async fn a_person_of_the_directory_is_let_in_with_groups_and_claims() {
    let slapd = Slapd::start(PEOPLE).await;
    for server in [slapd.ldaps(), slapd.starttls()] {
        let ward = Ward::new(&slapd.settings(&[server])).await;
        for name in ["nez", "NEZ@kommune.example", "Kommune\\nez"] {
            let page = ward.tries(name, PASSWORD).await;
            assert_eq!(page.heading(), "Ingen 2-faktor enheder registreret", "{name}: {page:?}");
        }
        let nez = ward.user("nez@kommune.example");
        assert_eq!(nez["name"], "Nez Nielsen");
        assert_eq!(nez["groups"], serde_json::json!(["care", "nurses", "staff"]));
        assert_eq!(nez["claims"], serde_json::json!({ "unit": ["nord"] }));
        // Their key is kept here, and the upstream hears of them as of anybody.
        let account = Account { user: "nez@kommune.example", cpr: None, ..NEZ };
        let mut person = Person::let_in(&ward.installation, &account, PASSWORD).await;
        person.open(&ward.installation.cura("/inside")).await;
        let seen = ward.origin.request("/inside").await;
        assert_eq!(seen.header("x-sluse-groups").as_deref(), Some("care,nurses,staff"));
    }
}

#[tokio::test]
async fn what_is_not_the_persons_password_lets_nobody_in() {
    let slapd = Slapd::start(PEOPLE).await;
    let ward = Ward::new(&slapd.settings(&[slapd.ldaps()])).await;
    for (name, password) in [
        ("nez", "forkert"),
        ("*", PASSWORD),
        ("n*", PASSWORD),
        ("nez)(uid=*", PASSWORD),
        ("*)(objectclass=*", PASSWORD),
        ("nez,dc=example", PASSWORD),
        ("findes-ikke", PASSWORD),
        ("lukket", "forkert"),
        ("gammel", "forkert"),
        ("nez@andre.example", PASSWORD),
    ] {
        let page = ward.tries(name, password).await;
        assert_eq!(page.reply.status, 401, "{name}");
        assert!(page.reply.text().contains("Brugernavnet eller kodeordet er forkert."), "{name}");
    }
    // An empty one never reaches the directory, where it would succeed as nobody.
    assert_eq!(ward.tries("nez", "").await.reply.status, 422);
    assert!(ward.users().is_empty(), "only who is let in is remembered");
}

#[tokio::test]
async fn local_accounts_and_the_directory_at_once() {
    let slapd = Slapd::start(PEOPLE).await;
    let ward = Ward::new(&slapd.settings(&[slapd.ldaps()])).await;
    let local = Account { user: "nez", cpr: None, ..NEZ };
    ward.installation.enrol(&local, "en lang og god sætning");
    assert_eq!(ward.tries("nez", PASSWORD).await.reply.status, 401, "the local account has the name");
    let page = ward.tries("nez", "en lang og god sætning").await;
    assert_eq!(page.heading(), "Ingen 2-faktor enheder registreret");
    assert_eq!(ward.tries("nez@kommune.example", "en lang og god sætning").await.reply.status, 401);
    let page = ward.tries("nez@kommune.example", PASSWORD).await;
    assert_eq!(page.heading(), "Ingen 2-faktor enheder registreret");
    // One account, one lock, however its name is written.
    for name in ["nez@kommune.example", "kommune\\nez", "nez@kommune", "NEZ@KOMMUNE.EXAMPLE"] {
        assert_eq!(ward.tries(name, "forkert").await.reply.status, 401, "{name}");
    }
    assert_eq!(ward.tries("kommune\\nez", "forkert").await.reply.status, 429);
    assert_eq!(ward.tries("nez@kommune.example", PASSWORD).await.reply.status, 429);
    let page = ward.tries("nez", "en lang og god sætning").await;
    assert_eq!(page.heading(), "Ingen 2-faktor enheder registreret");
}

#[tokio::test]
async fn groups_are_read_anew_at_every_login() {
    let slapd = Slapd::start(PEOPLE).await;
    let ward = Ward::new(&slapd.settings(&[slapd.ldaps()])).await;
    let account = Account { user: "nez@kommune.example", cpr: None, ..NEZ };
    ward.tries("nez", PASSWORD).await;
    let mut before = Person::let_in(&ward.installation, &account, PASSWORD).await;
    slapd.modify(
        "dn: cn=nurses,dc=example\nchangetype: modify\nreplace: member\nmember: uid=gammel,dc=example\n",
    );
    ward.tries("nez", PASSWORD).await;
    assert_eq!(ward.user("nez@kommune.example")["groups"], serde_json::json!([]));
    // Sessions that still had the groups are over, as soon as the revocation is heard.
    until("the session to be over", async || {
        let page = before.open(&ward.installation.login("/me")).await;
        if page.heading() == "Login" { Ok(()) } else { Err(page.heading()) }
    })
    .await;
}

#[tokio::test]
async fn another_server_answers_where_one_does_not() {
    let mut slapd = Slapd::start(PEOPLE).await;
    let [nobody] = free_addresses();
    let servers = [format!("ldaps://{nobody}"), slapd.starttls(), slapd.ldaps()];
    let ward = Ward::new(&slapd.settings(&servers)).await;
    assert_eq!(ward.tries("nez", PASSWORD).await.heading(), "Ingen 2-faktor enheder registreret");
    slapd.stop();
    // Nobody is let in, nobody is blamed, and nothing is counted.
    for _ in 0..6 {
        let page = ward.tries("nez", PASSWORD).await;
        assert_eq!(page.reply.status, 503);
        assert!(page.reply.text().contains("Kodeord kan ikke kontrolleres lige nu"));
    }
    slapd.resume().await;
    assert_eq!(ward.tries("nez", PASSWORD).await.heading(), "Ingen 2-faktor enheder registreret");
}

#[tokio::test]
async fn a_server_that_cannot_prove_who_it_is_hears_no_password() {
    let slapd = Slapd::start(PEOPLE).await;
    let other = Slapd::start(PEOPLE).await;
    for server in [other.ldaps(), other.starttls()] {
        let ward = Ward::new(&slapd.settings(&[server])).await;
        assert_eq!(ward.tries("nez", PASSWORD).await.reply.status, 503);
    }
}

/// Cura behind a gateway with a directory.
pub struct Ward {
    origin: Origin,
    pub installation: Installation,
    _gateway: Gateway,
}

impl Ward {
    pub async fn new(directories: &str) -> Self {
        let origin = Origin::echo().await;
        let installation = Installation::new(&origin);
        installation.change("sluse.yaml", "methods:\n", &format!("{directories}methods:\n"));
        let gateway = installation.serve().await;
        Self { origin, installation, _gateway: gateway }
    }

    /// Somebody at a new browser.
    pub async fn tries(&self, name: &str, password: &str) -> Page {
        let mut person = Person::at(&self.installation);
        let form = person.open(&self.installation.cura("/")).await;
        person.log_in(&form, name, password).await
    }

    pub fn users(&self) -> Vec<serde_json::Value> {
        let said = self.installation.succeed(["user", "list", "--format", "json"], "");
        serde_json::from_str(&said).expect("JSON, as asked for")
    }

    fn user(&self, name: &str) -> serde_json::Value {
        self.users().into_iter().find(|user| user["username"] == name).expect("they are listed")
    }
}
