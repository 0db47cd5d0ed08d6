//! What Sluse is measured against: a pingora proxy that does nothing but forward.
//!
//! `bare-proxy LISTEN UPSTREAM`, both as address and port. Threads and the pool of upstream connections are as
//! Sluse sets them; everything else is what pingora does by itself.

use std::net::SocketAddr;

use anyhow::Context as _;
use async_trait::async_trait;
use pingora::proxy::{ProxyHttp, Session, http_proxy_service};
use pingora::server::configuration::ServerConf;
use pingora::server::{RunArgs, Server};
use pingora::upstreams::peer::HttpPeer;

struct Bare {
    upstream: SocketAddr,
}

#[async_trait]
impl ProxyHttp for Bare {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> pingora::Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.upstream, false, String::new())))
    }
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut address = |name| arguments.next().with_context(|| format!("{name} is missing"));
    let listen: SocketAddr = address("LISTEN")?.parse()?;
    let upstream: SocketAddr = address("UPSTREAM")?.parse()?;
    let conf = ServerConf {
        threads: std::thread::available_parallelism().map_or(2, usize::from),
        grace_period_seconds: Some(1),
        graceful_shutdown_timeout_seconds: Some(1),
        upstream_keepalive_pool_size: 512,
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    let mut service = http_proxy_service(&server.configuration, Bare { upstream });
    service.add_tcp(&listen.to_string());
    server.add_service(service);
    server.run(RunArgs::default());
    Ok(())
}
