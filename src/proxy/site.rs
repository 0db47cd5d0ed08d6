//! A router served on a listener of its own: the admin listener, and the demo's stand-in upstream.

use async_trait::async_trait;
use axum::Router;
use pingora::apps::{HttpPersistentSettings, HttpServerApp, ReusedHttpStream};
use pingora::protocols::http::ServerSession;
use pingora::server::ShutdownWatch;

use super::bridge;
use crate::arrival::Arrival;
use crate::time::Timestamp;

/// The largest body it takes: a group with 30 000 members.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// Serves one router, whatever the host.
pub struct Site(pub Router);

#[async_trait]
impl HttpServerApp for Site {
    async fn process_new_http(
        self: &std::sync::Arc<Self>,
        mut session: ServerSession,
        shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        if !session.read_request().await.ok()? {
            return None;
        }
        session.set_keepalive((!*shutdown.borrow()).then_some(60));
        let head = session.req_header();
        let target = head.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        let arrival = Arrival {
            host: String::new(),
            address: None,
            correlation: String::new(),
            at: Timestamp::EPOCH,
            app: None,
            verdict: None,
        };
        bridge::serve_up_to(MAX_BODY, &self.0, &mut session, (arrival, &target)).await.ok()?;
        let settings = HttpPersistentSettings::for_session(&session);
        let reusable = session.finish().await.ok()??;
        Some(ReusedHttpStream::from_reusable_stream(reusable, settings))
    }
}
