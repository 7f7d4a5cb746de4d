//! What the table `edge` means.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use domain::{
    AccountTag, Address, DeclaredHyperdrive, DeclaredOrigin, DeclaredTunnel, DeclaredVia, Limits,
    OriginTls, PoolPolicy, TunnelId,
};
use toml::Spanned;

use super::{Meaning, placed};
use crate::config::{CertificateFiles, EdgeConfig, EdgeTls};
use crate::suggest;
use crate::value::{Name, OriginTlsMode, Text, TimeLimit};
use crate::written;

/// What must not be given twice on an edge, and the tunnels that hyperdrives may name.
#[derive(Debug, Default)]
struct Seen {
    tunnels: HashSet<String>,
    tunnel_ids: HashSet<TunnelId>,
    hyperdrives: HashSet<String>,
    users: HashSet<String>,
    serves_tunnels: bool,
}

impl Meaning {
    pub(super) fn edge(
        &mut self,
        edge: written::Edge,
        taken: &mut HashSet<SocketAddr>,
    ) -> EdgeConfig {
        let default = EdgeConfig::default();
        let mut seen = Seen {
            serves_tunnels: edge.tunnel_listen.is_some(),
            ..Seen::default()
        };
        let tunnels = edge.tunnels;
        let hyperdrives = edge.hyperdrives;
        EdgeConfig {
            state_dir: self.path(&edge.state_dir.map_or(default.state_dir, |dir| dir.0)),
            listen: self
                .tcp_listener(edge.listen, taken)
                .unwrap_or(default.listen),
            tunnel_listen: edge.tunnel_listen.map(|address| address.0),
            admin_listen: self.tcp_listener(edge.admin_listen, taken),
            server_version: edge
                .server_version
                .map_or(default.server_version, |version| version.0.0),
            max_clients: edge.max_clients.map_or(default.max_clients, |max| max.0),
            login_timeout: edge
                .login_timeout
                .map_or(default.login_timeout, |time| time.0),
            drain_timeout: edge
                .drain_timeout
                .map_or(default.drain_timeout, |time| time.0),
            tls: edge.tls.map_or(default.tls, |tls| self.edge_tls(tls)),
            tunnels: tunnels
                .into_iter()
                .filter_map(|tunnel| self.tunnel(tunnel, &mut seen))
                .collect(),
            hyperdrives: hyperdrives
                .into_iter()
                .filter_map(|hyperdrive| self.hyperdrive(hyperdrive, &mut seen))
                .collect(),
        }
    }

    fn edge_tls(&mut self, tls: written::EdgeTls) -> EdgeTls {
        let default = EdgeTls::default();
        let certificate = match (tls.cert_file.map(placed), tls.key_file.map(placed)) {
            (Some((cert, _)), Some((key, _))) => Some(CertificateFiles {
                cert_file: self.path(&cert),
                key_file: self.path(&key),
            }),
            (Some((_, span)), None) => {
                self.complain(
                    span,
                    "a certificate needs its private key: give `key_file` too",
                );
                None
            }
            (None, Some((_, span))) => {
                self.complain(
                    span,
                    "a private key needs its certificate: give `cert_file` too",
                );
                None
            }
            (None, None) => default.certificate,
        };
        EdgeTls {
            mode: tls.mode.map_or(default.mode, |mode| mode.0),
            certificate,
        }
    }

    fn tunnel(
        &mut self,
        tunnel: Spanned<written::Tunnel>,
        seen: &mut Seen,
    ) -> Option<DeclaredTunnel> {
        let span = tunnel.span();
        let tunnel = tunnel.into_inner();
        let Some((Name(name), name_span)) = tunnel.name.map(placed) else {
            self.complain(span, "the tunnel has no `name`");
            return None;
        };
        self.unique(&mut seen.tunnels, name.clone(), name_span, "tunnel name");
        let mut declared = DeclaredTunnel::new(name);
        if let Some((id, span)) = tunnel.id.map(placed) {
            self.unique(&mut seen.tunnel_ids, id, span, "tunnel id");
            declared.id = Some(id);
        }
        if let Some(Text(Name(account))) = tunnel.account {
            declared.account = AccountTag(account);
        }
        declared.secret = tunnel.secret.map(|secret| secret.0);
        Some(declared)
    }

    fn hyperdrive(
        &mut self,
        hyperdrive: Spanned<written::Hyperdrive>,
        seen: &mut Seen,
    ) -> Option<DeclaredHyperdrive> {
        let span = hyperdrive.span();
        let hyperdrive = hyperdrive.into_inner();
        if hyperdrive.origin.is_none() {
            self.complain(
                span.clone(),
                "the hyperdrive has no `origin`; write mysql://user:password@host:port/database",
            );
        }
        let Some((Name(name), name_span)) = hyperdrive.name.map(placed) else {
            self.complain(span, "the hyperdrive has no `name`");
            return None;
        };
        self.unique(
            &mut seen.hyperdrives,
            name.clone(),
            name_span.clone(),
            "hyperdrive name",
        );
        let (user, user_span) = match hyperdrive.user.map(placed) {
            Some((Name(user), span)) => (user, span),
            None => (name.clone(), name_span),
        };
        self.unique(
            &mut seen.users,
            user.clone(),
            user_span,
            "local user (`user`, or `name` where there is none)",
        );
        let via = hyperdrive
            .tunnel
            .map_or(DeclaredVia::Direct, |tunnel| self.via(tunnel, seen));
        let pool = match hyperdrive.pool {
            Some(pool) => self.pool(pool),
            None => PoolPolicy::default(),
        };
        let limits = hyperdrive.limits.map_or_else(Limits::default, limits);
        let cache = self.cache(hyperdrive.cache);
        let origin = hyperdrive.origin?.0;
        let tls = self.origin_tls(&origin.address, &via, hyperdrive.tls, hyperdrive.ca_file);
        Some(DeclaredHyperdrive {
            name,
            user,
            password: hyperdrive.password.map(|password| password.0),
            origin: DeclaredOrigin {
                address: origin.address,
                via,
                tls,
                user: origin.user,
                password: origin.password,
                database: origin.database,
            },
            pool,
            limits,
            cache,
        })
    }

    fn via(&mut self, tunnel: Spanned<Text<Name>>, seen: &Seen) -> DeclaredVia {
        let (Name(tunnel), span) = placed(tunnel);
        if !seen.tunnels.contains(&tunnel) {
            let names = || seen.tunnels.iter().map(String::as_str);
            let hint = match suggest::nearest(&tunnel, names()) {
                Some(nearest) => format!("; did you mean `{nearest}`?"),
                None => "; declare it under [[edge.tunnels]]".to_owned(),
            };
            self.complain(span, format!("there is no tunnel `{tunnel}`{hint}"));
        } else if !seen.serves_tunnels {
            self.complain(
                span,
                "this edge serves no tunnels: give `edge.tunnel_listen`, where connectors connect",
            );
        }
        DeclaredVia::Tunnel(tunnel)
    }

    fn origin_tls(
        &mut self,
        address: &Address,
        via: &DeclaredVia,
        mode: Option<Spanned<Text<OriginTlsMode>>>,
        ca_file: Option<Spanned<Text<PathBuf>>>,
    ) -> OriginTls {
        let private = matches!(via, DeclaredVia::Tunnel(_)) || is_loopback(&address.host);
        let default = if private {
            OriginTlsMode::Disabled
        } else {
            OriginTlsMode::Required
        };
        let mode = mode.map_or(default, |mode| mode.into_inner().0);
        let verifies = matches!(
            mode,
            OriginTlsMode::VerifyCa | OriginTlsMode::VerifyIdentity
        );
        let roots_pem = ca_file.map(placed).and_then(|(path, span)| {
            if verifies {
                return self.certificates(&path, span);
            }
            self.complain(
                span,
                "nothing is verified with this; it needs tls = \"verify-ca\" or \"verify-identity\"",
            );
            None
        });
        match mode {
            OriginTlsMode::Disabled => OriginTls::Disabled,
            OriginTlsMode::Required => OriginTls::Required,
            OriginTlsMode::VerifyCa => OriginTls::VerifyCa { roots_pem },
            OriginTlsMode::VerifyIdentity => OriginTls::VerifyIdentity { roots_pem },
        }
    }

    fn pool(&mut self, pool: written::Pool) -> PoolPolicy {
        let default = PoolPolicy::default();
        let time =
            |key: Option<Text<Duration>>, default| key.map_or(default, |duration| duration.0);
        let max = pool.max.map_or(default.max, |max| max.0);
        if let Some(min) = pool.min.as_ref().filter(|min| min.get_ref().0 > max) {
            self.complain(
                min.span(),
                format!("more are kept open than may be open: `max` is {max}"),
            );
        }
        PoolPolicy {
            min: pool.min.map_or(default.min, |min| min.into_inner().0),
            max,
            max_waiting: pool.max_waiting.map_or(default.max_waiting, |max| max.0),
            wait_timeout: time(pool.wait_timeout, default.wait_timeout),
            connect_timeout: time(pool.connect_timeout, default.connect_timeout),
            idle_timeout: time(pool.idle_timeout, default.idle_timeout),
            max_lifetime: time(pool.max_lifetime, default.max_lifetime),
            max_statements: pool
                .max_statements
                .map_or(default.max_statements, |max| max.0),
        }
    }
}

fn limits(limits: written::Limits) -> Limits {
    let default = Limits::default();
    let time = |key: Option<Text<TimeLimit>>, default| key.map_or(default, |limit| limit.0.0);
    Limits {
        max_user_connections: limits
            .max_user_connections
            .map_or(default.max_user_connections, |max| {
                (max.0 > 0).then_some(max.0)
            }),
        query_timeout: time(limits.query_timeout, default.query_timeout),
        transaction_timeout: time(limits.transaction_timeout, default.transaction_timeout),
        idle_transaction_timeout: time(
            limits.idle_transaction_timeout,
            default.idle_transaction_timeout,
        ),
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}
