//! What is simply let through, which is most of what is asked: read, forwarded and answered in one loop a connection.
//!
//! pingora makes a session of each request, a future of 15 KB, and maps of every head. A GET that the policy allows
//! needs little of it, and takes six tenths of the CPU time without. Only heads that can be read in one way are looked
//! at here; whatever is not plain, not allowed or not for an app is handed over to pingora as it came, byte for byte.

pub mod answer;
pub mod body;
mod exchange;
pub mod head;

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::header;
use http::request::Parts;
use pingora::apps::HttpServerApp as _;
use pingora::http::RequestHeader;
use pingora::protocols::Stream;
use pingora::protocols::http::ServerSession;
use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;
use prometheus::IntGauge;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use self::answer::Asker;
use self::exchange::{Client, exchange};
use self::head::End;
use super::connection::Connection;
use super::context::Failed;
use super::{Context, Phases, Place, Proxy, cookie_lines, failure, plain, request};
use crate::policy::Decision;
use crate::session::cookie;

/// Bytes: room for most heads of browsers, and for the longest that is read here.
const HEAD_ROOM: usize = 4096;
const MOST_HEAD: usize = 16 * 1024;

/// How long pingora waits for each further piece of a head that is its own to read; in seconds.
const PIECE: u64 = 60;

/// Serves one connection of HTTP/1.1, one request after another, at most so many.
pub(super) async fn serve(
    (proxy, pingora): (&Proxy, &Arc<HttpProxy<Phases>>),
    mut stream: Stream,
    shutdown: &ShutdownWatch,
    requests: u32,
) {
    let connection = Connection::over(&stream);
    let mut watch = shutdown.clone();
    let mut leaving = std::pin::pin!(async { _ = watch.wait_for(|leaving| *leaving).await });
    let mut read = BytesMut::new();
    for left in (1..=requests).rev() {
        let Some(length) = head_comes(&mut stream, &mut read, leaving.as_mut()).await else { break };
        let head = read.split_to(length).freeze();
        let last = left == 1 || *shutdown.borrow();
        let mut client = Client { stream: &mut stream, next: &mut read, status: 0, sent: 0 };
        let failed = match proxy.direct(&connection, &mut client, &head, last).await {
            Outcome::Kept => continue,
            Outcome::Ended => break,
            Outcome::Others(failed) => failed,
        };
        let mut begun = BytesMut::from(head);
        begun.unsplit(read.split());
        let mut session = ServerSession::new_http1(stream);
        session.set_keepalive((!last).then_some(PIECE));
        session.set_keepalive_reuses_remaining(Some(left - 1));
        session.set_pipelined_prefix(begun);
        session.set_connection_user_context(failed.map(|failed| Box::new(failed) as _));
        match pingora.process_new_http(session, shutdown).await {
            Some(reused) => stream = reused.consume().0,
            None => return,
        }
    }
    // It is over, whether or not it can still be said.
    let _ = stream.shutdown().await;
}

/// Waits until a head is whole in `read`, or has to be somebody else's; its length. `None` if the client or we leave.
async fn head_comes(
    stream: &mut Stream,
    read: &mut BytesMut,
    mut leaving: Pin<&mut impl Future<Output = ()>>,
) -> Option<usize> {
    loop {
        match head::end(read) {
            End::At(length) => return Some(length),
            End::Awaited if read.len() < MOST_HEAD => {}
            End::Awaited | End::Unclear => return Some(read.len()),
        }
        read.reserve(HEAD_ROOM);
        tokio::select! {
            // What was asked before the end is answered.
            biased;
            count = stream.read_buf(read) => if !matches!(count, Ok(1..)) { return None },
            () = &mut leaving => return None,
        }
    }
}

/// What became of a request.
enum Outcome {
    /// It was answered, and the connection is good for another.
    Kept,
    Ended,
    /// It is for pingora to read, and to say what went wrong if anything did.
    Others(Option<Failed>),
}

/// A request that is counted as being answered, until dropped.
struct InFlight<'a>(&'a IntGauge);

impl<'a> InFlight<'a> {
    fn one(gauge: &'a IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Proxy {
    async fn direct(
        &self,
        connection: &Connection,
        client: &mut Client<'_>,
        head: &Bytes,
        last: bool,
    ) -> Outcome {
        let Some(head) = head::read(head) else { return Outcome::Others(None) };
        let _in_flight = InFlight::one(&self.metrics.in_flight);
        self.answer(connection, client, head, last).await
    }

    async fn answer(
        &self,
        connection: &Connection,
        client: &mut Client<'_>,
        head: RequestHeader,
        last: bool,
    ) -> Outcome {
        let mut context = Context::new(self.correlation.next());
        if !self.admits(connection, &head, &mut context) {
            return Outcome::Others(None);
        }
        let asker = Asker {
            method: head.method.clone(),
            kept: !last && !asks_to_close(&head),
            private: context.is_private(),
        };
        let mut ended = !asker.kept;
        if let Err(error) = self.forward_direct(client, &asker, head, &mut context).await {
            let status = failure::status(&error);
            if context.code.is_empty() {
                context.code = Cow::Borrowed(failure::code(status));
            }
            if status > 0 && client.status == 0 {
                tracing::warn!(%error, status, correlation = context.correlation, "a request failed");
                let Context { started, correlation, code, .. } = context;
                return Outcome::Others(Some(Failed { started, correlation, status, code }));
            }
            ended = true;
        }
        self.note(&context, asker.method.as_str(), client.status, client.sent);
        if ended { Outcome::Ended } else { Outcome::Kept }
    }

    /// Whether it is for an app and simply let through, by a session that is in memory if by any; the permit is in the
    /// context then. Nothing of it is to be seen otherwise.
    fn admits(&self, connection: &Connection, head: &RequestHeader, context: &mut Context) -> bool {
        let cookie = |name| cookie::read(cookie_lines(head), name);
        let Ok(target) = request::read(head) else { return false };
        if !plain::says_nothing_to_this_hop(head) || cookie(cookie::RETURNING).is_some() {
            return false;
        }
        context.comes_from(connection.peer().map(|peer| self.client(peer, head)));
        let Place::App(app) = self.locate(connection, head, target, context) else { return false };
        let started = Instant::now();
        let session = match cookie(cookie::SESSION) {
            Some(value) => match self.sessions.ready(value, &context.host) {
                Some(session) => Some(session),
                None => return false,
            },
            None => None,
        };
        self.recognise(head, context, &app, session);
        let Decision::Allow(permit) = self.judge(head, context, &app, self.clock.now()) else { return false };
        if permit.glass().is_some() {
            return false;
        }
        self.metrics.decided(started.elapsed());
        self.permitted(context, permit);
        true
    }

    /// Asks the upstream, and passes on what it says.
    async fn forward_direct(
        &self,
        client: &mut Client<'_>,
        asker: &Asker,
        head: RequestHeader,
        context: &mut Context,
    ) -> pingora::Result<()> {
        let upstream = self.upstream(context).await?;
        let mut asked = Parts::from(head);
        asked.headers.remove(header::CONNECTION);
        let asked = self.forwarded(context)?.write(asked)?;
        let alone = asks_to_close(&asked);
        let asked = bytes(&asked);
        let mut kept = upstream.kept();
        loop {
            let reused = kept.is_some();
            let mut stream = match kept.take() {
                Some(stream) => stream,
                // Boxed: to connect takes long, and otherwise room in each of many requests that need not.
                None => Box::pin(self.upstreams.connect(&upstream)).await?,
            };
            match exchange(client, &mut stream, &asked, asker).await {
                Ok(true) if !alone => {
                    upstream.keep(stream);
                    return Ok(());
                }
                Ok(_) => {
                    let _ = stream.shutdown().await;
                    return Ok(());
                }
                Err(mut error) => {
                    // Once more, on a connection of its own, if the one that was kept closed under it.
                    error.retry.decide_reuse(reused);
                    if !error.retry() {
                        return Err(error);
                    }
                }
            }
        }
    }
}

fn asks_to_close(head: &RequestHeader) -> bool {
    head.headers
        .get_all(header::CONNECTION)
        .iter()
        .any(|value| value.as_bytes().eq_ignore_ascii_case(b"close"))
}

/// A head as the upstream is sent it.
fn bytes(head: &RequestHeader) -> Vec<u8> {
    let mut asked = Vec::with_capacity(HEAD_ROOM);
    asked.extend_from_slice(head.method.as_str().as_bytes());
    asked.push(b' ');
    asked.extend_from_slice(head.raw_path());
    asked.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in &head.headers {
        answer::say(&mut asked, name.as_str().as_bytes(), value.as_bytes());
    }
    asked.extend_from_slice(b"\r\n");
    asked
}
