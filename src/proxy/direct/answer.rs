//! The head of an upstream's answer: read once, and said again without what is not the client's.

use std::mem::MaybeUninit;

use http::Method;
use httparse::{ParserConfig, Status};
use pingora::protocols::http::date;
use pingora::{Error, ErrorType};

use super::body::{Body, Framing};
use crate::proxy::forward;

/// Fields an answer may have, and its head's size in bytes.
const MOST_FIELDS: usize = 256;
const MOST_BYTES: usize = 256 * 1024;

/// Who is answered, and how that side goes on.
pub struct Asker {
    pub method: Method,
    /// Whether the connection is kept.
    pub kept: bool,
    /// Whether the answer is one person's alone, on a device that many people use.
    pub private: bool,
}

/// A head that was passed on.
pub struct Answer {
    pub status: u16,
    pub body: Body,
    /// Bytes of what was read.
    pub length: usize,
    /// Whether the upstream keeps the connection.
    pub kept: bool,
}

/// Reads a head from the beginning of `read`, and adds what the client is told of it to `told`. `None` if it is not
/// whole.
pub fn pass(read: &[u8], asker: &Asker, told: &mut Vec<u8>) -> pingora::Result<Option<Answer>> {
    let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut head = httparse::Response::new(&mut []);
    // As pingora reads them.
    let mut lenient = ParserConfig::default();
    lenient.allow_spaces_after_header_name_in_responses(true);
    lenient.allow_obsolete_multiline_headers_in_responses(true);
    let length = match lenient.parse_response_with_uninit_headers(&mut head, read, &mut fields) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) if read.len() <= MOST_BYTES => return Ok(None),
        Ok(Status::Partial) => return Err(broken("its head does not end")),
        Err(error) => {
            return Err(Error::because(ErrorType::InvalidHTTPHeader, "an upstream's answer", error).into_up());
        }
    };
    let status = head.code.unwrap_or_default();
    match status {
        101 => return Err(broken("an upgrade nobody asked for")),
        ..100 => return Err(broken("its status is none")),
        100.. => {}
    }
    told.extend_from_slice(b"HTTP/1.1 ");
    told.extend_from_slice(itoa::Buffer::new().format(status).as_bytes());
    told.push(b' ');
    told.extend_from_slice(head.reason.unwrap_or_default().as_bytes());
    told.extend_from_slice(b"\r\n");
    let mut framing = Framing::default();
    let mut dated = false;
    for field in &*head.headers {
        match known(field.name) {
            Some(Known::Connection) => framing.connection(field.value),
            Some(Known::Length) => framing.length(field.value)?,
            Some(Known::Coding) => framing.coding(field.value)?,
            Some(Known::ThisHop) => {}
            Some(Known::Cookie) if forward::plants(field.value) => {}
            Some(Known::Caching) if asker.private => {}
            name => {
                dated |= matches!(name, Some(Known::Date));
                say(told, field.name.as_bytes(), field.value);
            }
        }
    }
    let body = match status {
        // Hints: the answer is still to come.
        ..200 => Body::None,
        200.. => {
            if asker.private {
                say(told, b"cache-control", forward::PRIVATE.as_bytes());
            }
            // Whoever passes on an answer without one says when it came (RFC 9110, section 6.6.1).
            if !dated {
                say(told, b"date", date::get_cached_date().as_bytes());
            }
            say(told, b"connection", if asker.kept { b"keep-alive" } else { b"close" });
            framing.body(status, asker.method == Method::HEAD, told)
        }
    };
    told.extend_from_slice(b"\r\n");
    let kept = head.version == Some(1) && !framing.closes && body != Body::UntilClosed;
    Ok(Some(Answer { status, body, length, kept }))
}

/// A field, in one line (RFC 9112, section 5.2).
pub(super) fn say(told: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    told.extend_from_slice(name);
    told.extend_from_slice(b": ");
    let start = told.len();
    told.extend_from_slice(value);
    for byte in &mut told[start..] {
        if matches!(byte, b'\r' | b'\n') {
            *byte = b' ';
        }
    }
    told.extend_from_slice(b"\r\n");
}

/// An answer that is none.
pub(super) fn broken(why: &'static str) -> Box<Error> {
    Error::explain(ErrorType::InvalidHTTPHeader, why).into_up()
}

/// Fields that mean something to the gateway.
#[derive(Copy, Clone)]
enum Known {
    Connection,
    Length,
    Coding,
    /// Between the upstream and the gateway (RFC 9110, section 7.6.1), or of trailers, which are not passed on.
    ThisHop,
    Cookie,
    Caching,
    Date,
}

const KNOWN: [(&str, Known); 10] = [
    ("connection", Known::Connection),
    ("content-length", Known::Length),
    ("transfer-encoding", Known::Coding),
    ("keep-alive", Known::ThisHop),
    ("proxy-connection", Known::ThisHop),
    ("upgrade", Known::ThisHop),
    ("trailer", Known::ThisHop),
    ("set-cookie", Known::Cookie),
    ("cache-control", Known::Caching),
    ("date", Known::Date),
];

fn known(name: &str) -> Option<Known> {
    KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, known)| *known)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn asker(method: Method) -> Asker {
        Asker { method, kept: true, private: false }
    }

    /// What the client is told of a head, without its first line and the empty one, and what is known of it.
    fn passed(head: &str, asker: &Asker) -> (Vec<String>, Answer) {
        let mut told = Vec::new();
        let answer = pass(head.as_bytes(), asker, &mut told).unwrap().unwrap();
        let told = String::from_utf8(told).unwrap();
        let fields = told.strip_suffix("\r\n\r\n").unwrap().split("\r\n").map(str::to_owned);
        (fields.collect(), answer)
    }

    #[test]
    fn what_is_the_clients_is_passed_on() {
        let head = format!(
            "HTTP/1.1 200 Fine, thanks\r\nServer: it\r\nDate: {NOW}\r\nX-Odd : \u{e6}\r\nX-Long: a\r\n  b\r\n\
             Set-Cookie: a=b\r\nset-cookie: __Host-sluse=x; Path=/\r\nConnection: x, Keep-Alive\r\n\
             Keep-Alive: timeout=5\r\nUpgrade: h2c\r\ncontent-length: 2\r\nCache-Control: public\r\n\r\nok"
        );
        let (told, answer) = passed(&head, &asker(Method::GET));
        let date = format!("Date: {NOW}");
        assert_eq!(
            told,
            [
                "HTTP/1.1 200 Fine, thanks",
                "Server: it",
                &date,
                "X-Odd: \u{e6}",
                "X-Long: a    b",
                "Set-Cookie: a=b",
                "Cache-Control: public",
                "connection: keep-alive",
                "content-length: 2",
            ]
        );
        assert_eq!((answer.status, answer.length, answer.kept), (200, head.len() - 2, true));
        assert_eq!(answer.body, Body::Length(2));
    }

    #[test]
    fn the_next_person_at_the_device_is_not_shown_it() {
        let private = Asker { private: true, kept: false, ..asker(Method::GET) };
        let (told, _) =
            passed("HTTP/1.1 404\r\nDate: x\r\nCache-Control: public\r\nContent-Length: 0\r\n\r\n", &private);
        assert_eq!(
            told,
            ["HTTP/1.1 404 ", "Date: x", "cache-control: no-store", "connection: close", "content-length: 0"]
        );
    }

    #[test]
    fn an_answer_without_a_date_is_given_one() {
        let (told, _) = passed("HTTP/1.1 204 No Content\r\n\r\n", &asker(Method::GET));
        assert!(told.iter().any(|field| field.starts_with("date: ") && field.ends_with(" GMT")), "{told:?}");
        let (told, answer) = passed("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", &asker(Method::GET));
        assert_eq!(
            (told, answer.status),
            (vec!["HTTP/1.1 103 Early Hints".into(), "Link: </a>".into()], 103)
        );
    }

    #[test]
    fn where_an_answer_ends_follows_from_its_head() {
        use super::super::body::Chunk;
        let (get, head) = (asker(Method::GET), asker(Method::HEAD));
        for (asker, said, body, kept) in [
            (&get, "HTTP/1.1 200 OK\r\nContent-Length: 5", Body::Length(5), true),
            (&get, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5", Body::Length(5), true),
            (&get, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: Close", Body::Length(5), false),
            (&get, "HTTP/1.0 200 OK\r\nContent-Length: 5", Body::Length(5), false),
            (&get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked", Body::Chunks(Chunk::Size), true),
            (
                &get,
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5",
                Body::Chunks(Chunk::Size),
                false,
            ),
            (&get, "HTTP/1.1 200 OK\r\nX: y", Body::UntilClosed, false),
            (&get, "HTTP/1.1 204 OK\r\nContent-Length: 5", Body::None, true),
            (&get, "HTTP/1.1 304 OK\r\nContent-Length: 5", Body::None, true),
            (&head, "HTTP/1.1 200 OK\r\nContent-Length: 5", Body::None, true),
            (&head, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", Body::None, true),
        ] {
            let (told, answer) = passed(&format!("{said}\r\n\r\n"), asker);
            assert_eq!((&answer.body, answer.kept), (&body, kept), "{said}");
            let framed = |name: &str| told.iter().filter(|field| field.starts_with(name)).count();
            let lengths = usize::from(
                said.contains("-Length") && !matches!(body, Body::Chunks(_)) && answer.status != 204,
            );
            assert_eq!(framed("content-length"), lengths, "{said}");
            let chunked = usize::from(matches!(body, Body::Chunks(_) | Body::UntilClosed));
            assert_eq!(framed("transfer-encoding"), chunked, "{said}");
        }
    }

    #[test]
    fn an_answer_is_whole_or_awaited_or_broken() {
        let get = asker(Method::GET);
        let pass = |bytes: &[u8]| pass(bytes, &get, &mut Vec::new()).map(|answer| answer.is_some());
        assert!(!pass(b"").unwrap());
        assert!(!pass(b"HTTP/1.1 200 OK\r\nX: y\r\n").unwrap());
        let endless = [&b"HTTP/1.1 200 OK\r\nX: "[..], &[b'x'; MOST_BYTES]].concat();
        for bytes in [
            &b"SSH-2.0-x\r\n"[..],
            b"HTTP/2.0 200 OK\r\n\r\n",
            b"HTTP/1.1 099 Early\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
            &endless,
        ] {
            assert!(pass(bytes).is_err(), "{:?}", bytes[..bytes.len().min(80)].escape_ascii().to_string());
        }
    }
}
