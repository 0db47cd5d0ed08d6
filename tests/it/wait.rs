//! Waiting for something to become true: a condition polled until a deadline, never a guess at how long.

use std::time::Duration;

/// Generous: reaching it means that the thing waited for will not happen, not that the machine is slow.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Between two looks.
pub const PAUSE: Duration = Duration::from_millis(20);

/// Polls `probe` until it gives a value. Its latest `Err` says what was still missing at the deadline.
pub async fn until<T>(what: &str, mut probe: impl AsyncFnMut() -> Result<T, String>) -> T {
    let mut missing = String::from("not asked yet");
    let polling = async {
        loop {
            match probe().await {
                Ok(value) => return value,
                Err(why) => missing = why,
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    match tokio::time::timeout(DEADLINE, polling).await {
        Ok(value) => value,
        Err(_) => panic!("waited {DEADLINE:?} for {what}: {missing}"),
    }
}

/// `work`'s value, or a panic that names it when it does not end.
pub async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, work)
        .await
        .unwrap_or_else(|_| panic!("{what} took longer than {DEADLINE:?}"))
}
