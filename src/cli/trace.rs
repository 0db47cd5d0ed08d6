//! `sluse explain CODE`: why a request that showed this code got what it got.

use std::io::Write;

use super::{Context, Format, Refused, date};
use crate::audit::CorrelationIds;
use crate::trace::Trace;

/// Prints how it was decided then, whatever the policy is now. The answer is no if nothing is known of the
/// code, or no longer.
pub async fn run(
    (typed, format): (&str, Format),
    context: &Context<'_>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let Some(code) = CorrelationIds::parse(typed) else {
        anyhow::bail!(
            "`{typed}` is no code: give one such as 7F3K-92QD, or a method and an address, such as \
             `GET https://cura.kommune.example/`"
        );
    };
    let record = context.store.trace(&code, context.now()).await?.ok_or_else(|| {
        let message = "no request that was not let through in the last 24 hours showed this code";
        Refused(format!("`{code}` is not known: {message}"))
    })?;
    let trace: Trace = serde_json::from_str(&record.trace)?;
    match format {
        Format::Human => {
            let Trace { method, host, transcript, .. } = &trace;
            let when = date::to_the_second(record.at);
            writeln!(out, "{code}   {when}   {method} {host}{}{}", transcript.path, who(&trace))?;
            write!(out, "{transcript}")?;
        }
        Format::Json => {
            let mut object = serde_json::to_value(&trace)?;
            object["code"] = code.into();
            object["at"] = record.at.to_rfc3339().into();
            writeln!(out, "{object:#}")?;
        }
    }
    Ok(())
}

/// Who asked, and by what they had shown it.
fn who(trace: &Trace) -> String {
    let user = trace.user.as_ref().map_or("nobody signed in".to_owned(), |user| {
        let groups = if trace.groups.is_empty() { "no group".to_owned() } else { trace.groups.join(", ") };
        format!("{user} ({groups}) {}", trace.proofs)
    });
    let address = trace.address.map_or(String::new(), |address| format!("   from {address}"));
    format!("   {user}{address}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::cli::Refused;
    use crate::cli::fixture::Fixture;
    use crate::policy::explain::{Line, Transcript};
    use crate::store::TraceRecord;
    use crate::trace::{KEPT, Trace};

    #[tokio::test]
    async fn a_code_is_told_as_it_was_decided() {
        let fixture = Fixture::new().await;
        fixture.store.put_traces(&[record(&fixture)]).await.unwrap();
        let told = fixture.explain(&["7F3K-92QD"]).await.unwrap();
        assert_eq!(fixture.explain(&["7f3k92qd"]).await.unwrap(), told);
        insta::assert_snapshot!(told, @r"
            7F3K-92QD   2026-11-22 09:54:56   GET cura.localhost/admin   nez (night) password=2h   from 10.20.0.7
            app cura   policies/cura.yaml   path /admin (unchanged by normalisation)
             (7 more that missed)
             rule  rest   HIT   line 9
               groups  nurses  rule    line 10   FAIL
            => deny groups     browser: 403    API: 403    WebSocket: 403
            ");
        let json = fixture.explain(&["7F3K-92QD", "--format", "json"]).await.unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&json["code"], &json["user"]), (&"7F3K-92QD".into(), &"nez".into()));
        assert_eq!(json["transcript"]["outcome"], "deny groups");
    }

    #[tokio::test]
    async fn what_is_not_known_is_told_plainly() {
        let fixture = Fixture::new().await;
        let mut old = record(&fixture);
        old.expires_at = fixture.now();
        fixture.store.put_traces(&[old]).await.unwrap();
        for unknown in ["7F3K-92QD", "0000-0000"] {
            let refused = fixture.explain(&[unknown]).await.unwrap_err();
            assert!(refused.is::<Refused>() && refused.to_string().contains(unknown), "{refused}");
        }
        let error = fixture.explain(&["GET"]).await.unwrap_err();
        assert!(!error.is::<Refused>() && error.to_string().contains("is no code"), "{error}");
    }

    fn record(fixture: &Fixture) -> TraceRecord {
        let at = fixture.now();
        let check = Line::Check {
            key: "groups".into(),
            value: "nurses".to_owned(),
            from: Some(("rule".into(), 10)),
            met: false,
            detail: String::new(),
        };
        let entry = Line::Entry { kind: "rule".into(), name: "rest".to_owned(), line: 9, misses: Vec::new() };
        let transcript = Transcript {
            app: "cura".to_owned(),
            file: "policies/cura.yaml".to_owned(),
            path: "/admin".to_owned(),
            asked: "/admin".to_owned(),
            steps: vec![entry, check],
            left_out: 7,
            observes: None,
            outcome: "deny groups".to_owned(),
            answers: "     browser: 403    API: 403    WebSocket: 403".to_owned(),
        };
        let trace = Trace {
            method: "GET".to_owned(),
            host: "cura.localhost".to_owned(),
            user: Some("nez".to_owned()),
            groups: vec!["night".to_owned()],
            proofs: "password=2h".to_owned(),
            address: Some("10.20.0.7".parse().unwrap()),
            transcript,
        };
        let expires_at = at.plus(KEPT).minus(Duration::from_secs(1));
        let trace = serde_json::to_string(&trace).unwrap();
        TraceRecord { code: "7F3K-92QD".to_owned(), at, expires_at, trace }
    }
}
