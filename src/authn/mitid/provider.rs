//! The broker as its discovery document describes it, and the requests made to it.

use std::sync::Arc;
use std::time::Duration;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod,
    CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreSubjectIdentifierType,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessToken, AdditionalClaims, AdditionalProviderMetadata, AuthType, AuthorizationCode, Client, ClientId,
    ClientSecret, DiscoveryError, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    IdTokenFields, PkceCodeVerifier, ProviderMetadata, RedirectUrl, RequestTokenError, StandardErrorResponse,
    StandardTokenResponse, SubjectIdentifier, UserInfoClaims, UserInfoError,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use crate::authn::mitid::error::{MitIdError, Outage, Refusal};
use crate::authn::mitid::http::{Http, HttpError};
use crate::authn::mitid::settings::{Issuer, Settings};
use crate::time::{Clock, Timestamp};

/// A removed key is believed this long at most.
const FRESH_FOR: Duration = Duration::from_secs(600);
/// An unknown key may be a new one: worth asking again, but not for every token that names one.
const REFETCH_AFTER: Duration = Duration::from_secs(60);
/// A broker that is down is not asked by everyone who waits for it.
const RETRY_AFTER: Duration = Duration::from_secs(5);

pub(super) type OidcClient = Client<
    Claims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What the token endpoint gives.
pub(super) type Tokens = StandardTokenResponse<
    IdTokenFields<
        Claims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

/// Every claim the standard has no name for.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Claims {
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

impl AdditionalClaims for Claims {}

type Metadata = ProviderMetadata<
    Extras,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// Metadata of RFC 8414 and RFC 9207.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Extras {
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Extras {}

/// Finds the provider, and remembers it.
pub(super) struct Discovery {
    settings: Arc<Settings>,
    redirect_uri: RedirectUrl,
    http: Http,
    clock: Arc<dyn Clock>,
    /// Held while fetching: many who wait make one request.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    provider: Option<Arc<Provider>>,
    failure: Option<(Timestamp, Outage)>,
    refetched_at: Option<Timestamp>,
}

impl Discovery {
    pub fn new(
        settings: Arc<Settings>,
        redirect_uri: RedirectUrl,
        http: Http,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { settings, redirect_uri, http, clock, known: Mutex::default() }
    }

    /// The provider, as of ten minutes ago at most.
    pub async fn provider(&self) -> Result<Arc<Provider>, Outage> {
        let mut known = self.known.lock().await;
        match &known.provider {
            Some(provider) if self.clock.now().since(provider.fetched_at) < FRESH_FOR => {
                Ok(Arc::clone(provider))
            }
            _ => self.fetch(&mut known).await,
        }
    }

    /// The provider after `old`, whose keys proved too few; none if it was asked a moment ago.
    pub async fn after(&self, old: &Arc<Provider>) -> Result<Option<Arc<Provider>>, Outage> {
        let mut known = self.known.lock().await;
        if let Some(provider) = known.provider.as_ref().filter(|provider| !Arc::ptr_eq(provider, old)) {
            return Ok(Some(Arc::clone(provider)));
        }
        let now = self.clock.now();
        if known.refetched_at.is_some_and(|at| now.since(at) < REFETCH_AFTER) {
            return Ok(None);
        }
        known.refetched_at = Some(now);
        self.fetch(&mut known).await.map(Some)
    }

    async fn fetch(&self, known: &mut Known) -> Result<Arc<Provider>, Outage> {
        let now = self.clock.now();
        if let Some((at, outage)) = known.failure
            && now.since(at) < RETRY_AFTER
        {
            return Err(outage);
        }
        match Provider::load(&self.settings, &self.redirect_uri, &self.http, now).await {
            Ok(provider) => {
                let provider = Arc::new(provider);
                // Replaced, not merged: a key no longer published is no longer believed.
                known.provider = Some(Arc::clone(&provider));
                known.failure = None;
                Ok(provider)
            }
            Err(outage) => {
                known.failure = Some((now, outage));
                Err(outage)
            }
        }
    }
}

/// The broker, as it was at one moment.
pub(super) struct Provider {
    pub client: OidcClient,
    /// It says that its callbacks carry `iss` (RFC 9207).
    pub promises_issuer: bool,
    has_userinfo: bool,
    issuer: Issuer,
    http: Http,
    fetched_at: Timestamp,
}

impl Provider {
    async fn load(
        settings: &Settings,
        redirect_uri: &RedirectUrl,
        http: &Http,
        now: Timestamp,
    ) -> Result<Self, Outage> {
        let issuer = &settings.issuer;
        let metadata =
            Metadata::discover_async(issuer.url().clone(), &http.to(issuer)).await.map_err(outage)?;
        let token = metadata.token_endpoint().ok_or(Outage::DiscoveryInvalid)?.url();
        let userinfo = metadata.userinfo_endpoint().map(|endpoint| endpoint.url());
        let endpoints = [Some(metadata.authorization_endpoint().url()), Some(token), userinfo];
        if !endpoints.into_iter().flatten().all(|endpoint| issuer.admits(endpoint)) {
            return Err(Outage::EndpointForeign);
        }
        let extras = metadata.additional_metadata();
        if let Some(methods) = &extras.code_challenge_methods_supported
            && !methods.iter().any(|method| method == "S256")
        {
            return Err(Outage::PkceMissing);
        }
        let promises_issuer = extras.authorization_response_iss_parameter_supported;
        let auth_type = auth_type(metadata.token_endpoint_auth_methods_supported(), settings)?;
        let has_userinfo = userinfo.is_some();
        let secret = settings.client_secret.as_ref().map(|secret| ClientSecret::new(secret.expose().clone()));
        let client =
            OidcClient::from_provider_metadata(metadata, ClientId::new(settings.client_id.clone()), secret)
                .set_redirect_uri(redirect_uri.clone())
                .set_auth_type(auth_type);
        Ok(Self {
            client,
            promises_issuer,
            has_userinfo,
            issuer: issuer.clone(),
            http: http.clone(),
            fetched_at: now,
        })
    }

    /// Exchanges a code for tokens. None of them is verified yet.
    pub async fn redeem(&self, code: AuthorizationCode, verifier: String) -> Result<Tokens, MitIdError> {
        let request = self.client.exchange_code(code).map_err(|_| Outage::DiscoveryInvalid)?;
        let line = self.http.to(&self.issuer);
        let tokens = request.set_pkce_verifier(PkceCodeVerifier::new(verifier)).request_async(&line).await;
        tokens.map_err(|error| match error {
            RequestTokenError::Request(_) => Outage::Unreachable.into(),
            RequestTokenError::ServerResponse(answer) => match answer.error() {
                CoreErrorResponseType::InvalidGrant => Refusal::CodeRefused.into(),
                CoreErrorResponseType::InvalidClient | CoreErrorResponseType::UnauthorizedClient => {
                    Outage::ClientRefused.into()
                }
                _ => Outage::BrokerError.into(),
            },
            RequestTokenError::Parse(..) => Refusal::TokenMalformed.into(),
            RequestTokenError::Other(_) => Outage::BrokerError.into(),
        })
    }

    /// What the broker's userinfo endpoint says about `subject`; nothing if there is no such endpoint.
    pub async fn userinfo(
        &self,
        token: &AccessToken,
        subject: &SubjectIdentifier,
    ) -> Result<Map<String, Value>, MitIdError> {
        if !self.has_userinfo {
            return Ok(Map::new());
        }
        // openidconnect panics on a token that cannot stand in a header.
        if !token.secret().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Refusal::TokenMalformed.into());
        }
        let request = self
            .client
            .user_info(token.clone(), Some(subject.clone()))
            .map_err(|_| Outage::DiscoveryInvalid)?;
        let line = self.http.to(&self.issuer);
        let answer: Result<UserInfoClaims<Claims, CoreGenderClaim>, _> = request.request_async(&line).await;
        let claims = answer.map_err(|error| match error {
            UserInfoError::ClaimsVerification(_) => MitIdError::from(Refusal::UserInfoSubjectWrong),
            _ => Outage::UserInfoFailed.into(),
        })?;
        object(&claims).ok_or_else(|| Outage::UserInfoFailed.into())
    }
}

/// The claims by name, as they were written.
pub(super) fn object(claims: &impl Serialize) -> Option<Map<String, Value>> {
    match serde_json::to_value(claims) {
        Ok(Value::Object(claims)) => Some(claims),
        _ => None,
    }
}

/// How to show the client secret: as the broker prefers (OpenID Connect Core 1.0, section 9).
fn auth_type(offered: Option<&Vec<CoreClientAuthMethod>>, settings: &Settings) -> Result<AuthType, Outage> {
    let offers = |method: &CoreClientAuthMethod| offered.is_some_and(|methods| methods.contains(method));
    if settings.client_secret.is_none() {
        // A public client: its id alone, in the body.
        return Ok(AuthType::RequestBody);
    }
    if offered.is_none() || offers(&CoreClientAuthMethod::ClientSecretBasic) {
        Ok(AuthType::BasicAuth)
    } else if offers(&CoreClientAuthMethod::ClientSecretPost) {
        Ok(AuthType::RequestBody)
    } else {
        Err(Outage::ClientRefused)
    }
}

fn outage(error: DiscoveryError<HttpError>) -> Outage {
    // Nothing of a person is in it: discovery documents and keys are public.
    tracing::warn!(error = &error as &dyn std::error::Error, "the MitID broker's metadata cannot be used");
    match error {
        DiscoveryError::Request(HttpError::Foreign) => Outage::EndpointForeign,
        DiscoveryError::Request(HttpError::NoAnswer(_)) => Outage::Unreachable,
        DiscoveryError::Response(status, ..) if status.is_server_error() => Outage::Unreachable,
        _ => Outage::DiscoveryInvalid,
    }
}
