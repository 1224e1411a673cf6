//! `auth`, and other secrets: never shown, even where they are written in the file itself.

use crate::config::document::Place;
use crate::config::plan::Auth;
use crate::config::reader::Reader;
use crate::config::secret::hide;
use crate::config::tree::{Text, Value};

/// `auth`: who may send, or who we are.
pub fn read_auth(reader: &Reader<'_>) -> Option<Auth> {
    #[derive(Clone, Copy)]
    enum Strategy {
        Bearer,
        Basic,
    }
    let auth = reader.within("auth")?;
    let bearer = "write auth = { strategy = \"bearer\", token = \"${TOKEN}\" }";
    let basic = "write auth = { strategy = \"basic\", user = \"...\", password = \"${PASSWORD}\" }";
    let strategy = match auth.required("strategy", &format!("{bearer}, or strategy = \"basic\" with user and password")) {
        Some(_) => auth.choice("strategy", &[("bearer", Strategy::Bearer), ("basic", Strategy::Basic)]),
        None => None,
    };
    let read = match strategy {
        Some(Strategy::Bearer) => read_token(&auth, bearer).map(Auth::Bearer),
        Some(Strategy::Basic) => {
            let user = read_user(&auth, basic);
            let password = auth.required("password", basic).map(|(text, place)| read_secret(&auth, "password", text, place));
            user.zip(password).map(|(user, password)| Auth::Basic { user, password })
        }
        // It is not known what belongs to it, but nothing of it is to be shown.
        None => {
            ["token", "password"].iter().filter_map(|key| auth.text(key)).for_each(|(text, _)| hide(&text.value));
            let _ = auth.entry("user");
            None
        }
    };
    auth.finish();
    read
}

/// Of Fluent Forward: users are asked for in the handshake, of which the shared key is the beginning.
pub fn check_forward_auth(reader: &Reader<'_>, has_shared_key: bool) {
    let Some(auth) = reader.table.get("auth") else { return };
    let Value::Table(table) = &auth.node.value else { return };
    if let Some(strategy) = table.get("strategy").filter(|entry| matches!(&entry.node.value, Value::Text(text) if text.value == "bearer")) {
        let help = "write auth = { strategy = \"basic\", user = \"...\", password = \"${PASSWORD}\" }";
        reader.problems.at(&strategy.node.place, "Fluent Forward has users and passwords, and no tokens", help);
    } else if !has_shared_key && reader.table.get("shared_key").is_none() {
        let help = "add shared_key = \"${SHARED_KEY}\", which the other side must know, too";
        reader.problems.at(&auth.place, "in Fluent Forward a user says who it is behind a shared key alone", help);
    }
}

fn read_token(auth: &Reader<'_>, help: &str) -> Option<Text> {
    let (text, place) = auth.required("token", help)?;
    let token = read_secret(auth, "token", text, place);
    if !text.value.bytes().all(|byte| byte.is_ascii_graphic()) {
        auth.problems.at(place, "this cannot be a token", "it is made of visible ASCII characters, without blanks");
    }
    Some(token)
}

fn read_user(auth: &Reader<'_>, help: &str) -> Option<Text> {
    let (user, place) = auth.required("user", help)?;
    if user.value.is_empty() || user.value.contains(':') || user.value.contains(char::is_control) {
        auth.problems.at(place, format!("{user:?} cannot be a user"), "a user's name is not empty, and there is no \":\" in it");
    }
    Some(user.clone())
}

/// A text that is a secret from now on.
pub fn read_secret(reader: &Reader<'_>, key: &str, text: &Text, place: &Place) -> Text {
    hide(&text.value);
    if text.value.is_empty() {
        let help = format!("anyone would know it: give it from the environment, {key} = \"${{{}}}\"", key.to_ascii_uppercase());
        reader.problems.at(place, format!("the {} is empty", key.replace('_', " ")), help);
    } else if text.value.contains(char::is_control) {
        reader.problems.at(place, format!("this cannot be a {}", key.replace('_', " ")), "there are no control characters in it");
    }
    Text { value: text.value.clone(), shown: "***".to_owned() }
}
