use sha2::Digest as _;

use crate::authn::password::Verdict;
use crate::cli::Refused;
use crate::cli::fixture::Fixture;
use crate::secret::Secret;
use crate::store::TokenHash;
use crate::time::Timestamp;
use crate::user::Cpr;

const CPR: &str = "010190-1234";

async fn verdict(fixture: &Fixture, name: &str, typed: &str) -> Verdict {
    let phc = fixture.store.password(fixture.named(name).await.id).await.unwrap();
    fixture.passwords.verify(phc.as_deref(), &Secret::new(typed.to_owned())).await.unwrap()
}

#[tokio::test]
async fn a_person_is_added_once() {
    let fixture = Fixture::new().await;
    fixture.keyboard.will_type(&[CPR]);
    let out = fixture
        .user(&[
            "add",
            "Nez",
            "--name",
            " Nez Nielsen ",
            "--group",
            "nat",
            "--group",
            "dag",
            "--expiry",
            "2026-12-31",
            "--cpr-stdin",
        ])
        .await
        .unwrap();
    assert!(out.starts_with("Added nez."), "{out}");
    let nez = fixture.named("nez").await;
    assert_eq!(
        (nez.name.as_str(), nez.groups.as_slice()),
        ("Nez Nielsen", ["nat", "dag"].map(String::from).as_slice())
    );
    assert_eq!(nez.cpr, Some(fixture.keys.cpr_hash(&Cpr::parse(CPR).unwrap())));
    assert_eq!(nez.expires_at.map(Timestamp::to_rfc3339).as_deref(), Some("2026-12-31T23:00:00.000Z"));

    let refused = fixture.user(&["add", "NEZ", "--name", "Another"]).await.unwrap_err();
    assert!(refused.is::<Refused>(), "{refused}");
    assert_eq!(fixture.named("nez").await, nez);
    assert_eq!(fixture.events().await, ["user-added"]);
}

#[tokio::test]
async fn what_is_typed_wrong_adds_nobody() {
    let fixture = Fixture::new().await;
    for args in [
        &["add", "a b", "--name", "Nez"][..],
        &["add", "nez", "--name", " "],
        &["add", "nez", "--name", "Nez\u{1b}[2J"],
        &["add", "nez", "--name", "Nez", "--group", "a,b"],
        &["add", "nez", "--name", "Nez", "--expiry", "31-12-2026"],
        &["add", "nez"],
    ] {
        assert!(fixture.user(args).await.is_err(), "{args:?}");
    }
    fixture.keyboard.will_type(&["010190-123"]);
    let error = fixture.user(&["add", "nez", "--name", "Nez", "--cpr-stdin"]).await.unwrap_err();
    assert!(!format!("{error:#}").contains("010190"), "{error:#}");
    assert!(fixture.store.users().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_password_is_set_and_ends_the_sessions() {
    let fixture = Fixture::new().await;
    let nez = fixture.person("nez").await;
    let bo = fixture.person("bo").await;
    let (token, others) = (fixture.session(&nez).await, fixture.session(&bo).await);
    fixture.store.add_code(nez.id, &TokenHash::of(b"code"), Timestamp::from_millis(i64::MAX)).await.unwrap();
    fixture.keyboard.will_type(&[" rigtig hest batteri "]);
    let out = fixture.user(&["set-password", "nez"]).await.unwrap();
    assert_eq!(out, "The password of nez is set; 1 session ended.\n");
    assert_eq!(verdict(&fixture, "nez", " rigtig hest batteri ").await, Verdict::Right { rehash: false });
    assert_eq!(verdict(&fixture, "nez", "rigtig hest batteri").await, Verdict::Wrong);
    assert!(fixture.store.session(&token).await.unwrap().is_none());
    assert!(fixture.store.session(&others).await.unwrap().is_some());
    assert!(!fixture.store.code_is_live(nez.id, &TokenHash::of(b"code"), fixture.now()).await.unwrap());
    assert_eq!(fixture.events().await, ["password-set"]);
    assert!(!fixture.store_contains(b"hest batteri"));
}

#[tokio::test]
async fn an_unfit_or_mistyped_password_changes_nothing() {
    let mut fixture = Fixture::new().await;
    let nez = fixture.person("nez").await;
    let token = fixture.session(&nez).await;
    for typed in ["elleve tegn", "aaaaaaaaaaaaaa", "her er NEZ igen"] {
        fixture.keyboard.will_type(&[typed]);
        assert!(fixture.user(&["set-password", "nez"]).await.is_err(), "{typed}");
    }
    fixture.keyboard.terminal = true;
    fixture.keyboard.will_type(&["rigtig hest batteri", "rigtig hest batter"]);
    assert!(fixture.user(&["set-password", "nez"]).await.is_err());
    fixture.keyboard.will_type(&[]);
    assert!(fixture.user(&["set-password", "nez"]).await.is_err());
    assert_eq!(fixture.store.password(nez.id).await.unwrap(), None);
    assert!(fixture.store.session(&token).await.unwrap().is_some());
    assert!(fixture.events().await.is_empty());

    fixture.keyboard.asked.lock().unwrap().clear();
    fixture.keyboard.will_type(&["rigtig hest batteri", "rigtig hest batteri"]);
    fixture.user(&["set-password", "nez"]).await.unwrap();
    assert_eq!(*fixture.keyboard.asked.lock().unwrap(), ["New password for nez", "The same again"]);
}

#[tokio::test]
async fn a_password_is_never_an_argument() {
    let fixture = Fixture::new().await;
    fixture.person("nez").await;
    assert!(fixture.user(&["set-password", "nez", "rigtig hest batteri"]).await.is_err());
}

#[tokio::test]
async fn disabling_ends_the_sessions_and_enabling_brings_none_back() {
    let fixture = Fixture::new().await;
    let nez = fixture.person("nez").await;
    let tokens = [fixture.session(&nez).await, fixture.session(&nez).await];
    assert_eq!(fixture.user(&["disable", "nez"]).await.unwrap(), "nez is disabled; 2 sessions ended.\n");
    assert!(fixture.named("nez").await.disabled);
    assert_eq!(fixture.store.revocations(Some(0)).await.unwrap().len(), 2);
    assert_eq!(fixture.user(&["enable", "nez"]).await.unwrap(), "nez is enabled.\n");
    assert!(!fixture.named("nez").await.disabled);
    for token in tokens {
        assert!(fixture.store.session(&token).await.unwrap().is_none());
    }
    assert_eq!(fixture.events().await, ["user-disabled", "user-enabled"]);
}

#[tokio::test]
async fn nobody_is_a_refusal() {
    let fixture = Fixture::new().await;
    for command in ["set-password", "disable", "enable"] {
        let refused = fixture.user(&[command, "nobody"]).await.unwrap_err();
        assert!(refused.is::<Refused>(), "{command}: {refused}");
        assert_eq!(refused.to_string(), "there is no user `nobody`");
    }
    assert!(fixture.events().await.is_empty());
}

#[tokio::test]
async fn everybody_is_listed() {
    let fixture = Fixture::new().await;
    fixture
        .import(
            "username,name,groups,expiry\n\
             nez,Nez Nielsen,nat;dag,2026-12-31\n\
             bo,Bo,,2026-11-21\n\
             åse,Åse,,\n"
                .as_bytes(),
        )
        .await
        .unwrap();
    fixture.user(&["disable", "\u{e5}se"]).await.unwrap();
    let text = fixture.user(&["list"]).await.unwrap();
    let expected = "\
USERNAME  NAME         GROUPS    CPR  LAST DAY    STATE
bo        Bo                     no   2026-11-21  expired
nez       Nez Nielsen  nat; dag  no   2026-12-31  active
åse       Åse                    no               disabled
";
    assert_eq!(text, expected);
    let json: serde_json::Value =
        serde_json::from_str(&fixture.user(&["list", "--format", "json"]).await.unwrap()).unwrap();
    assert_eq!(json[1]["username"], "nez");
    assert_eq!(json[1]["groups"], serde_json::json!(["nat", "dag"]));
    assert_eq!(json[1]["expires_at"], "2026-12-31T23:00:00.000Z");
    assert_eq!(json[2]["disabled"], true);
}

#[tokio::test]
async fn an_import_adds_updates_and_then_has_nothing_to_do() {
    let fixture = Fixture::new().await;
    let bo = fixture.person("bo").await;
    let token = fixture.session(&bo).await;
    let file = "username,name,cpr,groups,expiry\n\
                NEZ,Nez Nielsen,010190-1234,nat; dag,2026-12-31\n\
                bo,\"Bo, den \"\"store\"\"\",,,\n";
    assert_eq!(fixture.import(file.as_bytes()).await.unwrap(), "Added 1, updated 1, unchanged 0.\n");
    let nez = fixture.named("nez").await;
    assert_eq!(nez.groups, ["nat", "dag"]);
    assert_eq!(nez.cpr, Some(fixture.keys.cpr_hash(&Cpr::parse(CPR).unwrap())));
    assert_eq!(fixture.named("bo").await.name, "Bo, den \"store\"");
    assert_eq!(fixture.named("bo").await.id, bo.id);
    assert!(fixture.store.session(&token).await.unwrap().is_some(), "a new name ends no session");

    let before = (fixture.store.users().await.unwrap(), fixture.events().await);
    assert_eq!(before.1, ["user-added", "user-changed"]);
    let with_mark = [b"\xef\xbb\xbf", file.replace('\n', "\r\n").as_bytes()].concat();
    assert_eq!(fixture.import(&with_mark).await.unwrap(), "Added 0, updated 0, unchanged 2.\n");
    assert_eq!((fixture.store.users().await.unwrap(), fixture.events().await), before);
}

#[tokio::test]
async fn a_column_that_is_not_there_changes_nothing() {
    let fixture = Fixture::new().await;
    fixture.import(b"username,name,cpr,groups,expiry\nnez,Nez,0101901234,nat,2026-12-31\n").await.unwrap();
    fixture.user(&["disable", "nez"]).await.unwrap();
    let before = fixture.named("nez").await;
    assert_eq!(
        fixture.import(b"name,username\nNez,nez\n").await.unwrap(),
        "Added 0, updated 0, unchanged 1.\n"
    );
    assert_eq!(fixture.named("nez").await, before);
    fixture.import(b"username,name,cpr,groups,expiry\nnez,Nez,,,\n").await.unwrap();
    let cleared = fixture.named("nez").await;
    assert_eq!((cleared.cpr, cleared.groups.len(), cleared.expires_at), (None, 0, None));
    assert!(cleared.disabled, "an import lets nobody in again");
}

#[tokio::test]
async fn claims_are_added_imported_and_cleared_by_name() {
    let fixture = Fixture::new().await;
    let claims = async |name: &str| {
        let user = fixture.named(name).await;
        user.claims.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    let add =
        ["add", "nez", "--name", "Nez", "--claim", "unit=syd", "--claim", "unit=nord", "--claim", "a=b=c"];
    fixture.user(&add).await.unwrap();
    assert_eq!(claims("nez").await, ["a=b=c", "unit=nord", "unit=syd"]);
    for odd in ["unit", "=x", "unit=", "unit=a;b"] {
        assert!(fixture.user(&["add", "bo", "--name", "Bo", "--claim", odd]).await.is_err(), "{odd}");
    }
    let token = fixture.session(&fixture.named("nez").await).await;
    let file = "username,name,claim:unit,claim:post\nnez,Nez,øst; vest,\nbo,Bo,,leder\n";
    fixture.import(file.as_bytes()).await.unwrap();
    assert_eq!(claims("nez").await, ["a=b=c", "unit=vest", "unit=øst"]);
    assert_eq!(claims("bo").await, ["post=leder"]);
    assert!(fixture.store.session(&token).await.unwrap().is_none(), "sessions in memory hold the claims");
    assert_eq!(fixture.import(file.as_bytes()).await.unwrap(), "Added 0, updated 0, unchanged 2.\n");
    fixture.import(b"username,name,claim:a\nnez,Nez,\n").await.unwrap();
    assert_eq!(claims("nez").await, ["unit=vest", "unit=øst"]);
    for file in ["username,name,claim:\n", "username,name,claim:a,claim:a\n"] {
        assert!(fixture.import(file.as_bytes()).await.is_err(), "{file}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&fixture.user(&["list", "--format", "json"]).await.unwrap()).unwrap();
    assert_eq!(json[1]["claims"], serde_json::json!({ "unit": ["vest", "øst"] }));
}

#[tokio::test]
async fn an_import_that_changes_what_somebody_may_ends_their_sessions() {
    let fixture = Fixture::new().await;
    let nez = fixture.person("nez").await;
    let lives = async |file: &[u8]| {
        let token = fixture.session(&nez).await;
        fixture.import(file).await.unwrap();
        fixture.store.session(&token).await.unwrap().is_some()
    };
    assert!(lives(b"username,name\nnez,Nez igen\n").await, "a name is only shown");
    assert!(!lives(b"username,name,groups\nnez,Nez,nurses\n").await, "sessions in memory hold the groups");
    assert!(lives(b"username,name,groups\nnez,Nez,nurses\n").await, "nothing changed");
    assert!(!lives(b"username,name,expiry\nnez,Nez,2026-11-22\n").await, "and when the account ends");
    assert!(!lives(b"username,name,expiry\nnez,Nez,2026-11-22 15:30\n").await, "to the minute");
    let listed = fixture.user(&["list"]).await.unwrap();
    assert!(listed.contains("2026-11-22 15:30"), "{listed}");
}

#[tokio::test]
async fn every_error_is_told_before_anything_is_changed() {
    let fixture = Fixture::new().await;
    let file = b"username,name,cpr,groups,expiry\n\
        nez,Nez,,,\n\
        a b,Nez,,,\n\
        bo,,,,\n\
        per,Per,010190-12,\"a,b\",31-12-2026\n\
        ida,Ida,,\n\
        NEZ,Nez igen,,,\n\
        \xff\xfe,x,,,\n\
        \"eva\",\"Eva\n\
        Evasen\",,,\n\
        last,Last,,,2026-02-30\n";
    let error = format!("{:#}", fixture.import(file).await.unwrap_err());
    let told: Vec<_> = error.lines().skip(1).collect();
    assert_eq!(
        told,
        [
            "  line 3: a user name has 1 to 128 characters, none of them a space or a control character",
            "  line 4: a person's name has 1 to 200 characters, none of them a control character",
            "  line 5: a CPR number has ten digits, written ddmmyyxxxx or ddmmyy-xxxx",
            "  line 5: a group has a name without commas, semicolons and control characters",
            "  line 5: `31-12-2026`: a day is written YYYY-MM-DD and a minute `YYYY-MM-DD HH:MM`, Danish time",
            "  line 6: 4 columns, where the first line has 5",
            "  line 7: `nez` is on line 2 already",
            "  line 8: this is not UTF-8",
            "  line 9: a person's name has 1 to 200 characters, none of them a control character",
            "  line 11: `2026-02-30`: a day is written YYYY-MM-DD and a minute `YYYY-MM-DD HH:MM`, Danish time",
        ],
        "{error}"
    );
    assert!(error.contains("nothing was changed") && error.contains("10 errors:"), "{error}");
    assert!(fixture.store.users().await.unwrap().is_empty());
    assert!(fixture.events().await.is_empty());
}

#[tokio::test]
async fn the_first_line_names_the_columns() {
    let fixture = Fixture::new().await;
    for (file, told) in [
        ("", "there is no column `username`"),
        ("nez,Nez,010190-1234\n", "column 3 is none of username, name, cpr, groups, expiry"),
        ("username,cpr\nnez,\n", "there is no column `name`"),
        ("username,name,name\nnez,a,b\n", "the column `name` is there twice"),
        ("username;name\nnez;Nez\n", "the columns are to be separated by commas"),
        ("username,name,phone\nnez,Nez,1\n", "column 3 is none of"),
    ] {
        let error = format!("{:#}", fixture.import(file.as_bytes()).await.unwrap_err());
        assert!(error.contains(told), "{file:?}: {error}");
        assert!(!error.contains("010190"), "{error}");
    }
    assert!(fixture.store.users().await.unwrap().is_empty());
    assert!(fixture.user(&["import", "/nowhere/people.csv"]).await.is_err());
}

#[tokio::test]
async fn no_cpr_number_reaches_the_disk() {
    let fixture = Fixture::new().await;
    fixture.import(b"username,name,cpr\nnez,Nez Nielsen,010190-1234\n").await.unwrap();
    fixture.import(b"username,name,cpr\nnez,Nez Nielsen,020290-4321\n").await.unwrap();
    fixture.keyboard.will_type(&["0303905678"]);
    fixture.user(&["add", "bo", "--name", "Bo", "--cpr-stdin"]).await.unwrap();
    assert!(fixture.store_contains(b"Nez Nielsen"), "the search finds what is there");
    for digits in ["0101901234", "010190-1234", "0202904321", "020290-4321", "0303905678", "030390-5678"] {
        assert!(!fixture.store_contains(digits.as_bytes()), "{digits}");
    }
    let plain = sha2::Sha256::digest("0101901234");
    assert!(!fixture.store_contains(&plain), "nor a hash without the key");
}
