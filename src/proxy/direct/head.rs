//! The head of a request that can be read in one way only: what a browser sends.

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use httparse::Status;
use pingora::http::RequestHeader;

use crate::proxy::forward::MOST_SET;
use crate::proxy::request::{MAX_FIELDS, is_target};

/// Where a head ends.
#[derive(Debug, PartialEq)]
pub enum End {
    /// After so many bytes.
    At(usize),
    /// They are still to come.
    Awaited,
    /// That is for others to find out: it begins as no head does, or with a line that CR and LF do not end.
    Unclear,
}

pub fn end(read: &[u8]) -> End {
    if let Some(last) = memchr::memmem::find(read, b"\r\n\r\n") {
        return End::At(last + 4);
    }
    let mut lines = memchr::memchr_iter(b'\n', read);
    let begins = read.first().is_none_or(u8::is_ascii_uppercase);
    if begins && lines.all(|at| read[..at].ends_with(b"\r")) { End::Awaited } else { End::Unclear }
}

/// A GET or HEAD of HTTP/1.1 that is whole, and has nothing after it. `None` where there is more to think about: that is
/// pingora's to read, and [`request`](crate::proxy::request)'s to refuse.
pub fn read(bytes: &Bytes) -> Option<RequestHeader> {
    // Empty lines before it may be ignored (RFC 9112, section 2.2), and not by everybody.
    if !bytes.first().is_some_and(u8::is_ascii_uppercase) || !ends_its_lines(bytes) {
        return None;
    }
    let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut head = httparse::Request::new(&mut []);
    if head.parse_with_uninit_headers(bytes, &mut fields) != Ok(Status::Complete(bytes.len()))
        || head.version != Some(1)
    {
        return None;
    }
    let mut request = Request::new(());
    *request.method_mut() = match head.method? {
        "GET" => Method::GET,
        "HEAD" => Method::HEAD,
        _ => return None,
    };
    *request.uri_mut() = target(bytes, head.path?)?;
    let mut headers = HeaderMap::with_capacity(head.headers.len() + MOST_SET);
    for field in &*head.headers {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_maybe_shared(bytes.slice_ref(field.value)).ok()?);
    }
    *request.headers_mut() = headers;
    Some(RequestHeader::from(request.into_parts().0))
}

/// Whether it ends where a head does, and each of its lines by CR and LF (RFC 9112, section 2.2), of which neither
/// comes alone.
fn ends_its_lines(bytes: &[u8]) -> bool {
    let mut lines = 0;
    let ends = |at: usize| at.checked_sub(1).is_some_and(|before| bytes[before] == b'\r');
    bytes.ends_with(b"\r\n\r\n")
        && memchr::memchr_iter(b'\n', bytes).inspect(|_| lines += 1).all(ends)
        && memchr::memchr_iter(b'\r', bytes).count() == lines
}

/// A target in origin-form (RFC 9112, section 3.2.1) that is kept as it is.
fn target(bytes: &Bytes, path: &str) -> Option<Uri> {
    if !path.starts_with('/') || !is_target(path.as_bytes()) {
        return None;
    }
    let target = PathAndQuery::from_maybe_shared(bytes.slice_ref(path.as_bytes())).ok()?;
    (target.as_str() == path).then(|| Uri::from(target))
}

#[cfg(test)]
mod tests {
    use pingora::protocols::http::v1::server::HttpSession;
    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    use tokio::io::AsyncWriteExt as _;

    use super::*;
    use crate::proxy::request;

    fn head(text: &str) -> Option<RequestHeader> {
        read(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn a_head_ends_where_a_line_is_empty() {
        for (read, expected) in [
            ("", End::Awaited),
            ("GET / HT", End::Awaited),
            ("GET / HTTP/1.1\r\nHost: a\r\n\r", End::Awaited),
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", End::At(27)),
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /", End::At(27)),
            ("GET / HTTP/1.1\nHost: a\n\n", End::Unclear),
            ("\nGET", End::Unclear),
            ("\r\n", End::Unclear),
            ("\u{16}\u{3}", End::Unclear),
        ] {
            assert_eq!(end(read.as_bytes()), expected, "{read:?}");
        }
    }

    #[test]
    fn what_browsers_send_is_read() {
        let head =
            head("GET /a%20b?c=d&e HTTP/1.1\r\nHost: cura.example\r\nX-A: 1\r\nx-a:  \"b\" \r\nX-B:\r\n\r\n");
        let head = head.unwrap();
        assert_eq!(
            (&head.method, head.raw_path(), head.version),
            (&Method::GET, &b"/a%20b?c=d&e"[..], http::Version::HTTP_11)
        );
        let fields: Vec<_> =
            head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(fields, [("host", &b"cura.example"[..]), ("x-a", b"1"), ("x-a", b"\"b\""), ("x-b", b"")]);
        assert!(super::read(&Bytes::from_static(b"HEAD / HTTP/1.1\r\nHost: \xc3\xa6\r\n\r\n")).is_some());
    }

    /// pingora's reading of the same bytes.
    async fn at_pingora(text: &str) -> RequestHeader {
        let (mut client, server) = tokio::io::duplex(text.len());
        client.write_all(text.as_bytes()).await.unwrap();
        let mut session = HttpSession::new(Box::new(server));
        session.read_request().await.unwrap().unwrap();
        session.req_header().clone()
    }

    /// Heads of such targets and fields, some of them with something odd at some place.
    fn heads() -> impl Strategy<Value = String> {
        let some =
            |from: &'static [&'static str], most| prop::collection::vec(prop::sample::select(from), 0..most);
        let odd = prop::option::of((any::<prop::sample::Index>(), prop::sample::select(ODD)));
        (some(TARGETS, 4), some(FIELDS, 6), odd).prop_map(|(target, fields, odd)| {
            let mut text = format!("GET /{} HTTP/1.1\r\nHost: a\r\n{}\r\n", target.concat(), fields.concat());
            if let Some((at, odd)) = odd {
                text.insert_str(at.index(text.len()), odd);
            }
            text
        })
    }

    const TARGETS: &[&str] = &["a", "/../", "%2e", ";b", "?q=", "\"{}|", "\\"];
    const FIELDS: &[&str] = &["Host: b\r\n", "X: b\r\n", "x:c \t\r\n", "Cookie: a=b; c\r\n", "X-Empty:\r\n"];
    const ODD: &[&str] =
        &["\r\n", "\n", "\r", " ", "\t", ":", ",", "#", "\0", "\r\n ", "@", " HTTP/1.1", "X: y\r\n"];

    #[test]
    fn what_is_read_here_is_what_pingora_reads() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut runner = TestRunner::deterministic();
        let (mut read, mut left) = (0, 0);
        for _ in 0..1_000 {
            let text = heads().new_tree(&mut runner).unwrap().current();
            let Some(ours) = head(&text).filter(|head| request::read(head).is_ok()) else {
                left += 1;
                continue;
            };
            read += 1;
            let theirs = runtime.block_on(at_pingora(&text));
            assert_eq!(ours.method, theirs.method, "{text:?}");
            assert_eq!(ours.raw_path(), theirs.raw_path(), "{text:?}");
            assert_eq!(ours.version, theirs.version, "{text:?}");
            assert_eq!(ours.headers, theirs.headers, "{text:?}");
        }
        assert!(read > 200 && left > 100, "{read} were read, and {left} left to others");
    }

    #[test]
    fn anything_else_is_left_to_others() {
        for text in [
            "",
            "GET / HTTP/1.1\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\0\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / a HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
            "get / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /\u{e6} HTTP/1.1\r\nHost: a\r\n\r\n",
        ] {
            assert!(head(text).is_none(), "{text:?}");
        }
        let many = |count| format!("GET / HTTP/1.1\r\n{}\r\n", "X-A: 1\r\n".repeat(count));
        assert!(head(&many(MAX_FIELDS)).is_some());
        assert!(head(&many(MAX_FIELDS + 1)).is_none());
    }
}
