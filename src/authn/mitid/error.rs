//! Why a MitID login did not come about: closed sets of codes, without anything a broker sent.

use crate::authn::MitIdLevel;

/// How a MitID login ended, when it did not end well.
#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MitIdError {
    /// The person pressed *Afbryd* at the broker.
    #[error("the person stopped the login at the broker")]
    Aborted,
    /// Nothing is wrong with the person: try later, or use another method.
    #[error("the broker cannot be used: {0}")]
    Unavailable(Outage),
    /// What came back is not accepted.
    #[error("the login is refused: {0}")]
    Refused(Refusal),
}

impl MitIdError {
    /// The audit's code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Aborted => "aborted",
            Self::Unavailable(outage) => outage.code(),
            Self::Refused(refusal) => refusal.code(),
        }
    }
}

impl From<Outage> for MitIdError {
    fn from(outage: Outage) -> Self {
        Self::Unavailable(outage)
    }
}

impl From<Refusal> for MitIdError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Declares a fieldless enum whose variants each have a kebab-case code and a sentence.
macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident { $($(#[$note:meta])* $variant:ident => $code:literal, $text:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
        pub enum $name {
            $($(#[$note])* #[error($text)] $variant,)+
        }

        impl $name {
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }
        }
    };
}

reasons! {
    /// Why the broker cannot be used.
    Outage {
        Unreachable => "broker-unreachable", "it does not answer";
        DiscoveryInvalid => "discovery-invalid", "its discovery document or its keys cannot be used";
        EndpointForeign => "endpoint-foreign", "an endpoint is not on the issuer's host, or not on https";
        PkceMissing => "pkce-missing", "it does not offer PKCE with S256";
        ClientRefused => "client-refused", "it does not accept this gateway as a client";
        UserInfoFailed => "userinfo-failed", "its userinfo endpoint gives no usable answer";
        BrokerError => "broker-error", "it answered with an error of its own";
    }
}

reasons! {
    /// Why a login was refused.
    Refusal {
        ParameterRepeated => "parameter-repeated", "a parameter of the callback is repeated";
        StateWrong => "state-wrong", "the callback's state is not the one sent";
        CallbackIssuerWrong => "callback-issuer-wrong", "the callback comes from another issuer (RFC 9207)";
        CallbackIssuerMissing => "callback-issuer-missing", "the callback does not name its issuer (RFC 9207)";
        ErrorWithCode => "error-with-code", "the callback carries both an error and a code";
        BrokerRefused => "broker-refused", "the broker refused the request";
        CodeMissing => "code-missing", "the callback carries no code";
        CodeRefused => "code-refused", "the broker does not accept the code";
        TokenMalformed => "token-malformed", "the token response cannot be read";
        IdTokenMissing => "id-token-missing", "the token response has no id_token";
        IdTokenUnsupported => "id-token-unsupported", "the id_token is of a kind not accepted here";
        AlgorithmDisallowed => "algorithm-disallowed", "the id_token is signed with an algorithm not allowed here";
        KeyUnknown => "key-unknown", "the id_token is signed with a key the broker does not publish";
        SignatureInvalid => "signature-invalid", "the id_token's signature does not hold";
        IssuerWrong => "issuer-wrong", "the id_token's issuer is another";
        AudienceWrong => "audience-wrong", "the id_token is for somebody else";
        AuthorizedPartyWrong => "authorized-party-wrong", "the id_token was issued to somebody else";
        Expired => "token-expired", "the id_token has expired";
        IssuedAhead => "issued-ahead", "the id_token is issued in the future";
        IssuedLongAgo => "issued-long-ago", "the id_token is too old";
        NotYetValid => "not-yet-valid", "the id_token is not yet valid";
        NonceWrong => "nonce-wrong", "the id_token's nonce is not the one sent";
        AccessTokenHashWrong => "access-token-hash-wrong", "the id_token belongs to another access token";
        SubjectInvalid => "subject-invalid", "the id_token's subject is empty or too long";
        AuthTimeMissing => "auth-time-missing", "the id_token does not say when the person authenticated";
        AuthTimeAhead => "auth-time-ahead", "the person authenticated in the future";
        AuthTimeStale => "auth-time-stale", "the person did not authenticate anew";
        UserInfoSubjectWrong => "userinfo-subject-wrong", "the userinfo is about somebody else";
        SchemeForeign => "scheme-foreign", "the person used something other than MitID";
        LevelMissing => "level-missing", "no level of assurance came back";
        LevelUnknown => "level-unknown", "the level of assurance is not one of those accepted";
        /// The page says *Sikringsniveau for lavt*.
        LevelTooLow => "level-too-low", "the level of assurance is lower than asked";
        CprMalformed => "cpr-malformed", "the CPR claim is no CPR number";
    }
}

/// Refuses what came back at a level below the one asked.
pub(super) fn reached(returned: MitIdLevel, asked: MitIdLevel) -> Result<MitIdLevel, Refusal> {
    if returned < asked { Err(Refusal::LevelTooLow) } else { Ok(returned) }
}
