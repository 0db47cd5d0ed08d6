//! The warning before a session ends by idleness.

texts! {
    /// `left` has `{seconds}` in it.
    Idle { title left stay }
}

pub const DA: Idle = Idle {
    title: "Er du her stadig?",
    left: "Du bliver logget ud om {seconds} sekunder, fordi der ikke sker noget.",
    stay: "Fortsæt",
};

pub const EN: Idle = Idle {
    title: "Are you still there?",
    left: "You will be logged out in {seconds} seconds, because nothing is happening.",
    stay: "Continue",
};
