//! `${VAR}` in texts: filled in from the environment, and from then on a secret that is shown as `***`.

use std::borrow::Cow;
use std::sync::{PoisonError, RwLock};

use super::tree::Text;

/// Where variables are looked up.
pub type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

const HIDDEN: &str = "***";
/// Shorter ones would make a mess of whatever else is printed, and are no secrets worth the name.
const SHORTEST: usize = 4;

/// All secrets of this run: what others say (plugins, the operating system) is searched for them before it is printed.
static SECRETS: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// Replaces `${VAR}`, and `$${` by `${`. The error is what is wrong and what would be right.
pub fn expand(text: &str, environment: &Environment<'_>) -> Result<Text, (String, String)> {
    let (mut value, mut shown, mut rest) = (String::new(), String::new(), text);
    while let Some(at) = rest.find("${") {
        let (before, after) = rest.split_at(at);
        let after = after.strip_prefix("${").unwrap_or_default();
        if let Some(before) = before.strip_suffix('$') {
            for text in [&mut value, &mut shown] {
                text.extend([before, "${"]);
            }
            rest = after;
            continue;
        }
        let wrong = |message: &str| (message.to_owned(), "write ${NAME}, or $${ for the two characters themselves".to_owned());
        let (name, after) = after.split_once('}').ok_or_else(|| wrong("\"${\" without \"}\""))?;
        let named = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if name.is_empty() || !named {
            return Err(wrong(&format!("{name:?} is no name of a variable")));
        }
        let secret = environment(name).ok_or_else(|| {
            (
                format!("the environment has no variable {name}"),
                format!("set it: {name}=... eyas ..., or write $${{ for the two characters themselves"),
            )
        })?;
        for text in [&mut value, &mut shown] {
            text.push_str(before);
        }
        value.push_str(&secret);
        shown.push_str(HIDDEN);
        hide(&secret);
        rest = after;
    }
    for text in [&mut value, &mut shown] {
        text.push_str(rest);
    }
    Ok(Text { value, shown })
}

/// From now on this is a secret.
pub fn hide(secret: &str) {
    if secret.len() >= SHORTEST {
        SECRETS.write().unwrap_or_else(PoisonError::into_inner).push(secret.to_owned());
    }
}

/// Hides all secrets in a text that is about to be printed.
pub fn redact(text: &str) -> Cow<'_, str> {
    let secrets = SECRETS.read().unwrap_or_else(PoisonError::into_inner);
    let mut text = Cow::Borrowed(text);
    for secret in secrets.iter() {
        if text.contains(secret.as_str()) {
            text = Cow::Owned(text.replace(secret.as_str(), HIDDEN));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{expand, redact};

    fn environment(name: &str) -> Option<String> {
        (name == "PASSWORD").then(|| "hunter2".to_owned())
    }

    #[test]
    fn variables_are_filled_in_and_hidden() {
        let text = expand("a ${PASSWORD} b", &environment).unwrap();
        assert_eq!((text.value.as_str(), text.shown.as_str()), ("a hunter2 b", "a *** b"));
        assert_eq!(format!("{text} {text:?}"), "a *** b \"a *** b\"");
        assert_eq!(redact("the plugin says: hunter2 is bad"), "the plugin says: *** is bad");
    }

    #[test]
    fn two_dollars_stand_for_one() {
        assert_eq!(expand("$${PASSWORD} $x $", &environment).unwrap().value, "${PASSWORD} $x $");
    }

    #[test]
    fn what_cannot_be_filled_in_is_an_error() {
        for text in ["${MISSING}", "${", "${}", "${A-B}"] {
            assert!(expand(text, &environment).is_err(), "{text}");
        }
    }
}
