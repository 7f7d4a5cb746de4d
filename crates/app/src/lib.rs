//! Wiring only: Config to App::build to App::run.
