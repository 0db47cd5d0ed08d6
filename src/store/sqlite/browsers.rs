//! Known browsers: the counters of their own are what is kept of them.

use async_trait::async_trait;

use super::{Sqlite, attempts};
use crate::store::browsers::Browsers;
use crate::store::{Result, TokenHash};
use crate::time::Timestamp;
use crate::user::Username;

#[async_trait]
impl Browsers for Sqlite {
    async fn know_browser(&self, name: &Username, browser: &TokenHash, now: Timestamp) -> Result<bool> {
        let mut write = self.begin().await?;
        let new = attempts::know(&mut write, name, browser, now).await?;
        write.commit().await?;
        Ok(new)
    }
}
