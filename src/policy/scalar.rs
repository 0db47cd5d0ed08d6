//! Plain scalars that two readers of YAML take for different things.

/// The words that are booleans to YAML 1.1 alone.
pub(super) fn is_boolean(text: &str) -> bool {
    ["y", "n", "yes", "no", "on", "off"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether the core schema of YAML 1.2 and the types of YAML 1.1 take a plain scalar for different things.
pub(super) fn readers_differ(text: &str) -> bool {
    let boolean = is_boolean(text);
    let digits = text.trim_start_matches(['+', '-']);
    if boolean || !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return boolean;
    }
    let all = |text: &str, also: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || also.contains(c))
    };
    let leading_zero = digits.len() > 1 && digits.starts_with('0') && all(digits, "_");
    let other_base = digits.starts_with("0o") || digits.starts_with("0b");
    let grouped = digits.contains('_') && (all(digits, "_.") || digits.starts_with("0x"));
    let sexagesimal = digits.split_once(':').is_some_and(|(first, rest)| {
        let sixtieth = |part: &str| part.len() <= 2 && all(part, "");
        let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
        all(first, "_") && whole.split(':').all(sixtieth) && fraction.chars().all(|c| c.is_ascii_digit())
    });
    let date = digits.len() >= 8
        && digits.split(['T', 't', ' ']).next().is_some_and(|day| {
            let parts: Vec<&str> = day.split('-').collect();
            parts.len() == 3 && parts[0].len() == 4 && parts.iter().all(|part| all(part, ""))
        });
    let exponent = !digits.contains('.')
        && digits
            .split_once(['e', 'E'])
            .is_some_and(|(base, power)| all(base, "") && all(power.trim_start_matches(['+', '-']), ""));
    leading_zero || other_base || grouped || sexagesimal || date || exponent
}

/// Whether a plain scalar is a number or a boolean to YAML that other programs would write in another way: what
/// we keep as text would not be what they show.
pub(super) fn is_told_otherwise(text: &str) -> bool {
    if matches!(text, "True" | "TRUE" | "False" | "FALSE") {
        return true;
    }
    let digits = text.trim_start_matches(['+', '-']);
    if matches!(digits.to_ascii_lowercase().as_str(), ".inf" | ".nan") {
        return true;
    }
    if let Some(hex) = digits.strip_prefix("0x") {
        return !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    let number = digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    if !number || !digits.contains(|c: char| c.is_ascii_digit()) || digits.starts_with(['e', 'E']) {
        return false;
    }
    match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(whole), _) => whole.to_string() != text,
        (Err(_), Ok(float)) => format!("{float:?}") != text,
        (Err(_), Err(_)) => false,
    }
}
