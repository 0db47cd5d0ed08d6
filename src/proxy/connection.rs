//! What is known of a connection, whatever is asked on it.

use std::net::IpAddr;
use std::sync::Arc;

use pingora::protocols::tls::SslDigest;
use pingora::protocols::{Digest, SocketDigest, Stream};

use super::tls::{Certificates, OpenedFor};

/// One connection of a client, or of a load balancer that speaks for one.
pub(super) struct Connection {
    socket: Option<Arc<SocketDigest>>,
    /// On TLS.
    tls: Option<Arc<SslDigest>>,
}

impl Connection {
    pub(super) fn over(stream: &Stream) -> Self {
        Self { socket: stream.get_socket_digest(), tls: stream.get_ssl_digest() }
    }

    pub(super) fn of(digest: Option<&Digest>) -> Self {
        Self {
            socket: digest.and_then(|digest| digest.socket_digest.clone()),
            tls: digest.and_then(|digest| digest.ssl_digest.clone()),
        }
    }

    pub(super) fn peer(&self) -> Option<IpAddr> {
        Some(self.socket.as_ref()?.peer_addr()?.as_inet()?.ip())
    }

    /// The port of ours that it came to.
    pub(super) fn port(&self) -> Option<u16> {
        Some(self.socket.as_ref()?.local_addr()?.as_inet()?.port())
    }

    /// On TLS, whether the client has seen a host's certificate.
    pub(super) fn is_for(&self, host: &str, certificates: Option<&Certificates>) -> bool {
        let (Some(tls), Some(certificates)) = (&self.tls, certificates) else { return true };
        let opened_for = tls.extension.get::<OpenedFor>();
        opened_for.is_some_and(|OpenedFor(name)| name == host || certificates.are_shared(name, host))
    }
}
