//! `/Groups`.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

use super::{Answer, Endpoint, not_found, object, scim};
use crate::audit::Event;
use crate::provisioning::group;
use crate::provisioning::listing::{self, Asked, Shown};
use crate::provisioning::patch::Operation;
use crate::provisioning::refusal::{Kind, Refusal};
use crate::random;
use crate::store::provisioning::{Group, GroupChange, GroupId, GroupQuery, Page, Provision};
use crate::store::{AuditRecord, StoreError};

pub async fn list(State(endpoint): State<Arc<Endpoint>>, Query(asked): Query<Asked>) -> Answer {
    let (page, shown) = (asked.page()?, asked.shown()?);
    let query = match asked.filter()? {
        Some(filter) => group::query(&filter)?,
        None => Some(GroupQuery::default()),
    };
    let (total, groups) = match query {
        Some(query) => endpoint.store.find_groups(&GroupQuery { page, ..query }).await?,
        None => (0, Vec::new()),
    };
    let resources = endpoint.shown(&groups, &shown).await?;
    Ok(scim(StatusCode::OK, &listing::list(page, total, resources)))
}

pub async fn add(State(endpoint): State<Arc<Endpoint>>, Query(asked): Query<Asked>, body: Bytes) -> Answer {
    let shown = asked.shown()?;
    let GroupChange { name, external_id, members } = group::read(&object(&body)?)?;
    let group = Group {
        id: GroupId(random::uuid(endpoint.random.as_ref())),
        name: name.unwrap_or_default(),
        external_id: external_id.flatten(),
        created_at: endpoint.clock.now(),
    };
    let (told, each) = endpoint.told(Event::GroupAdded, &group);
    done(&endpoint, &told, &endpoint.store.add_group(&group, &members, &told, &each).await?)?;
    let resource = endpoint.shown(&[group], &shown).await?.into_iter().next();
    Ok(scim(StatusCode::CREATED, &resource.ok_or_else(not_found)?))
}

pub async fn show(
    State(endpoint): State<Arc<Endpoint>>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer {
    let group = endpoint.group(&id).await?;
    let resource = endpoint.shown(&[group], &asked.shown()?).await?.into_iter().next();
    Ok(scim(StatusCode::OK, &resource.ok_or_else(not_found)?))
}

pub async fn replace(
    State(endpoint): State<Arc<Endpoint>>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    body: Bytes,
) -> Answer {
    let (shown, change) = (asked.shown()?, group::read(&object(&body)?)?);
    endpoint.change_group(&id, &change).await?;
    let group = endpoint.group(&id).await?;
    let resource = endpoint.shown(&[group], &shown).await?.into_iter().next();
    Ok(scim(StatusCode::OK, &resource.ok_or_else(not_found)?))
}

/// Answers nothing but that it is done: a group may have thousands of members.
pub async fn patch(State(endpoint): State<Arc<Endpoint>>, Path(id): Path<String>, body: Bytes) -> Answer {
    let change = group::change(&Operation::parse_all(&object(&body)?.into())?)?;
    endpoint.change_group(&id, &change).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub async fn remove(State(endpoint): State<Arc<Endpoint>>, Path(id): Path<String>) -> Answer {
    let group = endpoint.group(&id).await?;
    let (told, each) = endpoint.told(Event::GroupRemoved, &group);
    done(&endpoint, &told, &endpoint.store.remove_group(group.id, &told, &each).await?)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

impl Endpoint {
    async fn group(&self, id: &str) -> Result<Group, Refusal> {
        let id = Some(id.parse().map(GroupId).map_err(|_| not_found())?);
        let query = GroupQuery { id, page: Page { offset: 0, limit: 1 }, ..GroupQuery::default() };
        let (_, groups) = self.store.find_groups(&query).await?;
        groups.into_iter().next().ok_or_else(not_found)
    }

    async fn change_group(&self, id: &str, change: &GroupChange) -> Result<(), Refusal> {
        let group = self.group(id).await?;
        if *change == GroupChange::default() {
            return Ok(());
        }
        let (told, each) = self.told(Event::GroupChanged, &group);
        done(self, &told, &self.store.change_group(group.id, change, &told, &each).await?)
    }

    /// What is shown of each group. Members are looked for once, and only where they are.
    async fn shown(&self, groups: &[Group], shown: &Shown) -> Result<Vec<Value>, StoreError> {
        let names: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
        let members = match shown.has("members") {
            true => Some(self.store.members(&names).await?),
            false => None,
        };
        let render = |group| shown.of(group::render(group, members.as_deref()));
        Ok(groups.iter().map(render).collect())
    }

    /// What is told of the group, and of everybody whose groups change.
    fn told(&self, event: Event, group: &Group) -> (AuditRecord, AuditRecord) {
        let told = self.entry(event).with("group", group.name.as_str()).with("id", group.id.0.to_string());
        let each = self.entry(Event::UserChanged).with("changed", vec!["groups"]);
        (told.into_record(), each.into_record())
    }
}

fn done(endpoint: &Endpoint, told: &AuditRecord, what: &Provision) -> Result<(), Refusal> {
    match what {
        Provision::Done { .. } => {
            endpoint.audit.written(told);
            Ok(())
        }
        Provision::NameTaken => Err(Refusal::new(Kind::Uniqueness, "another group has this `displayName`")),
        Provision::ExternalIdTaken => {
            Err(Refusal::new(Kind::Uniqueness, "another group has this `externalId`"))
        }
        Provision::NoSuchMember(id) => {
            Err(Refusal::new(Kind::InvalidValue, format!("there is no person with the id `{id}`")))
        }
        Provision::Gone | Provision::Stale => Err(not_found()),
    }
}
