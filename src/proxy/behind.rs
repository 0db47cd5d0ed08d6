//! Listeners that are reached through load balancers alone, each of which says for whom it stands in before
//! it says anything else: before TLS, too.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use ipnet::IpNet;
use pingora::listeners::PreTlsProcess;
use pingora::protocols::l4::stream::Stream;
use pingora::protocols::{IO, SocketDigest};
use pingora::time::timeout;
use pingora::{Error, ErrorType};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::proxy_protocol::{self, Progress, Refusal, Source};

/// A load balancer sends the header along with the connection; this covers a packet lost twice.
const LIMIT: Duration = Duration::from_secs(5);

/// The load balancers that may say whom a connection is from.
pub struct Behind {
    pub trusted: Vec<IpNet>,
}

/// Why a connection is not served.
#[derive(Debug, thiserror::Error)]
pub enum Unannounced {
    #[error("only a trusted proxy may connect here")]
    Untrusted,
    #[error("no whole PROXY header came within {} seconds", LIMIT.as_secs())]
    Slow,
    #[error("the connection ended within its PROXY header")]
    Ended(#[from] std::io::Error),
    #[error("no PROXY header: {0}")]
    Refused(#[from] Refusal),
}

impl Behind {
    /// Takes the header off the stream. From then on its peer is the one behind the proxy, or nobody: never
    /// the proxy itself, whose own network may be one that policies trust.
    pub async fn announce<S: IO + ?Sized>(&self, stream: &mut S) -> Result<(), Unannounced> {
        let digest = stream.get_socket_digest();
        let peer = digest.and_then(|digest| Some(digest.peer_addr()?.as_inet()?.ip()));
        if !peer.is_some_and(|peer| self.is_trusted(peer)) {
            return Err(Unannounced::Untrusted);
        }
        let source = timeout(LIMIT, read(stream)).await.map_err(|_| Unannounced::Slow)??;
        let announced = SocketDigest::from_raw_fd(stream.id());
        let _ = announced.peer_addr.set(match source {
            // Policies and logs know addresses only: the port is nobody's.
            Source::Known(address) => Some(SocketAddr::from((address, 0)).into()),
            Source::Unknown => None,
        });
        stream.set_socket_digest(announced);
        Ok(())
    }

    fn is_trusted(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.trusted.iter().any(|network| network.contains(&peer))
    }
}

#[async_trait]
impl PreTlsProcess for Behind {
    async fn process(&self, stream: &mut Stream) -> pingora::Result<()> {
        let announced = self.announce(stream).await;
        announced.map_err(|why| Error::explain(ErrorType::HandshakeError, why.to_string()))
    }
}

/// One header, and not a byte of what follows it.
async fn read<R: AsyncRead + Unpin + ?Sized>(stream: &mut R) -> Result<Source, Unannounced> {
    let mut header = Vec::new();
    loop {
        match proxy_protocol::parse(&header)? {
            Progress::Whole(source) => return Ok(source),
            Progress::Missing(more) => {
                let have = header.len();
                header.resize(have + more, 0);
                stream.read_exact(&mut header[have..]).await?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt as _, duplex};

    use super::*;

    const V1: &[u8] = b"PROXY TCP4 198.51.100.7 10.0.0.1 12345 443\r\n";
    const V2: &[u8] =
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0f\xc6\x33\x64\x07\x0a\x00\x00\x01\x30\x39\x01\xbb\x04\x00\x00";

    #[tokio::test]
    async fn the_header_alone_is_read_however_it_arrives() {
        for header in [V1, V2] {
            for step in [1, 7, header.len() + 4] {
                let (mut proxy, mut here) = duplex(4096);
                let sent = [header, b"rest"].concat();
                let send = async move {
                    for part in sent.chunks(step) {
                        proxy.write_all(part).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                };
                let receive = async move {
                    let source = read(&mut here).await.unwrap();
                    let mut rest = Vec::new();
                    here.read_to_end(&mut rest).await.unwrap();
                    (source, rest)
                };
                let ((), (source, rest)) = tokio::join!(send, receive);
                let known = Source::Known("198.51.100.7".parse().unwrap());
                assert_eq!((source, rest.as_slice()), (known, &b"rest"[..]), "by {step}");
            }
        }
    }

    #[tokio::test]
    async fn what_ends_early_is_refused() {
        for header in [V1, V2] {
            let (mut proxy, mut here) = duplex(4096);
            proxy.write_all(&header[..header.len() - 1]).await.unwrap();
            drop(proxy);
            assert!(matches!(read(&mut here).await, Err(Unannounced::Ended(_))));
        }
    }

    #[test]
    fn nobody_is_trusted_but_who_is_named() {
        let behind = Behind { trusted: vec!["10.20.0.0/24".parse().unwrap()] };
        for (peer, trusted) in
            [("10.20.0.5", true), ("::ffff:10.20.0.5", true), ("10.20.1.5", false), ("127.0.0.1", false)]
        {
            assert_eq!(behind.is_trusted(peer.parse().unwrap()), trusted, "{peer}");
        }
    }
}
