//! Configurations from text to meaning, and the reference page against the parser.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at the first surprise, also in its helpers"
)]

mod cache;
mod problems;
mod reads;
mod reference;

use config::{Config, ConfigError};

/// An environment with a few variables.
fn env(name: &str) -> Option<String> {
    match name {
        "DB_PASSWORD" => Some("hunter2".to_owned()),
        "TUNNEL_SECRET" => Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned()),
        "TUNNEL_TOKEN" => Some("eyJ9".to_owned()),
        _ => None,
    }
}

fn read(text: &str) -> Result<Config, ConfigError> {
    Config::from_toml(text, "etc/tidegate.toml", &env)
}

fn accepted(text: &str) -> Config {
    read(text).unwrap_or_else(|error| panic!("{error}\n---\n{text}"))
}

/// The lines of the report on a wrong configuration.
fn problems(text: &str) -> Vec<String> {
    let error = read(text).expect_err(text);
    error.to_string().lines().map(str::to_owned).collect()
}
