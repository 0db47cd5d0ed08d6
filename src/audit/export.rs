//! Rows of the audit for other programs: a JSON object each, or a line of CSV.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::store::AuditRow;

/// The columns of [`cells`].
pub const COLUMNS: [&str; 9] =
    ["position", "at", "event", "user", "username", "address", "correlation", "detail", "hash"];

/// `position` (the cursor), `at` (RFC 3339, UTC), `event`, `user`, `username`, `address`, `correlation`,
/// `detail` (an object) and `hash` (of this row and all before it, hexadecimal).
pub fn object(row: &AuditRow) -> Value {
    let AuditRow { position, hash, record } = row;
    json!({
        "position": position,
        "at": record.at.to_rfc3339(),
        "event": record.event,
        "user": record.user.map(|user| user.to_string()),
        "username": record.username,
        "address": record.address,
        "correlation": record.correlation,
        "detail": serde_json::from_str::<Value>(&record.detail).unwrap_or(Value::Null),
        "hash": hash.to_string(),
    })
}

/// The same for a spreadsheet: no cell is a formula to it.
pub fn cells(row: &AuditRow) -> [String; COLUMNS.len()] {
    let AuditRow { position, hash, record } = row;
    [
        position.to_string(),
        record.at.to_rfc3339(),
        record.event.clone(),
        record.user.map(|user| user.to_string()).unwrap_or_default(),
        record.username.clone().unwrap_or_default(),
        record.address.map(|address| address.to_string()).unwrap_or_default(),
        record.correlation.clone(),
        record.detail.clone(),
        hash.to_string(),
    ]
    .map(harmless)
}

/// The rows as a whole sheet, with a head (RFC 4180).
pub fn csv(rows: &[AuditRow]) -> io::Result<Vec<u8>> {
    let mut sheet = Vec::new();
    write_csv(std::iter::once(COLUMNS.map(str::to_owned)), &mut sheet)?;
    write_csv(rows.iter().map(cells), &mut sheet)?;
    Ok(sheet)
}

/// Lines of a sheet.
pub fn write_csv<const N: usize>(
    rows: impl Iterator<Item = [String; N]>,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut sheet = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    for row in rows {
        sheet.write_record(row).map_err(io::Error::from)?;
    }
    sheet.flush()
}

/// Spreadsheets take a cell that begins like this for a formula (OWASP, CSV injection). User names are typed
/// by strangers.
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for typed in ["=1+1", "+45", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(harmless(typed.to_owned()), format!("'{typed}"));
        }
        for plain in ["", "nez", "a=b", "2026-11-22", "::1", "{\"n\":-1}"] {
            assert_eq!(harmless(plain.to_owned()), plain);
        }
    }
}
