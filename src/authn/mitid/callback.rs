//! What the browser brings back from the broker.

use std::collections::BTreeMap;

use openidconnect::AuthorizationCode;
use subtle::ConstantTimeEq as _;

use crate::authn::mitid::error::{MitIdError, Outage, Refusal};
use crate::authn::mitid::settings::Issuer;

/// A callback that answers our request, with a code.
pub(super) struct Callback {
    pub code: AuthorizationCode,
    /// It carried `iss` (RFC 9207), and that was our broker.
    pub names_issuer: bool,
}

/// Reads a raw query string. Nothing in it is believed before the state is the one we sent, and tokens in it
/// (`id_token`, `access_token`) are not read at all: they come from the token endpoint or not.
pub(super) fn parse(query: &str, state: &str, issuer: &Issuer) -> Result<Callback, MitIdError> {
    let mut parameters = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if parameters.insert(name, value).is_some() {
            return Err(Refusal::ParameterRepeated.into());
        }
    }
    let returned = parameters.get("state").map_or("", AsRef::as_ref);
    if !bool::from(returned.as_bytes().ct_eq(state.as_bytes())) {
        return Err(Refusal::StateWrong.into());
    }
    let from = parameters.get("iss");
    if from.is_some_and(|from| from != issuer.as_str()) {
        return Err(Refusal::CallbackIssuerWrong.into());
    }
    match (parameters.get("error").map(AsRef::as_ref), parameters.get("code")) {
        (Some(_), Some(_)) => Err(Refusal::ErrorWithCode.into()),
        (Some("access_denied"), None) => Err(MitIdError::Aborted),
        (Some("server_error" | "temporarily_unavailable"), None) => Err(Outage::BrokerError.into()),
        (Some("unauthorized_client"), None) => Err(Outage::ClientRefused.into()),
        (Some(_), None) => Err(Refusal::BrokerRefused.into()),
        (None, Some(code)) if !code.is_empty() => {
            Ok(Callback { code: AuthorizationCode::new(code.to_string()), names_issuer: from.is_some() })
        }
        (None, _) => Err(Refusal::CodeMissing.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(query: &str) -> Result<(String, bool), MitIdError> {
        let issuer = Issuer::parse("https://a.dk/op").unwrap();
        parse(query, "s3", &issuer).map(|callback| (callback.code.into_secret(), callback.names_issuer))
    }

    #[test]
    fn a_code_comes_with_our_state() {
        assert_eq!(outcome("code=c&state=s3"), Ok(("c".to_owned(), false)));
        assert_eq!(outcome("state=s3&iss=https%3A%2F%2Fa.dk%2Fop&code=c%2B"), Ok(("c+".to_owned(), true)));
    }

    #[test]
    fn tokens_in_the_query_are_not_read() {
        assert_eq!(outcome("code=c&state=s3&id_token=x&access_token=y"), Ok(("c".to_owned(), false)));
        assert_eq!(outcome("state=s3&id_token=x&access_token=y"), Err(Refusal::CodeMissing.into()));
    }

    #[test]
    fn the_state_comes_before_everything_else() {
        for query in [
            "",
            "code=c",
            "code=c&state=",
            "code=c&state=s",
            "code=c&state=s33",
            "error=access_denied&state=x",
        ] {
            assert_eq!(outcome(query), Err(Refusal::StateWrong.into()), "{query}");
        }
    }

    #[test]
    fn nothing_is_said_twice() {
        for query in [
            "code=c&state=s3&state=s3",
            "code=a&code=b&state=s3",
            "code=c&state=s3&iss=https://a.dk/op&iss=https://a.dk/op",
            "code=c&state=s3&x&x",
            "code=c&state=s3&%63ode=d",
        ] {
            assert_eq!(outcome(query), Err(Refusal::ParameterRepeated.into()), "{query}");
        }
    }

    #[test]
    fn another_issuer_is_refused_even_with_an_error() {
        for query in
            ["code=c&state=s3&iss=https://b.dk", "code=c&state=s3&iss=", "error=access_denied&state=s3&iss=x"]
        {
            assert_eq!(outcome(query), Err(Refusal::CallbackIssuerWrong.into()), "{query}");
        }
        assert_eq!(outcome("code=c&state=s3&iss=https://a.dk/op/"), Err(Refusal::CallbackIssuerWrong.into()));
    }

    #[test]
    fn errors() {
        let with = |error: &str| outcome(&format!("state=s3&error={error}")).unwrap_err();
        assert_eq!(with("access_denied&error_description=mitid_user_aborted"), MitIdError::Aborted);
        assert_eq!(with("server_error"), Outage::BrokerError.into());
        assert_eq!(with("unauthorized_client"), Outage::ClientRefused.into());
        assert_eq!(with("login_required"), Refusal::BrokerRefused.into());
        assert_eq!(with(""), Refusal::BrokerRefused.into());
        assert_eq!(with("access_denied&code=c"), Refusal::ErrorWithCode.into());
        assert_eq!(outcome("state=s3"), Err(Refusal::CodeMissing.into()));
        assert_eq!(outcome("state=s3&code="), Err(Refusal::CodeMissing.into()));
    }
}
