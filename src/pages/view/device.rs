//! Marking a device that many people use.

use askama::Template;

use super::Frame;

/// `/device`: *Fælles enhed*.
#[derive(Template)]
#[template(path = "device.html")]
pub struct Device {
    pub frame: Frame,
    pub state: Marking,
}

pub enum Marking {
    /// Holds the link's code.
    Ask(String),
    /// Holds the device's name.
    Done(String),
    /// The link is unknown, used or too old.
    Refused,
}

impl Device {
    fn title(&self) -> &'static str {
        let t = &self.frame.t().device;
        match self.state {
            Marking::Ask(_) => t.title,
            Marking::Done(_) => t.done,
            Marking::Refused => t.refused,
        }
    }

    fn asks(&self) -> bool {
        matches!(self.state, Marking::Ask(_))
    }
}
