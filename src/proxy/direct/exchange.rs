//! One request and its answer, from the upstream to the client.

use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use pingora::protocols::Stream;
use pingora::time::timeout;
use pingora::{Error, ErrorType, RetryType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::HEAD_ROOM;
use super::answer::{self, Answer, Asker};
use super::body::Body;
use crate::proxy::WRITE_TIMEOUT;
use crate::proxy::upstream::READ_TIMEOUT;

/// Bytes: for an answer's head and the beginning of its body, and for what follows.
const ANSWER_ROOM: usize = 4096;
const BODY_ROOM: usize = 64 * 1024;

/// Whose request it is.
pub(super) struct Client<'a> {
    pub stream: &'a mut Stream,
    /// What came before the answer was through: the beginning of the next request (RFC 9112, section 9.3.2).
    pub next: &'a mut BytesMut,
    /// Of the answer that is under way.
    pub status: u16,
    /// Bytes of its body.
    pub sent: usize,
}

/// One request and its answer: whether the upstream said all it had to, so that its connection is good for more.
pub(super) async fn exchange(
    client: &mut Client<'_>,
    upstream: &mut Stream,
    asked: &[u8],
    asker: &Asker,
) -> pingora::Result<bool> {
    write(upstream, asked, READ_TIMEOUT).await.map_err(|error| unanswered(error.into_up()))?;
    let mut read = BytesMut::with_capacity(ANSWER_ROOM);
    let mut told = Vec::with_capacity(ANSWER_ROOM);
    let mut silent = true;
    let Answer { status, mut body, kept, .. } = loop {
        if let Some(answer) = answer::pass(&read, asker, &mut told)? {
            read.advance(answer.length);
            if answer.status >= 200 {
                break answer;
            }
            client.write(&told).await?;
            told.clear();
            // Hints are no answer.
            silent = read.is_empty();
            continue;
        }
        read.reserve(ANSWER_ROOM);
        match hear(client, upstream, &mut read).await {
            Ok(0) => {
                let closed = Error::explain(ErrorType::ConnectionClosed, "no answer").into_up();
                return Err(if silent { unanswered(closed) } else { closed });
            }
            Ok(_) => silent = false,
            Err(error) if silent && *error.etype() == ErrorType::ReadError => return Err(unanswered(error)),
            Err(error) => return Err(error),
        }
    };
    loop {
        client.sent += body.take(&mut read, &mut told)?;
        if !told.is_empty() {
            client.status = status;
            client.write(&told).await?;
            told.clear();
        }
        if body == Body::None {
            return Ok(kept && read.is_empty());
        }
        read.reserve(BODY_ROOM);
        if hear(client, upstream, &mut read).await? == 0 && !body.close(&mut told) {
            return Err(Error::explain(ErrorType::ConnectionClosed, "half an answer").into_up());
        }
    }
}

/// More of what the upstream says, unless the client goes before: how many bytes.
async fn hear(client: &mut Client<'_>, upstream: &mut Stream, read: &mut BytesMut) -> pingora::Result<usize> {
    loop {
        tokio::select! {
            // First, for it costs nothing to ask.
            biased;
            heard = timeout(READ_TIMEOUT, upstream.read_buf(read)) => return match heard {
                Ok(Ok(count)) => Ok(count),
                Ok(Err(error)) => Err(Error::because(ErrorType::ReadError, "an answer", error).into_up()),
                Err(_) => Err(Error::explain(ErrorType::ReadTimedout, "an answer").into_up()),
            },
            count = client.stream.read_buf(client.next), if client.next.len() < HEAD_ROOM => {
                if !matches!(count, Ok(1..)) {
                    return Err(Error::explain(ErrorType::ConnectionClosed, "the client has gone").into_down());
                }
            }
        }
    }
}

impl Client<'_> {
    async fn write(&mut self, told: &[u8]) -> pingora::Result<()> {
        write(self.stream, told, WRITE_TIMEOUT).await.map_err(|error| error.into_down())
    }
}

async fn write(stream: &mut Stream, bytes: &[u8], limit: Duration) -> pingora::Result<()> {
    let written = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    match timeout(limit, written).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Error::because(ErrorType::WriteError, "a head or a body", error)),
        Err(_) => Err(Error::explain(ErrorType::WriteTimedout, "a head or a body")),
    }
}

/// A request of which the upstream has answered nothing.
fn unanswered(mut error: Box<Error>) -> Box<Error> {
    error.retry = RetryType::ReusedOnly;
    error
}
