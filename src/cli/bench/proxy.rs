//! `sluse bench proxy`: what the gateway adds to a signed-in request.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use reqwest::{Client, header};
use serde::Serialize;
use url::Url;

use super::load::{self, Outcome, Plan};
use super::login::{PaceArgs, login_host};
use super::people;
use super::target::{self, Owned};
use super::times::{self, HEAD, Measured, Times};
use super::visit::Visit;
use crate::cli::{Format, Refused};

/// Send signed-in requests through the gateway, and the same to the upstream itself, and say what the gateway adds
///
/// The people are logged in first, in the ordinary way. Then the two take turns.
#[derive(Debug, clap::Args)]
pub struct ProxyArgs {
    /// The people, from `sluse bench prepare`
    #[arg(long, value_name = "FILE")]
    people: PathBuf,
    /// The page, at the gateway
    #[arg(long, value_name = "URL")]
    app: Url,
    /// The same page, at the upstream
    #[arg(long, value_name = "URL")]
    upstream: Url,
    /// How many of the people to log in
    #[arg(long, value_name = "N", default_value = "16")]
    signed_in: usize,
    /// How often each of the two has its turn
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u8).range(1..=100))]
    turns: u8,
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    owned: Owned,
    #[arg(long, default_value = "human")]
    format: Format,
    /// Draw the time taken by percentile, and of more than one concurrency the throughput
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write the sessions for other tools: `wrk.lua`, `oha.sh`, `k6.js`. Whoever reads them is signed in
    #[arg(long, value_name = "DIR")]
    export: Option<PathBuf>,
}

#[derive(Serialize)]
struct Figures {
    through: Times,
    direct: Times,
    added_p50_us: f64,
    added_p99_us: f64,
}

pub async fn run(args: &ProxyArgs, out: &mut impl Write) -> anyhow::Result<()> {
    args.owned.admit(&args.app)?;
    args.owned.admit(&args.upstream)?;
    let people = people::load(&args.people)?;
    let login = login_host(&args.app).await?;
    let http = target::http(&[&args.app, &login, &args.upstream])?;
    let host = args.app.host_str().context("the app's address has no host")?;
    let mut cookies = Vec::new();
    for person in people.iter().take(args.signed_in.max(1)) {
        let mut visit = Visit::new(&http);
        visit
            .log_in(person, &args.app)
            .await
            .with_context(|| format!("`{}` is not let in", person.username))?;
        cookies.push(visit.cookie(host).context("the login left no cookie")?);
    }
    if let Some(folder) = &args.export {
        super::export::write(folder, &args.app, &cookies)?;
    }
    if matches!(args.format, Format::Human) {
        writeln!(out, "{HEAD}")?;
    }
    let cookies: Arc<[String]> = cookies.into();
    let mut all = Vec::new();
    for plan in args.pace.plans() {
        let (through, direct) = alternate(args, plan, &http, &cookies).await?;
        let measured = |what, outcome| Measured { what, pace: plan.pace, outcome };
        let [through, direct] = [measured("through Sluse", through), measured("direct", direct)];
        Figures::of(&through, &direct).write(args.format, out)?;
        all.extend([through, direct]);
    }
    if let Some(path) = &args.svg {
        times::draw(path, "A signed-in request", &all)?;
    }
    match all.into_iter().find_map(|one| one.outcome.first_failure) {
        Some(failure) => Err(Refused(format!("requests failed, the first so: {failure}")).into()),
        None => Ok(()),
    }
}

impl Figures {
    fn of(through: &Measured, direct: &Measured) -> Self {
        let added = |quantile| through.outcome.quantile(quantile) - direct.outcome.quantile(quantile);
        Self {
            added_p50_us: added(0.5),
            added_p99_us: added(0.99),
            through: Times::of(through),
            direct: Times::of(direct),
        }
    }

    fn write(&self, format: Format, out: &mut impl Write) -> anyhow::Result<()> {
        match format {
            Format::Json => writeln!(out, "{}", serde_json::to_string(self)?)?,
            Format::Human => {
                writeln!(out, "{}\n{}", self.through.row(), self.direct.row())?;
                let [p50, p99] = [self.added_p50_us, self.added_p99_us].map(|time| time / 1000.0);
                writeln!(
                    out,
                    "{:<18} {:>7} {:>8} {:>7} {:>8} {p50:>9.2} {p99:>9.2}",
                    "added", "", "", "", ""
                )?;
            }
        }
        Ok(())
    }
}

/// Turn about, so that both meet the same machine.
async fn alternate(
    args: &ProxyArgs,
    Plan { pace, warm_up, window }: Plan,
    http: &Client,
    cookies: &Arc<[String]>,
) -> anyhow::Result<(Outcome, Outcome)> {
    let plan =
        Plan { pace, warm_up: warm_up / u32::from(args.turns), window: window / u32::from(args.turns) };
    let (mut through, mut direct): (Option<Outcome>, Option<Outcome>) = (None, None);
    for _ in 0..args.turns {
        for (all, url) in [(&mut through, &args.app), (&mut direct, &args.upstream)] {
            let outcome = load::drive(plan, requests(http, url, cookies)).await?;
            match all {
                Some(all) => all.join(outcome)?,
                None => *all = Some(outcome),
            }
        }
    }
    through.zip(direct).context("nobody had a turn")
}

fn requests(
    http: &Client,
    url: &Url,
    cookies: &Arc<[String]>,
) -> impl Fn(usize) -> std::pin::Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>> + Clone + Send + 'static
{
    let (http, url, cookies) = (http.clone(), url.clone(), cookies.clone());
    move |nth| {
        let request = http.get(url.as_str()).header(header::COOKIE, &cookies[nth % cookies.len()]);
        Box::pin(async move {
            let answer = request.send().await?;
            let status = answer.status();
            anyhow::ensure!(status.is_success(), "{status} instead of the page");
            answer.bytes().await?;
            Ok(())
        })
    }
}
