//! `sluse bench login`: whole logins against a running gateway.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use url::Url;

use super::load::{self, Pace, Plan};
use super::people::{self, Person};
use super::target::{self, Owned};
use super::times::{self, HEAD, Measured, Times};
use super::visit::Visit;
use crate::cli::{Format, Refused};

/// Log people in, from an app's address by password and key to the app's own page, and say how long it takes
///
/// Each login is a new browser: the form, the password (argon2id), the touch of a key in software, and the way
/// back. The gateway limits nobody who is right. Most of it is the password.
#[derive(Debug, clap::Args)]
pub struct LoginArgs {
    /// The people, from `sluse bench prepare`
    #[arg(long, value_name = "FILE")]
    people: PathBuf,
    /// The app's page they want to see
    #[arg(long, value_name = "URL")]
    app: Url,
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    owned: Owned,
    #[arg(long, default_value = "human")]
    format: Format,
    /// Draw the time taken by percentile, and of more than one concurrency the throughput
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// How much at a time, and for how long.
#[derive(Debug, clap::Args)]
pub struct PaceArgs {
    /// So many at a time, each as soon as the one before is done: one number, or one after another `1,4,16` [default: 4]
    #[arg(long, value_name = "N", conflicts_with = "rate", value_delimiter = ',')]
    concurrency: Vec<NonZeroUsize>,
    /// So many begun each second, whether or not those before are done; a time counts from when it was due
    #[arg(long, value_name = "PER_SECOND", value_parser = rate)]
    rate: Option<f64>,
    /// Seconds that are not counted
    #[arg(long, value_name = "N", default_value = "2", value_parser = clap::value_parser!(u64).range(0..=600))]
    warm_up: u64,
    /// Seconds that are
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "write a number: `50`")?;
    if (0.01..=1e6).contains(&rate) { Ok(rate) } else { Err("between 0.01 and 1000000 a second".to_owned()) }
}

impl PaceArgs {
    /// One after another.
    pub fn plans(&self) -> Vec<Plan> {
        let four = NonZeroUsize::MIN.saturating_add(3);
        let paces: Vec<Pace> = match self.rate {
            Some(rate) => vec![Pace::PerSecond(rate)],
            None if self.concurrency.is_empty() => vec![Pace::Together(four)],
            None => self.concurrency.iter().copied().map(Pace::Together).collect(),
        };
        let (warm_up, window) = (Duration::from_secs(self.warm_up), Duration::from_secs(self.seconds));
        paces.into_iter().map(|pace| Plan { pace, warm_up, window }).collect()
    }
}

pub async fn run(args: &LoginArgs, out: &mut impl Write) -> anyhow::Result<()> {
    args.owned.admit(&args.app)?;
    let people: Arc<[Person]> = people::load(&args.people)?.into();
    let login = login_host(&args.app).await?;
    let http = target::http(&[&args.app, &login])?;
    let app = args.app.clone();
    if matches!(args.format, Format::Human) {
        writeln!(out, "{HEAD}")?;
    }
    let mut all = Vec::new();
    for plan in args.pace.plans() {
        let (http, app, people) = (http.clone(), app.clone(), people.clone());
        let outcome = load::drive(plan, move |nth| {
            let (http, app, people) = (http.clone(), app.clone(), people.clone());
            async move { Visit::new(&http).log_in(&people[nth % people.len()], &app).await }
        })
        .await?;
        let measured = Measured { what: "login", pace: plan.pace, outcome };
        let times = Times::of(&measured);
        match args.format {
            Format::Json => writeln!(out, "{}", serde_json::to_string(&times)?)?,
            Format::Human => writeln!(out, "{}", times.row())?,
        }
        all.push(measured);
    }
    if let Some(path) = &args.svg {
        times::draw(path, "Logging in", &all)?;
    }
    let failed: u64 = all.iter().map(|one| one.outcome.failed).sum();
    match all.into_iter().find_map(|one| one.outcome.first_failure) {
        Some(failure) => {
            Err(Refused(format!("{failed} of the logins failed, the first so: {failure}")).into())
        }
        None => Ok(()),
    }
}

/// Where the app sends those who are not signed in.
pub async fn login_host(app: &Url) -> anyhow::Result<Url> {
    use reqwest::header;
    let http = target::http(&[app])?;
    let request =
        http.get(app.as_str()).header(header::ACCEPT, "text/html").header("sec-fetch-mode", "navigate");
    let answer = request.send().await.with_context(|| format!("`{app}` does not answer"))?;
    let target = answer.headers().get(header::LOCATION);
    let target = target.with_context(|| {
        format!(
            "`{app}` answered {}, and sent nobody to a login: is that page behind the gateway?",
            answer.status()
        )
    })?;
    Ok(app.join(target.to_str()?)?)
}
