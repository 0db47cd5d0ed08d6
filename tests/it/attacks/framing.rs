//! Two readers of the bytes see the same requests: where they might not, there is no request.

use super::Field;
use crate::origin::{Answer, Origin};
use crate::raw::Connection;

/// What comes after a refused or finished request on its connection: never a request of its own.
const SMUGGLED: &str = "GET /public/smuggled HTTP/1.1\r\nHost: cura.localhost\r\n\r\n";

/// P08 to P11, P32, P37, A12: refused, and what follows is not read as a request.
#[tokio::test]
async fn a_body_has_one_length() {
    const CASES: &[(&str, &str, u16)] = &[
        ("P08 two lengths", "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        ("P08 plus", "Content-Length: +2\r\n\r\nab", 400),
        ("P08 minus", "Content-Length: -1\r\n\r\nab", 400),
        ("P08 hexadecimal", "Content-Length: 0x2\r\n\r\nab", 400),
        ("P08 overflow", "Content-Length: 18446744073709551618\r\n\r\nab", 400),
        ("P08 empty", "Content-Length:\r\n\r\nab", 400),
        ("P32 twice the same", "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", 400),
        ("P32 a list", "Content-Length: 2, 2\r\n\r\nab", 400),
        ("P09 identity", "Transfer-Encoding: identity\r\n\r\nab", 400),
        ("P09 xchunked", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        ("P09 chunked first", "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
        ("P09 vertical tab", "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
        ("P09 gzip", "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        ("P09 two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        ("P01 folded", "X-A: b\r\n c\r\n\r\n", 400),
        ("P02 folded", "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400),
        ("P03 space before the colon", "Content-Length : 2\r\n\r\nab", 400),
        ("P04 space before the name", " Content-Length: 2\r\n\r\nab", 400),
        ("P05 no name", ": b\r\n\r\n", 400),
        ("P06 NUL", "X-A: b\0c\r\n\r\n", 400),
        ("P07 bare CR", "X-A: b\rX-Sluse-User: nez\r\n\r\n", 400),
    ];
    let field = Field::new().await;
    let host = field.authority("cura.localhost");
    for (row, rest, status) in CASES {
        let mut connection = field.connect().await;
        connection.send(format!("POST /public/x HTTP/1.1\r\nHost: {host}\r\n{rest}{SMUGGLED}")).await;
        let answers = statuses(&mut connection).await;
        let only = answers.first().copied().unwrap_or(0);
        assert!(
            answers.len() == 1 && (only == *status || (*status == 501 && only == 400)),
            "{row}: {answers:?}"
        );
        field.untouched(row, 0).await;
    }
}

/// P10.
#[tokio::test]
async fn old_clients_have_no_chunks() {
    let field = Field::new().await;
    let host = field.authority("cura.localhost");
    let mut connection = field.connect().await;
    connection
        .send(format!(
            "POST /public/x HTTP/1.0\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}"
        ))
        .await;
    assert_eq!(statuses(&mut connection).await, [400], "P10");
    field.untouched("P10", 0).await;
}

/// P18 to P20, P25: made safe. The upstream sees one request, with the body its framing says, and the rest of
/// the connection is nobody's.
#[tokio::test]
async fn what_follows_a_request_is_not_another() {
    const CASES: &[(&str, &str, &[u8])] = &[
        (
            "P18 CL.TE",
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
            b"2\r\nab\r\n0\r\n\r\n",
        ),
        (
            "P18 TE.CL",
            "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n2\r\nab\r\n0\r\n\r\n",
            b"2\r\nab\r\n0\r\n\r\n",
        ),
        ("P19 more than announced", "Content-Length: 2\r\n\r\nab", b"ab"),
        ("P20 pipelined", "Content-Length: 0\r\n\r\n", b""),
        (
            "P24 trailers",
            "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Sluse-User: nez\r\n\r\n",
            b"2\r\nab\r\n0\r\n\r\n",
        ),
    ];
    let field = Field::new().await;
    let host = field.authority("cura.localhost");
    for (row, rest, body) in CASES {
        let seen = field.origin.received().len();
        let mut connection = field.connect().await;
        connection.send(format!("POST /public/x HTTP/1.1\r\nHost: {host}\r\n{rest}{SMUGGLED}")).await;
        assert_eq!(statuses(&mut connection).await, [200], "{row}");
        let reached = field.since(seen).await;
        assert_eq!(reached.len(), 1, "{row}: {reached:?}");
        assert_eq!(reached[0].target(), "/public/x", "{row}");
        assert_eq!(String::from_utf8_lossy(&reached[0].body), String::from_utf8_lossy(body), "{row}");
        let framings = reached[0].all("content-length").len() + reached[0].all("transfer-encoding").len();
        assert_eq!(framings, 1, "{row}: one framing: {:?}", reached[0].headers());
    }
}

/// P11: a chunk is what RFC 9112 says, or the request is over. The upstream never sees a whole one.
#[tokio::test]
async fn broken_chunks_end_the_request() {
    let field = Field::new().await;
    let host = field.authority("cura.localhost");
    for (row, chunks) in [
        ("P11 0x", "0x2\r\nab\r\n0\r\n\r\n"),
        ("P11 overflow", "fffffffffffffffff\r\nab\r\n0\r\n\r\n"),
        ("P11 bare LF", "2\nab\n0\n\n"),
        ("P11 no end of chunk", "2\r\nabX0\r\n\r\n"),
        ("P11 minus", "-2\r\nab\r\n0\r\n\r\n"),
    ] {
        let seen = field.origin.received().len();
        let mut connection = field.connect().await;
        connection
            .send(format!(
                "POST /public/x HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}{SMUGGLED}"
            ))
            .await;
        let answers = statuses(&mut connection).await;
        assert!(answers.len() <= 1 && answers.iter().all(|status| *status != 200), "{row}: {answers:?}");
        let reached = field.since(seen).await;
        assert!(
            reached.iter().all(|it| it.target() == "/public/x" && it.body.is_empty()),
            "{row}: {reached:?}"
        );
    }
}

/// P21: the body of a request that was denied is not a request either.
#[tokio::test]
async fn a_denied_body_is_not_read_as_a_request() {
    let field = Field::new().await;
    let host = field.authority("cura.localhost");
    for (case, length) in [("announced", SMUGGLED.len()), ("announced as none", 0)] {
        let mut connection = field.connect().await;
        connection
            .send(format!(
                "POST /admin/x HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n{SMUGGLED}"
            ))
            .await;
        assert_eq!(connection.reply().await.status, 401, "P21 {case}");
        connection
            .send("GET /public/smuggled HTTP/1.1\r\nHost: cura.localhost\r\nConnection: close\r\n\r\n")
            .await;
        drop(connection.closed().await);
        let reached = field.since(0).await;
        // The connection may be used again, but only after the body was read as one.
        assert!(reached.len() <= 1, "P21 {case}: {reached:?}");
    }
}

/// P36: expectations are met where a page of the gateway reads the body, and unknown ones are refused.
#[tokio::test]
async fn expectations_are_met_or_refused() {
    let field = Field::new().await;
    for expectation in ["x", "100-continue, x", "200-ok"] {
        let reply = field
            .ask(&format!("POST /public/x HTTP/1.1\r\nContent-Length: 0\r\nExpect: {expectation}"))
            .await;
        assert_eq!(reply.status, 417, "{expectation}");
    }
    field.untouched("P36", 0).await;
    let login = field.authority("login.localhost");
    let body = "username=nez&password=wrong";
    let mut connection = field.connect().await;
    connection
        .send(format!(
            "POST /login HTTP/1.1\r\nHost: {login}\r\nOrigin: http://{login}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
             Expect: 100-continue\r\n\r\n",
            body.len()
        ))
        .await;
    assert_eq!(connection.head().await.status, 100, "asked before the body is sent");
    connection.send(body).await;
    assert_eq!(connection.reply().await.status, 401);
}

/// A72: what one upstream answer held too much is not the next person's answer, and neither is an answer
/// nobody waited for.
#[tokio::test]
async fn answers_go_to_who_asked() {
    let origin = Origin::start(|request| match request.target().as_str() {
        "/public/more" => Answer::Keep(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled"
                .into(),
        ),
        "/public/early" => super::plain("early"),
        _ => Answer::Echo,
    })
    .await;
    let field = Field::before(origin).await;
    let host = field.authority("cura.localhost");
    for round in 0..5 {
        assert_eq!(field.ask("GET /public/more HTTP/1.1").await.text(), "ok");
        // Gone in the middle of its own body.
        let mut gone = field.connect().await;
        gone.send(format!("POST /public/early HTTP/1.1\r\nHost: {host}\r\nContent-Length: 50\r\n\r\nabc"))
            .await;
        drop(gone);
        let own = field.ask(&format!("GET /public/own-{round} HTTP/1.1")).await;
        let line = format!("GET /public/own-{round} HTTP/1.1");
        assert_eq!(own.json()["request_line"], line.as_str());
    }
}

/// Every status on the connection until the gateway closes it.
async fn statuses(connection: &mut Connection) -> Vec<u16> {
    let answers = connection.closed().await;
    let text = String::from_utf8_lossy(&answers);
    let lines = text.split("HTTP/1.1 ").skip(1);
    // The echo quotes request lines, which end in the version and not in a status.
    lines.filter_map(|line| line.get(..4)?.strip_suffix(' ')?.parse().ok()).collect()
}
