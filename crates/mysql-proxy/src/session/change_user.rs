//! `COM_CHANGE_USER`: a login within a session, which is as after a login then.
//!
//! It is judged by the local credentials, and the origin learns nothing of it: another user may
//! select another hyperdrive. A failed one ends the session, as it does on MySQL. MariaDB and TiDB
//! let it go on, though of what it was nothing is left there either.

use std::sync::Arc;

use domain::ExposeSecret;
use mysql_proto::{
    AuthPlugin, Capabilities, ChangeUser, ChangeUserConfig, ChangeUserRequest, ErrPacket,
    HEADER_LEN, ServerEvent,
};
use tokio::time::timeout;
use tracing::warn;

use super::Session;
use super::home::Home;
use super::login::{GREETING_COLLATION, nonce, program};
use crate::downstream::CommandPacket;
use crate::error::SessionEnd;
use crate::hyperdrives::Served;
use crate::refusal;
use crate::registry::{Facts, TooManyOfUser};

impl Session {
    /// `COM_CHANGE_USER`.
    pub(super) async fn change_user(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        let capabilities = self.downstream.capabilities();
        let payload = self.downstream.packet(packet).get(HEADER_LEN..);
        let request = ChangeUserRequest::decode(payload.unwrap_or_default(), capabilities);
        let Ok(request) = request else {
            return Err(SessionEnd::Protocol("a change of user that cannot be read"));
        };
        if !packet.is_whole {
            return Err(SessionEnd::Protocol("a change of user of 16 MiB"));
        }
        self.downstream.consume(packet);
        let mut login = ChangeUser::new(
            request,
            ChangeUserConfig {
                capabilities,
                nonce: self.nonce,
                fresh_nonce: nonce(),
                default_plugin: AuthPlugin::NativePassword,
            },
        );
        let limit = self.shared.config.login_timeout;
        let judged = timeout(limit, self.judge(&mut login)).await;
        let served = judged.map_err(|_| SessionEnd::LoginTimeout)??;
        self.become_user(login, served).await
    }

    /// Finds out whether the client knows the password. Gives the hyperdrive that it is one of.
    async fn judge(&mut self, login: &mut ChangeUser) -> Result<Arc<Served>, SessionEnd> {
        let user = login.request().user.clone();
        let served = match self.shared.hyperdrives.of_user(&user) {
            None => None,
            Some(Ok(served)) => Some(served),
            Some(Err(error)) => {
                warn!(user, %error, "Failed to serve a hyperdrive");
                let error = refusal::broken_hyperdrive(&user, &error);
                return Err(self
                    .refuse_user(login, &error, "hyperdrive is broken")
                    .await);
            }
        };
        let mut output = Vec::new();
        let mut event = {
            let credentials = served.as_ref().map(|served| &served.hyperdrive.credentials);
            let password = credentials.map(|known| known.password.expose_secret().as_bytes());
            login.authenticate(password, &mut output)
        };
        while event == ServerEvent::NeedInput {
            self.downstream.send(&output).await?;
            output.clear();
            self.downstream.read_more().await?;
            event = login.input(self.downstream.input(), &mut output)?;
        }
        self.downstream.send(&output).await?;
        let Some(served) = served else {
            let error = refusal::unknown_hyperdrive(&user);
            return Err(self.refuse_user(login, &error, "unknown hyperdrive").await);
        };
        if event == ServerEvent::Authenticated {
            return Ok(served);
        }
        let error = refusal::wrong_password(&user);
        Err(self.refuse_user(login, &error, "wrong password").await)
    }

    /// The session is that of the user from now on.
    async fn become_user(
        &mut self,
        mut login: ChangeUser,
        served: Arc<Served>,
    ) -> Result<(), SessionEnd> {
        let request = login.request();
        let facts = Facts {
            user: request.user.as_str().into(),
            hyperdrive: served.hyperdrive.id,
            peer: self.registered.peer,
            program: program(&request.connect_attributes),
        };
        let collation = request.collation.and_then(|id| u8::try_from(id).ok());
        let collation = collation.unwrap_or(GREETING_COLLATION);
        let home = Home::new(
            &served,
            self.downstream.capabilities(),
            request.database.clone(),
            collation,
        );
        let flavor = served.pool.connector().flavor();
        if let Some(error) = refusal::unfit_collation(collation, flavor) {
            let refused = self.refuse_user(&mut login, &error, "character set");
            return Err(refused.await);
        }
        self.leave_lease().await;
        self.resets += 1;
        let limit = self.shared.config.login_timeout;
        let refused = served.refused_database(home.database.as_deref(), limit);
        if let Some(error) = Box::pin(refused).await {
            return Err(self
                .refuse_user(&mut login, &error, "unknown database")
                .await);
        }
        let limit = served.limit_of_user();
        if let Err(TooManyOfUser { limit }) = self.registered.change_user(facts, limit) {
            let error = refusal::too_many_of_user(&login.request().user, limit);
            return Err(self
                .refuse_user(&mut login, &error, "user has enough clients")
                .await);
        }
        self.downstream.set_entry(self.registered.entry());
        let capabilities = self.downstream.capabilities();
        self.settle_in(home, served);
        let mut output = Vec::new();
        login.accept(&self.home.greeting(&self.served, capabilities), &mut output);
        self.shared.metrics.logins.inc();
        self.downstream.send(&output).await
    }

    /// Everything is as after a login.
    fn settle_in(&mut self, home: Home, served: Arc<Served>) {
        let connector = served.pool.connector();
        let home = home.within(connector.flavor(), &self.home);
        self.status = connector.login_status();
        // What `COM_SET_OPTION` made of it is kept, as servers keep it.
        let mut profile = home.profile(&served, self.downstream.capabilities());
        let multi = Capabilities::MULTI_STATEMENTS;
        profile
            .capabilities
            .set(multi, self.profile.capabilities.contains(multi));
        self.profile = Arc::new(profile);
        self.state = connector.states().share(home.state());
        self.downstream.set_net_timeout(self.state.net_timeout());
        self.insert_id = Some(0);
        // Its entry is new, and shows nothing yet.
        self.shown = None;
        self.home = home;
        self.served = served;
    }

    async fn refuse_user(
        &mut self,
        login: &mut ChangeUser,
        error: &ErrPacket,
        reason: &'static str,
    ) -> SessionEnd {
        self.shared.metrics.error(error.code);
        let mut output = Vec::new();
        login.refuse(error, &mut output);
        match self.downstream.send(&output).await {
            Ok(()) => SessionEnd::LoginRefused(reason),
            Err(end) => end,
        }
    }
}
