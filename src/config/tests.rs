use super::*;
use crate::authn::MitIdLevel;
use crate::authn::mitid::{Algorithm, Preset};
use crate::role::Duty;

const SHIPPED: &str = include_str!("../../deploy/sluse.yaml");

fn parse(text: &str) -> Result<Config, Vec<String>> {
    let source = Source { name: "sluse.yaml".to_owned(), text: text.to_owned() };
    Config::parse(&source, Path::new("/etc/sluse")).map_err(|problems| {
        problems.into_iter().map(|problem| format!("{}: {}", problem.line, problem.message)).collect()
    })
}

/// The shipped file with one part replaced.
fn with(part: &str, other: &str) -> Result<Config, Vec<String>> {
    assert!(SHIPPED.contains(part), "{part}");
    parse(&SHIPPED.replacen(part, other, 1))
}

#[test]
fn the_shipped_file_means_what_it_says() {
    let config = parse(SHIPPED).unwrap();
    assert_eq!(config.login.as_str(), "https://login.kommune.example/");
    assert_eq!(
        config.listen,
        [
            Listen {
                address: "0.0.0.0:443".parse().unwrap(),
                protocol: Protocol::Https,
                proxy_protocol: false
            },
            Listen {
                address: "0.0.0.0:80".parse().unwrap(),
                protocol: Protocol::Redirect,
                proxy_protocol: false
            },
        ]
    );
    assert_eq!(config.sessions, Sessions::default());
    assert_eq!(config.store, StoreLocation::Sqlite(PathBuf::from("/var/lib/sluse/sluse.db")));
    assert_eq!(config.key_file, PathBuf::from("/etc/sluse/sluse.key"));
    assert_eq!(config.policies, PathBuf::from("/etc/sluse/policies"));
    let levels: Vec<&str> = config.levels.iter().map(|level| level.name.as_str()).collect();
    assert_eq!(levels, ["basic", "strong", "pin"]);
    let mitid = config.methods.mitid.as_ref().unwrap();
    assert_eq!((mitid.broker.preset, mitid.level), (Preset::Idura, MitIdLevel::Substantial));
    assert_eq!(mitid.broker.algorithms, Algorithm::DEFAULT);
    assert_eq!(mitid.client_secret_file.as_deref(), Some(Path::new("/etc/sluse/mitid.secret")));
    assert_eq!(config.methods.key.as_ref().unwrap().name, "login.kommune.example");
    assert_eq!(config.languages, [Language::Da, Language::En]);
    assert_eq!(config.unreadable_files().len(), 4);
}

#[test]
fn defaults() {
    let text = "
login: http://login.localhost:8080
listen: 127.0.0.1:8080
store: sqlite:sluse.db
key_file: key
methods: { password: {} }
";
    let config = parse(text).unwrap();
    assert_eq!(
        config.listen,
        [Listen {
            address: "127.0.0.1:8080".parse().unwrap(),
            protocol: Protocol::Http,
            proxy_protocol: false
        }]
    );
    assert_eq!(config.admin, "127.0.0.1:9464".parse().unwrap());
    assert_eq!(config.methods.offered(), [Method::Password]);
}

#[test]
fn sessions_are_brought_to_memory_where_that_is_said() {
    let preload = |text: &str| with("absolute: 12h", text).map(|config| config.sessions.preload);
    assert_eq!(preload("absolute: 12h"), Ok(false));
    assert_eq!(preload("absolute: 12h, preload: true"), Ok(true));
    assert!(preload("absolute: 12h, preload: now").is_err());
}

#[test]
fn what_is_refused() {
    for (part, other, problem) in [
        (
            "login: https:",
            "login: http:",
            "5: `http://login.kommune.example` cannot be the login host's address",
        ),
        (
            "login: https://login.kommune.example",
            "login: https://10.0.0.1",
            "5: `https://10.0.0.1` cannot be the login host's address",
        ),
        (
            "address: \"0.0.0.0:80\", redirect: true",
            "address: \"0.0.0.0:80\"",
            "10: plain HTTP is only for loopback addresses",
        ),
        (
            "tls:\n  certificates:               # PEM; chosen by the name the client asks for, and every host needs one\n    - { cert: tls/kommune.pem, key: tls/kommune.key }\n",
            "",
            "9: there is no certificate for this listener",
        ),
        ("idle: 15m", "idle: 15", "24: the duration `15` has no unit"),
        (
            "rp_id: login",
            "rp_id: logon",
            "29: keys registered for `logon.kommune.example` cannot be used on the login host `login.kommune.example`",
        ),
        ("preset: idura", "preset: signaturgruppen", "32: `signaturgruppen` is not known here"),
        (
            "https://kommune.idura",
            "http://kommune.idura",
            "33: `http://kommune.idura.broker` is not an issuer",
        ),
        ("level: substantial ", "algorithms: [HS256] ", "36: `HS256` is not accepted"),
        ("basic: password", "basic: passwrd", "41: there is no method or level `passwrd`"),
        ("basic: password", "key: password", "41: `key` is no name for a level: it has a meaning"),
        (
            "10.20.0.0/16",
            "10.20.0.1/16",
            "46: `10.20.0.1/16` is not a range: its first address is 10.20.0.0/16",
        ),
        ("kommune-lan:", "internet:", "46: `internet` is everything outside the networks"),
        (
            "store: sqlite:",
            "store: mysql:",
            "17: `mysql:/var/lib/sluse/sluse.db` is not a store of this version",
        ),
        ("languages: [da, en]", "languages: [dk]", "49: `dk` is not known here"),
        ("languages:", "langauges:", "49: unknown key `langauges`"),
    ] {
        assert_eq!(with(part, other).map(|_| ()), Err(vec![problem.to_owned()]), "{other}");
    }
}

#[test]
fn a_listener_behind_proxies_needs_some_to_trust() {
    let redirect = "address: \"0.0.0.0:80\", redirect: true";
    let behind = format!("{redirect}, proxy_protocol: true");
    let config = with(redirect, &behind).unwrap();
    let told: Vec<bool> = config.listen.iter().map(|listener| listener.proxy_protocol).collect();
    assert_eq!(told, [false, true]);
    let text = SHIPPED.replace(redirect, &behind).replace("trusted_proxies: [10.20.0.5/32]", "");
    let problem = "9: `proxy_protocol` is for trusted proxies alone, and there are none";
    assert_eq!(parse(&text).map(|_| ()).unwrap_err(), [problem]);
}

#[test]
fn a_file_that_cannot_be_read_is_told_how_to_come_by() {
    let told: Vec<String> =
        parse(SHIPPED).unwrap().unreadable_files().into_iter().map(|it| it.help).collect();
    let hints =
        ["and its chain", "the certificate was issued for", "make one: `head", "the MitID broker gave you"];
    assert_eq!(told.len(), hints.len());
    for hint in hints {
        let fitting: Vec<&String> = told.iter().filter(|help| help.contains(hint)).collect();
        assert_eq!(fitting.len(), 1, "{hint}: {told:?}");
        assert!(fitting[0].contains("let the user the gateway runs as read it"));
    }
}

#[test]
fn security_events_are_kept_for_good_or_as_long_as_is_said() {
    let audit =
        |text: &str| with("sessions:", &format!("audit: {text}\nsessions:")).map(|config| config.audit);
    assert_eq!(parse(SHIPPED).unwrap().audit, Audit::default());
    let all = Audit {
        keep: Some(Duration::from_hours(400 * 24)),
        token_file: Some(PathBuf::from("/etc/sluse/siem.token")),
        geoip: Some(PathBuf::from("/etc/sluse/countries.mmdb")),
    };
    assert_eq!(audit("{ keep: 400d, token_file: siem.token, geoip: countries.mmdb }"), Ok(all));
    let told = audit("{ keep: 23h }").unwrap_err();
    assert_eq!(told, ["24: security events are kept for a day at least"]);
}

#[test]
fn roles_are_given_by_groups() {
    let roles =
        |text: &str| with("sessions:", &format!("roles: {text}\nsessions:")).map(|config| config.roles);
    let desk = roles("{ service_desk: [servicedesk, hjemmepleje-leder] }").unwrap();
    assert!(desk.allow(&["hjemmepleje-leder".to_owned()], Duty::Unlock));
    assert!(!desk.allow(&["hjemmepleje-leder".to_owned()], Duty::Vouch));
    assert!(roles("{ supporter: [servicedesk] }").unwrap_err()[0].contains("supporter"));
}

#[test]
fn the_desk_says_which_proof_and_what_takes_four_eyes() {
    let desk = |text: &str| with("sessions:", &format!("desk: {text}\nsessions:")).map(|config| config.desk);
    let usual = parse(SHIPPED).unwrap().desk;
    assert_eq!((usual.pin, usual.mitid, usual.four_eyes.len()), (false, false, 0));
    assert_eq!(usual.answer_within, Duration::from_hours(24));
    let strict = desk("{ proof: [key(pin), mitid], four_eyes: [lock, invite], answer_within: 2h }").unwrap();
    assert_eq!((strict.pin, strict.mitid), (true, true));
    assert_eq!(strict.four_eyes, [Duty::Lock, Duty::Invite]);
    assert_eq!(strict.answer_within, Duration::from_hours(2));
    // Without a key there is nothing to stop a password that somebody else knows.
    assert!(desk("{ proof: [mitid] }").unwrap_err()[0].contains("the admin pages need a key"));
    assert!(desk("{ four_eyes: [vouch] }").unwrap_err()[0].contains("vouch"));
}

#[test]
fn a_level_asks_only_for_methods_that_are_set_up() {
    let told = with(
        "  key:\n    rp_id: login.kommune.example   # the login host or a parent domain; changing it makes all keys useless\n",
        "",
    );
    assert_eq!(
        told.map(|_| ()).unwrap_err(),
        ["40: the method `key` is not set up", "41: the method `key` is not set up"]
    );
}

#[test]
fn what_a_new_password_must_be() {
    let rules = |value: &str| with("password: {}", &format!("password: {value}"));
    let config =
        rules("{ min_length: 15, history: 0, forbidden: [Åby], directory_change: \"https://a.example/x\" }")
            .unwrap();
    let methods = config.methods;
    assert_eq!((methods.password_rules.minimum(), methods.password_rules.history), (15, 0));
    assert_eq!(methods.directory_change.unwrap().as_str(), "https://a.example/x");
    assert_eq!(parse(SHIPPED).unwrap().methods.password_rules, crate::authn::password::Rules::default());
    for wrong in [
        "{ min_length: 7 }",
        "{ history: 25 }",
        "{ history: many }",
        "{ directory_change: \"http://a.example\" }",
    ] {
        assert_eq!(rules(wrong).map(|_| ()).unwrap_err().len(), 1, "{wrong}");
    }
}

#[test]
fn whose_it_is_and_what_people_accept() {
    let house = |lines: &str| with("languages:", &format!("{lines}\nlanguages:"));
    let config = house("organisation: Åby\nlinks: { privacy: { da: \"https://a.example/da\", en: \"https://a.example/en\" } }\nterms: { version: 3, en: t.txt }").unwrap();
    let House { organisation, accessibility, privacy, terms } = config.house;
    assert_eq!(organisation.unwrap().en, "Åby");
    assert_eq!((accessibility, privacy.unwrap().en.as_str()), (None, "https://a.example/en"));
    let terms = terms.unwrap();
    assert_eq!((terms.version, terms.da.as_path()), (3, Path::new("/etc/sluse/t.txt")));
    assert_eq!(terms.da, terms.en, "the one there is");
    for (wrong, told) in [
        ("terms: { version: 3 }", "the terms have no text"),
        ("terms: { version: new, da: t.txt }", "`new` is no version"),
        ("links: { privacy: \"http://a.example\" }", "is not an https address"),
        ("links: { privacy: { da: \"https://a.example\" } }", "the key `en` is missing"),
    ] {
        let problems = house(wrong).map(|_| ()).unwrap_err();
        assert!(problems[0].contains(told), "{problems:?}");
    }
}

#[test]
fn directories_by_domain() {
    let directory = "directories:\n  ad:\n    servers: [ldaps://dc1.kommune.example, ldap://dc2.kommune.example]\n    \
                     ca: ca.pem\n    bind_dn: cn=sluse\n    password_file: ad.secret\n    base: dc=kommune\n    \
                     username: sAMAccountName\n    domains: [Kommune.example, KOMMUNE]\n    claims: { unit: department }\n";
    let whole = |directory: &str| with("languages:", &format!("{directory}languages:"));
    let config = whole(directory).unwrap();
    let [ad] = config.directories.as_slice() else { panic!("{:?}", config.directories) };
    assert_eq!(ad.domains, ["kommune.example", "kommune"]);
    assert_eq!((ad.display_name.as_str(), ad.default), ("displayName", false));
    assert_eq!(ad.claims, [("unit".to_owned(), "department".to_owned())]);
    assert_eq!(config.unreadable_files().len(), 6, "and the root and the secret");
    for (part, other, told) in [
        ("ldaps://dc1", "https://dc1", "`https://dc1.kommune.example` is not an LDAP server"),
        ("ldaps://dc1.kommune.example", "ldaps://dc1.kommune.example/dc=x", "is not an LDAP server"),
        ("sAMAccountName", "\"uid=*)(x\"", "`uid=*)(x` is no attribute"),
        ("Kommune.example", "a@b", "`a@b` is no domain"),
        ("    ca: ca.pem\n", "", "the key `ca` is missing"),
    ] {
        let problems = whole(&directory.replacen(part, other, 1)).map(|_| ()).unwrap_err();
        assert!(problems.iter().any(|problem| problem.contains(told)), "{other}: {problems:?}");
    }
    let twice = directory.replacen("directories:\n", "", 1).replace("  ad:", "  other:");
    let problems = whole(&format!("{directory}{twice}")).map(|_| ()).unwrap_err();
    assert!(problems[0].contains("`ad` and `other` would have the same names"), "{problems:?}");
}

#[test]
fn who_is_told_and_how() {
    let whole = |told: &str| with("sessions:", &format!("{told}sessions:"));
    let told = "mail:\n  server: smtps://smtp.kommune.example\n  from: Sluse <noreply@kommune.example>\n  \
                username: sluse\n  password_file: mail.secret\n  alarms: [it-vagt@kommune.example]\n\
                webhooks:\n  desk: { url: https://desk.kommune.example/x, secret_file: hook, events: [key-deleted] }\n  \
                siem: { url: \"http://127.0.0.1:9/x\", secret_file: hook }\n";
    let config = whole(told).unwrap();
    let mail = config.mail.as_ref().unwrap();
    assert_eq!((mail.server.port, mail.server.security), (465, Security::Tls));
    assert_eq!((mail.from.email.to_string().as_str(), mail.alarms.len()), ("noreply@kommune.example", 1));
    let [desk, siem] = config.webhooks.as_slice() else { panic!("{:?}", config.webhooks) };
    assert_eq!((&*desk.events, siem.events.len()), (&["key-deleted"][..], crate::audit::told::TOLD.len()));
    assert_eq!((desk.is_local(), siem.is_local()), (false, true));
    assert_eq!(parse(SHIPPED).unwrap().needs_restart(&config), ["mail", "webhooks"]);
    let server = |text: &str| {
        let config = whole(&told.replace("smtps://smtp.kommune.example", text))?;
        let server = config.mail.unwrap().server;
        Ok::<_, Vec<String>>((server.host, server.port, server.security))
    };
    assert_eq!(server("smtp://mx:25"), Ok(("mx".to_owned(), 25, Security::StartTls)));
    assert_eq!(server("smtp+plain://127.0.0.1"), Ok(("127.0.0.1".to_owned(), 25, Security::None)));
    assert_eq!(server("\"smtp+plain://[::1]:2525\""), Ok(("::1".to_owned(), 2525, Security::None)));
    for (part, other, problem) in [
        ("smtps://smtp", "smtp+plain://smtp", "mail without TLS is only for loopback addresses"),
        ("smtps://smtp", "https://smtp", "`https://smtp.kommune.example` is not a mail server"),
        ("smtps://smtp", "smtps://us:secret@smtp", "is not a mail server"),
        ("Sluse <noreply@", "Sluse <noreply ", "is no mail address"),
        ("[it-vagt@kommune.example]", "[it-vagt]", "`it-vagt` is no mail address"),
        ("  password_file: mail.secret\n", "", "`username` and `password_file` go together"),
        ("https://desk.kommune", "http://desk.kommune", "cannot be told of events"),
        ("https://desk.kommune", "https://us@desk.kommune", "cannot be told of events"),
        ("key-deleted", "key-used", "`key-used` is not known here"),
    ] {
        let problems = whole(&told.replacen(part, other, 1)).map(|_| ()).unwrap_err();
        assert!(problems.iter().any(|told| told.contains(problem)), "{other}: {problems:?}");
    }
}

#[test]
fn what_brings_people() {
    let set = |line: &str| with("languages:", &format!("provisioning: {line}\nlanguages:"));
    let settings = |line: &str| set(line).unwrap().provisioning.unwrap().settings;
    assert_eq!(parse(SHIPPED).unwrap().provisioning, None);
    let usual = settings("{ token_file: scim.token }");
    assert_eq!(
        usual.claims.iter().map(|(claim, _)| claim.as_str()).collect::<Vec<_>>(),
        ["department", "employee_number"]
    );
    let own = settings("{ token_file: t, cpr: \"urn:k:2.0:User:cpr\", claims: { unit: department } }");
    assert_eq!(own.claims, [("unit".to_owned(), "department")]);
    assert!(own.cpr.unwrap().is(Some("urn:k:2.0:User"), "CPR"));
    for (line, problem) in [
        ("{}", "the key `token_file` is missing"),
        ("{ token_file: t, cpr: name.givenName }", "`name.givenName` is not the name of an attribute"),
        ("{ token_file: t, claims: { unit: departement } }", "did you mean `department`?"),
        ("{ token_file: t, claims: { unit: shoeSize } }", "`shoeSize` cannot be a claim"),
    ] {
        let problems = set(line).unwrap_err();
        assert!(problems.iter().any(|told| told.contains(problem)), "{line}: {problems:?}");
    }
}

#[test]
fn where_a_directorys_people_change_their_password() {
    let directory = |page: &str| {
        let lines = "servers: [\"ldaps://d.example\"], ca: ca.pem, bind_dn: d, password_file: p, base: b, username: uid, domains: [k]";
        with(
            "languages:",
            &format!("directories: {{ k: {{ {lines}, change_password: \"{page}\" }} }}\nlanguages:"),
        )
    };
    let page = directory("https://kodeord.example/").unwrap().directories[0].change_password.clone();
    assert_eq!(page.unwrap().as_str(), "https://kodeord.example/");
    for page in ["http://kodeord.example/", "kodeord.example", "javascript:alert(1)"] {
        assert!(directory(page).unwrap_err()[0].contains("is not the address of a page"), "{page}");
    }
}
