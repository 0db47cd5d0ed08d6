//! A line of the log as JSON, written field by field: one is written for each request, and what makes it through a
//! serialiser costs more than all else the gateway does for the request.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// `{"timestamp", "level", …the event's fields, "target"}`. The gateway has no spans.
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        #[expect(clippy::disallowed_methods, reason = "a line of the log says when it was written")]
        let now = jiff::Timestamp::now();
        // Into a string first: each write to `writer` is a call through a pointer.
        let mut line = Line(String::with_capacity(ROOM));
        write!(line.0, "{{\"timestamp\":\"{now:.6}\",\"level\":\"{}\"", metadata.level())?;
        event.record(&mut line);
        line.0.push_str(",\"target\":");
        line.string(metadata.target());
        line.0.push_str("}\n");
        writer.write_str(&line.0)
    }
}

/// Whether a JSON string holds a byte as an escape alone.
const fn is_special(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// Bytes: most lines fit in them.
const ROOM: usize = 768;

struct Line(String);

impl Line {
    fn name(&mut self, field: &Field) {
        // Names of fields are ours, and need no escape.
        self.0.push_str(",\"");
        self.0.push_str(field.name());
        self.0.push_str("\":");
    }

    fn string(&mut self, text: &str) {
        self.0.push('"');
        self.escaped(text);
        self.0.push('"');
    }

    fn plain(&mut self, value: impl fmt::Display) {
        // A string takes whatever is written.
        let _ = write!(self.0, "{value}");
    }

    /// With escapes for what a JSON string may not hold (RFC 8259, section 7).
    fn escaped(&mut self, mut text: &str) {
        // Looked at from end to end: many bytes at once, where one that stops would take them one by one.
        if !text.bytes().fold(false, |special, byte| special | is_special(byte)) {
            self.0.push_str(text);
            return;
        }
        while let Some(at) = text.bytes().position(is_special) {
            self.0.push_str(&text[..at]);
            match text.as_bytes()[at] {
                b'"' => self.0.push_str("\\\""),
                b'\\' => self.0.push_str("\\\\"),
                b'\n' => self.0.push_str("\\n"),
                b'\r' => self.0.push_str("\\r"),
                b'\t' => self.0.push_str("\\t"),
                byte => self.plain(format_args!("\\u{byte:04x}")),
            }
            text = &text[at + 1..];
        }
        self.0.push_str(text);
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field);
        self.string(value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.name(field);
        self.plain(value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.name(field);
        self.0.push_str(itoa::Buffer::new().format(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.name(field);
        self.0.push_str(itoa::Buffer::new().format(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.name(field);
        // JSON has no word for what is no number (RFC 8259, section 6).
        match value.is_finite() {
            true => self.plain(value),
            false => self.0.push_str("null"),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.name(field);
        self.0.push('"');
        let _ = write!(Escaped(self), "{value:?}");
        self.0.push('"');
    }
}

struct Escaped<'a>(&'a mut Line);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.escaped(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_one_object() {
        let lines = Lines::default();
        let out = lines.clone();
        let log = tracing_subscriber::fmt().event_format(Json).with_writer(move || out.clone()).finish();
        let odd = "\"quoted\" back\\slash\r\n\ttab \u{1} æ\u{2028}";
        tracing::subscriber::with_default(log, || {
            tracing::info!(
                target: "sluse::request",
                path = odd,
                absent = None::<&str>,
                address = tracing::field::display("::1"),
                debugged = ?odd,
                status = 200_u16,
                least = i64::MIN,
                share = 0.5,
                none = f64::NAN,
                fine = true,
                "{odd}"
            );
            tracing::warn!("second");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let mut read: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read.len(), 2);
        let at = read[0].as_object_mut().unwrap().remove("timestamp").unwrap();
        at.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let expected = json!({
            "level": "INFO", "target": "sluse::request", "path": odd, "address": "::1",
            "debugged": format!("{odd:?}"), "status": 200, "least": i64::MIN, "share": 0.5, "none": null,
            "fine": true, "message": odd,
        });
        assert_eq!(read[0], expected);
        assert_eq!((&read[1]["level"], &read[1]["message"]), (&json!("WARN"), &json!("second")));
    }
}
