//! MitID, through a broker that speaks OpenID Connect.
//!
//! A login is two calls: [`MitId::begin`] gives the address to send the browser to and what to remember,
//! [`MitId::finish`] takes both that and what the browser brought back. Authorization code with PKCE (RFC 7636),
//! state, nonce and `prompt=login`; the level asked for is compared with the level returned, and everything in
//! doubt is refused.
//!
//! - [`settings`]: which broker. [`preset`]: how the brokers differ.
//! - [`http`]: the way out. [`provider`]: what the broker says of itself, and what it is asked.
//! - [`pending`], [`callback`], [`token`], [`identity`]: a login, in its order.
//! - [`error`]: why it failed.

mod callback;
mod error;
#[cfg(test)]
mod hostile;
mod http;
mod identity;
mod pending;
mod preset;
mod provider;
mod settings;
#[cfg(test)]
mod tests;
mod token;

use std::sync::Arc;

use openidconnect::core::{CoreAuthPrompt, CoreAuthenticationFlow};
use openidconnect::{
    CsrfToken, LanguageTag, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope,
};
use url::Url;

pub use self::error::{MitIdError, Outage, Refusal};
pub use self::http::Http;
pub use self::identity::Identity;
pub use self::pending::Pending;
use self::preset::Dialect;
pub use self::preset::Preset;
use self::provider::{Discovery, Provider, Tokens};
pub use self::settings::{Algorithm, ClaimOverrides, InvalidIssuer, Issuer, Settings, SettingsError};
use self::token::{Expected, SKEW};
use crate::authn::{MitIdEvidence, MitIdLevel, MitIdSubject};
use crate::random::Random;
use crate::time::Clock;

/// A broker, and our registration with it. Shared by all logins.
pub struct MitId {
    settings: Arc<Settings>,
    dialect: Dialect,
    discovery: Discovery,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// What to ask the broker for.
#[derive(Copy, Clone, Debug)]
pub struct Ask<'a> {
    /// At least this.
    pub level: MitIdLevel,
    /// `da` or `en`.
    pub language: &'a str,
    /// Shown in the person's MitID app, where the broker can: 130 characters, the rest is cut off.
    pub reference_text: Option<&'a str>,
}

impl MitId {
    /// Contacts nobody: the broker is found when somebody needs it, and its being down stops nothing else.
    pub fn new(
        settings: Settings,
        redirect_uri: Url,
        http: Http,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, SettingsError> {
        settings.check()?;
        let settings = Arc::new(settings);
        let dialect = settings.preset.dialect(&settings.claims);
        let redirect_uri = RedirectUrl::from_url(redirect_uri);
        let discovery = Discovery::new(Arc::clone(&settings), redirect_uri, http, Arc::clone(&clock));
        Ok(Self { settings, dialect, discovery, clock, random })
    }

    /// Whether these are the settings it was made of: then what it has learnt of the broker still holds.
    pub fn is_of(&self, settings: &Settings) -> bool {
        *self.settings == *settings
    }

    /// Where to send the browser, and what to keep, on our side, until it comes back.
    pub async fn begin(&self, ask: &Ask<'_>) -> Result<(Url, Pending), MitIdError> {
        let provider = self.discovery.provider().await?;
        let pending = Pending::begin(ask.level, self.clock.now(), self.random.as_ref());
        let verifier = PkceCodeVerifier::new(pending.verifier.clone());
        let (state, nonce) = (CsrfToken::new(pending.state.clone()), Nonce::new(pending.nonce.clone()));
        let mut request = provider
            .client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || state, move || nonce)
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .add_prompt(CoreAuthPrompt::Login)
            // Beside forbidding an old login, it obliges the broker to say `auth_time`.
            .set_max_age(SKEW)
            .add_ui_locale(LanguageTag::new(ask.language.to_owned()))
            .add_scopes(self.scopes());
        let mut parameters = self.settings.preset.parameters(ask);
        parameters.extend(self.settings.params.clone());
        for (name, value) in parameters {
            request = request.add_extra_param(name, value);
        }
        let (url, _, _) = request.url();
        Ok((url, pending))
    }

    /// Who it was, from `callback`: the raw query string the browser brought.
    ///
    /// Consumes `pending`, so a request is answered once; no token is asked for before the state is right.
    pub async fn finish(&self, pending: Pending, callback: &str) -> Result<Identity, MitIdError> {
        let callback = callback::parse(callback, &pending.state, &self.settings.issuer)?;
        let provider = self.discovery.provider().await?;
        if provider.promises_issuer && !callback.names_issuer {
            return Err(Refusal::CallbackIssuerMissing.into());
        }
        let tokens = provider.redeem(callback.code, pending.verifier.clone()).await?;
        match self.identify(&provider, &tokens, &pending).await {
            Err(MitIdError::Refused(Refusal::KeyUnknown)) => match self.discovery.after(&provider).await? {
                Some(provider) => self.identify(&provider, &tokens, &pending).await,
                None => Err(Refusal::KeyUnknown.into()),
            },
            outcome => outcome,
        }
    }

    async fn identify(
        &self,
        provider: &Provider,
        tokens: &Tokens,
        pending: &Pending,
    ) -> Result<Identity, MitIdError> {
        let expected =
            Expected { settings: &self.settings, dialect: &self.dialect, pending, now: self.clock.now() };
        let (claims, at) = expected.verify(tokens, &provider.client)?;
        let userinfo = provider.userinfo(tokens.access_token(), claims.subject()).await?;
        let id_token = provider::object(claims).ok_or(Refusal::TokenMalformed)?;
        let vouched = identity::Vouched::merge(id_token, userinfo);
        let level = vouched.level(&self.dialect, pending.level)?;
        let subject = MitIdSubject {
            issuer: self.settings.issuer.as_str().to_owned(),
            subject: claims.subject().as_str().to_owned(),
        };
        Ok(vouched.identity(&self.dialect, MitIdEvidence { at, subject, level })?)
    }

    fn scopes(&self) -> Vec<Scope> {
        let preset = || self.settings.preset.scopes().iter().map(|scope| (*scope).to_owned()).collect();
        let scopes: Vec<String> = self.settings.scopes.clone().unwrap_or_else(preset);
        scopes.into_iter().filter(|scope| scope != "openid").map(Scope::new).collect()
    }
}
