//! `/Users`.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};

use super::{Answer, Endpoint, check_match, names, not_found, object, scim};
use crate::audit::Event;
use crate::provisioning::listing::{self, Asked};
use crate::provisioning::patch::{self, Operation};
use crate::provisioning::refusal::{Kind, Refusal};
use crate::provisioning::user;
use crate::random;
use crate::store::StoreError;
use crate::store::provisioning::{PeopleQuery, Provision, Provisioned};
use crate::user::UserId;

/// How often a change is tried where others change the same person at the same time.
const TRIES: usize = 5;

pub async fn list(State(endpoint): State<Arc<Endpoint>>, Query(asked): Query<Asked>) -> Answer {
    let (page, shown) = (asked.page()?, asked.shown()?);
    let query = match asked.filter()? {
        Some(filter) => user::query(&filter)?,
        None => Some(PeopleQuery::default()),
    };
    let (total, people) = match query {
        Some(query) => endpoint.store.find_people(&PeopleQuery { page, ..query }).await?,
        None => (0, Vec::new()),
    };
    let mut names: Vec<String> = people.iter().flat_map(|person| person.user.groups.clone()).collect();
    names.sort();
    names.dedup();
    let groups = endpoint.store.groups_named(&names).await?;
    let resources = people.iter().map(|person| shown.of(user::render(person, &groups, &endpoint.settings)));
    Ok(scim(StatusCode::OK, &listing::list(page, total, resources.collect())))
}

pub async fn add(State(endpoint): State<Arc<Endpoint>>, Query(asked): Query<Asked>, body: Bytes) -> Answer {
    let shown = asked.shown()?;
    let id = UserId(random::uuid(endpoint.random.as_ref()));
    let nobody = user::nobody(id, endpoint.clock.now());
    let person = user::read(&object(&body)?, &nobody, &endpoint.settings, &endpoint.keys)?;
    let told = endpoint.entry(Event::UserAdded).user(&person.user).into_record();
    match endpoint.store.add_provisioned(&person, &told).await? {
        Provision::Done { .. } => {
            endpoint.audit.written(&told);
            let resource = endpoint.render(&person).await?;
            Ok(scim(StatusCode::CREATED, &shown.of(resource)))
        }
        other => Err(refused(&other)),
    }
}

pub async fn show(
    State(endpoint): State<Arc<Endpoint>>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Answer {
    let shown = asked.shown()?;
    let person = endpoint.person(&id).await?;
    let resource = endpoint.render(&person).await?;
    let known = headers.get(header::IF_NONE_MATCH);
    if known.is_some_and(|tags| names(tags, resource["meta"]["version"].as_str().unwrap_or_default())) {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    Ok(scim(StatusCode::OK, &shown.of(resource)))
}

pub async fn replace(
    State(endpoint): State<Arc<Endpoint>>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let shown = asked.shown()?;
    let body = object(&body)?;
    let changed = endpoint.change(&id, &headers, |_| Ok(body.clone())).await?;
    Ok(scim(StatusCode::OK, &shown.of(changed)))
}

pub async fn patch(
    State(endpoint): State<Arc<Endpoint>>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let shown = asked.shown()?;
    let operations = Operation::parse_all(&object(&body)?.into())?;
    let patched = |mut resource: Map<String, Value>| {
        patch::apply(&mut resource, &operations, |name| user::mutability(name, &endpoint.settings))?;
        Ok(resource)
    };
    let changed = endpoint.change(&id, &headers, patched).await?;
    Ok(scim(StatusCode::OK, &shown.of(changed)))
}

pub async fn remove(
    State(endpoint): State<Arc<Endpoint>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let person = endpoint.person(&id).await?;
    let resource = endpoint.render(&person).await?;
    check_match(&headers, resource["meta"]["version"].as_str().unwrap_or_default())?;
    let told = endpoint.entry(Event::UserRemoved).user(&person.user).into_record();
    endpoint.store.remove_user(person.user.id, &told).await?.ok_or_else(not_found)?;
    endpoint.audit.written(&told);
    Ok(StatusCode::NO_CONTENT.into_response())
}

impl Endpoint {
    async fn person(&self, id: &str) -> Result<Provisioned, Refusal> {
        let id = id.parse().map(UserId).map_err(|_| not_found())?;
        self.store.provisioned(id).await?.ok_or_else(not_found)
    }

    async fn render(&self, person: &Provisioned) -> Result<Value, StoreError> {
        let groups = self.store.groups_named(&person.user.groups).await?;
        Ok(user::render(person, &groups, &self.settings))
    }

    /// Makes the person what `change` makes of their resource; the resource as it then is. Nothing is written,
    /// and nothing told, where that is no change.
    async fn change(
        &self,
        id: &str,
        headers: &HeaderMap,
        change: impl Fn(Map<String, Value>) -> Result<Map<String, Value>, Refusal>,
    ) -> Result<Value, Refusal> {
        for _ in 0..TRIES {
            let before = self.person(id).await?;
            let resource = self.render(&before).await?;
            check_match(headers, resource["meta"]["version"].as_str().unwrap_or_default())?;
            let wanted = change(resource.as_object().cloned().unwrap_or_default())?;
            let after = user::read(&wanted, &before, &self.settings, &self.keys)?;
            if after == before {
                return Ok(resource);
            }
            let event = match (before.user.disabled, after.user.disabled) {
                (false, true) => Event::UserDisabled,
                (true, false) => Event::UserEnabled,
                _ => Event::UserChanged,
            };
            let entry = self.entry(event).user(&after.user).with("changed", user::changed(&before, &after));
            let told = entry.into_record();
            match self.store.change_provisioned(&before, &after, &told).await? {
                Provision::Done { .. } => {
                    self.audit.written(&told);
                    return Ok(self.render(&after).await?);
                }
                Provision::Stale => {}
                other => return Err(refused(&other)),
            }
        }
        Err(Refusal::new(Kind::Busy, "others are changing this person: try again"))
    }
}

fn refused(why: &Provision) -> Refusal {
    match why {
        Provision::NameTaken => Refusal::new(Kind::Uniqueness, "somebody else has this `userName`"),
        Provision::ExternalIdTaken => Refusal::new(Kind::Uniqueness, "somebody else has this `externalId`"),
        _ => not_found(),
    }
}
