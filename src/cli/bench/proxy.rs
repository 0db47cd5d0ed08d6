//! `sluse bench proxy`: what the gateway adds to a signed-in request.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use reqwest::{Client, header};
use serde::Serialize;
use url::Url;

use super::load::{self, Outcome, Plan};
use super::login::{PaceArgs, login_host};
use super::people;
use super::target::{self, Owned};
use super::times::{self, HEAD, Times};
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
    /// Draw the time taken by percentile
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
    let (through, direct) = alternate(args, http, cookies.into()).await?;
    let figures = Figures {
        added_p50_us: through.quantile(0.5) - direct.quantile(0.5),
        added_p99_us: through.quantile(0.99) - direct.quantile(0.99),
        through: Times::of("through Sluse", &through),
        direct: Times::of("direct", &direct),
    };
    match args.format {
        Format::Json => writeln!(out, "{}", serde_json::to_string(&figures)?)?,
        Format::Human => {
            writeln!(out, "{HEAD}\n{}\n{}", figures.through.row(), figures.direct.row())?;
            let [p50, p99] = [figures.added_p50_us, figures.added_p99_us].map(|time| time / 1000.0);
            writeln!(out, "{:<18} {:>8} {:>7} {:>8} {p50:>9.2} {p99:>9.2}", "added", "", "", "")?;
        }
    }
    if let Some(path) = &args.svg {
        draw(path, &through, &direct)?;
    }
    match through.first_failure.or(direct.first_failure) {
        Some(failure) => Err(Refused(format!("requests failed, the first so: {failure}")).into()),
        None => Ok(()),
    }
}

/// Turn about, so that both meet the same machine.
async fn alternate(
    args: &ProxyArgs,
    http: Client,
    cookies: Arc<[String]>,
) -> anyhow::Result<(Outcome, Outcome)> {
    let Plan { pace, warm_up, window } = args.pace.plan();
    let plan =
        Plan { pace, warm_up: warm_up / u32::from(args.turns), window: window / u32::from(args.turns) };
    let (mut through, mut direct): (Option<Outcome>, Option<Outcome>) = (None, None);
    for _ in 0..args.turns {
        for (all, url) in [(&mut through, &args.app), (&mut direct, &args.upstream)] {
            let outcome = load::drive(plan, requests(&http, url, &cookies)).await?;
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

fn draw(path: &Path, through: &Outcome, direct: &Outcome) -> anyhow::Result<()> {
    let lines = vec![times::line("through Sluse", through), times::line("direct", direct)];
    let chart = times::by_percentile("A signed-in request", lines);
    std::fs::write(path, chart.svg()).with_context(|| format!("`{}` cannot be written", path.display()))
}
