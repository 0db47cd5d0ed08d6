//! The one way out to a broker.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse, reqwest};

use crate::authn::mitid::settings::Issuer;

const TIMEOUT: Duration = Duration::from_secs(5);
/// In bytes. A discovery document with its keys is some ten thousand.
const BODY_LIMIT: usize = 256 * 1024;

/// An HTTP client that follows no redirects, waits 5 seconds at most, and reads 256 KiB at most.
#[derive(Clone, Debug)]
pub struct Http(reqwest::Client);

impl Http {
    /// Finds hosts by the system's resolver.
    pub fn new() -> Result<Self, reqwest::Error> {
        Self::build(reqwest::Client::builder())
    }

    /// Finds `host` at `address`, whatever the resolver says, and without a proxy: for a broker on this very
    /// machine, since not every resolver knows `*.localhost`.
    pub fn pinned(host: &str, address: IpAddr) -> Result<Self, reqwest::Error> {
        // The port is the URL's: reqwest ignores the one given here.
        Self::build(reqwest::Client::builder().no_proxy().resolve(host, SocketAddr::new(address, 0)))
    }

    fn build(builder: reqwest::ClientBuilder) -> Result<Self, reqwest::Error> {
        builder.redirect(reqwest::redirect::Policy::none()).timeout(TIMEOUT).build().map(Self)
    }

    /// This client, for what `issuer` may be asked alone.
    pub(super) const fn to<'a>(&'a self, issuer: &'a Issuer) -> Line<'a> {
        Line { http: self, issuer }
    }
}

/// A client for one issuer. Every request passes here, so none goes where the issuer has no say, even if its
/// own metadata asks for it.
pub(super) struct Line<'a> {
    http: &'a Http,
    issuer: &'a Issuer,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("the address is not the issuer's to give")]
    Foreign,
    #[error("the answer is longer than {BODY_LIMIT} bytes")]
    TooLong,
    #[error("the request cannot be made")]
    Request(#[from] openidconnect::http::Error),
    #[error("no answer")]
    NoAnswer(#[from] reqwest::Error),
}

impl Line<'_> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        if !self.issuer.admits(request.url()) {
            return Err(HttpError::Foreign);
        }
        let mut response = self.http.0.execute(request).await?;
        let mut whole = openidconnect::http::Response::builder().status(response.status());
        for (name, value) in response.headers() {
            whole = whole.header(name, value);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > BODY_LIMIT {
                return Err(HttpError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(whole.body(body)?)
    }
}

impl<'c> AsyncHttpClient<'c> for Line<'_> {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}
