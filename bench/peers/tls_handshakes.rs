//! Full TLS 1.3 handshakes, one after another on each of a few connections at a time: `tls-handshakes ADDRESS NAME
//! CA.pem SECONDS` prints how many. Nothing is resumed, and each is over when the server has said so, too.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, NamedGroup, ProtocolVersion, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const TOGETHER: usize = 8;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, name, ca, seconds] = &arguments[..] else {
        anyhow::bail!("tls-handshakes ADDRESS NAME CA.pem SECONDS");
    };
    let address: SocketAddr = address.parse()?;
    anyhow::ensure!(address.ip().is_loopback(), "{address} is not on this machine");
    let connector = TlsConnector::from(Arc::new(config(ca)?));
    let name = ServerName::try_from(name.clone())?;
    let until = Instant::now() + Duration::from_secs(seconds.parse()?);

    let mut loops = tokio::task::JoinSet::new();
    for _ in 0..TOGETHER {
        let (connector, name) = (connector.clone(), name.clone());
        loops.spawn(async move {
            let mut count = 0_u64;
            while Instant::now() < until {
                shake(&connector, address, name.clone()).await?;
                count += 1;
            }
            anyhow::Ok(count)
        });
    }
    let mut total = 0;
    while let Some(count) = loops.join_next().await {
        total += count??;
    }
    println!("{total}");
    Ok(())
}

/// One key exchange and one suite, so that every server does the same work.
fn config(ca: &str) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in rustls_pemfile::certs(&mut std::io::BufReader::new(std::fs::File::open(ca)?)) {
        roots.add(certificate?)?;
    }
    let all = ring::default_provider();
    let provider = CryptoProvider {
        kx_groups: all.kx_groups.into_iter().filter(|group| group.name() == NamedGroup::X25519).collect(),
        cipher_suites: vec![ring::cipher_suite::TLS13_AES_256_GCM_SHA384],
        ..all
    };
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

async fn shake(
    connector: &TlsConnector,
    address: SocketAddr,
    name: ServerName<'static>,
) -> anyhow::Result<()> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let mut stream = connector.connect(name, socket).await.context("the handshake failed")?;
    let (_, connection) = stream.get_ref();
    let full = connection.handshake_kind() == Some(rustls::HandshakeKind::Full);
    anyhow::ensure!(
        full && connection.protocol_version() == Some(ProtocolVersion::TLSv1_3),
        "not a full one"
    );
    stream.shutdown().await?;
    // A server may end it with or without an alert: either way it has read our last message.
    let _ = stream.read_to_end(&mut Vec::new()).await;
    Ok(())
}
