//! Lines on their way out: taken at once, and written by a thread of their own, many in one write.
//!
//! Who writes a line is a thread that answers requests, and who reads them may be slow.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

/// How long lines gather after a write: waking a thread for each would cost more than writing it. Where they are read as
/// fast as they come, they come out so much later at the most, and so many are lost with a process that is killed.
const GATHERED: Duration = Duration::from_millis(5);

/// Bytes that may wait. Past this, whoever has a line waits, too: none is left out for lack of room.
const MOST: usize = 1 << 20;

/// How long the last lines are waited for: whoever should read them may have stopped.
const LAST: Duration = Duration::from_secs(2);

/// Where lines wait.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// A line came, and its thread was asleep.
    came: Condvar,
    /// The thread took what waited, or wrote it.
    moved: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<u8>,
    asleep: bool,
    /// Bytes that ever came, and of them those that are written.
    come: u64,
    written: u64,
}

impl Lines {
    /// Writes what comes to `out`, from now on.
    pub(super) fn to(out: impl Write + Send + 'static) -> io::Result<Self> {
        let lines = Self(Arc::default());
        let shared = lines.0.clone();
        thread::Builder::new().name("sluse-log".to_owned()).spawn(move || shared.write_all(out))?;
        Ok(lines)
    }

    /// Returns once every line that came before is written, or nobody has read them for [`LAST`].
    pub(super) fn flush(&self) {
        self.flush_within(LAST);
    }

    fn flush_within(&self, limit: Duration) {
        let until = Instant::now() + limit;
        let mut queue = self.0.lock();
        let last = queue.come;
        while queue.written < last {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            (queue, _) = self.0.moved.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Shared {
    fn add(&self, line: &[u8]) {
        let mut queue = self.lock();
        while queue.waiting.len() >= MOST {
            queue = self.moved.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.waiting.extend_from_slice(line);
        queue.come += line.len() as u64;
        if std::mem::take(&mut queue.asleep) {
            self.came.notify_one();
        }
    }

    fn write_all(&self, mut out: impl Write) {
        let mut taken = Vec::new();
        loop {
            let mut queue = self.lock();
            while queue.waiting.is_empty() {
                queue.asleep = true;
                queue = self.came.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::swap(&mut queue.waiting, &mut taken);
            drop(queue);
            self.moved.notify_all();
            write(&mut out, &taken);
            self.lock().written += taken.len() as u64;
            taken.clear();
            self.moved.notify_all();
            thread::sleep(GATHERED);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(out: &mut impl Write, mut lines: &[u8]) {
    while !lines.is_empty() {
        match out.write(lines) {
            Ok(0) => return,
            Ok(written) => lines = &lines[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Another process has the same stream, and made it one that does not wait.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(GATHERED),
            // There is nobody to tell that nothing can be told.
            Err(_) => return,
        }
    }
    let _ = out.flush();
}

/// One line, or some of them.
impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    /// Says what it is given, once somebody wants to hear it.
    struct Slow(SyncSender<Vec<u8>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_owned()).map(|()| bytes.len()).map_err(io::Error::other)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (Lines, Receiver<Vec<u8>>) {
        let (told, heard) = sync_channel(0);
        (Lines::to(Slow(told)).unwrap(), heard)
    }

    #[test]
    fn whoever_has_a_line_does_not_wait_for_who_reads_it_and_all_are_written_in_order() {
        let (lines, heard) = slow();
        // Nobody listens yet.
        let expected: String = (0..1_000).map(|number| format!("line {number}\n")).collect();
        for line in expected.split_inclusive('\n') {
            (&lines).write_all(line.as_bytes()).unwrap();
        }
        let mut said = Vec::new();
        let mut writes = 0;
        while said.len() < expected.len() {
            said.extend(heard.recv().unwrap());
            writes += 1;
        }
        assert_eq!(String::from_utf8(said).unwrap(), expected);
        assert!(writes <= 2, "{writes} writes");
    }

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Byte by byte, and everybody else first.
            thread::yield_now();
            self.0.lock().unwrap().extend(bytes.first());
            Ok(bytes.len().min(1))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn flushing_waits_for_what_came_before() {
        let sink = Sink::default();
        let lines = Lines::to(sink.clone()).unwrap();
        for line in ["first\n", "second\n"] {
            (&lines).write_all(line.as_bytes()).unwrap();
            lines.flush();
            assert!(sink.0.lock().unwrap().ends_with(line.as_bytes()), "{line}");
        }
        // Nothing waits: nor does this.
        lines.flush();
    }

    #[test]
    fn nobody_waits_for_ever_for_a_reader_that_has_stopped() {
        let (lines, heard) = slow();
        (&lines).write_all(b"unheard\n").unwrap();
        lines.flush_within(Duration::from_millis(10));
        assert_eq!(heard.recv().unwrap(), b"unheard\n", "it is still to be heard");
    }

    /// A pipe that does not wait, and has room now and then.
    struct Busy(Sink, bool);

    impl Write for Busy {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 { Err(io::ErrorKind::WouldBlock.into()) } else { self.0.write(bytes) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stream_that_is_full_takes_the_rest_later() {
        let sink = Sink::default();
        write(&mut Busy(sink.clone(), false), b"line\n");
        assert_eq!(*sink.0.lock().unwrap(), b"line\n");
    }

    #[test]
    fn only_so_much_waits() {
        let (lines, heard) = slow();
        let line = vec![b'x'; MOST / 4];
        let writer = thread::spawn(move || (0..16).for_each(|_| (&lines).write_all(&line).unwrap()));
        let mut said = 0;
        while said < 16 * (MOST / 4) {
            let bytes = heard.recv().unwrap().len();
            assert!(bytes <= MOST + MOST / 4, "{bytes} bytes waited");
            said += bytes;
        }
        writer.join().unwrap();
    }
}
