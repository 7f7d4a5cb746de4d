//! The report as people read it: a tree, a table, and what to do next.

use std::time::Duration;

use domain::{ExposeSecret, SecretString};

use super::report::{Hop, Report, State, Timings};

/// How text stands out. Without colour on anything but a terminal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) colour: bool,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn mark(self, state: State) -> String {
        match state {
            State::Ok => self.paint("32", "✔"),
            State::Failed => self.paint("1;31", "✘"),
            State::NotReached => self.dim("·"),
        }
    }
}

/// The whole report.
pub(super) fn report(report: &Report, style: Style) -> String {
    let mut lines = vec![String::new(), style.bold("The path")];
    lines.extend(tree(&report.path, style));
    if report.timings != Timings::default() {
        lines.extend([String::new(), style.bold("Connect, log in, first row")]);
        lines.extend(table(&report.timings));
    }
    let mut section = |title: &str, line: String| {
        lines.extend([String::new(), style.bold(title), format!("  {line}")]);
    };
    let secret = |secret: &SecretString| secret.expose_secret().to_owned();
    if report.is_ready() {
        if let Some(text) = report.connection_string.as_ref().map(secret) {
            section("Connection string, for any MySQL client", text);
        }
        if let Some(command) = report.command.as_ref().map(secret) {
            section("Try it", command);
        }
        if let Some(admin) = &report.admin {
            section("Watch it", format!("curl http://{admin}/metrics"));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Each hop below the one that leads to it.
fn tree(path: &[Hop], style: Style) -> Vec<String> {
    let branch = |depth: usize| match depth {
        0 => String::new(),
        depth => "   ".repeat(depth - 1) + "└─ ",
    };
    let width = |(depth, hop): (usize, &Hop)| branch(depth).chars().count() + hop.name.len();
    let widest = path.iter().enumerate().map(width).max().unwrap_or(0);
    let mut lines = Vec::new();
    for (depth, hop) in path.iter().enumerate() {
        let branch = style.dim(&branch(depth));
        let padding = " ".repeat(widest - width((depth, hop)) + 2);
        let (name, mark) = (style.bold(hop.name), style.mark(hop.state));
        let detail = match hop.state {
            State::NotReached => style.dim(&hop.detail),
            _ => hop.detail.clone(),
        };
        lines.push(format!("  {branch}{name}{padding}{mark} {detail}"));
        if let Some(remedy) = &hop.remedy {
            let indent = " ".repeat(2 + widest + 2);
            lines.push(format!("{indent}{} {remedy}", style.bold("→")));
        }
    }
    lines
}

fn table(timings: &Timings) -> Vec<String> {
    let (direct, pooled) = timings.rounds;
    let rows = [
        ("directly", timings.direct, format!("median of {direct}")),
        (
            "through the path, cold",
            timings.cold,
            "the first client".to_owned(),
        ),
        (
            "through the path, pooled",
            timings.pooled,
            format!("median of {pooled}"),
        ),
    ];
    let line = |(name, time, how): (&str, Option<Duration>, String)| {
        let time = milliseconds(time?);
        Some(format!("  {name:<26}{time:>8.2} ms   {how}"))
    };
    rows.into_iter().filter_map(line).collect()
}

/// As a number with a fraction.
pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests;
