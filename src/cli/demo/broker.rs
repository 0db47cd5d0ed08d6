//! The demo's stand-in for a MitID broker: an OpenID Provider that believes whoever presses a button.
//!
//! It answers in the shape of Nets eID Broker, and lives in memory. For `sluse demo` alone.

mod grant;
mod page;
mod token;

use std::sync::Arc;

use axum::extract::{Form, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use self::grant::{Grants, Login, Redeemed};
use self::token::Signer;
use crate::authn::mitid::Issuer;
use crate::random::Random;
use crate::time::Clock;
use crate::user::Cpr;

/// A stand-in broker and the one client it knows, which has no secret.
pub struct Broker {
    /// Where the router is served: the root of a host, on loopback.
    pub issuer: Issuer,
    pub client_id: String,
    pub redirect_uri: Url,
    /// In the order of their buttons.
    pub people: Vec<BrokerPerson>,
}

/// Somebody with a MitID.
#[derive(Clone, Debug)]
pub struct BrokerPerson {
    pub username: String,
    pub name: String,
    pub cpr: Cpr,
}

/// The broker's pages and endpoints.
pub fn router(broker: Broker, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Router {
    let signer = Signer::generate(random.as_ref());
    let security = page::policy(&broker.redirect_uri);
    let state = Arc::new(Stand { broker, signer, grants: Grants::new(clock, random), security });
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/jwks", get(jwks))
        .route("/authorize", get(authorize))
        .route("/choose", post(choose))
        .route("/token", post(token))
        .route("/userinfo", get(userinfo))
        .route("/broker.css", get(page::stylesheet))
        .with_state(state)
}

struct Stand {
    broker: Broker,
    signer: Signer,
    grants: Grants,
    /// The Content-Security-Policy of its pages.
    security: HeaderValue,
}

type Shared = State<Arc<Stand>>;

async fn discovery(State(stand): Shared) -> Json<Value> {
    let issuer = stand.broker.issuer.as_str();
    let at = |path: &str| format!("{}{path}", issuer.trim_end_matches('/'));
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"),
        "jwks_uri": at("/jwks"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn jwks(State(stand): Shared) -> Json<Value> {
    Json(json!({ "keys": [stand.signer.jwk()] }))
}

/// The page with one button a person.
async fn authorize(State(stand): Shared, RawQuery(query): RawQuery) -> Response {
    match Login::parse(&query.unwrap_or_default(), &stand.broker) {
        Ok(login) => {
            let id = stand.grants.open(login);
            page::choice(&id, &stand.broker.people, stand.security.clone())
        }
        // A malformed request never goes back: the redirect address may not be ours.
        Err(reason) => page::refusal(reason, stand.security.clone()),
    }
}

#[derive(Deserialize)]
struct Choice {
    login: String,
    /// A user name; none to abort.
    person: Option<String>,
}

async fn choose(State(stand): Shared, Form(choice): Form<Choice>) -> Response {
    let Some(login) = stand.grants.close(&choice.login) else {
        return page::refusal("Dette login er udløbet eller allerede brugt.", stand.security.clone());
    };
    let state = login.state.clone();
    let chosen =
        choice.person.and_then(|name| stand.broker.people.iter().find(|person| person.username == name));
    let mut back = stand.broker.redirect_uri.clone();
    match chosen {
        Some(person) => {
            let code = stand.grants.grant(login, person.clone());
            back.query_pairs_mut().append_pair("code", &code);
        }
        None => {
            back.query_pairs_mut()
                .append_pair("error", "access_denied")
                .append_pair("error_description", "mitid_user_aborted");
        }
    }
    back.query_pairs_mut().append_pair("state", &state).append_pair("iss", stand.broker.issuer.as_str());
    ([(header::CACHE_CONTROL, "no-store")], Redirect::to(back.as_str())).into_response()
}

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: String,
    client_id: String,
    redirect_uri: String,
    code: String,
    code_verifier: String,
}

async fn token(State(stand): Shared, Form(request): Form<TokenRequest>) -> Response {
    let broker = &stand.broker;
    if request.client_id != broker.client_id {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    if request.grant_type != "authorization_code" {
        return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type");
    }
    // Taken whatever comes next: a code is good for one attempt.
    let redeemed = stand.grants.redeem(&request.code, &request.code_verifier);
    let Some(redeemed) = redeemed.filter(|_| request.redirect_uri == broker.redirect_uri.as_str()) else {
        return refused(StatusCode::BAD_REQUEST, "invalid_grant");
    };
    let Redeemed { access_token, grant } = redeemed;
    let claims = token::claims(broker, &grant, &access_token, stand.grants.now());
    let answer = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": 300,
        "id_token": stand.signer.sign(&claims),
    });
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

fn refused(status: StatusCode, error: &str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(json!({ "error": error }))).into_response()
}

async fn userinfo(State(stand): Shared, headers: HeaderMap) -> Response {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
    match token.and_then(|token| stand.grants.bearer(token)) {
        Some(grant) => ([(header::CACHE_CONTROL, "no-store")], Json(token::userinfo(&stand.broker, &grant)))
            .into_response(),
        None => (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]).into_response(),
    }
}

#[cfg(test)]
mod tests;
