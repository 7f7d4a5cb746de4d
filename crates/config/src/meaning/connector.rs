//! What the table `connector` means.

use std::collections::HashSet;
use std::net::SocketAddr;

use domain::IngressRule;
use toml::Spanned;

use super::{Meaning, placed};
use crate::config::{ConnectorConfig, ConnectorCredentials};
use crate::document::Span;
use crate::written;

impl Meaning {
    /// `None` when there are no credentials, which is complained of.
    pub(super) fn connector(
        &mut self,
        connector: Spanned<written::Connector>,
        taken: &mut HashSet<SocketAddr>,
    ) -> Option<ConnectorConfig> {
        let span = connector.span();
        let mut connector = connector.into_inner();
        if connector.edge.is_empty() {
            self.complain(
                span.clone(),
                "the connector has no `edge` to dial; write edge = [\"host:port\"]",
            );
        }
        let ingress = std::mem::take(&mut connector.ingress);
        let ingress = self.ingress(ingress, span.clone());
        let admin_listen = self.tcp_listener(connector.admin_listen.take(), taken);
        let credentials = self.credentials(&mut connector, span)?;
        let edge = connector.edge.into_iter().map(|address| address.0);
        let default = ConnectorConfig::new(edge.collect(), credentials);
        Some(ConnectorConfig {
            ca_file: connector.ca_file.map(|file| self.path(&file.0)),
            connections: connector
                .connections
                .map_or(default.connections, |connections| connections.0),
            grace_period: connector
                .grace_period
                .map_or(default.grace_period, |period| period.0),
            admin_listen,
            ingress,
            ..default
        })
    }

    fn ingress(&mut self, rules: Vec<Spanned<written::Ingress>>, table: Span) -> Vec<IngressRule> {
        if rules.is_empty() {
            self.complain(
                table,
                "the connector may reach nothing; add [[connector.ingress]] with service = \
                 \"tcp://host:port\"",
            );
        }
        rules
            .into_iter()
            .filter_map(|rule| {
                let span = rule.span();
                let service = rule.into_inner().service;
                if service.is_none() {
                    self.complain(span, "the rule has no `service`; write tcp://host:port");
                }
                Some(IngressRule {
                    service: service?.0,
                })
            })
            .collect()
    }

    fn credentials(
        &mut self,
        connector: &mut written::Connector,
        table: Span,
    ) -> Option<ConnectorCredentials> {
        let token = connector.token.take().map(placed);
        let token_file = connector.token_file.take().map(placed);
        let credentials_file = connector.credentials_file.take().map(placed);
        let given = [
            token.map(|(token, span)| (ConnectorCredentials::Token(token), span)),
            token_file
                .map(|(file, span)| (ConnectorCredentials::TokenFile(self.path(&file)), span)),
            credentials_file.map(|(file, span)| {
                (
                    ConnectorCredentials::CredentialsFile(self.path(&file)),
                    span,
                )
            }),
        ];
        let mut given = given.into_iter().flatten();
        let first = given.next();
        if first.is_none() {
            self.complain(
                table,
                "the connector has no credentials; give one of `token`, `token_file`, `credentials_file`",
            );
        }
        for (_, span) in given {
            self.complain(
                span,
                "only one of `token`, `token_file` and `credentials_file` may be given",
            );
        }
        first.map(|(credentials, _)| credentials)
    }
}
