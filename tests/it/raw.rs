//! HTTP/1.1 by hand: exact bytes out, exact bytes in. For what no well-behaved client would send.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::wait::within;

/// Sends `request` on a connection of its own and reads one whole reply.
pub async fn exchange(to: SocketAddr, request: impl AsRef<[u8]>) -> Reply {
    let mut connection = Connection::open(to).await;
    connection.send(request).await;
    connection.reply().await
}

/// As [`exchange`] with a peer that may end at any moment; `None` unless the whole reply came. The request must
/// ask for the connection to be closed, and the reply say how long it is.
pub async fn exchange_if_alive(to: SocketAddr, request: impl AsRef<[u8]>) -> Option<Reply> {
    let mut stream = TcpStream::connect(to).await.ok()?;
    stream.write_all(request.as_ref()).await.ok()?;
    let mut bytes = Vec::new();
    within("reading", stream.read_to_end(&mut bytes)).await.ok()?;
    let body = bytes.len() - (find(&bytes, b"\r\n\r\n")? + 4);
    let mut connection = Connection { unread: bytes, ..Connection::over(stream) };
    let head = connection.head().await;
    let whole = head.header("content-length")?.parse() == Ok(body);
    whole.then_some(Reply { body: connection.unread, ..head })
}

/// What came back: the head as sent, and the body without its framing.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    /// In order, names as sent.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).into_iter().next()
    }

    /// Every value under `name`, in any spelling.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let matching = self.headers.iter().filter(|(it, _)| it.eq_ignore_ascii_case(name));
        matching.map(|(_, value)| value.as_str()).collect()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Panics unless the body is JSON, showing what it is instead.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }
}

/// A connection and what was read from it but not yet used.
pub struct Connection {
    stream: Box<dyn Stream>,
    unread: Vec<u8>,
}

/// What bytes go through: TCP, or TLS on it.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Connection {
    pub async fn open(to: SocketAddr) -> Self {
        let stream = within("connecting", TcpStream::connect(to)).await;
        Self::over(stream.unwrap_or_else(|error| panic!("{to}: {error}")))
    }

    /// On a stream that is open.
    pub fn over(stream: impl Stream + 'static) -> Self {
        Self { stream: Box::new(stream), unread: Vec::new() }
    }

    /// A peer that has already hung up is no failure here: its reply says why it did.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = within("sending", self.stream.write_all(bytes.as_ref())).await;
    }

    /// The reply's head alone; the body stays to be read with [`Self::bytes_until`].
    pub async fn head(&mut self) -> Reply {
        let end = loop {
            if let Some(end) = find(&self.unread, b"\r\n\r\n") {
                break end;
            }
            assert!(self.more().await, "closed within the head: {:?}", String::from_utf8_lossy(&self.unread));
        };
        let head = String::from_utf8_lossy(&self.unread[..end]).into_owned();
        self.unread.drain(..end + 4);
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("not a header: {line}"));
            (name.to_owned(), value.trim().to_owned())
        });
        Reply {
            status: status.unwrap_or_else(|| panic!("not a status line: {head}")),
            headers: headers.collect(),
            body: Vec::new(),
        }
    }

    /// One whole reply to anything but `HEAD`. What follows it stays to be read.
    pub async fn reply(&mut self) -> Reply {
        let mut reply = self.head().await;
        let length =
            reply.header("content-length").map(|length| length.parse().expect("Content-Length is a number"));
        reply.body = match length {
            _ if reply.status < 200 || matches!(reply.status, 204 | 304) => Vec::new(),
            Some(length) => self.take(length).await,
            None if reply.header("transfer-encoding").is_some() => self.chunks().await,
            None => {
                while self.more().await {}
                std::mem::take(&mut self.unread)
            }
        };
        reply
    }

    /// Everything up to and with `end`, for streams that do not.
    pub async fn bytes_until(&mut self, end: &[u8]) -> Vec<u8> {
        loop {
            if let Some(start) = find(&self.unread, end) {
                return self.unread.drain(..start + end.len()).collect();
            }
            assert!(self.more().await, "closed after {:?}", String::from_utf8_lossy(&self.unread));
        }
    }

    /// Waits until the peer closes; what it still sent before that.
    pub async fn closed(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.unread)
    }

    /// Exactly `length` bytes.
    pub async fn take(&mut self, length: usize) -> Vec<u8> {
        while self.unread.len() < length {
            assert!(self.more().await, "closed after {} of {length} bytes", self.unread.len());
        }
        self.unread.drain(..length).collect()
    }

    async fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let line = self.bytes_until(b"\r\n").await;
            let size = String::from_utf8_lossy(&line);
            let size =
                usize::from_str_radix(size.trim(), 16).unwrap_or_else(|_| panic!("not a chunk size: {size}"));
            body.extend(self.take(size).await);
            assert_eq!(self.take(2).await, b"\r\n", "a chunk ends its line");
            if size == 0 {
                return body;
            }
        }
    }

    /// Reads what has arrived; false once the peer has closed or reset.
    async fn more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        let read = within("reading", self.stream.read(&mut buffer)).await.unwrap_or(0);
        self.unread.extend(&buffer[..read]);
        read > 0
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
