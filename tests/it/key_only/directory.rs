//! People of a directory: it is asked about the account, without their password.

use super::*;
use crate::slapd::Slapd;

const PEOPLE: &str = "\
dn: uid=nez,dc=example
objectClass: inetOrgPerson
objectClass: adAccount
uid: nez
cn: Nez Nielsen
sn: Nielsen
userPassword: rigtigt

dn: cn=nurses,dc=example
objectClass: groupOfNames
cn: nurses
member: uid=nez,dc=example
";

#[tokio::test]
async fn a_directory_says_whether_its_people_may_log_in() {
    let mut slapd = Slapd::start(PEOPLE).await;
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    installation.policy("cura", &policy(&origin, "key(pin) | password + key"));
    let directories = slapd.settings(&[slapd.ldaps()]);
    installation.change("sluse.yaml", "methods:\n", &format!("{directories}methods:\n"));
    let _gateway = InProcess::serve(&installation).await;
    let mut first = Person::at(&installation);
    let form = first.open(&installation.cura("/")).await;
    let form = first.open(&form.resolve(&form.link_with("tab=account").expect("a tab"))).await;
    let page = first.log_in(&form, "nez", "rigtigt").await;
    let account = Account { user: "nez@kommune.example", cpr: None, ..NEZ };
    let page = first.register(&page, &installation.invite(&account)).await;
    let page = first.go_on(&page).await;
    first.touch(&page).await;
    first.key.flags |= flag::USER_VERIFIED;

    let mut nez = Person::at(&installation).holding(first.key);
    let form = nez.open(&installation.cura("/")).await;
    let page = nez.log_in_by_key(&form, "nez").await;
    assert_eq!(page.url, installation.cura("/"));
    nez.open(&installation.cura("/groups")).await;
    assert_eq!(origin.request("/groups").await.all("x-sluse-groups"), ["nurses"]);

    let refused = async |nez: &mut Person, status: u16, words: &str| {
        let page = nez.log_in_by_key(&form, "nez").await;
        let message = page.reply.json()["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!(page.reply.status, status, "{message}");
        assert!(message.starts_with(words), "{message}");
    };
    let change = "dn: uid=nez,dc=example\nchangetype: modify\nreplace: userAccountControl\n";
    slapd.modify(&format!("{change}userAccountControl: 514\n"));
    refused(&mut nez, 403, "Din konto er lukket.").await;
    slapd.modify(&format!("{change}userAccountControl: 512\n"));
    slapd.stop();
    refused(&mut nez, 503, "Din konto kan ikke kontrolleres lige nu.").await;
    slapd.resume().await;
    assert_eq!(nez.log_in_by_key(&form, "nez").await.url, installation.cura("/"));
    slapd.modify("dn: uid=nez,dc=example\nchangetype: delete\n");
    refused(&mut nez, 400, "Nøglen blev ikke godkendt.").await;
    let told = installation.events("account-inactive");
    let why: Vec<_> = told.iter().map(|row| row["detail"]["directory"].clone()).collect();
    assert_eq!(why, ["disabled", "gone"]);
}
