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
        writer.write_str("{\"timestamp\":\"")?;
        #[expect(clippy::disallowed_methods, reason = "a line of the log says when it was written")]
        let now = jiff::Timestamp::now();
        write!(writer, "{now:.6}\",\"level\":\"{}\"", metadata.level())?;
        let mut fields = Fields { writer: &mut writer, result: Ok(()) };
        event.record(&mut fields);
        fields.result?;
        writer.write_str(",\"target\":")?;
        string(&mut writer, metadata.target())?;
        writer.write_str("}\n")
    }
}

struct Fields<'a, 'w> {
    writer: &'a mut Writer<'w>,
    result: fmt::Result,
}

impl<'w> Fields<'_, 'w> {
    fn field(&mut self, field: &Field, write: impl FnOnce(&mut Writer<'w>) -> fmt::Result) {
        if self.result.is_err() {
            return;
        }
        // Names of fields are ours, and need no escape.
        self.result = self
            .writer
            .write_str(",\"")
            .and_then(|()| self.writer.write_str(field.name()))
            .and_then(|()| self.writer.write_str("\":"))
            .and_then(|()| write(self.writer));
    }
}

impl Visit for Fields<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, |writer| string(writer, value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, |writer| writer.write_str(if value { "true" } else { "false" }));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field, |writer| write!(writer, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, |writer| write!(writer, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no word for what is no number (RFC 8259, section 6).
        self.field(field, |writer| match value.is_finite() {
            true => write!(writer, "{value}"),
            false => writer.write_str("null"),
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.field(field, |writer| {
            writer.write_char('"')?;
            write!(Escaped(&mut *writer), "{value:?}")?;
            writer.write_char('"')
        });
    }
}

fn string(writer: &mut impl fmt::Write, text: &str) -> fmt::Result {
    writer.write_char('"')?;
    Escaped(&mut *writer).write_str(text)?;
    writer.write_char('"')
}

/// Escapes what a JSON string may not hold (RFC 8259, section 7).
struct Escaped<'a, W>(&'a mut W);

impl<W: fmt::Write> fmt::Write for Escaped<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let Self(writer) = self;
        let mut plain = 0;
        for (at, byte) in text.bytes().enumerate() {
            if byte >= 0x20 && byte != b'"' && byte != b'\\' {
                continue;
            }
            writer.write_str(&text[plain..at])?;
            plain = at + 1;
            match byte {
                b'"' => writer.write_str("\\\"")?,
                b'\\' => writer.write_str("\\\\")?,
                b'\n' => writer.write_str("\\n")?,
                b'\r' => writer.write_str("\\r")?,
                b'\t' => writer.write_str("\\t")?,
                _ => write!(writer, "\\u{byte:04x}")?,
            }
        }
        writer.write_str(&text[plain..])
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
