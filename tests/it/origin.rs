//! An upstream on loopback that keeps the exact bytes it was sent and answers as the test tells it.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::json;
use sha1::{Digest, Sha1};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::wait::within;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// Request line, headers and the empty line after them, byte for byte.
    pub head: Vec<u8>,
    /// As sent: a chunked body keeps its framing.
    pub body: Vec<u8>,
}

impl Received {
    pub fn request_line(&self) -> String {
        self.lines().remove(0)
    }

    /// The request target, as sent.
    pub fn target(&self) -> String {
        self.request_line().split(' ').nth(1).unwrap_or_default().to_owned()
    }

    /// In order, names as sent.
    pub fn headers(&self) -> Vec<(String, String)> {
        let split =
            |line: &String| line.split_once(':').map(|(name, value)| (name.into(), value.trim().into()));
        self.lines()[1..].iter().filter_map(split).collect()
    }

    /// Every value under `name`, in any spelling.
    pub fn all(&self, name: &str) -> Vec<String> {
        let matching = self.headers().into_iter().filter(|(it, _)| it.eq_ignore_ascii_case(name));
        matching.map(|(_, value)| value).collect()
    }

    pub fn header(&self, name: &str) -> Option<String> {
        self.all(name).into_iter().next()
    }

    fn lines(&self) -> Vec<String> {
        String::from_utf8_lossy(&self.head).trim_end().split("\r\n").map(str::to_owned).collect()
    }
}

/// What the origin does with a request.
pub enum Answer {
    /// 200 and what was seen, as JSON: `request_line`, `headers` (pairs), `body`.
    Echo,
    /// 200 and this page.
    Html(String),
    /// These bytes, exactly; the connection is closed after them.
    Raw(Vec<u8>),
    /// These bytes, exactly, and on to the connection's next request.
    Keep(Vec<u8>),
    /// One chunk each, the next when the notice comes; never ended if the notice does not.
    Chunks { content_type: &'static str, parts: Vec<String>, next: Arc<Notify> },
    /// [`Self::Echo`], once the notice comes.
    Held(Arc<Notify>),
    /// Switches protocols and sends every message back.
    WebSocket,
}

/// Listens until dropped.
pub struct Origin {
    pub address: SocketAddr,
    received: watch::Receiver<Vec<Received>>,
    _connections: JoinSet<()>,
}

impl Origin {
    /// One that echoes everything.
    pub async fn echo() -> Self {
        Self::start(|_| Answer::Echo).await
    }

    pub async fn start(answer: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (keep, received) = watch::channel(Vec::new());
        let answer = Arc::new(answer);
        let mut connections = JoinSet::new();
        connections.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, keep) = (answer.clone(), keep.clone());
                // A peer that hangs up ends its own connection only.
                open.spawn(async move { drop(serve(stream, &*answer, &keep).await) });
            }
        });
        Self { address, received, _connections: connections }
    }

    /// Everything received so far, in order of arrival.
    pub fn received(&self) -> Vec<Received> {
        self.received.borrow().clone()
    }

    /// The first request whose target is `target`; waits for it.
    pub async fn request(&self, target: &str) -> Received {
        let mut received = self.received.clone();
        let arrived = received.wait_for(|all| all.iter().any(|it| it.target() == target));
        let all =
            within(&format!("a request for {target}"), arrived).await.expect("the origin listens").clone();
        all.into_iter().find(|it| it.target() == target).expect("waited for it")
    }

    /// The address as an upstream URL, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: &(dyn Fn(&Received) -> Answer + Send + Sync),
    keep: &watch::Sender<Vec<Received>>,
) -> std::io::Result<()> {
    let mut unread = Vec::new();
    while let Some(received) = read_request(&mut stream, &mut unread).await? {
        keep.send_modify(|all| all.push(received.clone()));
        match answer(&received) {
            Answer::Echo => stream.write_all(&echo(&received)).await?,
            Answer::Html(page) => stream.write_all(&whole("text/html; charset=utf-8", &page)).await?,
            Answer::Raw(bytes) => return stream.write_all(&bytes).await,
            Answer::Keep(bytes) => stream.write_all(&bytes).await?,
            Answer::Chunks { content_type, parts, next } => {
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
                );
                stream.write_all(head.as_bytes()).await?;
                for part in parts {
                    stream.write_all(format!("{:x}\r\n{part}\r\n", part.len()).as_bytes()).await?;
                    next.notified().await;
                }
                stream.write_all(b"0\r\n\r\n").await?;
            }
            Answer::Held(notice) => {
                notice.notified().await;
                stream.write_all(&echo(&received)).await?;
            }
            Answer::WebSocket => return websocket(stream, unread, &received).await,
        }
    }
    Ok(())
}

fn echo(received: &Received) -> Vec<u8> {
    let seen = json!({
        "request_line": received.request_line(),
        "headers": received.headers(),
        "body": String::from_utf8_lossy(&received.body),
    });
    whole("application/json", &seen.to_string())
}

fn whole(content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// `None` once the peer has closed between requests.
async fn read_request(stream: &mut TcpStream, unread: &mut Vec<u8>) -> std::io::Result<Option<Received>> {
    let Some(head) = read_until(stream, unread, b"\r\n\r\n").await? else { return Ok(None) };
    let mut received = Received { head, body: Vec::new() };
    if received.header("transfer-encoding").is_some() {
        // Trailers are nobody's subject here: the last chunk ends the body.
        received.body = read_until(stream, unread, b"0\r\n\r\n").await?.unwrap_or_default();
    } else if let Some(length) = received.header("content-length").and_then(|it| it.parse().ok()) {
        while unread.len() < length && more(stream, unread).await? {}
        received.body = unread.drain(..length.min(unread.len())).collect();
    }
    Ok(Some(received))
}

async fn read_until(
    stream: &mut TcpStream,
    unread: &mut Vec<u8>,
    end: &[u8],
) -> std::io::Result<Option<Vec<u8>>> {
    loop {
        if let Some(start) = unread.windows(end.len()).position(|window| window == end) {
            return Ok(Some(unread.drain(..start + end.len()).collect()));
        }
        if !more(stream, unread).await? {
            return Ok(None);
        }
    }
}

async fn more(stream: &mut TcpStream, unread: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut buffer = [0; 16 * 1024];
    let read = stream.read(&mut buffer).await?;
    unread.extend(&buffer[..read]);
    Ok(read > 0)
}

/// RFC 6455: the handshake, then every frame back unmasked under its own opcode, a close included.
async fn websocket(mut stream: TcpStream, mut unread: Vec<u8>, received: &Received) -> std::io::Result<()> {
    const CLOSE: u8 = 8;
    let key = received.header("sec-websocket-key").unwrap_or_default();
    let accept = BASE64_STANDARD.encode(Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
    let switch = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(switch.as_bytes()).await?;
    loop {
        // Two bytes of head and four of mask: a test's messages are shorter than the 126 bytes where the
        // length moves.
        while unread.len() < 6 || unread.len() < 6 + usize::from(unread[1] & 0x7f) {
            if !more(&mut stream, &mut unread).await? {
                return Ok(());
            }
        }
        let length = unread[1] & 0x7f;
        assert!(length < 126, "the origin's WebSocket echoes short messages only");
        let frame: Vec<u8> = unread.drain(..6 + usize::from(length)).collect();
        let unmasked = frame[6..].iter().zip(frame[2..6].iter().cycle()).map(|(byte, mask)| byte ^ mask);
        let reply: Vec<u8> = [frame[0], length].into_iter().chain(unmasked).collect();
        stream.write_all(&reply).await?;
        if frame[0] & 0x0f == CLOSE {
            return Ok(());
        }
    }
}
