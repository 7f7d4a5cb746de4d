//! What to do with a command: the one place where a session's commands branch.

use std::sync::Arc;

use mysql_proto::{Capabilities, Command, StatusFlags};
use mysql_sql::{Effect, PinReason, Statement, StatementKind, Touched, classify};

use super::Session;
use super::cached::Planned;
use super::commits::WriteSet;
use super::logins::Logins;
use super::outcome::Relayed;
use super::outgoing::Outgoing;
use super::questions::{Asked, Source};
use super::reading::{Text, TextTouches};
use super::routines::Calling;
use crate::downstream::CommandPacket;
use crate::error::{SessionEnd, Trouble};
use crate::origin::Flavor;
use crate::profile::Profile;

impl Session {
    /// Serves one command. An error ends the session; trouble with the command alone does not.
    pub(super) async fn serve(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        if let Some(unsent) = self.at_once.unsent.take() {
            return Box::pin(self.send_rest(&unsent)).await;
        }
        self.followed_since = None;
        self.writes_alone = false;
        self.calling = Calling::default();
        if self.registered.entry().kill_comes() {
            self.at_once.forget();
            Box::pin(self.let_kill_pass()).await?;
        }
        self.look_for_lost_database();
        if self.pins.are_waiting() {
            self.at_once.forget();
            Box::pin(self.let_go_of_routines()).await?;
        }
        match packet.command {
            Command::QUIT => Err(SessionEnd::ClientLeft),
            Command::QUERY => self.query(packet).await,
            Command::PING if self.held.is_none() => self.answer_ok(packet).await,
            Command::RESET_CONNECTION => self.reset(packet).await,
            Command::INIT_DB => self.init_db(packet).await,
            Command::STMT_PREPARE
            | Command::STMT_CLOSE
            | Command::STMT_EXECUTE
            | Command::STMT_FETCH
            | Command::STMT_RESET
            | Command::STMT_SEND_LONG_DATA => self.statement_command(packet).await,
            Command::STMT_BULK_EXECUTE if self.knows_bulk() => self.statement_command(packet).await,
            Command::PING | Command::STATISTICS => {
                self.relay_command(packet, Effect::command()).await
            }
            Command::FIELD_LIST => self.relay_command(packet, Effect::default()).await,
            Command::SET_OPTION => self.set_option(packet).await,
            Command::BINLOG_DUMP | Command::BINLOG_DUMP_GTID => self.dump_log(packet).await,
            Command::REGISTER_SLAVE => self.register_replica(packet).await,
            Command::CHANGE_USER => self.change_user(packet).await,
            Command::PROCESS_KILL => self.kill_process(packet).await,
            command => self.refuse(packet, command).await,
        }
    }

    /// `COM_QUERY`: classify, then relay.
    async fn query(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        if self.is_malformed(packet) {
            let flavor = self.served.pool.connector().flavor();
            return self.give_up(packet, Trouble::Malformed(flavor)).await;
        }
        if self.has_to_learn()
            && !self.is_for_edge(packet)
            && let Err(trouble) = self.learn_status().await
        {
            return self.give_up(packet, trouble).await;
        }
        if self.has_explaining(packet) {
            return self.explain(packet).await;
        }
        let text = self.downstream.sql(packet);
        match self.read_text(text, packet.is_whole) {
            Text::Plain(touches) => self.plain(packet, touches.as_ref()).await,
            Text::Other(mut statement, touches) => {
                self.statement(packet, &mut statement, touches.as_ref())
                    .await
            }
            Text::Explained => self.explain(packet).await,
        }
    }

    /// A text that only reads, and that the cache has nothing for.
    async fn plain(
        &mut self,
        packet: CommandPacket,
        touches: Option<&TextTouches>,
    ) -> Result<(), SessionEnd> {
        if let Some(planned) = self.plan_text(self.downstream.sql(packet), touches)
            && let Some(answered) = self.answer_planned(packet, planned).await
        {
            return answered;
        }
        self.served.metrics.statement(StatementKind::Read);
        self.relay_plain(packet).await
    }

    /// Answers a read with what another has fetched. `None`: it goes to the origin.
    async fn answer_planned(
        &mut self,
        packet: CommandPacket,
        planned: Planned,
    ) -> Option<Result<(), SessionEnd>> {
        match self.take_part(planned).await {
            Ok(Some(kept)) => Some(self.answer_kept(packet, &kept).await),
            Ok(None) => None,
            Err(trouble) => Some(self.give_up(packet, trouble).await),
        }
    }

    /// Any other.
    async fn statement(
        &mut self,
        packet: CommandPacket,
        statement: &mut Statement,
        touches: Option<&TextTouches>,
    ) -> Result<(), SessionEnd> {
        let Statement { kind, effect } = statement;
        let kind = *kind;
        let text = self.downstream.sql(packet);
        self.look_at_text(effect, text);
        if !effect.routines.named().is_empty() {
            let state = Arc::clone(&self.state);
            self.look_at_routines(effect, state.database_name());
        }
        if let Some(table) = effect.tidegate {
            return self.show(packet, table).await;
        }
        if let Some(kill) = &effect.kill
            && !effect.is_multi
        {
            let text = self.downstream.sql(packet);
            let target = self.target_of(kill, effect, text);
            if let Some(answered) = self.kill(packet, target, kill.query).await {
                return answered;
            }
        }
        if kind == StatementKind::Read
            && let Some(planned) = self.plan_text(self.downstream.sql(packet), touches)
            && let Some(answered) = self.answer_planned(packet, planned).await
        {
            return answered;
        }
        self.served.metrics.statement(kind);
        let writes = touches.map(|touches| &touches.writes);
        let database = writes
            .filter(|writes| **writes != Touched::Nothing)
            .and_then(|_| self.state.database_name().map(str::to_owned));
        let mut outgoing = Outgoing::unchanged(packet).of(kind, effect);
        outgoing.writes = touches.map(|touches| WriteSet::of(touches, database.as_deref()));
        let asks = effect.reads_previous || effect.reads_insert_id || !effect.questions.is_empty();
        if asks {
            match self.ask(Source::Packet(packet), effect).await {
                Ok(Asked::Send(sql)) => outgoing.sql = sql,
                Ok(Asked::Answered(bytes)) => return self.answer_bytes(packet, &bytes).await,
                Err(trouble) => return self.give_up(packet, trouble).await,
            }
        }
        self.relay_statement(&outgoing, kind, effect).await
    }

    /// What a statement's text tells. Nothing, if only a part of it is here, or if its character
    /// set hides quotes in characters that are not ASCII. Which one it is, a session may have said
    /// in a way that nobody keeps books of.
    pub(super) fn classify(&self, text: &[u8], is_whole: bool) -> Statement {
        if is_whole && self.can_read(text) {
            return classify(text, self.dialect());
        }
        Statement {
            kind: StatementKind::Other,
            effect: Effect::pin(PinReason::NotUnderstood),
        }
    }

    /// True unless the character set may hide something of this text.
    pub(super) fn can_read(&self, text: &[u8]) -> bool {
        let may_hide = self.state.hides_ascii()
            || self.pins.has(PinReason::CharacterSet.name())
            || self.pins.has(PinReason::NotUnderstood.name());
        !may_hide || text.is_ascii()
    }

    /// `COM_INIT_DB`: as `USE`, but that TiDB comes back to it when it is reset.
    async fn init_db(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        let argument = self.downstream.argument(packet).to_vec();
        let Ok(name) = String::from_utf8(argument) else {
            let effect = Effect::pin(PinReason::NotUnderstood);
            return self.relay_command(packet, effect).await;
        };
        let effect = Effect::use_database(name.clone());
        self.relay_command(packet, effect).await?;
        let is_tidb = self.served.pool.connector().flavor().is_tidb();
        if is_tidb && self.state.database_name() == Some(&name) {
            self.home.database = Some(name);
            self.home.is_known = true;
        }
        Ok(())
    }

    /// `COM_SET_OPTION`: turns `CLIENT_MULTI_STATEMENTS` on or off. Servers read two bytes,
    /// whatever is behind them; of fewer, some read what is no argument.
    async fn set_option(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        const ON: [u8; 2] = [0, 0];
        const OFF: [u8; 2] = [1, 0];
        let Some(option) = self.downstream.argument(packet).first_chunk::<2>() else {
            let flavor = self.served.pool.connector().flavor();
            return self.give_up(packet, Trouble::Malformed(flavor)).await;
        };
        let turns_on = *option == ON;
        if turns_on || *option == OFF {
            if let Err(trouble) = self.take_lease().await {
                return self.give_up(packet, trouble).await;
            }
            let mut profile = Profile::clone(&self.profile);
            profile
                .capabilities
                .set(Capabilities::MULTI_STATEMENTS, turns_on);
            self.set_profile(Arc::new(profile));
        }
        self.relay_command(packet, Effect::command()).await
    }

    /// `COM_RESET_CONNECTION`: the session is as after its login, but for what servers do
    /// otherwise: see [`Home::reset`](super::home::Home::reset).
    async fn reset(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        let is_settled = self.held.as_ref().is_some_and(|lease| lease.is_settled());
        if is_settled && !self.are_names_sure {
            // It stays in the database that it is in.
            Box::pin(self.learn_database()).await;
        }
        self.keep_answers().await;
        let found_rows = self.previous.found_rows;
        self.leave_lease().await;
        self.resets += 1;
        if self.state.is_in_unknown_database() {
            // No other connection can be led there.
            self.state = Arc::new(self.state.without_database());
        }
        let defaults = match self.default_names().await {
            Ok(defaults) => defaults,
            Err(trouble) => return self.give_up(packet, trouble).await,
        };
        self.leave_lease().await;
        let connector = self.served.pool.connector();
        if connector.flavor().is_mariadb() {
            // What it does not reset.
            self.previous.found_rows = found_rows.or(Some(0));
        }
        let current = self.state.database_name();
        let role = self.state.role.clone();
        let role = role.filter(|_| connector.flavor() != Flavor::TiDb);
        let mut state = self.home.reset(connector.flavor(), current, defaults);
        if state.has_doubtful_database(&self.state) {
            state = state.without_database();
        }
        let state = state.in_role(role);
        self.status = connector.login_status();
        self.insert_id = Some(0);
        self.logins = Logins::default();
        let profile = Profile {
            database: state.database_of_login(),
            ..Profile::clone(&self.profile)
        };
        self.profile = Arc::new(profile);
        self.state = self.served.pool.connector().states().share(state);
        self.downstream.set_net_timeout(self.state.net_timeout());
        self.answer_ok(packet).await
    }

    /// The character set that a reset leaves on MySQL, which is asked for once: none of its own
    /// elsewhere.
    async fn default_names(&mut self) -> Result<Option<String>, Trouble> {
        const QUESTION: &str =
            "SELECT @@GLOBAL.character_set_client, @@GLOBAL.collation_connection";
        self.learn_status().await?;
        if self.served.pool.connector().flavor() != Flavor::MySql {
            return Ok(None);
        }
        let generation = self.served.pool.generation();
        if let Some(names) = self.served.default_names.of(generation) {
            return Ok(Some(names));
        }
        self.take_lease().await?;
        let Some(lease) = &mut self.held else {
            return Ok(None);
        };
        let row = match lease.ask_row(QUESTION).await {
            Ok(row) => row.unwrap_or_default(),
            Err(loss) => {
                self.held = None;
                return Err(Trouble::OriginLost(loss));
            }
        };
        let [Some(character_set), Some(collation)] = row.as_slice() else {
            return Ok(None);
        };
        let names = format!("NAMES {character_set} COLLATE {collation}");
        self.served.default_names.note(generation, &names);
        Ok(Some(names))
    }

    /// User variables that the session never set are NULL, whatever others left of that name: a
    /// connection on which something may be left is reset first, or, in a transaction, told so. One
    /// with state of its own keeps them as they are.
    pub(super) fn expect_user_variables(&mut self, effect: &mut Effect) {
        if effect.user_variables.is_empty() || self.pins.has_state() {
            return;
        }
        let is_known = |name: &String| self.state.has_user_variable(name);
        if effect.user_variables.iter().all(is_known) {
            return;
        }
        if !self.pins.hold() {
            effect.needs_unused = true;
            return;
        }
        if !self
            .held
            .as_ref()
            .is_some_and(|lease| lease.has_leftovers())
        {
            return;
        }
        match self.state.with_user_variables(&effect.user_variables) {
            Ok(state) => self.state = self.served.pool.connector().states().share(state),
            Err(_) => self.pin(PinReason::UserVariable.name(), None),
        }
    }

    /// Ends a command that was not sent. A lease that was taken for it, and that nothing pins, goes
    /// back.
    pub(super) async fn give_up(
        &mut self,
        packet: CommandPacket,
        trouble: Trouble,
    ) -> Result<(), SessionEnd> {
        if let Trouble::Client(end) = trouble {
            return Err(end);
        }
        self.filling = None;
        let last = self.discard(packet).await?;
        if self.held.is_some() {
            self.settle().await?;
        }
        self.tell_within(trouble, Some(last.wrapping_add(1))).await
    }

    /// Answers a command that needs no origin.
    async fn answer_ok(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        self.discard(packet).await?;
        let status = self.status.unwrap_or(StatusFlags::AUTOCOMMIT);
        self.downstream.send_ok(status).await
    }

    /// Answers a command that this version does not carry, or that nobody does.
    async fn refuse(&mut self, packet: CommandPacket, command: Command) -> Result<(), SessionEnd> {
        let trouble = match command {
            Command::REFRESH
            | Command::SHUTDOWN
            | Command::PROCESS_INFO
            | Command::DEBUG
            | Command::CLONE
            | Command::SUBSCRIBE_GROUP_REPLICATION_STREAM => Trouble::NotSupported(command.name()),
            _ => Trouble::UnknownCommand,
        };
        self.give_up(packet, trouble).await
    }

    pub(super) async fn relay_command(
        &mut self,
        packet: CommandPacket,
        mut effect: Effect,
    ) -> Result<(), SessionEnd> {
        self.served.metrics.commands.inc();
        let outgoing = Outgoing::unchanged(packet);
        self.relay_statement(&outgoing, StatementKind::Other, &mut effect)
            .await
    }

    /// Sends a command to the origin, its response to the client, and settles what remains.
    pub(super) async fn relay_statement(
        &mut self,
        outgoing: &Outgoing<'_>,
        kind: StatementKind,
        effect: &mut Effect,
    ) -> Result<(), SessionEnd> {
        self.expect_user_variables(effect);
        self.note_alone(outgoing);
        if let Err(trouble) = self.take_lease().await {
            return self.give_up(outgoing.packet, trouble).await;
        }
        let summary = match self.relay(outgoing, effect).await? {
            Relayed::Response(summary) => summary,
            Relayed::Failed(how) => return self.tell_failed(*how).await,
        };
        self.note(kind, effect, &summary).await?;
        self.settle().await
    }
}
