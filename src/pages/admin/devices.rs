//! Shared devices: the link that marks one, and their end.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Deserialize;

use super::people::Shown;
use super::{Officer, enter, entry, nav, said};
use crate::audit::Event;
use crate::authn::code::Code;
use crate::desk::LINK_LIFETIME;
use crate::pages::reply::{self, see_other};
use crate::pages::view::admin::{AdminDevices, DeviceRow};
use crate::pages::visitor::Visitor;
use crate::pages::{Answer, Pages};
use crate::role::Duty;
use crate::store::StoreError;

const HERE: &str = "/admin/devices";

/// `GET /admin/devices`
pub async fn show(State(pages): State<Arc<Pages>>, visitor: Visitor, Query(shown): Query<Shown>) -> Answer {
    let officer = match enter(&pages, &visitor, Duty::Devices, visitor.target()).await? {
        Ok(officer) => officer,
        Err(answer) => return Ok(answer),
    };
    let page = page(&pages, &visitor, &officer).await?;
    Ok(reply::html(&AdminDevices { notice: said(&visitor, &shown.notice), ..page }))
}

/// `POST /admin/devices`: the link, shown this once.
pub async fn add(State(pages): State<Arc<Pages>>, visitor: Visitor, Form(form): Form<Named>) -> Answer {
    let officer = match enter(&pages, &visitor, Duty::Devices, HERE).await? {
        Ok(officer) => officer,
        Err(answer) => return Ok(answer),
    };
    let name = form.name.trim().to_owned();
    if !(1..=128).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        let page = AdminDevices { name, wrong: true, ..page(&pages, &visitor, &officer).await? };
        return Ok(wrong(&page));
    }
    let code = Code::generate(pages.random.as_ref());
    let expires_at = visitor.arrival.at.plus(LINK_LIFETIME);
    pages.store.invite_device(&name, &code.hash(), expires_at).await?;
    let entry = entry(&visitor, &officer, Event::DeviceInvited).with("device", name.as_str());
    pages.audit.record(entry).await;
    let link = Some(format!("{}/device?code={code}", pages.public.login()));
    Ok(reply::html(&AdminDevices { link, name, ..page(&pages, &visitor, &officer).await? }))
}

/// `POST /admin/devices/remove`
pub async fn remove(State(pages): State<Arc<Pages>>, visitor: Visitor, Form(form): Form<Named>) -> Answer {
    let officer = match enter(&pages, &visitor, Duty::Devices, HERE).await? {
        Ok(officer) => officer,
        Err(answer) => return Ok(answer),
    };
    if !pages.store.remove_device(&form.name).await? {
        return Ok(see_other("/admin/devices?notice=nothing"));
    }
    let entry = entry(&visitor, &officer, Event::DeviceRemoved).with("device", form.name.as_str());
    pages.audit.record(entry).await;
    Ok(see_other("/admin/devices?notice=device-removed"))
}

#[derive(Deserialize)]
pub struct Named {
    #[serde(default)]
    name: String,
}

async fn page(pages: &Pages, visitor: &Visitor, officer: &Officer) -> Result<AdminDevices, StoreError> {
    let devices = pages.store.devices().await?.into_iter();
    let rows = devices.map(|device| DeviceRow { name: device.name, marked: device.marked_at }).collect();
    let nav = nav(pages, visitor, officer, HERE);
    let frame = visitor.frame();
    Ok(AdminDevices { frame, nav, rows, link: None, name: String::new(), wrong: false, notice: None })
}

fn wrong(page: &AdminDevices) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, reply::html(page)).into_response()
}
