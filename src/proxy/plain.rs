//! Plain requests that pingora has read, as of HTTP/2: forwarded in one loop.
//!
//! pingora proxies by two halves that hand each other tasks through channels, so that a body can go while the answer
//! comes. A GET has none. It is read and written by the same HTTP of pingora's, but in one place, for three quarters of
//! what all of its proxying takes. Whatever is not plain goes pingora's way.

use futures_util::FutureExt as _;
use http::{HeaderName, Method, Version, header};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::protocols::http::HttpTask;
use pingora::protocols::http::v1::client::HttpSession as Asked;
use pingora::proxy::Session as Downstream;
use pingora::{Error, ErrorType, RetryType};

use super::{Context, Proxy, failure, forward};

/// Parts of an answer that are written at once, when they are there: a head and the beginning of what follows.
const AT_ONCE: usize = 4;

/// Whether a request asks for nothing that pingora's own proxying is needed for.
pub(super) fn is_plain(downstream: &mut Downstream, context: &Context) -> bool {
    let head = downstream.req_header();
    matches!(head.method, Method::GET | Method::HEAD)
        && matches!(head.version, Version::HTTP_11 | Version::HTTP_2)
        && context.returning.is_none()
        && says_nothing_to_this_hop(head)
        && downstream.is_body_empty()
}

/// Nothing but whether to keep the connection (RFC 9110, section 7.6.1), so that nothing else is to be left out.
pub(super) fn says_nothing_to_this_hop(head: &RequestHeader) -> bool {
    let keeps = |value: &http::HeaderValue| {
        let value = value.as_bytes();
        value.eq_ignore_ascii_case(b"keep-alive") || value.eq_ignore_ascii_case(b"close")
    };
    head.headers.keys().all(|name| !HOP_BY_HOP.contains(name))
        && head.headers.get_all(header::CONNECTION).iter().all(keeps)
}

/// What pingora takes out or acts upon.
const HOP_BY_HOP: [HeaderName; 11] = [
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
];

impl Proxy {
    /// Asks the upstream, and answers with what it says. An error is told to the person by `fail_to_proxy`.
    pub(super) async fn forward_plain(
        &self,
        downstream: &mut Downstream,
        context: &mut Context,
    ) -> pingora::Result<()> {
        let upstream = self.upstream(context).await?;
        let mut kept = upstream.kept();
        loop {
            let reused = kept.is_some();
            let stream = match kept.take() {
                Some(stream) => stream,
                // Boxed: to connect takes long, and otherwise room in each of many requests that need not.
                None => Box::pin(self.upstreams.connect(&upstream)).await?,
            };
            let mut asked = Asked::new_with_options(stream, &upstream.peer);
            asked.read_timeout = upstream.peer.options.read_timeout;
            asked.write_timeout = upstream.peer.options.write_timeout;
            match self.exchange(downstream, &mut asked, context).await {
                Ok(whole) => {
                    asked.respect_keepalive();
                    if whole && let Some(stream) = asked.reuse().await {
                        upstream.keep(stream);
                    }
                    return Ok(());
                }
                Err(mut error) => {
                    // Once more, on a connection of its own, if the one that was kept closed under it.
                    error.retry.decide_reuse(reused);
                    if !error.retry() || failure::answer(downstream).is_some() {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// One request and its answer: whether the upstream said all it had to, so that its connection is good for more.
    async fn exchange(
        &self,
        downstream: &mut Downstream,
        asked: &mut Asked,
        context: &mut Context,
    ) -> pingora::Result<bool> {
        let mut parts = downstream.req_header().as_owned_parts();
        parts.headers.remove(header::CONNECTION);
        parts.version = Version::HTTP_11;
        let head = self.forwarded(context)?.write(parts)?;
        asked.write_request_header(Box::new(head)).await.map_err(unsent)?;
        loop {
            let mut told = Vec::with_capacity(AT_ONCE);
            told.push(next(downstream, asked).await?);
            while told.len() < AT_ONCE && !told.iter().any(HttpTask::is_end) {
                match asked.read_response_task().now_or_never() {
                    Some(Ok(task)) => told.push(task),
                    // What came before it is passed on, unless the failure can still be told in its place.
                    Some(Err(error)) if failure::answer(downstream).is_some() => {
                        told.push(HttpTask::Failed(error.into_up()));
                    }
                    Some(Err(error)) => return Err(error.into_up()),
                    None => break,
                }
            }
            let whole =
                matches!(told.last(), Some(last) if last.is_end() && !matches!(last, HttpTask::Failed(_)));
            for task in &mut told {
                if let HttpTask::Header(head, end) = task {
                    frame(downstream, head, *end)?;
                    forward::answered(downstream, head, context)?;
                }
            }
            let done = downstream.write_response_tasks(told).await?;
            if done || whole {
                return Ok(whole);
            }
        }
    }
}

/// A request that the upstream cannot have read to its end.
fn unsent(error: Box<Error>) -> Box<Error> {
    let mut error = error.into_up();
    error.retry = RetryType::ReusedOnly;
    error
}

/// What the upstream says next, unless the client goes before.
async fn next(downstream: &mut Downstream, asked: &mut Asked) -> pingora::Result<HttpTask> {
    tokio::select! {
        // First, for it costs nothing to ask.
        biased;
        said = asked.read_response_task() => said.map_err(|error| error.into_up()),
        gone = downstream.as_downstream_mut().read_body_or_idle(true) => match gone {
            Err(error) => Err(error.into_down()),
            Ok(_) => Err(Error::explain(ErrorType::ConnectionClosed, "a body nobody announced").into_down()),
        },
    }
}

/// An answer that ends where its connection does is sent in chunks: ours is kept (RFC 9112, section 7.1).
fn frame(downstream: &Downstream, head: &mut ResponseHeader, end: bool) -> pingora::Result<()> {
    let has_body = downstream.req_header().method != Method::HEAD
        && !head.status.is_informational()
        && !matches!(head.status.as_u16(), 204 | 304)
        && !end;
    let framed = [header::TRANSFER_ENCODING, header::CONTENT_LENGTH];
    if has_body && !framed.iter().any(|name| head.headers.contains_key(name)) {
        head.set_version(Version::HTTP_11);
        head.insert_header(header::TRANSFER_ENCODING, "chunked")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_to_this_hop_goes_the_other_way() {
        let plain = |name: &'static str, value: &str| {
            let mut head = RequestHeader::build("GET", b"/", None).unwrap();
            head.append_header("Host", "cura.example").unwrap();
            head.append_header(name, value).unwrap();
            says_nothing_to_this_hop(&head)
        };
        for (name, value) in [("Accept", "*/*"), ("Connection", "Keep-Alive"), ("Connection", "close")] {
            assert!(plain(name, value), "{name}: {value}");
        }
        for (name, value) in [
            ("Connection", "upgrade"),
            ("Connection", "keep-alive, x-kept"),
            ("Connection", ""),
            ("Upgrade", "h2c"),
            ("HTTP2-Settings", "x"),
            ("TE", "trailers"),
            ("Trailer", "x"),
            ("Transfer-Encoding", "chunked"),
            ("Content-Length", "0"),
            ("Expect", "100-continue"),
            ("Keep-Alive", "timeout=5"),
            ("Proxy-Connection", "keep-alive"),
            ("Proxy-Authorization", "Basic x"),
        ] {
            assert!(!plain(name, value), "{name}: {value}");
        }
    }
}
