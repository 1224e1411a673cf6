//! Text from a guest on its way to people: what could pass for something else is escaped, and it has an end.

/// The text on one line: control characters, and those that turn writing round or break lines, become `\u{..}`; cut at `limit` bytes.
pub(crate) fn escape(text: &str, limit: usize) -> String {
    let mut escaped = String::with_capacity(text.len().min(limit));
    for letter in text.chars() {
        if escaped.len() >= limit {
            escaped.push('…');
            break;
        }
        match letter {
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            _ if letter.is_control() || misleads(letter) => escaped.extend(letter.escape_unicode()),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// Line and paragraph separators, and marks that change the direction of what follows.
fn misleads(letter: char) -> bool {
    matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_that_a_terminal_obeys_comes_through() {
        assert_eq!(escape("a\u{1b}[31mb\r\nc\0\u{9b}\u{202e}ü", 100), "a\\u{1b}[31mb\\u{d}\\nc\\u{0}\\u{9b}\\u{202e}ü");
        assert_eq!(escape("abcdef", 3), "abc…");
    }
}
