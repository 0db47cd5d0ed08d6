use proptest::prelude::*;

use super::*;

/// Reads `bytes` as a connection's reader does: only what is missing, until the header is whole. Also how much
/// of them the header was.
fn read(bytes: &[u8]) -> Result<(Source, usize), Stop> {
    let mut have = 0;
    loop {
        match parse(&bytes[..have]).map_err(Stop::Refused)? {
            Progress::Whole(source) => return Ok((source, have)),
            Progress::Missing(0) => panic!("nothing is missing, and it is not whole"),
            Progress::Missing(more) if have + more > bytes.len() => return Err(Stop::Truncated),
            Progress::Missing(more) => have += more,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Stop {
    Truncated,
    Refused(Refusal),
}

fn known(address: &str) -> Source {
    Source::Known(address.parse().unwrap())
}

/// Version 2: command, family, and what follows them.
fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family], &length, rest].concat()
}

fn inet() -> Vec<u8> {
    [&[198, 51, 100, 7][..], &[10, 0, 0, 1], &[0x30, 0x39, 0x01, 0xbb]].concat()
}

fn inet6() -> Vec<u8> {
    let [source, destination] =
        ["2001:db8::7", "2001:db8::1"].map(|it| it.parse::<Ipv6Addr>().unwrap().octets());
    [&source[..], &destination, &[0x30, 0x39, 0x01, 0xbb]].concat()
}

/// Every form there is.
fn forms() -> Vec<(Vec<u8>, Source)> {
    let tlv = [&[0x04, 0, 3][..], b"abc"].concat();
    vec![
        (b"PROXY TCP4 198.51.100.7 10.0.0.1 12345 443\r\n".to_vec(), known("198.51.100.7")),
        (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n".to_vec(), known("255.255.255.255")),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 12345 443\r\n".to_vec(), known("2001:db8::7")),
        (b"PROXY TCP6 ::ffff:198.51.100.7 ::1 0 0\r\n".to_vec(), known("::ffff:198.51.100.7")),
        (b"PROXY UNKNOWN\r\n".to_vec(), Source::Unknown),
        (b"PROXY UNKNOWN 198.51.100.7 anything at all\r\n".to_vec(), Source::Unknown),
        (v2(0x21, TCP4, &inet()), known("198.51.100.7")),
        (v2(0x21, TCP6, &inet6()), known("2001:db8::7")),
        (v2(0x21, TCP4, &[inet(), tlv.clone()].concat()), known("198.51.100.7")),
        (v2(0x21, TCP6, &[inet6(), tlv].concat()), known("2001:db8::7")),
        (v2(0x21, TCP4, &[inet(), vec![0; MAX_REST - 12]].concat()), known("198.51.100.7")),
        (v2(0x21, UNSPECIFIED, &[]), Source::Unknown),
        (v2(0x21, UNIX_STREAM, &[b'/'; 216]), Source::Unknown),
        (v2(0x20, UNSPECIFIED, &[]), Source::Unknown),
        // "The receiver must ignore the address block" of LOCAL.
        (v2(0x20, TCP4, &inet()), Source::Unknown),
        (v2(0x20, 0xff, &[1, 2, 3]), Source::Unknown),
    ]
}

#[test]
fn every_form_is_read_and_not_a_byte_more() {
    for (bytes, source) in forms() {
        for follows in [&b""[..], b"\r\n", b"GET / HTTP/1.1\r\n", SIGNATURE, b"PROXY UNKNOWN\r\n"] {
            let all = [&bytes, follows].concat();
            assert_eq!(read(&all), Ok((source, bytes.len())), "{}", String::from_utf8_lossy(&bytes));
        }
    }
}

#[test]
fn half_a_header_is_waited_for() {
    for (bytes, _) in forms() {
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]), Err(Stop::Truncated), "{:?}", &bytes[..end]);
        }
    }
}

#[test]
fn what_is_no_header_is_refused() {
    use Refusal::*;
    let line = |text: &str| text.as_bytes().to_vec();
    let endless = format!("PROXY UNKNOWN {}\r\n", "x".repeat(MAX_LINE - 15));
    assert_eq!(endless.len(), MAX_LINE + 1);
    for (bytes, refusal) in [
        (line("GET / HTTP/1.1\r\n"), NoHeader),
        (line("\x16\x03\x01"), NoHeader),
        (line("proxy TCP4 198.51.100.7 10.0.0.1 1 2\r\n"), NoHeader),
        (line(" PROXY UNKNOWN\r\n"), NoHeader),
        (line("PROXY\r\n"), NoHeader),
        (line("PROXY\tUNKNOWN\r\n"), NoHeader),
        (line("\r\n\r\n\0\r\nQUIT\r!\x11\0\0"), NoHeader),
        (line(&endless), Endless),
        (line(&format!("PROXY {}", "A".repeat(500))), Endless),
        (line("PROXY UNKNOWN\n"), Line),
        (line("PROXY TCP4 198.51.100.7 10.0.0.1 12345 443\n"), Line),
        (line("PROXY \r\n"), Line),
        (line("PROXY UNKNOWNS\r\n"), Line),
        (line("PROXY unknown\r\n"), Line),
        (line("PROXY TCP4\r\n"), Line),
        (line("PROXY TCP5 198.51.100.7 10.0.0.1 1 2\r\n"), Line),
        (line("PROXY UDP4 198.51.100.7 10.0.0.1 1 2\r\n"), Line),
        (line("PROXY TCP4 198.51.100.7 10.0.0.1 1\r\n"), Line),
        (line("PROXY TCP4 198.51.100.7 10.0.0.1 1 2 3\r\n"), Line),
        (line("PROXY TCP4 198.51.100.7 10.0.0.1 1 2 \r\n"), Line),
        (line("PROXY TCP4  198.51.100.7 10.0.0.1 1 2\r\n"), Line),
        (line("PROXY TCP4 198.51.100.7\t10.0.0.1 1 2\r\n"), Line),
        (line("PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n"), Line),
        (line("PROXY TCP4 198.51.100.7 2001:db8::1 1 2\r\n"), Line),
        (line("PROXY TCP6 198.51.100.7 10.0.0.1 1 2\r\n"), Line),
        (line("PROXY TCP6 [2001:db8::7] ::1 1 2\r\n"), Line),
        (line("PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n"), Line),
        (line("PROXY TCP4 198.51.100.007 10.0.0.1 1 2\r\n"), Line),
        (line("PROXY TCP4 198.51.100 10.0.0.1 1 2\r\n"), Line),
        (line("PROXY TCP4 0xc6336407 10.0.0.1 1 2\r\n"), Line),
        (line("PROXY TCP4 198.51.100.7 10.0.0.1 65536 2\r\n"), Line),
        (line("PROXY TCP4 198.51.100.7 10.0.0.1 1 -2\r\n"), Line),
        (line("PROXY TCP4 198.51.100.7 10.0.0.1 +1 2\r\n"), Line),
        (line("PROXY TCP4 198.51.100.7 10.0.0.1 01 2\r\n"), Line),
        (line("PROXY TCP4 198.51.100.7 10.0.0.1  2\r\n"), Line),
        (line("PROXY TCP4 198.51.100.7 10.0.0.1 1 2\r\r\n"), Line),
        (line("PROXY TCP4 198.51.100.7 10.0.0.1 1 2\0\r\n"), Line),
        (b"PROXY UNKNOWN \xff\r\n".to_vec(), Line),
        (v2(0x11, TCP4, &inet()), Version),
        (v2(0x31, TCP4, &inet()), Version),
        (v2(0x01, TCP4, &inet()), Version),
        (v2(0x22, TCP4, &inet()), Command),
        (v2(0x2f, TCP4, &inet()), Command),
        (v2(0x21, 0x12, &inet()), Family),
        (v2(0x21, 0x22, &inet6()), Family),
        (v2(0x21, 0x32, &[0; 216]), Family),
        (v2(0x21, 0x10, &inet()), Family),
        (v2(0x21, 0x41, &inet()), Family),
        (v2(0x21, TCP4, &inet()[..11]), TooShort),
        (v2(0x21, TCP6, &inet6()[..35]), TooShort),
        (v2(0x21, TCP6, &inet()), TooShort),
        (v2(0x21, UNIX_STREAM, &[0; 215]), TooShort),
        (v2(0x21, TCP4, &vec![0; MAX_REST + 1]), TooLong),
        (v2(0x20, UNSPECIFIED, &vec![0; 0xffff]), TooLong),
    ] {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert_eq!(read(&bytes), Err(Stop::Refused(refusal)), "{shown:?}");
    }
}

/// A length that is refused is refused from the fixed part: nobody waits for what was announced.
#[test]
fn a_length_is_judged_before_it_is_waited_for() {
    let long = v2(0x21, TCP4, &vec![0; MAX_REST + 1]);
    assert_eq!(parse(&long[..FIXED]), Err(Refusal::TooLong));
    let short = v2(0x21, TCP6, &inet());
    assert_eq!(parse(&short[..FIXED]), Err(Refusal::TooShort));
}

/// More than the header is never given; a reader that did would lose what follows.
#[test]
fn bytes_past_the_end_are_refused() {
    for (bytes, _) in forms() {
        assert!(parse(&[&bytes, &b"x"[..]].concat()).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_panic_or_are_read_without_end(
        start in prop::sample::select(vec![&b""[..], LINE_START, b"PROXY TCP4 ", SIGNATURE]),
        rest in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let bytes = [start, &rest].concat();
        if let Ok((_, length)) = read(&bytes) {
            prop_assert!(length <= bytes.len() && length <= FIXED + MAX_REST);
        }
    }
}
