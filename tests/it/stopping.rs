//! SIGTERM: what is under way is finished, nothing new is begun, and it takes ten seconds at most.

use std::sync::Arc;

use sluse::server::GRACE;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::harness::{Gateway, Installation};
use crate::origin::{Answer, Origin};
use crate::raw::Connection;
use crate::wait::until;

#[tokio::test]
async fn a_request_in_flight_is_finished() {
    let answered = Arc::new(Notify::new());
    let (_origin, installation, gateway, mut connection) = held(answered.clone()).await;
    gateway.tell_to_stop();
    until("nothing new to be begun", async || match TcpStream::connect(installation.listen).await {
        Err(_) => Ok(()),
        Ok(_) => Err("it still listens".into()),
    })
    .await;
    answered.notify_one();
    let reply = connection.reply().await;
    assert_eq!((reply.status, &reply.json()["request_line"]), (200, &"GET /assets/slow HTTP/1.1".into()));
    assert_eq!(gateway.ended().await.code(), Some(0));
}

#[tokio::test]
async fn a_request_that_never_ends_keeps_nobody() {
    let (_origin, _installation, gateway, mut connection) = held(Arc::new(Notify::new())).await;
    gateway.tell_to_stop();
    assert_eq!(gateway.ended().await.code(), Some(0));
    connection.closed().await;
}

#[tokio::test]
async fn with_nothing_under_way_there_is_nothing_to_wait_for() {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    let gateway = installation.serve().await;
    // A browser keeps its connection for later.
    let mut idle = Connection::open(installation.listen).await;
    idle.send(request(&installation, "/assets/a")).await;
    assert_eq!(idle.reply().await.status, 200);
    gateway.tell_to_stop();
    let ended = tokio::time::timeout(GRACE, gateway.ended()).await;
    assert_eq!(ended.expect("it waited all its grace for nobody").code(), Some(0));
    idle.closed().await;
}

/// A gateway with one request that its origin has, and does not answer before the notice.
async fn held(answered: Arc<Notify>) -> (Origin, Installation, Gateway, Connection) {
    let origin = Origin::start(move |_| Answer::Held(answered.clone())).await;
    let installation = Installation::new(&origin);
    let gateway = installation.serve().await;
    let mut connection = Connection::open(installation.listen).await;
    connection.send(request(&installation, "/assets/slow")).await;
    origin.request("/assets/slow").await;
    (origin, installation, gateway, connection)
}

fn request(installation: &Installation, target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: cura.localhost:{}\r\n\r\n", installation.listen.port())
}
