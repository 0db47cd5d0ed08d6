//! Addresses to listen on: whether they can be had.

use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::net::TcpSocket;

/// pingora panics over an address it cannot have: better to say which and why, before.
pub(super) fn can_listen(address: SocketAddr) -> anyhow::Result<()> {
    bind(address).with_context(|| format!("cannot listen on {address}"))
}

/// Bound, and not listened on: a client that came in between would be cut off.
fn bind(address: SocketAddr) -> std::io::Result<()> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_taken_is_told_and_a_free_one_stays_free() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let told = format!("{:#}", can_listen(address).unwrap_err());
        assert!(told.starts_with(&format!("cannot listen on {address}: ")), "{told}");
        drop(taken);
        can_listen(address).unwrap();
        can_listen(address).unwrap();
    }
}
