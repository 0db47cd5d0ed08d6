//! What somebody waits for a proxy, at a rate that does not wait for them.
//!
//! `open-loop UPSTREAM HOST PATH COOKIE` listens at the address UPSTREAM and answers whatever comes with 1 KiB. For each
//! line `ADDRESS RATE SECONDS` of standard input it asks a proxy there at so many a second (at 0, as fast as it gets
//! answers), and prints `P99 RATE`: in µs, counted from when a request was due, and what was answered a second.
//!
//! The client and the upstream are one thread that never sleeps, on a core of its own: what waits for a core is
//! what is measured.

use std::io::BufRead as _;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};
use tokio::task::LocalSet;

/// So many requests are under way at once; one more waits, and its time counts.
const CONNECTIONS: usize = 256;
/// The same where the next is asked for when there was an answer.
const CLOSED: usize = 64;

const BODY: usize = 1024;

/// When each request is due, in the order of that.
type Due = Rc<Mutex<mpsc::UnboundedReceiver<Instant>>>;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |name| arguments.next().with_context(|| format!("{name} is missing"));
    let upstream: SocketAddr = argument("UPSTREAM")?.parse()?;
    let (host, path, cookie) = (argument("HOST")?, argument("PATH")?, argument("COOKIE")?);
    let request: Rc<[u8]> =
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n").into_bytes().into();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind(upstream).await?;
        tokio::task::spawn_local(answer(listener));
        while let Some(line) = tokio::task::spawn_blocking(read_line).await?? {
            let mut words = line.split_whitespace();
            let mut word = |name| words.next().with_context(|| format!("{name} is missing"));
            let proxy: SocketAddr = word("ADDRESS")?.parse()?;
            let (rate, seconds): (u32, u64) = (word("RATE")?.parse()?, word("SECONDS")?.parse()?);
            let taken = ask(proxy, &request, rate, Duration::from_secs(seconds)).await?;
            println!("{} {}", taken.value_at_quantile(0.99), taken.len() / seconds);
        }
        Ok(())
    })
}

fn read_line() -> std::io::Result<Option<String>> {
    std::io::stdin().lock().lines().next().transpose()
}

/// The upstream.
async fn answer(listener: TcpListener) {
    let answer: Rc<[u8]> =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\n\r\n{}", "x".repeat(BODY)).into_bytes().into();
    while let Ok((mut stream, _)) = listener.accept().await {
        let answer = answer.clone();
        tokio::task::spawn_local(async move {
            let mut read = Vec::new();
            while stream.set_nodelay(true).is_ok() && until_end(&mut stream, &mut read).await.is_ok() {
                read.clear();
                if stream.write_all(&answer).await.is_err() {
                    break;
                }
            }
        });
    }
}

/// Reads to the end of a head, and so to that of a request.
async fn until_end(stream: &mut TcpStream, read: &mut Vec<u8>) -> std::io::Result<()> {
    while !read.ends_with(b"\r\n\r\n") {
        if stream.read_buf(read).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// The client: times in µs.
async fn ask(
    proxy: SocketAddr,
    request: &Rc<[u8]>,
    rate: u32,
    time: Duration,
) -> anyhow::Result<Histogram<u64>> {
    let mut streams = Vec::new();
    for _ in 0..if rate == 0 { CLOSED } else { CONNECTIONS } {
        let stream = TcpStream::connect(proxy).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let start = Instant::now();
    let end = start + time;
    let (pace, due) = mpsc::unbounded_channel();
    let due: Due = Rc::new(Mutex::new(due));
    let mut askers = Vec::new();
    for stream in streams {
        let due = (rate > 0).then(|| due.clone());
        askers.push(tokio::task::spawn_local(ask_on(stream, request.clone(), due, end)));
    }
    let mut count = 0;
    // In a closed loop, too: where both cores are one's two threads, this takes from what is measured.
    while Instant::now() < end {
        while rate > 0
            && let next = start + Duration::from_secs_f64(f64::from(count) / f64::from(rate))
            && next < Instant::now().min(end)
        {
            pace.send(next)?;
            count += 1;
        }
        tokio::task::yield_now().await;
    }
    drop(pace);
    let mut taken = Histogram::new(3)?;
    for asker in askers {
        taken.add(asker.await??)?;
    }
    Ok(taken)
}

/// One connection's part of it: of requests that are due, or each when the one before it has been answered.
async fn ask_on(
    mut stream: TcpStream,
    request: Rc<[u8]>,
    due: Option<Due>,
    end: Instant,
) -> anyhow::Result<Histogram<u64>> {
    let mut taken = Histogram::new(3)?;
    let mut read = Vec::new();
    loop {
        let since = match &due {
            Some(due) => due.lock().await.recv().await,
            None => Some(Instant::now()).filter(|now| *now < end),
        };
        let Some(since) = since else { return Ok(taken) };
        stream.write_all(&request).await?;
        read.clear();
        let mut whole = None;
        while whole.is_none_or(|whole| read.len() < whole) {
            ensure!(stream.read_buf(&mut read).await? > 0, "the proxy closed");
            whole = read.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4 + BODY);
        }
        ensure!(read.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&read));
        taken.record(u64::try_from(since.elapsed().as_micros())?)?;
    }
}
