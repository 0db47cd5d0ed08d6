//! What a page, a header or a cookie must not say.

/// Whether `word` stands in `text` by itself. Its letters alone prove nothing: every few dozen runs, some random
/// token has the three of a name.
pub fn says(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|found| found == word)
}

#[test]
fn a_word_is_told_from_letters_of_a_token() {
    for text in ["nez", "seen=nez; path=/", "\"of-nez\"", "name=\"nez\"", "Hos nez."] {
        assert!(says(text, "nez"), "{text}");
    }
    assert!(!says("RNDUnez105_B6Rbj45", "nez"));
}
