use crate::audit::{Entry, Event, Origin};
use crate::cli::Refused;
use crate::cli::fixture::Fixture;
use crate::store::chain::ChainHash;

#[tokio::test]
async fn events_are_listed_newest_first() {
    let fixture = Fixture::new().await;
    fixture.user(&["add", "nez", "--name", "Nez"]).await.unwrap();
    fixture.user(&["add", "bo", "--name", "Bo"]).await.unwrap();
    fixture.user(&["disable", "nez"]).await.unwrap();
    let text = fixture.audit(&["list"]).await.unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("TIME "), "{text}");
    for (line, expected) in lines[1..].iter().zip(["user-disabled", "user-added", "user-added"]) {
        assert!(line.starts_with("2026-11-22T08:54:56.007Z  ") && line.contains(expected), "{text}");
    }
    assert_eq!(lines.len(), 4);
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(lines[0])[2..4], ["USER", "BY"]);
    assert_eq!(words(lines[1])[2..4], ["nez", "tester"], "who was closed out, and by whom");

    let json = fixture.audit(&["list", "--user", "NEZ", "--limit", "1", "--format", "json"]).await.unwrap();
    let records: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(records.as_array().unwrap().len(), 1);
    assert_eq!(records[0]["event"], "user-disabled");
    assert_eq!(records[0]["username"], "nez");
    assert_eq!(records[0]["detail"]["operator"], "tester");
    assert_eq!(records[0]["address"], serde_json::Value::Null);
}

#[tokio::test]
async fn nobodys_events_are_refused() {
    let fixture = Fixture::new().await;
    let refused = fixture.audit(&["list", "--user", "nobody"]).await.unwrap_err();
    assert!(refused.is::<Refused>(), "{refused}");
}

/// Three wrong passwords of names nobody has.
async fn with_strangers() -> Fixture {
    let fixture = Fixture::new().await;
    for (typed, address, code) in [
        ("=cmd|' /C calc'!A0", "10.20.0.7", "7F3K-92QD"),
        ("nez, \"the\" carer", "10.20.0.7", "AAAA-0000"),
        ("ole", "2001:db8::1", "BBBB-0000"),
    ] {
        let address = Some(address.parse().unwrap());
        let origin = Origin { at: fixture.now(), address, correlation: code.to_owned() };
        let entry = Entry::new(Event::PasswordWrong, &origin).typed_name(typed);
        fixture.store.append_audit(&entry.into_record()).await.unwrap();
    }
    fixture
}

#[tokio::test]
async fn every_filter_filters() {
    let fixture = with_strangers().await;
    fixture.user(&["add", "nez", "--name", "Nez"]).await.unwrap();
    for (filter, positions) in [
        (&[][..], &[1, 2, 3, 4][..]),
        (&["--user", "nez"], &[4]),
        (&["--typed", "ole"], &[3]),
        (&["--event", "password-wrong"], &[1, 2, 3]),
        (&["--event", "password-wrong", "--address", "10.20.0.7"], &[1, 2]),
        (&["--address", "2001:0db8:0::1"], &[3]),
        (&["--code", "7f3k92qd"], &[1]),
        (&["--from", "2026-11-22 09:54", "--until", "2026-11-22"], &[1, 2, 3, 4]),
        (&["--from", "2026-11-22 09:55"], &[]),
        (&["--until", "2026-11-21"], &[]),
        (&["--after", "2"], &[3, 4]),
        (&["--after", "1", "--limit", "2"], &[2, 3]),
        (&["--after", "4"], &[]),
    ] {
        let arguments: Vec<&str> = ["export"].iter().chain(filter).copied().collect();
        let told = fixture.audit(&arguments).await.unwrap();
        let found: Vec<i64> = told
            .lines()
            .map(|line| {
                serde_json::from_str::<serde_json::Value>(line).unwrap()["position"].as_i64().unwrap()
            })
            .collect();
        assert_eq!(found, positions, "{filter:?}");
    }
}

#[tokio::test]
async fn a_spreadsheet_gets_text() {
    let fixture = with_strangers().await;
    let text = fixture.audit(&["export", "--format", "csv"]).await.unwrap();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[0], "position,at,event,user,username,address,correlation,detail,hash");
    assert!(lines[1].contains(",'=cmd|' /C calc'!A0,10.20.0.7,7F3K-92QD,{},"), "{text}");
    assert!(lines[2].contains(",\"nez, \"\"the\"\" carer\","), "{text}");
    assert_eq!((lines.len(), lines[4]), (5, ""));
}

#[tokio::test]
async fn an_audit_as_it_was_written_is_confirmed_and_a_row_can_be_noted() {
    let fixture = with_strangers().await;
    let told = fixture.audit(&["verify", "--format", "json"]).await.unwrap();
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["rows"], &told["faults"]), (&3.into(), &serde_json::json!([])));
    let head = told["head"].as_str().unwrap();
    fixture.user(&["add", "nez", "--name", "Nez"]).await.unwrap();
    let text = fixture.audit(&["verify", "--noted", head]).await.unwrap();
    assert!(text.starts_with("4 rows, the newest 4:"), "{text}");

    let other = format!("3:{}", ChainHash::genesis());
    let refused = fixture.audit(&["verify", "--noted", &other]).await.unwrap_err();
    assert!(refused.is::<Refused>() && refused.to_string().ends_with("1 fault"), "{refused}");
    assert!(fixture.audit(&["verify", "--noted", "3"]).await.is_err());
}
