//! The PROXY protocol's header, versions 1 and 2: what a load balancer that passes on bytes says of the
//! connection it stands in for (HAProxy's `proxy-protocol.txt`, 2020/03/05).
//!
//! Pure and strict: what the specification lets a receiver forgive is refused. The reader is told how much is
//! missing, never more than the header itself has, so that what follows stays unread for TLS.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Version 1 with its line end, "the worst case" (2.1).
const MAX_LINE: usize = 107;
const LINE_START: &[u8] = b"PROXY ";

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Version 2 before its addresses.
const FIXED: usize = 16;
/// What version 2 may carry after that, in bytes: addresses, and TLVs nobody here reads.
const MAX_REST: usize = 4096;

/// How far a header has come.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// At least so many bytes more belong to it.
    Missing(usize),
    /// It is whole, and this is who the connection is from.
    Whole(Source),
}

/// Who is behind the proxy.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Known(IpAddr),
    /// `UNKNOWN`, `LOCAL`, or an address that is not one of the Internet's: the proxy itself, or somebody it
    /// cannot tell of.
    Unknown,
}

/// Why bytes are no header.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("it does not begin as a PROXY header")]
    NoHeader,
    #[error("its line does not end within {MAX_LINE} bytes")]
    Endless,
    #[error("its line is not of the form `PROXY TCP4 source destination port port`")]
    Line,
    #[error("its version is not 2")]
    Version,
    #[error("its command is neither LOCAL nor PROXY")]
    Command,
    #[error("its address family or transport is not of TCP")]
    Family,
    #[error("it says it is longer than {MAX_REST} bytes")]
    TooLong,
    #[error("it says it is shorter than its addresses")]
    TooShort,
}

/// Reads all that has arrived of a header.
pub fn parse(bytes: &[u8]) -> Result<Progress, Refusal> {
    if bytes.is_empty() {
        // The two versions differ in their first byte.
        return Ok(Progress::Missing(1));
    }
    if begins(bytes, SIGNATURE) {
        return binary(bytes);
    }
    if begins(bytes, LINE_START) {
        return line(bytes);
    }
    Err(Refusal::NoHeader)
}

/// As far as both go, they are the same.
fn begins(bytes: &[u8], start: &[u8]) -> bool {
    bytes.iter().zip(start).all(|(byte, due)| byte == due)
}

/// Version 1 (2.1). Its end is its first line feed: one byte at a time, or it would be read past.
fn line(bytes: &[u8]) -> Result<Progress, Refusal> {
    match bytes.iter().position(|byte| *byte == b'\n') {
        None if bytes.len() >= MAX_LINE => Err(Refusal::Endless),
        None => Ok(Progress::Missing(LINE_START.len().saturating_sub(bytes.len()).max(1))),
        Some(end) if end + 1 != bytes.len() => Err(Refusal::Line),
        Some(end) => {
            let text = std::str::from_utf8(&bytes[..end]).map_err(|_| Refusal::Line)?;
            let text = text.strip_suffix('\r').ok_or(Refusal::Line)?;
            source_of_line(text).map(Progress::Whole).ok_or(Refusal::Line)
        }
    }
}

fn source_of_line(line: &str) -> Option<Source> {
    let mut words = line.split(' ').skip(1);
    let family = words.next()?;
    if family == "UNKNOWN" {
        // "The receiver must ignore anything presented before the CRLF is found."
        return Some(Source::Unknown);
    }
    let words: [&str; 4] = words.collect::<Vec<_>>().try_into().ok()?;
    let [source, destination, ports @ ..] = words;
    let source = match family {
        "TCP4" => pair::<Ipv4Addr>(source, destination)?.into(),
        "TCP6" => pair::<Ipv6Addr>(source, destination)?.into(),
        _ => return None,
    };
    ports.iter().all(|port| is_port(port)).then_some(Source::Known(source))
}

/// The first of two addresses of one family.
fn pair<A: FromStr>(source: &str, destination: &str) -> Option<A> {
    destination.parse::<A>().ok()?;
    source.parse().ok()
}

/// Decimal digits without leading zeros, at most 65535.
fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port.to_string() == text)
}

/// Version 2 (2.2).
fn binary(bytes: &[u8]) -> Result<Progress, Refusal> {
    let Some((fixed, rest)) = bytes.split_first_chunk::<FIXED>() else {
        return Ok(Progress::Missing(FIXED - bytes.len()));
    };
    let [.., command, family, high, low] = *fixed;
    if command >> 4 != 2 {
        return Err(Refusal::Version);
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > MAX_REST {
        return Err(Refusal::TooLong);
    }
    let least = match (command & 0xf, family) {
        (0, _) => 0,
        (1, UNSPECIFIED) => 0,
        (1, TCP4) => 12,
        (1, TCP6) => 36,
        (1, UNIX_STREAM) => 216,
        (1, _) => return Err(Refusal::Family),
        _ => return Err(Refusal::Command),
    };
    if length < least {
        return Err(Refusal::TooShort);
    }
    if rest.len() < length {
        return Ok(Progress::Missing(length - rest.len()));
    }
    if rest.len() > length {
        return Err(Refusal::TooLong);
    }
    Ok(Progress::Whole(match (command & 0xf, family) {
        (1, TCP4) => rest.first_chunk::<4>().map_or(Source::Unknown, |it| Source::Known((*it).into())),
        (1, TCP6) => rest.first_chunk::<16>().map_or(Source::Unknown, |it| Source::Known((*it).into())),
        _ => Source::Unknown,
    }))
}

// Address family and transport, one byte.
const UNSPECIFIED: u8 = 0x00;
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;
const UNIX_STREAM: u8 = 0x31;

#[cfg(test)]
#[path = "proxy_protocol_tests.rs"]
mod tests;
