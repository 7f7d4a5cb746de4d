//! A tunnel's credentials, in cloudflared's two formats: the token and the credentials file.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use domain::{AccountTag, ExposeSecret, SecretSlice, SecretString, TunnelId};
use serde::{Deserialize, Serialize};

use crate::CredentialsError;

/// Standard alphabet; writes padding, and reads with or without it: people lose a trailing `=`.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Longest secret, in bytes. cloudflared makes 32.
pub(crate) const MAX_SECRET: usize = 1024;

/// What a connector needs to register: which tunnel, and the proof that it may.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The account that the tunnel belongs to.
    pub account: AccountTag,
    /// The tunnel.
    pub tunnel: TunnelId,
    /// Known to the tunnel's connectors and to the edge.
    pub secret: SecretSlice<u8>,
    /// A region of edges, where an operator has several. Usually none.
    pub endpoint: Option<String>,
}

/// The token's JSON.
#[derive(Serialize, Deserialize)]
struct Token {
    a: String,
    s: String,
    t: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    e: Option<String>,
}

/// The credentials file's JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct File {
    account_tag: String,
    tunnel_secret: String,
    #[serde(rename = "TunnelID")]
    tunnel_id: String,
    #[serde(default)]
    endpoint: String,
}

impl Credentials {
    /// Reads a token, as of `cloudflared tunnel token`: base64 of `{"a":…,"s":…,"t":…,"e":…}`.
    /// White space around it is ignored.
    pub fn parse_token(token: &str) -> Result<Self, CredentialsError> {
        let json = BASE64
            .decode(token.trim())
            .map_err(|_| CredentialsError::NotBase64)?;
        let token: Token = serde_json::from_slice(&json)?;
        Self::checked(token.a, &token.t, &token.s, token.e)
    }

    /// Reads a credentials file, as `cloudflared tunnel create` writes it.
    pub fn parse_file(json: &str) -> Result<Self, CredentialsError> {
        let file: File = serde_json::from_str(json)?;
        Self::checked(
            file.account_tag,
            &file.tunnel_id,
            &file.tunnel_secret,
            Some(file.endpoint),
        )
    }

    /// The token of these credentials.
    pub fn to_token(&self) -> SecretString {
        let token = Token {
            a: self.account.0.clone(),
            s: BASE64.encode(self.secret.expose_secret()),
            t: self.tunnel.to_string(),
            e: self.endpoint.clone(),
        };
        BASE64.encode(to_json(&token)).into()
    }

    /// The credentials file of these credentials.
    pub fn to_file(&self) -> SecretString {
        let file = File {
            account_tag: self.account.0.clone(),
            tunnel_secret: BASE64.encode(self.secret.expose_secret()),
            tunnel_id: self.tunnel.to_string(),
            endpoint: self.endpoint.clone().unwrap_or_default(),
        };
        to_json(&file).into()
    }

    fn checked(
        account: String,
        tunnel: &str,
        secret: &str,
        endpoint: Option<String>,
    ) -> Result<Self, CredentialsError> {
        let secret = BASE64
            .decode(secret)
            .map_err(|_| CredentialsError::Secret)?;
        if secret.is_empty() || secret.len() > MAX_SECRET {
            return Err(CredentialsError::Secret);
        }
        Ok(Self {
            account: AccountTag(account),
            tunnel: tunnel.parse().map_err(|_| CredentialsError::TunnelId)?,
            secret: secret.into(),
            endpoint: endpoint.filter(|endpoint| !endpoint.is_empty()),
        })
    }
}

/// JSON of a struct of strings, which cannot fail.
fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `{"a":"acc","s":"AQID","t":"6ff42ae2-765d-4adf-8112-31c55c1551ef"}`, by `base64`.
    const TOKEN: &str =
        "eyJhIjoiYWNjIiwicyI6IkFRSUQiLCJ0IjoiNmZmNDJhZTItNzY1ZC00YWRmLTgxMTItMzFjNTVjMTU1MWVmIn0=";

    #[test]
    fn reads_a_token() {
        for token in [TOKEN, TOKEN.trim_end_matches('='), &format!(" {TOKEN}\n")] {
            let credentials = Credentials::parse_token(token).unwrap();
            assert_eq!(credentials.account.0, "acc");
            assert_eq!(credentials.secret.expose_secret(), [1, 2, 3]);
            assert_eq!(
                credentials.tunnel.to_string(),
                "6ff42ae2-765d-4adf-8112-31c55c1551ef"
            );
            assert_eq!(credentials.to_token().expose_secret(), TOKEN);
        }
    }

    #[test]
    fn reads_a_credentials_file() {
        let json = r#"{"AccountTag":"acc","TunnelSecret":"AQID",
            "TunnelID":"6ff42ae2-765d-4adf-8112-31c55c1551ef","Endpoint":""}"#;
        let credentials = Credentials::parse_file(json).unwrap();
        assert_eq!(credentials.endpoint, None);
        assert_eq!(credentials.to_token().expose_secret(), TOKEN);
        let again = Credentials::parse_file(credentials.to_file().expose_secret()).unwrap();
        assert_eq!(again.to_token().expose_secret(), TOKEN);
    }

    #[test]
    fn refuses_what_is_not_credentials() {
        let file = |id: &str, secret: &str| {
            Credentials::parse_file(&format!(
                r#"{{"AccountTag":"a","TunnelSecret":"{secret}","TunnelID":"{id}"}}"#
            ))
            .map(|_| ())
        };
        let id = "6ff42ae2-765d-4adf-8112-31c55c1551ef";
        assert_eq!(file("x", "AQID"), Err(CredentialsError::TunnelId));
        assert_eq!(file(id, ""), Err(CredentialsError::Secret));
        assert_eq!(file(id, "?"), Err(CredentialsError::Secret));
        assert_eq!(
            Credentials::parse_token("not a token").map(|_| ()),
            Err(CredentialsError::NotBase64)
        );
    }

    #[test]
    fn errors_and_debug_keep_the_secret() {
        let json = r#"{"AccountTag":"a","TunnelSecret":["geheim"]}"#;
        let error = Credentials::parse_file(json).unwrap_err();
        assert!(!error.to_string().contains("geheim"), "{error}");
        let debug = format!("{:?}", Credentials::parse_token(TOKEN).unwrap());
        assert!(!debug.contains("[1, 2, 3]"), "{debug}");
    }

    proptest! {
        #[test]
        fn round_trips(
            account in ".{0,40}",
            secret in proptest::collection::vec(any::<u8>(), 1..=64),
            endpoint in proptest::option::of("[a-z]{1,8}"),
        ) {
            let credentials = Credentials {
                account: AccountTag(account),
                tunnel: TunnelId::random(),
                secret: secret.clone().into(),
                endpoint,
            };
            let token = credentials.to_token();
            let file = credentials.to_file();
            for again in [
                Credentials::parse_token(token.expose_secret()).unwrap(),
                Credentials::parse_file(file.expose_secret()).unwrap(),
            ] {
                prop_assert_eq!(&again.account, &credentials.account);
                prop_assert_eq!(again.tunnel, credentials.tunnel);
                prop_assert_eq!(again.secret.expose_secret(), secret.as_slice());
                prop_assert_eq!(&again.endpoint, &credentials.endpoint);
            }
        }

        #[test]
        fn never_panics(text in ".{0,200}") {
            drop(Credentials::parse_token(&text));
            drop(Credentials::parse_token(&BASE64.encode(&text)));
            drop(Credentials::parse_file(&text));
        }
    }
}
