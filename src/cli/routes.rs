//! `sluse routes`: every rule on a line.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::check::{complain, load};
use super::{Exit, Format, table};
use crate::policy::matcher::{Fact, Matcher};
use crate::policy::{App, Requirement};

#[derive(Debug, clap::Args)]
pub struct RoutesArgs {
    /// Only this app
    #[arg(value_name = "APP")]
    pub app: Option<String>,
    /// Show the policies of this folder instead of the configuration's
    #[arg(long, value_name = "DIR")]
    pub policies: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Prints floors, denies and rules in the order they count.
pub fn routes(config: &Path, args: &RoutesArgs, out: &mut impl Write) -> io::Result<Exit> {
    let (_, policy) = match load(config, args.policies.as_deref()) {
        Ok(loaded) => loaded,
        Err(problems) => {
            complain(&problems, args.format, out)?;
            return Ok(Exit::Unusable);
        }
    };
    let apps = policy.apps().iter().filter(|app| args.app.as_ref().is_none_or(|name| *name == app.name));
    let routes: Vec<Route<'_>> = apps.flat_map(|app| of(app)).collect();
    match args.format {
        Format::Human => {
            let rows: Vec<_> = routes.iter().map(Route::row).collect();
            table::write(out, ["APP", "ENTRY", "METHOD", "PATH", "WHEN", "ASKS FOR"], &rows)?;
        }
        Format::Json => writeln!(out, "{:#}", routes.iter().map(Route::object).collect::<Value>())?,
    }
    // Nobody who asks for an app that is not there wants to hear that all is well.
    Ok(if routes.is_empty() { Exit::No } else { Exit::Yes })
}

struct Route<'a> {
    app: &'a App,
    kind: &'static str,
    name: &'a str,
    matcher: &'a Matcher,
    asks: String,
    observes: bool,
}

fn of(app: &App) -> impl Iterator<Item = Route<'_>> {
    let route = |kind, name, matcher, asks| Route { app, kind, name, matcher, asks, observes: app.observe };
    let floors = app.floors.iter().map(move |floor| route("floor", "", &floor.matcher, asks(&floor.require)));
    let denies =
        app.denies.iter().map(move |deny| route("deny", &deny.name, &deny.matcher, "never".to_owned()));
    let rules = app.rules.iter().map(move |rule| Route {
        observes: app.observe || rule.observe,
        ..route(
            "rule",
            &rule.name,
            &rule.matcher,
            match &rule.break_glass {
                _ if rule.public => "nothing (public)".to_owned(),
                Some(glass) => format!("{}; or {glass}", asks(&rule.require)),
                None => asks(&rule.require),
            },
        )
    });
    floors.chain(denies).chain(rules)
}

fn asks(require: &Requirement) -> String {
    match require.to_string() {
        nothing if nothing.is_empty() => "-".to_owned(),
        asks => asks,
    }
}

impl Route<'_> {
    fn conditions(&self, wanted: fn(&Fact) -> bool) -> String {
        let conditions = self.matcher.conditions.iter().filter(|condition| wanted(&condition.fact));
        let shown = conditions.map(|condition| match condition.fact {
            Fact::Path(_) | Fact::Method(_) if !condition.negated => condition.fact.to_string(),
            _ => condition.to_string(),
        });
        match shown.collect::<Vec<_>>().join(", ") {
            none if none.is_empty() => "-".to_owned(),
            some => some,
        }
    }

    fn row(&self) -> [String; 6] {
        let entry = match (self.name, self.observes) {
            ("", _) => self.kind.to_owned(),
            (name, false) => format!("{} {name}", self.kind),
            (name, true) => format!("{} {name} (observes)", self.kind),
        };
        [
            self.app.name.clone(),
            entry,
            self.conditions(|fact| matches!(fact, Fact::Method(_))),
            self.conditions(|fact| matches!(fact, Fact::Path(_) | Fact::PathRe(_))),
            self.conditions(|fact| !matches!(fact, Fact::Method(_) | Fact::Path(_) | Fact::PathRe(_))),
            self.asks.clone(),
        ]
    }

    fn object(&self) -> Value {
        let conditions =
            self.matcher.conditions.iter().map(|c| json!({ "key": c.key(), "value": c.fact.to_string() }));
        json!({
            "app": self.app.name,
            "hosts": self.app.hosts,
            "kind": self.kind,
            "name": self.name,
            "match": conditions.collect::<Vec<_>>(),
            "asks": self.asks,
            "observes": self.observes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::shipped::Installation;

    #[test]
    fn a_line_a_rule() {
        let installation = Installation::new();
        let args = |format| RoutesArgs { app: Some("cura".to_owned()), policies: None, format };
        let mut out = Vec::new();
        assert_eq!(routes(&installation.config(), &args(Format::Human), &mut out).unwrap(), Exit::Yes);
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
    APP   ENTRY                METHOD                 PATH                                           WHEN                     ASKS FOR
    cura  floor                -                      -                                              -                        level strong, groups care-staff, max_age 10h
    cura  floor                -                      -                                              device shared            fresh 2h
    cura  deny admin-outside   -                      /admin/**                                      not_network kommune-lan  never
    cura  rule assets          GET,HEAD               /assets/** /favicon.ico /manifest.webmanifest  -                        nothing (public)
    cura  rule prescribe       POST,PUT,PATCH,DELETE  /medication/**                                 -                        groups nurses|doctors, fresh 5m
    cura  rule export-journal  -                      /citizens/*/export                             -                        level pin, fresh once
    cura  rule rest            -                      /**                                            -                        -
    ");
        let mut out = Vec::new();
        routes(&installation.config(), &args(Format::Json), &mut out).unwrap();
        insta::assert_snapshot!("routes_json", String::from_utf8(out).unwrap());
        let none = RoutesArgs { app: Some("curo".to_owned()), ..args(Format::Human) };
        assert_eq!(routes(&installation.config(), &none, &mut Vec::new()).unwrap(), Exit::No);
    }
}
