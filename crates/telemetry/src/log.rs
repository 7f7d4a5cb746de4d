//! Starts `tracing`: what is logged, and how a line looks.

use std::io::{self, IsTerminal as _};

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::InitError;

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people: time, level, target, message, fields; coloured on a terminal.
    Text,
    /// One JSON object a line, for machines; the fields beside `timestamp`, `level` and `target`.
    Json,
}

/// Starts logging to standard error, once per process.
///
/// `filter` is in the notation of [`EnvFilter`], but a target without a level is refused: it is
/// mostly a misspelt level, which would silence everything else.
pub fn init(format: LogFormat, filter: &str) -> Result<(), InitError> {
    let ansi = io::stderr().is_terminal();
    let subscriber = subscriber(format, filter, ansi, io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| InitError::Started)
}

fn subscriber<W>(
    format: LogFormat,
    filter: &str,
    ansi: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, InitError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let registry = tracing_subscriber::registry().with(parse(filter)?);
    let layer = fmt::layer().with_writer(writer).with_ansi(ansi);
    Ok(match format {
        LogFormat::Text => Box::new(registry.with(layer)),
        LogFormat::Json => {
            let layer = layer.json().flatten_event(true).with_span_list(false);
            Box::new(registry.with(layer))
        }
    })
}

fn parse(filter: &str) -> Result<EnvFilter, InitError> {
    for part in filter.split(',').map(str::trim) {
        // Directives for spans and their fields (`target[span{field=value}]=level`) are left to
        // EnvFilter.
        let plain = !part.is_empty() && !part.contains(['=', '[', ']', '{', '}']);
        if plain && part.parse::<LevelFilter>().is_err() {
            return Err(InitError::Level(part.to_owned()));
        }
    }
    EnvFilter::builder()
        .parse(filter)
        .map_err(|source| InitError::Filter {
            filter: filter.to_owned(),
            source,
        })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, filter: &str, ansi: bool) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        let subscriber = subscriber(format, filter, ansi, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "mysql_proxy", clients = 3, "Listening");
            tracing::debug!(target: "mysql_proxy", "Details");
        });
        let bytes = captured.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn text_has_target_message_and_fields() {
        let text = logged(LogFormat::Text, "info", false);
        assert!(
            text.contains("INFO mysql_proxy: Listening clients=3"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(!text.contains('\x1b'), "{text:?}");
        assert!(logged(LogFormat::Text, "info", true).contains('\x1b'));
    }

    #[test]
    fn json_is_one_object_a_line() {
        let text = logged(LogFormat::Json, "mysql_proxy=debug", true);
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["message"], "Listening");
        assert_eq!(lines[0]["clients"], 3);
        assert_eq!(lines[0]["target"], "mysql_proxy");
        assert_eq!(lines[1]["level"], "DEBUG");
    }

    #[test]
    fn filters() {
        assert_eq!(logged(LogFormat::Text, "off", false), "");
        assert_eq!(logged(LogFormat::Text, "tunnel_edge=trace", false), "");
        assert_eq!(
            logged(LogFormat::Text, "WARN,mysql_proxy=debug", false)
                .lines()
                .count(),
            2
        );
    }

    #[test]
    fn a_misspelt_level_does_not_silence_everything() {
        for (filter, wrong) in [("inof", "inof"), ("info,debgu", "debgu"), ("info, x", "x")] {
            let error = parse(filter).unwrap_err();
            assert!(
                matches!(error, InitError::Level(part) if part == wrong),
                "{filter}"
            );
        }
        for filter in ["info,mysql_proxy=loud", "a[b=info"] {
            assert!(
                matches!(parse(filter), Err(InitError::Filter { .. })),
                "{filter}"
            );
        }
        for filter in ["", "info,", "Debug", "mysql_proxy[session{id=5}]=trace"] {
            assert!(parse(filter).is_ok(), "{filter}");
        }
    }
}
