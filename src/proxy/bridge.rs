//! pingora ⇄ axum: the gateway's pages answer inside the proxy.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::protocols::http::ServerSession;
use pingora::time::timeout;
use tower::ServiceExt as _;

use crate::arrival::{Arrival, VERDICT};

/// The largest body a page of ours takes: a WebAuthn response with a long attestation is 8 KiB.
const MAX_BODY: usize = 64 * 1024;

/// How long it may take to arrive.
const BODY_LIMIT: Duration = Duration::from_secs(30);

/// Lets the router answer the request, and writes the answer. Answers its status.
pub async fn serve(
    router: &Router,
    downstream: &mut ServerSession,
    arrival: Arrival,
    path_and_query: &str,
) -> pingora::Result<StatusCode> {
    serve_up_to(MAX_BODY, router, downstream, (arrival, path_and_query)).await
}

/// As [`serve`], with a body of at most `most` bytes.
pub async fn serve_up_to(
    most: usize,
    router: &Router,
    downstream: &mut ServerSession,
    (arrival, path_and_query): (Arrival, &str),
) -> pingora::Result<StatusCode> {
    let body = match whole_body(downstream, most).await {
        Ok(body) => body,
        Err(Unread::TooLarge) => return refuse_body(downstream, StatusCode::PAYLOAD_TOO_LARGE).await,
        Err(Unread::TooSlow) => return refuse_body(downstream, StatusCode::REQUEST_TIMEOUT).await,
        Err(Unread::Broken(error)) => return Err(error),
    };
    let request = request(downstream.req_header(), arrival, path_and_query, body);
    let response = match request {
        Some(request) => answer(router, request).await,
        None => Response::builder().status(StatusCode::BAD_REQUEST).body(Body::empty()).unwrap_or_default(),
    };
    write(downstream, response).await
}

/// Lets the router show a page of its own instead of what was asked for: the arrival's verdict says which.
/// The request's body is not read.
pub async fn show(
    router: &Router,
    downstream: &mut ServerSession,
    arrival: Arrival,
) -> pingora::Result<StatusCode> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = http::Uri::from_static(VERDICT);
    *request.headers_mut() = downstream.req_header().headers.clone();
    request.extensions_mut().insert(arrival);
    let response = answer(router, request).await;
    write(downstream, response).await
}

/// Why a body was not read to its end. What is left of it is still on its way: the connection is not used
/// again.
pub(super) enum Unread {
    TooLarge,
    TooSlow,
    Broken(Box<pingora::Error>),
}

/// The body as a whole, if it has at most `most` bytes and arrives in time.
pub(super) async fn whole_body(downstream: &mut ServerSession, most: usize) -> Result<Bytes, Unread> {
    let read = match timeout(BODY_LIMIT, read_body(downstream, most)).await {
        Ok(Ok(Some(body))) => return Ok(body),
        Ok(Ok(None)) => Unread::TooLarge,
        Ok(Err(error)) => Unread::Broken(error),
        Err(_) => Unread::TooSlow,
    };
    downstream.set_keepalive(None);
    Err(read)
}

/// `None` if it is too large.
async fn read_body(downstream: &mut ServerSession, most: usize) -> pingora::Result<Option<Bytes>> {
    let declared = downstream
        .get_header(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok())
        .unwrap_or(0);
    if declared > most {
        return Ok(None);
    }
    // pingora leaves this to whoever reads the body (RFC 9110, 10.1.1).
    if downstream.get_header(header::EXPECT).is_some() {
        downstream.write_continue_response().await?;
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = downstream.read_request_body().await? {
        if body.len() + chunk.len() > most {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body.freeze()))
}

async fn refuse_body(downstream: &mut ServerSession, status: StatusCode) -> pingora::Result<StatusCode> {
    let response = Response::builder().status(status).body(Body::empty());
    write(downstream, response.unwrap_or_default()).await
}

fn request(head: &RequestHeader, arrival: Arrival, target: &str, body: Bytes) -> Option<Request<Body>> {
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = target.parse().ok()?;
    *request.headers_mut() = head.headers.clone();
    request.extensions_mut().insert(arrival);
    Some(request)
}

/// A panic in a page is that page's: a 500, and everybody else goes on.
async fn answer(router: &Router, request: Request<Body>) -> Response<Body> {
    let answered = tokio::spawn(router.clone().oneshot(request)).await;
    match answered {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(panic) => {
            tracing::error!(%panic, "a page failed");
            let mut response = Response::new(Body::from("500\n"));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

/// Writes a whole response. Repeated headers, Set-Cookie above all, stay repeated.
pub async fn write(downstream: &mut ServerSession, response: Response<Body>) -> pingora::Result<StatusCode> {
    let (parts, body) = response.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::new(),
    };
    let mut head = ResponseHeader::build(parts.status, Some(parts.headers.len() + 2))?;
    for (name, value) in &parts.headers {
        head.append_header(name.clone(), value.clone())?;
    }
    head.insert_header(header::CONTENT_LENGTH, HeaderValue::from(body.len()))?;
    let bodiless = downstream.req_header().method == http::Method::HEAD || body.is_empty();
    downstream.write_response_header(Box::new(head)).await?;
    if !bodiless {
        downstream.write_response_body(body, true).await?;
    }
    Ok(parts.status)
}

#[cfg(test)]
mod tests {
    use axum::routing::get;

    use super::*;

    #[tokio::test]
    async fn a_page_that_panics_is_a_500_and_the_next_one_is_served() {
        async fn panics() {
            panic!("as a test of a page may")
        }
        let router = Router::new().route("/bad", get(panics)).route("/good", get(async || "good"));
        let ask = async |path: &str| {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            answer(&router, request).await.status()
        };
        assert_eq!(ask("/bad").await, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(ask("/good").await, StatusCode::OK);
    }
}
