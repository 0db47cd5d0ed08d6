//! The body of an upstream's answer: where it ends, and how it is passed on.

use bytes::{Buf as _, BytesMut};
use httparse::Status;

use super::answer::{broken, say};

/// A chunk's size with its extensions, or a trailer's field, in bytes at the most; and all of a trailer's fields.
const MOST_LINE: usize = 16 * 1024;
const MOST_TRAILER: usize = 64 * 1024;

/// What fields of a head say of what follows it.
#[derive(Default)]
pub(super) struct Framing {
    length: Option<u64>,
    chunked: bool,
    /// `Connection: close`.
    pub(super) closes: bool,
}

impl Framing {
    pub(super) fn connection(&mut self, value: &[u8]) {
        let mut options = value.split(|byte| *byte == b',');
        self.closes |= options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"));
    }

    /// The same length twice is one length (RFC 9110, section 8.6).
    pub(super) fn length(&mut self, value: &[u8]) -> pingora::Result<()> {
        for said in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            let digits = !said.is_empty() && said.iter().all(u8::is_ascii_digit);
            let length = std::str::from_utf8(said).ok().filter(|_| digits).and_then(|said| said.parse().ok());
            if length.is_none() || self.length.is_some_and(|known| Some(known) != length) {
                return Err(broken("its length is none"));
            }
            self.length = length;
        }
        Ok(())
    }

    /// Nobody asked for another coding than chunks.
    pub(super) fn coding(&mut self, value: &[u8]) -> pingora::Result<()> {
        if self.chunked || !value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
            return Err(broken("its transfer coding is unknown"));
        }
        self.chunked = true;
        Ok(())
    }

    /// The body that follows (RFC 9112, section 6.3), with the fields that tell the client of it.
    pub(super) fn body(&mut self, status: u16, to_head: bool, told: &mut Vec<u8>) -> Body {
        // Two ways to read one answer: chunks are what counts, and nothing else comes on that connection.
        self.closes |= self.chunked && self.length.is_some();
        let bodiless = to_head || status == 204 || status == 304;
        match self.length.filter(|_| !self.chunked) {
            Some(length) => {
                if status != 204 {
                    say(told, b"content-length", itoa::Buffer::new().format(length).as_bytes());
                }
                if bodiless { Body::None } else { Body::Length(length) }
            }
            None if bodiless => Body::None,
            None => {
                say(told, b"transfer-encoding", b"chunked");
                if self.chunked { Body::Chunks(Chunk::Size) } else { Body::UntilClosed }
            }
        }
    }
}

/// What is still to come.
#[derive(Debug, PartialEq)]
pub enum Body {
    None,
    /// Bytes.
    Length(u64),
    Chunks(Chunk),
    /// Whatever comes before the connection ends. The client is sent chunks: its connection goes on.
    UntilClosed,
}

/// Where in its chunks a body is (RFC 9112, section 7.1).
#[derive(Debug, PartialEq)]
pub enum Chunk {
    Size,
    /// Bytes.
    Data(u64),
    /// The line's end after the data.
    End,
    /// So many bytes of it have come.
    Trailer(usize),
}

impl Body {
    /// Takes what can be passed on from `read`, adds it to `told` as the client is to have it, and answers how many
    /// bytes of the body that was.
    pub(super) fn take(&mut self, read: &mut BytesMut, told: &mut Vec<u8>) -> pingora::Result<usize> {
        match self {
            Self::None => Ok(0),
            Self::Length(left) => {
                let length = most(*left, read);
                told.extend_from_slice(&read[..length]);
                read.advance(length);
                *left -= length as u64;
                if *left == 0 {
                    *self = Self::None;
                }
                Ok(length)
            }
            Self::UntilClosed => {
                let length = read.len();
                chunk(read, told);
                read.clear();
                Ok(length)
            }
            Self::Chunks(at) => {
                let mut length = 0;
                while !matches!(at, Chunk::Trailer(_)) || !read.starts_with(b"\r\n") {
                    match at.step(read, told, &mut length)? {
                        Some(next) => *at = next,
                        None => return Ok(length),
                    }
                }
                read.advance(2);
                told.extend_from_slice(b"0\r\n\r\n");
                *self = Self::None;
                Ok(length)
            }
        }
    }

    /// The upstream has closed: whether that is the body's end.
    pub(super) fn close(&mut self, told: &mut Vec<u8>) -> bool {
        let ends = *self == Self::UntilClosed;
        if ends {
            told.extend_from_slice(b"0\r\n\r\n");
            *self = Self::None;
        }
        ends
    }
}

impl Chunk {
    /// What comes after the next piece of it, of which `length` counts the data; `None` where that is not all there.
    fn step(
        &self,
        read: &mut BytesMut,
        told: &mut Vec<u8>,
        length: &mut usize,
    ) -> pingora::Result<Option<Self>> {
        match self {
            Self::Size => {
                let Some((line, size)) = size(read)? else { return Ok(None) };
                read.advance(line);
                Ok(Some(if size == 0 { Self::Trailer(0) } else { Self::Data(size) }))
            }
            Self::Data(_) if read.is_empty() => Ok(None),
            Self::Data(left) => {
                let there = most(*left, read);
                chunk(&read[..there], told);
                read.advance(there);
                *length += there;
                let left = left - there as u64;
                Ok(Some(if left == 0 { Self::End } else { Self::Data(left) }))
            }
            Self::End if read.len() < 2 => Ok(None),
            Self::End if !read.starts_with(b"\r\n") => Err(broken("a chunk is longer than it says")),
            Self::End => {
                read.advance(2);
                Ok(Some(Self::Size))
            }
            // A field of the trailer: nobody asked for one, and nobody is told.
            Self::Trailer(before) => {
                let Some(end) = memchr::memchr(b'\n', read) else { return unended(read) };
                let so_far = before + end + 1;
                if end == 0 || read[end - 1] != b'\r' || so_far > MOST_TRAILER {
                    return Err(broken("its trailer does not end"));
                }
                read.advance(end + 1);
                Ok(Some(Self::Trailer(so_far)))
            }
        }
    }
}

/// As many of so many bytes as are there.
fn most(left: u64, read: &BytesMut) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(read.len())
}

fn chunk(data: &[u8], told: &mut Vec<u8>) {
    if data.is_empty() {
        return;
    }
    // A vector takes whatever is written.
    let _ = std::io::Write::write_fmt(told, format_args!("{:x}\r\n", data.len()));
    told.extend_from_slice(data);
    told.extend_from_slice(b"\r\n");
}

/// The length of a chunk's first line, and the size it tells.
fn size(read: &BytesMut) -> pingora::Result<Option<(usize, u64)>> {
    // To the parser no digit at all is a nought.
    if read.first().is_some_and(|byte| !byte.is_ascii_hexdigit()) {
        return Err(broken("a chunk has no size"));
    }
    match httparse::parse_chunk_size(read) {
        Ok(Status::Complete(line)) => Ok(Some(line)),
        Ok(Status::Partial) => unended(read),
        Err(_) => Err(broken("a chunk has no size")),
    }
}

fn unended<T>(read: &BytesMut) -> pingora::Result<Option<T>> {
    if read.len() <= MOST_LINE { Ok(None) } else { Err(broken("a line between its chunks does not end")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the client is told of a body that comes in such pieces, how much of it was body, and what is left.
    fn told(mut body: Body, pieces: &[&[u8]]) -> (pingora::Result<(Vec<u8>, usize)>, Body, BytesMut) {
        let (mut read, mut told, mut length) = (BytesMut::new(), Vec::new(), 0);
        for piece in pieces {
            read.extend_from_slice(piece);
            match body.take(&mut read, &mut told) {
                Ok(taken) => length += taken,
                Err(error) => return (Err(error), body, read),
            }
        }
        (Ok((told, length)), body, read)
    }

    #[test]
    fn a_length_is_kept_to() {
        let (said, body, left) = told(Body::Length(5), &[b"ab", b"cdeHTTP"]);
        assert_eq!((said.unwrap(), body, &left[..]), ((b"abcde".to_vec(), 5), Body::None, &b"HTTP"[..]));
        let (said, body, _) = told(Body::Length(5), &[b"ab"]);
        assert_eq!((said.unwrap(), body), ((b"ab".to_vec(), 2), Body::Length(3)));
    }

    #[test]
    fn what_has_no_end_is_given_one() {
        let (said, mut body, _) = told(Body::UntilClosed, &[b"ab", b"", b"c"]);
        let (mut said, length) = said.unwrap();
        assert!(body.close(&mut said));
        assert_eq!((&said[..], length), (&b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"[..], 3));
        for mut body in [Body::Length(1), Body::Chunks(Chunk::Size)] {
            assert!(!body.close(&mut Vec::new()), "{body:?}");
        }
    }

    const CHUNKS: &[u8] = b"3;name=\"v\"\r\nabc\r\n00A \r\n0123456789\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\nHTTP";

    #[test]
    fn chunks_are_said_anew_without_extensions_and_trailers() {
        let (said, body, left) = told(Body::Chunks(Chunk::Size), &[CHUNKS]);
        let expected = b"3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n".to_vec();
        assert_eq!((said.unwrap(), body, &left[..]), ((expected, 13), Body::None, &b"HTTP"[..]));
    }

    #[test]
    fn broken_chunks_are_no_body() {
        let long = [&b"1;"[..], &[b'x'; MOST_LINE]].concat();
        let (digits, trailer) = (b"0".repeat(17), [&b"0\r\nX: "[..], &[b'x'; MOST_LINE + 1]].concat());
        let trailers = [&b"0\r\n"[..], &b"X: y\r\n".repeat(MOST_TRAILER / 6 + 1)].concat();
        for bytes in [
            &b"\r\nabc"[..],
            b"g\r\n",
            b" 3\r\nabc\r\n",
            b"-1\r\n",
            b"+3\r\nabc\r\n",
            b"0x3\r\nabc\r\n",
            b"3\nabc\r\n",
            b"3\rabc\r\n",
            b"3\r\nabcd\r\n",
            b"3\r\nabc\n\r\n",
            b"0\r\nX: 1\n\r\n",
            b"0\r\n\n",
            &long,
            &digits,
            &trailer,
            &trailers,
        ] {
            let (said, body, _) = told(Body::Chunks(Chunk::Size), &[bytes]);
            assert!(said.is_err() && body != Body::None, "{:?}", bytes.escape_ascii().to_string());
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_in_which_pieces_chunks_come(mut cuts in prop::collection::vec(0..CHUNKS.len(), 0..8)) {
            cuts.extend([0, CHUNKS.len()]);
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|cut| &CHUNKS[cut[0]..cut[1]]).collect();
            let (said, body, left) = told(Body::Chunks(Chunk::Size), &pieces);
            let (said, length) = said.unwrap();
            prop_assert_eq!((body, &left[..], length), (Body::None, &b"HTTP"[..], 13));
            // Its data, whatever the sizes it came in.
            let (again, _, _) = told(Body::Chunks(Chunk::Size), &[&said]);
            prop_assert_eq!(again.unwrap().1, 13);
            let data: Vec<u8> = said.split(|byte| *byte == b'\n').skip(1).step_by(2).flatten().copied().collect();
            let data: Vec<u8> = data.into_iter().filter(|byte| *byte != b'\r').collect();
            prop_assert_eq!(&data[..], b"abc0123456789");
        }

        #[test]
        fn no_bytes_at_all_are_a_panic(bytes: Vec<u8>) {
            let _ = told(Body::Chunks(Chunk::Size), &[&bytes]);
        }
    }

    #[test]
    fn lengths_agree_or_are_none() {
        let length = |values: &[&str]| {
            let mut framing = Framing::default();
            values.iter().try_for_each(|value| framing.length(value.as_bytes())).map(|()| framing.length)
        };
        assert_eq!(length(&["5"]).unwrap(), Some(5));
        assert_eq!(length(&["5, 5", " 5 "]).unwrap(), Some(5));
        for broken in [
            &["5", "6"][..],
            &["5, 6"],
            &[""],
            &["-1"],
            &["+5"],
            &["0x5"],
            &["5,"],
            &["99999999999999999999"],
        ] {
            assert!(length(broken).is_err(), "{broken:?}");
        }
    }
}
