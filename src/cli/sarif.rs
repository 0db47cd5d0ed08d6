//! Problems as SARIF 2.1.0, which code hosts show beside the line.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::policy::problem::Problem;

/// One run, a result a problem.
pub(super) fn sarif(problems: &[Problem]) -> Value {
    let rule = |id: &str, text: &str| json!({ "id": id, "shortDescription": { "text": text } });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "sluse",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": [
                    rule("error", "The policy is of no use"),
                    rule("notice", "Worth a look"),
                ],
            } },
            "columnKind": "unicodeCodePoints",
            "results": problems.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

fn result(problem: &Problem) -> Value {
    let mut place = json!({ "artifactLocation": { "uri": uri(&problem.file) } });
    if problem.line > 0 {
        place["region"] = json!({
            "startLine": problem.line,
            "startColumn": problem.column,
            "endColumn": problem.column + problem.width.max(1) as usize,
            "snippet": { "text": problem.text },
        });
    }
    let (rule, level) = if problem.is_error() { ("error", "error") } else { ("notice", "note") };
    json!({
        "ruleId": rule,
        "level": level,
        "message": { "text": format!("{}\n{}", problem.message, problem.help) },
        "locations": [{ "physicalLocation": place }],
    })
}

/// A file's name as a relative or absolute reference (RFC 3986).
fn uri(file: &str) -> String {
    const KEPT: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let path = utf8_percent_encode(file, KEPT).to_string();
    if path.starts_with('/') { format!("file://{path}") } else { path }
}
