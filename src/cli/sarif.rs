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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::policy::problem::{Source, Span};
    use crate::policy::schema::fits::misfits;

    /// The schema of OASIS, without its descriptions.
    const SCHEMA: &str = include_str!("sarif-2.1.0.schema.json");

    fn problems() -> [Problem; 3] {
        let source = Source { name: "policies/børn og unge.yaml".to_owned(), text: "a: b\n".to_owned() };
        let span = Span { line: 1, column: 4, width: 1 };
        [
            Problem::at(&source, span, "a message", "what to do"),
            Problem::at(&source, Span { width: 0, ..span }, "look", "if you like").as_notice(),
            Problem::of_file(Path::new("/etc/sluse/policies"), "cannot read it", "let us"),
        ]
    }

    #[test]
    fn it_fits_the_schema() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        for problems in [&problems()[..], &[]] {
            assert_eq!(misfits(&schema, &sarif(problems), &schema, ""), [""; 0]);
        }
        // The schema is looked at: it refuses what is no SARIF.
        let mut broken = sarif(&problems());
        broken["runs"][0]["results"][0]["level"] = json!("fatal");
        broken["runs"][0]["results"][1]["locations"][0]["physicalLocation"]["region"]["startLine"] = json!(0);
        assert_eq!(misfits(&schema, &broken, &schema, "").len(), 2);
    }

    #[test]
    fn a_result_says_where_and_how() {
        let results = &sarif(&problems())["runs"][0]["results"];
        let place = &results[0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "policies/b%C3%B8rn%20og%20unge.yaml");
        assert_eq!((&place["region"]["startColumn"], &place["region"]["endColumn"]), (&json!(4), &json!(5)));
        assert_eq!(results[0]["message"]["text"], "a message\nwhat to do");
        assert_eq!((&results[1]["level"], &results[1]["ruleId"]), (&json!("note"), &json!("notice")));
        let whole = &results[2]["locations"][0]["physicalLocation"];
        assert_eq!(whole, &json!({ "artifactLocation": { "uri": "file:///etc/sluse/policies" } }));
    }
}
