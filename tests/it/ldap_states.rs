//! Accounts of a directory that cannot be used: whoever knows the password is told, and nobody else.

use crate::ldap::Ward;
use crate::slapd::Slapd;

const PASSWORD: &str = "rigtigt";

/// Each is what their name says. `laast` is locked for good, `foraeldet` has had the password for too long, and
/// somebody else has set that of `nulstillet`.
const PEOPLE: &str = "\
dn: cn=policy,dc=example
objectClass: organizationalRole
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdMaxAge: 86400
pwdLockout: TRUE
pwdMustChange: TRUE

dn: uid=nez,dc=example
objectClass: inetOrgPerson
uid: nez
cn: Nez Nielsen
sn: Nielsen
userPassword: rigtigt

dn: uid=laast,dc=example
objectClass: inetOrgPerson
uid: laast
cn: Låst
sn: Låst
userPassword: rigtigt
pwdAccountLockedTime: 000001010000Z

dn: uid=foraeldet,dc=example
objectClass: inetOrgPerson
uid: foraeldet
cn: Forældet
sn: Forældet
userPassword: rigtigt
pwdChangedTime: 20200101000000Z

dn: uid=nulstillet,dc=example
objectClass: inetOrgPerson
uid: nulstillet
cn: Nulstillet
sn: Nulstillet
userPassword: rigtigt
pwdReset: TRUE
";

/// As AD has them.
const OF_AD: &str = "\
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
";

const WHERE: &str = "https://kodeord.kommune.example/skift";

#[tokio::test]
async fn a_password_policy_is_told_to_who_knows_the_password() {
    let slapd = Slapd::with_policy(PEOPLE).await;
    let settings = format!("{}    change_password: {WHERE}\n", slapd.settings(&[slapd.ldaps()]));
    let ward = Ward::new(&settings).await;
    assert_eq!(ward.tries("nez", PASSWORD).await.heading(), "Ingen 2-faktor enheder registreret");
    for name in ["foraeldet", "nulstillet"] {
        let page = ward.tries(name, "forkert").await;
        assert_eq!(page.reply.status, 401, "{name}");
        assert!(page.reply.text().contains("Brugernavnet eller kodeordet er forkert."), "{name}");
        let page = ward.tries(name, PASSWORD).await;
        assert_eq!((page.reply.status, page.heading().as_str()), (403, "Kodeord skal skiftes"), "{name}");
        assert!(page.reply.text().contains(&format!("href=\"{WHERE}\"")), "{name}");
        assert!(page.reply.header("set-cookie").is_none(), "nobody is signed in");
    }
    // A right password is no guess, however often.
    for _ in 0..6 {
        assert_eq!(ward.tries("nulstillet", PASSWORD).await.reply.status, 403);
    }
    assert_eq!(ward.users().len(), 1, "only who is let in is remembered");
    let told = ward.installation.events("account-inactive");
    assert_eq!(told.len(), 8);
    assert_eq!(told[0]["detail"]["directory"], "password-expired");
    assert_eq!(told[1]["detail"]["directory"], "password-must-change");
}

#[tokio::test]
async fn where_no_password_is_looked_at_nothing_tells_whether_it_was_right() {
    let slapd = Slapd::with_policy(PEOPLE).await;
    let ward = Ward::new(&slapd.settings(&[slapd.starttls()])).await;
    for password in [PASSWORD, "forkert"] {
        let page = ward.tries("laast", password).await;
        assert_eq!(page.reply.status, 429, "{password}");
        assert!(page.reply.text().contains("Låst kodeord"), "{password}");
    }
    assert!(ward.users().is_empty());
}

#[tokio::test]
async fn a_closed_and_an_expired_account_are_told_to_who_knows_the_password() {
    let slapd = Slapd::start(OF_AD).await;
    let ward = Ward::new(&slapd.settings(&[slapd.ldaps()])).await;
    for (name, title) in [("lukket", "Låst konto"), ("gammel", "Udløben konto")] {
        assert_eq!(ward.tries(name, "forkert").await.reply.status, 401, "{name}");
        let page = ward.tries(name, PASSWORD).await;
        assert_eq!((page.reply.status, page.heading().as_str()), (403, title), "{name}");
    }
    assert!(ward.users().is_empty());
}
