//! *Skift kodeord*: by the one there is, or by MitID where that is forgotten or locked.

use std::sync::Arc;
use std::time::Duration;

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Deserialize;

use super::login::{self, follow};
use super::onward::{self, Destination, Fields, Step};
use super::reply::{self, add_cookie, see_other};
use super::view::{LoginError, NewPassword, PasswordElsewhere, PasswordProblem};
use super::visitor::Visitor;
use super::{Answer, Pages};
use crate::audit::{Entry, Event};
use crate::authn::MitIdLevel;
use crate::authn::password::{Overloaded, Unfit, Verdict};
use crate::secret::Secret;
use crate::session::Session;
use crate::session::cookie::{self, Keep, SessionToken};
use crate::store::StoreError;
use crate::store::self_service::{OwnPassword, PasswordChange};

/// How recent MitID must be to stand in for the password there is.
const RESET_FRESH: Duration = Duration::from_secs(5 * 60);

/// The least MitID that does, whatever else is asked of it.
pub const RESET_LEVEL: MitIdLevel = MitIdLevel::Substantial;

/// `GET /me/password`
pub async fn show(State(pages): State<Arc<Pages>>, visitor: Visitor, Query(fields): Query<Fields>) -> Answer {
    let owner = match owner(&pages, &visitor, &fields).await? {
        Ok(owner) => owner,
        Err(answer) => return Ok(answer),
    };
    Ok(reply::html(&owner.page(&pages, &visitor, &fields, Vec::new())))
}

#[derive(Deserialize)]
pub struct Submitted {
    #[serde(default)]
    current: String,
    #[serde(default)]
    new: String,
    #[serde(default)]
    again: String,
    #[serde(flatten)]
    fields: Fields,
}

/// `POST /me/password`
pub async fn submit(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    Form(form): Form<Submitted>,
) -> Answer {
    let Submitted { current, new, again, fields } = form;
    let owner = match owner(&pages, &visitor, &fields).await? {
        Ok(owner) => owner,
        Err(answer) => return Ok(answer),
    };
    let mut problems = Vec::new();
    let mut known = None;
    if !owner.proven {
        match owner.verify(&pages, &visitor, current).await? {
            Ok(device) => known = Some(device),
            Err(error) => problems.push(PasswordProblem::Current(error)),
        }
    }
    let new = Secret::new(new);
    let refuse = |problems| {
        let page = owner.page(&pages, &visitor, &fields, problems);
        let mut response = (status(&page.problems), reply::html(&page)).into_response();
        if let Some(device) = &known {
            add_cookie(&mut response, cookie::DEVICE, &device.value(), Keep::Year);
        }
        Ok(response)
    };
    problems.extend(unfit(&pages, &owner, &new));
    if again != *new.expose() {
        problems.push(PasswordProblem::Different);
    }
    if !problems.is_empty() {
        return refuse(problems);
    }
    // What was read before may have got a stronger hash meanwhile.
    let Some(own) = pages.store.own_password(owner.session.user.id).await? else {
        return refuse(vec![PasswordProblem::Changed]);
    };
    let hashed = match owner.hash(&pages, &own, &new).await? {
        Ok(hashed) => hashed,
        Err(problem) => return refuse(vec![problem]),
    };
    match owner.change(&pages, &visitor, &own, &hashed).await? {
        true => Ok(see_other(&fields.carried().link("/me?notice=password"))),
        false => refuse(vec![PasswordProblem::Changed]),
    }
}

/// Somebody who may change their password.
struct Owner {
    session: Arc<Session>,
    /// By MitID, just now: the password there is need not be known.
    proven: bool,
}

/// The visitor, if they have a password here and have proven enough to change it; or where to go instead.
async fn owner(
    pages: &Pages,
    visitor: &Visitor,
    fields: &Fields,
) -> Result<Result<Owner, Response>, StoreError> {
    let here = Fields::own(pages, &fields.carried().link("/me/password"));
    let destination = Destination::parse(pages, &here);
    let session = match (onward::step(pages, visitor, &destination).await?, &visitor.session) {
        (Step::Go(_), Some(session)) => session.clone(),
        (step, _) => return Ok(Err(follow(step, &here, &destination))),
    };
    match pages.store.own_password(session.user.id).await? {
        Some(own) => {
            let proven = is_proven(pages, visitor, &session, &own);
            Ok(Ok(Owner { session, proven }))
        }
        None => {
            let page = pages.settings().directory_change.clone();
            let (frame, next) = (visitor.frame(), fields.carried());
            Ok(Err(reply::html(&PasswordElsewhere { frame, next, page })))
        }
    }
}

/// One MitID sets one password: whatever was chosen since needs the password itself, or MitID again.
fn is_proven(pages: &Pages, visitor: &Visitor, session: &Session, own: &OwnPassword) -> bool {
    let least = pages.settings().mitid_level.max(RESET_LEVEL);
    session.assurance.mitid.as_ref().is_some_and(|mitid| {
        mitid.level >= least
            && visitor.arrival.at.since(mitid.at) <= RESET_FRESH
            && own.chosen_at.is_none_or(|chosen| chosen < mitid.at)
    })
}

fn unfit(pages: &Pages, owner: &Owner, new: &Secret<String>) -> Vec<PasswordProblem> {
    if new.expose().is_empty() {
        return vec![PasswordProblem::MissingNew];
    }
    let checked = pages.settings().password_rules.check(new, &owner.session.user);
    checked.err().map_or_else(Vec::new, |unfits| unfits.0.into_iter().map(PasswordProblem::Unfit).collect())
}

/// The status of the answer that tells of these.
fn status(problems: &[PasswordProblem]) -> StatusCode {
    let current = problems.iter().find_map(|problem| match problem {
        PasswordProblem::Current(error) => Some(*error),
        _ => None,
    });
    match (current, problems) {
        (Some(LoginError::MissingPassword), _) => StatusCode::UNPROCESSABLE_ENTITY,
        (Some(error), _) => login::status(error),
        (None, [PasswordProblem::Changed]) => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

impl Owner {
    fn page(
        &self,
        pages: &Pages,
        visitor: &Visitor,
        fields: &Fields,
        problems: Vec<PasswordProblem>,
    ) -> NewPassword {
        NewPassword {
            frame: visitor.frame(),
            next: fields.carried(),
            username: self.session.user.username.to_string(),
            proven: self.proven,
            minimum: pages.settings().password_rules.minimum(),
            problems,
        }
    }

    /// An attempt like any other, and counted like one.
    async fn verify(
        &self,
        pages: &Pages,
        visitor: &Visitor,
        current: String,
    ) -> Result<Result<SessionToken, LoginError>, StoreError> {
        if current.is_empty() {
            return Ok(Err(LoginError::MissingPassword));
        }
        let user = &self.session.user;
        let verified = login::verify(pages, visitor, user.username.as_str(), Secret::new(current)).await?;
        Ok(match verified {
            Ok((verified, device)) if verified.id == user.id => Ok(device),
            Ok(_) => Err(LoginError::Wrong),
            Err(login::Turned::Back(refused)) => Err(refused.error),
            // A password of this page is the gateway's own: no directory has a say in it.
            Err(login::Turned::Away(_)) => Err(LoginError::Wrong),
        })
    }

    /// The new one as it is kept, unless it is one of the last ones.
    async fn hash(
        &self,
        pages: &Pages,
        own: &OwnPassword,
        new: &Secret<String>,
    ) -> Result<Result<String, PasswordProblem>, StoreError> {
        let former = match pages.settings().password_rules.history {
            0 => Vec::new(),
            history => {
                let before = pages.store.former_passwords(self.session.user.id, history - 1).await?;
                [own.phc.clone()].into_iter().chain(before).collect()
            }
        };
        let hashed = async {
            for phc in former {
                if pages.passwords.verify(Some(&phc), new).await? != Verdict::Wrong {
                    return Ok(None);
                }
            }
            pages.passwords.hash(new, pages.random.as_ref()).await.map(Some)
        };
        Ok(match hashed.await {
            Ok(Some(hashed)) => Ok(hashed),
            Ok(None) => Err(PasswordProblem::Unfit(Unfit::Used)),
            Err(Overloaded) => Err(PasswordProblem::Current(LoginError::Overloaded)),
        })
    }

    /// `false` if somebody else was faster.
    async fn change(
        &self,
        pages: &Pages,
        visitor: &Visitor,
        own: &OwnPassword,
        hashed: &str,
    ) -> Result<bool, StoreError> {
        let user = &self.session.user;
        let by = if self.proven { "mitid" } else { "password" };
        let told = Entry::new(Event::PasswordSet, &visitor.origin()).user(user).with("by", "self");
        let told = told.with("proven_by", by).into_record();
        // A broker's clock may be ahead of ours: the MitID that was spent is older than what it set, all the same.
        let spent = self.session.assurance.mitid.as_ref().filter(|_| self.proven).map(|mitid| mitid.at);
        let now = pages.clock.now();
        let change = PasswordChange {
            user: user.id,
            old: &own.phc,
            new: hashed,
            at: spent.map_or(now, |spent| spent.max(now)),
            kept: self.session.sign_in.id,
            told: &told,
        };
        let Some(ended) = pages.store.change_password(&change).await? else { return Ok(false) };
        pages.sessions.ended(&ended);
        pages.audit.written(&told);
        Ok(true)
    }
}
