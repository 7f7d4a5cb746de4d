//! The texts of triggers and routines, as they run.
//!
//! In `information_schema` MySQL shows them with their literals unescaped: `'it''s'` is `'it's'`
//! there, and what is code and what is not cannot be told any more. (Seen with 9.7.) What has any
//! quotes is asked for by `SHOW CREATE`, once, as long as it is shown the same. So are MariaDB's
//! routines from 11.8 on, whose parameters may have defaults that call something.

use std::collections::HashMap;

use crate::origin::{Answer, Flavor, OriginConn};

/// Most questions that are sent at once.
const AT_ONCE: usize = 64;

/// A trigger or a routine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Body {
    pub(crate) kind: Kind,
    pub(crate) database: String,
    pub(crate) name: String,
    /// When it was made or altered.
    pub(crate) changed: String,
    /// Its text, from the body on or from behind `CREATE` on. Empty where it cannot be read: it is
    /// not shown, in another language, or in Oracle's dialect.
    pub(crate) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Trigger,
    Procedure,
    Function,
    /// MariaDB's, and its body.
    Package,
}

/// The texts that MySQL has told, by what it shows of them.
#[derive(Debug, Default)]
pub(crate) struct Bodies(HashMap<Body, String>);

impl Bodies {
    /// Puts those texts in their places that run, where others are shown.
    pub(crate) async fn correct<'b>(
        &mut self,
        conn: &mut OriginConn,
        bodies: impl Iterator<Item = &'b mut Body>,
    ) -> Result<(), String> {
        let flavor = conn.flavor();
        let is_of_them = |body: &&mut Body| body.is_shown_otherwise(flavor);
        let mut shown: Vec<_> = bodies.filter(is_of_them).collect();
        self.0 = self.known_of(&shown);
        let is_new = |body: &&&mut Body| !self.0.contains_key(**body);
        let news: Vec<Body> = shown
            .iter()
            .filter(is_new)
            .map(|body| (**body).clone())
            .collect();
        for some in news.chunks(AT_ONCE) {
            self.ask(conn, some).await?;
        }
        for body in &mut shown {
            body.text = self.0.get(*body).cloned().unwrap_or_default();
        }
        Ok(())
    }

    /// What is known of these, and of no others.
    fn known_of(&mut self, shown: &[&mut Body]) -> HashMap<Body, String> {
        let known = shown.iter().filter_map(|body| self.0.remove_entry(&**body));
        known.collect()
    }

    async fn ask(&mut self, conn: &mut OriginConn, bodies: &[Body]) -> Result<(), String> {
        let questions: Vec<_> = bodies.iter().map(Body::question).collect();
        let questions: Vec<_> = questions.iter().map(String::as_bytes).collect();
        let answers = conn.ask_all(&questions).await;
        let answers = answers.map_err(|error| error.to_string())?;
        for (body, answer) in bodies.iter().zip(answers) {
            let text = definition(&answer, conn.has_eof()).unwrap_or_default();
            self.0.insert(body.clone(), text);
        }
        Ok(())
    }
}

impl Body {
    /// True if its text may not be, or not be all, that runs.
    fn is_shown_otherwise(&self, flavor: Flavor) -> bool {
        let is_text = !self.text.is_empty();
        match flavor {
            Flavor::MySql => is_text && self.text.contains(['\'', '"', '`']),
            Flavor::MariaDb { has_defaults, .. } => {
                is_text && has_defaults && self.kind != Kind::Trigger
            }
            Flavor::TiDb => false,
        }
    }

    fn question(&self) -> String {
        let kind = match self.kind {
            Kind::Trigger => "TRIGGER",
            Kind::Procedure => "PROCEDURE",
            Kind::Function => "FUNCTION",
            Kind::Package => "PACKAGE",
        };
        let [database, name] = [&self.database, &self.name].map(|name| name.replace('`', "``"));
        format!("SHOW CREATE {kind} `{database}`.`{name}`")
    }
}

/// The statement that makes it, without the word `CREATE`. `None`: it is not shown, or not all.
fn definition(answer: &Answer, has_eof: bool) -> Option<String> {
    if answer.refusal().is_some() || answer.is_cut {
        return None;
    }
    let row = answer.text_rows(has_eof).next()??;
    let text = row.into_iter().nth(2)??;
    Some(text.strip_prefix("CREATE ")?.to_owned())
}
