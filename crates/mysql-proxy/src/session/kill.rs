//! `KILL [QUERY] id` and `COM_PROCESS_KILL`, by the ids that clients see.
//!
//! | id of | what happens |
//! |---|---|
//! | the same hyperdrive's session | `QUERY`: what it runs is killed at the origin; else: it ends |
//! | another hyperdrive's session | 1094, as if there were none: each sees only its own |
//! | none of ours | the statement goes to the origin: an id of its own process list |

use std::sync::Arc;
use std::time::Duration;

use mysql_proto::StatusFlags;
use mysql_sql::{Effect, Kill, QuestionKind, Server, kill_words};
use tokio::time::timeout;
use tracing::debug;

use super::Session;
use crate::downstream::CommandPacket;
use crate::error::{SessionEnd, Trouble};
use crate::kill::KillError;
use crate::registry::{Entry, Interruption};

/// Longest that a killer waits for the end of a session whose client takes no more bytes.
const END_LIMIT: Duration = Duration::from_secs(1);

/// Whom a `KILL` means.
pub(super) enum Target {
    /// A session of this hyperdrive.
    Session(Arc<Entry>),
    /// A session that is none of this hyperdrive's business.
    Foreign(u64),
    /// The origin knows, or nobody.
    Origin,
}

impl Session {
    /// Whom the `KILL` of a statement means.
    pub(super) fn target_of(&self, kill: &Kill, effect: &Effect, text: &[u8]) -> Target {
        match &kill.id {
            Some((id, _)) => self.target(*id),
            None if is_own(effect, text, self.server()) => {
                Target::Session(Arc::clone(self.registered.entry()))
            }
            None => Target::Origin,
        }
    }

    /// Whom an id means.
    fn target(&self, id: u64) -> Target {
        let registry = self.registered.registry();
        let Some(entry) = u32::try_from(id).ok().and_then(|id| registry.find(id)) else {
            return Target::Origin;
        };
        if entry.hyperdrive == self.served.hyperdrive.id {
            Target::Session(entry)
        } else {
            Target::Foreign(id)
        }
    }

    /// `COM_PROCESS_KILL`.
    pub(super) async fn kill_process(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        let id = self.downstream.argument(packet).first_chunk::<4>();
        let target = match id {
            Some(id) => self.target(u32::from_le_bytes(*id).into()),
            None => Target::Origin,
        };
        match self.kill(packet, target, false).await {
            Some(answered) => answered,
            None => self.relay_command(packet, Effect::default()).await,
        }
    }

    /// Kills a session of this hyperdrive, or only what it runs. `None`: the command is the
    /// origin's to answer.
    pub(super) async fn kill(
        &mut self,
        packet: CommandPacket,
        target: Target,
        only_query: bool,
    ) -> Option<Result<(), SessionEnd>> {
        match target {
            Target::Session(entry) => Some(self.kill_session(packet, entry, only_query).await),
            Target::Foreign(id) => Some(self.give_up(packet, Trouble::UnknownThread(id)).await),
            Target::Origin => None,
        }
    }

    async fn kill_session(
        &mut self,
        packet: CommandPacket,
        entry: Arc<Entry>,
        only_query: bool,
    ) -> Result<(), SessionEnd> {
        if entry.id == self.registered.id {
            if only_query {
                let trouble = Trouble::Interrupted(Interruption::Killed);
                return self.give_up(packet, trouble).await;
            }
            let flavor = self.served.pool.connector().flavor();
            self.give_up(packet, Trouble::KilledItself(flavor)).await?;
            return Err(SessionEnd::Killed);
        }
        if only_query {
            if let Err(trouble) = self.interrupt(entry).await {
                return self.give_up(packet, trouble).await;
            }
        } else {
            // Its own task ends it, and kills what it runs.
            self.registered.registry().end(entry.id);
            // Its client is hung up on before the killer is answered, as at a server.
            let _too_late = timeout(END_LIMIT, entry.gone()).await;
        }
        self.discard(packet).await?;
        let status = self.status.unwrap_or(StatusFlags::AUTOCOMMIT);
        self.downstream.send_ok(status).await?;
        self.give_back_unused().await
    }

    /// Kills what a session runs. In a task of its own: a killer that leaves has killed all the
    /// same, as at a server.
    async fn interrupt(&mut self, entry: Arc<Entry>) -> Result<(), Trouble> {
        if entry.activity().command.is_none() {
            return Ok(());
        }
        entry.interrupt(Interruption::Killed);
        let Some(aim) = entry.aim_alone() else {
            return Ok(());
        };
        let served = Arc::clone(&self.served);
        let killing = tokio::spawn(async move { served.kill_aimed(aim).await });
        match killing.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(KillError::Refused(error))) => Err(Trouble::Refused(error)),
            Ok(Err(error)) => Err(Trouble::NotKilled(error)),
            Err(_) => Err(Trouble::NotKilled(KillError::TooLate)),
        }
    }
}

impl Session {
    /// A `KILL` that was meant for the command before must not meet the next one: it is awaited,
    /// and what it has left on the connection is used up by a statement of our own.
    pub(super) async fn let_kill_pass(&mut self) -> Result<(), SessionEnd> {
        self.registered.entry().let_kill_pass().await;
        self.keep_answers().await;
        let Some(lease) = &mut self.held else {
            return Ok(());
        };
        self.previous.visit = None;
        match lease.ask(b"DO 0").await {
            Ok(_) => Ok(()),
            Err(loss) => {
                debug!(%loss, "Lost an origin connection on which a statement was killed");
                Err(SessionEnd::StateLost)
            }
        }
    }
}

/// True for `KILL CONNECTION_ID()`, also with `QUERY` or `CONNECTION`: the only expression that is
/// understood.
fn is_own(effect: &Effect, text: &[u8], server: Server) -> bool {
    let [question] = effect.questions.as_slice() else {
        return false;
    };
    let before = text.get(..question.range.start).unwrap_or_default();
    let behind = text.get(question.range.end..).unwrap_or_default();
    let is_word = |word: &[u8]| {
        let own = kill_words(server);
        let mut words = ["KILL", "CONNECTION", "QUERY"].iter().chain(own);
        words.any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
    };
    question.kind == QuestionKind::ConnectionId
        && before
            .split(u8::is_ascii_whitespace)
            .all(|word| word.is_empty() || is_word(word))
        && behind.trim_ascii().iter().all(|byte| *byte == b';')
}
