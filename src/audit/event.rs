//! What is worth a row.

macro_rules! events {
    ($($name:ident $code:literal,)*) => {
        /// Everything worth a row. The code is what administrators search for.
        #[derive(Copy, Clone, Debug, Eq, PartialEq)]
        pub enum Event {
            $($name,)*
        }

        impl Event {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }
        }
    };
}

events! {
    PasswordVerified "password-verified",
    PasswordWrong "password-wrong",
    PasswordSet "password-set",
    PasswordOverload "password-overload",
    UserAdded "user-added",
    UserChanged "user-changed",
    UserDisabled "user-disabled",
    UserEnabled "user-enabled",
    UserRemoved "user-removed",
    UserInvited "user-invited",
    AccountLocked "account-locked",
    AccountUnlocked "account-unlocked",
    AccountInactive "account-inactive",
    MitIdVerified "mitid-verified",
    MitIdRefused "mitid-refused",
    MitIdAborted "mitid-aborted",
    MitIdBound "mitid-bound",
    KeyRegistered "key-registered",
    KeyRegistrationRefused "key-registration-refused",
    KeyVerified "key-verified",
    KeyRefused "key-refused",
    KeySuspect "key-suspect",
    KeyRenamed "key-renamed",
    KeyDeleted "key-deleted",
    CodeRefused "code-refused",
    SpareKeyAdded "spare-key-added",
    SpareKeyRemoved "spare-key-removed",
    SpareKeyLent "spare-key-lent",
    SpareKeyReturned "spare-key-returned",
    SpareKeyRefused "spare-key-refused",
    ColleagueVouched "colleague-vouched",
    ColleagueRefused "colleague-refused",
    PapersSeen "papers-seen",
    DutyRefused "duty-refused",
    SessionHandedOff "session-handed-off",
    HandOffRefused "hand-off-refused",
    LoggedOut "logged-out",
    RequestDenied "request-denied",
    GlassBroken "glass-broken",
    GlassUsed "glass-used",
    GlassClosed "glass-closed",
    GlassRefused "glass-refused",
    CrossSiteRefused "cross-site-refused",
    DeviceInvited "device-invited",
    DeviceMarked "device-marked",
    DeviceRefused "device-refused",
    DeviceRemoved "device-removed",
    GroupAdded "group-added",
    GroupChanged "group-changed",
    GroupRemoved "group-removed",
    PolicyLoaded "policy-loaded",
    PolicyRefused "policy-refused",
    AuditForgotten "audit-forgotten",
    PasswordGuessing "password-guessing",
    BrowserNew "browser-new",
    ManyLockouts "many-lockouts",
    TellingGivenUp "telling-given-up",
    KeyPreferred "key-preferred",
    TermsAccepted "terms-accepted",
    AdminRefused "admin-refused",
    ActionAsked "action-asked",
    ActionConfirmed "action-confirmed",
    ActionRefused "action-refused",
    ActionWithdrawn "action-withdrawn",
    AuditExported "audit-exported",
}
