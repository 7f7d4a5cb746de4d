//! What a difference looks like to whoever has to mend it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;
use testkit::DatabaseKind;

use super::campaign::{Campaign, Summary, folder};
use super::compare::Difference;
use super::shrink::Shrunk;
use super::step::Scenario;

/// A kind of difference.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What is the same for all differences of this kind.
    pub signature: String,
    /// How many there were.
    pub count: usize,
    /// The sessions that show it, both replies, and how to run them again.
    pub text: String,
    /// What the differences looked like before they were made smaller.
    pub(super) also: BTreeSet<String>,
    again: String,
    file: PathBuf,
}

impl Finding {
    pub(super) fn new(
        campaign: &Campaign,
        number: u64,
        scenario: &Scenario,
        difference: &Difference,
    ) -> Self {
        let origin = name(campaign.kind);
        let seed = campaign.seed;
        let again = format!(
            "cargo xtask check differential --origin {origin} --seed {seed} --from {number} \
             --programs {} --clients {}{}",
            scenario.programs.len(),
            campaign.lanes,
            if campaign.cache { " --cache" } else { "" }
        );
        let file = format!("{origin}-{seed}-{number}-{}.json", difference.program);
        let mut finding = Self {
            signature: difference.signature.clone(),
            count: 1,
            text: String::new(),
            also: BTreeSet::new(),
            again,
            file: folder().join(file),
        };
        let program = &scenario.programs[difference.program];
        let only = Scenario {
            programs: vec![program.clone()],
            noise: false,
        };
        finding.describe(&only, difference, 0);
        finding
    }

    /// Tells of the smaller scenario instead, and keeps it in a file.
    pub(super) fn make_smaller(&mut self, shrunk: &Shrunk) -> Result<()> {
        if !shrunk.happened_again {
            self.text += "  It did not happen again by itself; other sessions matter.\n";
            return Ok(());
        }
        std::fs::create_dir_all(folder())?;
        let text = serde_json::to_string_pretty(&shrunk.scenario)?;
        std::fs::write(&self.file, text)?;
        self.signature.clone_from(&shrunk.difference.signature);
        let program = shrunk.difference.program;
        self.describe(&shrunk.scenario, &shrunk.difference, program);
        let file = self.file.display();
        let line = format!("  smallest: --replay {file}\n");
        self.text += &line;
        Ok(())
    }

    fn describe(&mut self, scenario: &Scenario, difference: &Difference, program: usize) {
        let mut text = String::new();
        let mut write = |line: String| {
            text += &line;
            text.push('\n');
        };
        let step = difference.step;
        write(format!(
            "difference in session {}, step {step}",
            program + 1
        ));
        if scenario.noise {
            write("  while other sessions keep the pool busy".to_owned());
        }
        for (place, program) in scenario.programs.iter().enumerate() {
            let lane = program.lane;
            write(format!("  session {} (lane {lane})\n{program}", place + 1));
        }
        write(difference.text.clone());
        write(format!("  run it again: {}", self.again));
        self.text = text;
    }
}

impl Summary {
    /// One object for programs to read.
    pub fn json(&self, campaign: &Campaign) -> serde_json::Value {
        let findings = self.findings.iter().map(|finding| {
            json!({
                "signature": finding.signature,
                "count": finding.count,
                "text": finding.text,
            })
        });
        json!({
            "origin": name(campaign.kind),
            "seed": campaign.seed,
            "programs": self.programs,
            "replies": self.replies,
            "errors": self.errors,
            "seconds": self.elapsed.as_secs(),
            "differences": findings.collect::<Vec<_>>(),
            "excused": self.excused,
            "pins": self.pins,
            "hits": self.hits,
        })
    }
}

/// What the command line calls a database.
pub(super) fn name(kind: DatabaseKind) -> &'static str {
    match kind {
        DatabaseKind::MariaDb => "mariadb",
        DatabaseKind::MySql => "mysql",
        DatabaseKind::Tidb => "tidb",
    }
}
